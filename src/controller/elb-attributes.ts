/** Attributes of load balancers and target groups whose values are known. */
import {
  createAttributesValidator,
  createChoiceValidator,
  createIntegerValidator,
  createZeroOrIntegerValidator,
  validateBoolean,
} from './annotation-validators.ts'

/** Source: ELBv2, LoadBalancerAttribute. */
export const validateLoadBalancerAttributes = createAttributesValidator({
  'access_logs.s3.enabled': validateBoolean,
  'client_keep_alive.seconds': createIntegerValidator(60, 604_800),
  'connection_logs.s3.enabled': validateBoolean,
  'deletion_protection.enabled': validateBoolean,
  'routing.http.desync_mitigation_mode': createChoiceValidator('monitor', 'defensive', 'strictest'),
  'routing.http.drop_invalid_header_fields.enabled': validateBoolean,
  'routing.http.preserve_host_header.enabled': validateBoolean,
  'waf.fail_open.enabled': validateBoolean,
  'zonal_shift.config.enabled': validateBoolean,
})

/** Source: ELBv2, TargetGroupAttribute. */
export const validateTargetGroupAttributes = createAttributesValidator({
  'deregistration_delay.timeout_seconds': createIntegerValidator(0, 3600),
  'load_balancing.algorithm.type': createChoiceValidator(
    'round_robin',
    'least_outstanding_requests',
    'weighted_random',
  ),
  'load_balancing.cross_zone.enabled': createChoiceValidator(
    'true',
    'false',
    'use_load_balancer_configuration',
  ),
  'slow_start.duration_seconds': createZeroOrIntegerValidator(30, 900),
  'stickiness.enabled': validateBoolean,
  'stickiness.lb_cookie.duration_seconds': createIntegerValidator(1, 604_800),
})
