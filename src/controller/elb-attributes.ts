/** Attributes of load balancers and target groups whose values are known. */
import { attributeList, boolean, integer, oneOf, zeroOrInteger } from './annotation-validators.ts'

/** Source: ELBv2, LoadBalancerAttribute. */
export const loadBalancerAttributes = attributeList({
  'access_logs.s3.enabled': boolean,
  'client_keep_alive.seconds': integer(60, 604_800),
  'connection_logs.s3.enabled': boolean,
  'deletion_protection.enabled': boolean,
  'routing.http.desync_mitigation_mode': oneOf('monitor', 'defensive', 'strictest'),
  'routing.http.drop_invalid_header_fields.enabled': boolean,
  'routing.http.preserve_host_header.enabled': boolean,
  'waf.fail_open.enabled': boolean,
  'zonal_shift.config.enabled': boolean,
})

/** Source: ELBv2, TargetGroupAttribute. */
export const targetGroupAttributes = attributeList({
  'deregistration_delay.timeout_seconds': integer(0, 3600),
  'load_balancing.algorithm.type': oneOf(
    'round_robin',
    'least_outstanding_requests',
    'weighted_random',
  ),
  'load_balancing.cross_zone.enabled': oneOf('true', 'false', 'use_load_balancer_configuration'),
  'slow_start.duration_seconds': zeroOrInteger(30, 900),
  'stickiness.enabled': boolean,
  'stickiness.lb_cookie.duration_seconds': integer(1, 604_800),
})
