/** The attributes of load balancers and target groups. */
import { createElbError } from './elbv2-lookup.ts'
import { getString, type Fields } from './fields.ts'

/**
 * The attributes of a load balancer with their defaults. Source: User guide, "Edit attributes for
 * your Application Load Balancer".
 */
export const loadBalancerAttributes: Readonly<Record<string, string>> = {
  'access_logs.s3.enabled': 'false',
  'access_logs.s3.bucket': '',
  'access_logs.s3.prefix': '',
  'client_keep_alive.seconds': '3600',
  'connection_logs.s3.enabled': 'false',
  'connection_logs.s3.bucket': '',
  'connection_logs.s3.prefix': '',
  'deletion_protection.enabled': 'false',
  'idle_timeout.timeout_seconds': '60',
  'load_balancing.cross_zone.enabled': 'true',
  'routing.http.desync_mitigation_mode': 'defensive',
  'routing.http.drop_invalid_header_fields.enabled': 'false',
  'routing.http.preserve_host_header.enabled': 'false',
  'routing.http.x_amzn_tls_version_and_cipher_suite.enabled': 'false',
  'routing.http.xff_client_port.enabled': 'false',
  'routing.http.xff_header_processing.mode': 'append',
  'routing.http2.enabled': 'true',
  'waf.fail_open.enabled': 'false',
  'zonal_shift.config.enabled': 'false',
}

/**
 * The attributes of a target group with their defaults. Source: User guide, "Target group
 * attributes".
 */
export const targetGroupAttributes: Readonly<Record<string, string>> = {
  'deregistration_delay.timeout_seconds': '300',
  'load_balancing.algorithm.anomaly_mitigation': 'off',
  'load_balancing.algorithm.type': 'round_robin',
  'load_balancing.cross_zone.enabled': 'use_load_balancer_configuration',
  'slow_start.duration_seconds': '0',
  'stickiness.app_cookie.cookie_name': '',
  'stickiness.app_cookie.duration_seconds': '86400',
  'stickiness.enabled': 'false',
  'stickiness.lb_cookie.duration_seconds': '86400',
  'stickiness.type': 'lb_cookie',
  'target_group_health.dns_failover.minimum_healthy_targets.count': '1',
  'target_group_health.dns_failover.minimum_healthy_targets.percentage': 'off',
  'target_group_health.unhealthy_state_routing.minimum_healthy_targets.count': '1',
  'target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage': 'off',
}

/** The ranges of numeric attributes. */
const attributeRanges: Readonly<Record<string, readonly [min: number, max: number]>> = {
  'idle_timeout.timeout_seconds': [1, 4000],
  'client_keep_alive.seconds': [60, 604_800],
}

function checkAttribute(
  kind: string,
  defaults: Readonly<Record<string, string>>,
  key: string,
  value: string,
): void {
  if (!(key in defaults))
    throw createElbError('ValidationError', `${kind} attribute key '${key}' is not recognized`)
  const [min, max] = attributeRanges[key] ?? [-Infinity, Infinity]
  const isOutOfRange = key in attributeRanges && !(Number(value) >= min && Number(value) <= max)
  const booleanValues = ['true', 'false']
  if (
    isOutOfRange ||
    (booleanValues.includes(defaults[key] ?? '') && !booleanValues.includes(value))
  ) {
    throw createElbError(
      'ValidationError',
      `${kind} attribute value '${value}' for key '${key}' is not valid`,
    )
  }
}

/**
 * Sets attributes of a load balancer or target group.
 * @throws AwsError for unknown names and invalid values
 */
export function setAttributes(
  kind: string,
  attributes: Map<string, string>,
  defaults: Readonly<Record<string, string>>,
  requested: readonly Fields[],
): void {
  const pairs = requested.map(
    (attribute) =>
      [getString(attribute, 'Key') ?? '', getString(attribute, 'Value') ?? ''] as const,
  )
  for (const [key, value] of pairs) checkAttribute(kind, defaults, key, value)
  for (const [key, value] of pairs) attributes.set(key, value)
}
