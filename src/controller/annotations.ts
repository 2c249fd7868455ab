/**
 * The annotations that the AWS Load Balancer Controller reads from an Ingress, and their values, as
 * far as they can be validated before the controller or ELB rejects them. Source: AWS Load Balancer
 * Controller v3.5.0, docs/guide/ingress/annotations.md, pkg/annotations/parser.go and pkg/ingress;
 * the limits of the ELBv2 API.
 */
import { findNearest } from '../util/nearest.ts'
import {
  anyValue,
  attributeList,
  boolean,
  grpcCodes,
  integer,
  json,
  mutualAuthentication,
  nonEmptyList,
  oneOf,
  truncateForError,
  zeroOrInteger,
  type Validator,
} from './annotation-validators.ts'

/** The prefix of the controller's annotations. */
export const annotationPrefix = 'alb.ingress.kubernetes.io/'

/** Source: ELBv2, LoadBalancerAttribute. */
const loadBalancerAttributes = attributeList({
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
const targetGroupAttributes = attributeList({
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

const authType: Validator = (value) =>
  value === 'none'
    ? undefined
    : 'does not work with gRPC: the ALB would redirect calls to a login page'

const healthCheckPath: Validator = (value) => {
  if (!value.startsWith('/')) return 'does not begin with a slash'
  return value.length <= 1024 ? undefined : 'is longer than 1024 characters'
}

const capacity: Validator = (value) =>
  /^CapacityUnits=\d+$/.test(value) ? undefined : 'is not CapacityUnits=NUMBER'

const webAclArn: Validator = (value) =>
  value === 'none' || /^arn:aws[a-z-]*:wafv2:[a-z0-9-]+:\d{12}:regional\/webacl\//.test(value)
    ? undefined
    : 'is neither none nor the ARN of a regional WAFv2 web ACL ' +
      '(arn:aws:wafv2:REGION:ACCOUNT:regional/webacl/NAME/ID)'

/** The annotations of an Ingress, without their prefix, by feature. */
const annotationValidators: Readonly<Record<string, Validator>> = {
  // Load balancer
  'group.name': anyValue,
  'group.order': integer(-1000, 1000),
  'ip-address-type': oneOf('ipv4', 'dualstack', 'dualstack-without-public-ipv4'),
  'ipam-ipv4-pool-id': anyValue,
  'load-balancer-attributes': loadBalancerAttributes,
  'load-balancer-capacity-reservation': anyValue,
  'load-balancer-name': anyValue,
  'minimum-load-balancer-capacity': capacity,
  scheme: anyValue,
  tags: anyValue,

  // Network
  'customer-owned-ipv4-pool': anyValue,
  'inbound-cidrs': anyValue,
  'manage-backend-security-group-rules': boolean,
  'security-group-prefix-lists': nonEmptyList,
  'security-groups': anyValue,
  subnets: anyValue,

  // Listeners and TLS
  'acm-pca-arn': anyValue,
  'certificate-arn': anyValue,
  'create-acm-cert': boolean,
  'listen-ports': anyValue,
  'listener-attributes': attributeList({}),
  'mutual-authentication': mutualAuthentication,
  'ssl-policy': anyValue,
  'ssl-redirect': integer(1, 65_535),

  // Rules
  actions: anyValue,
  conditions: anyValue,
  transforms: anyValue,
  'use-regex-path-match': boolean,

  // Authentication
  'auth-idp-cognito': json,
  'auth-idp-oidc': json,
  'auth-on-unauthenticated-request': oneOf('authenticate', 'allow', 'deny'),
  'auth-scope': anyValue,
  'auth-session-cookie': anyValue,
  'auth-session-timeout': integer(1, 604_800),
  'auth-type': authType,
  'jwt-validation': json,

  // Targets
  'backend-protocol': oneOf('HTTP', 'HTTPS'),
  'backend-protocol-version': anyValue,
  'multi-cluster-target-group': boolean,
  'target-control-port': anyValue,
  'target-group-attributes': targetGroupAttributes,
  'target-node-labels': attributeList({}),
  'target-type': anyValue,

  // Health checks. Source: ELBv2, CreateTargetGroup
  'healthcheck-interval-seconds': integer(5, 300),
  'healthcheck-path': healthCheckPath,
  'healthcheck-port': anyValue,
  'healthcheck-protocol': oneOf('HTTP', 'HTTPS'),
  'healthcheck-timeout-seconds': integer(2, 120),
  'healthy-threshold-count': integer(2, 10),
  'success-codes': grpcCodes,
  'unhealthy-threshold-count': integer(2, 10),

  // Protection
  'shield-advanced-protection': boolean,
  'waf-acl-id': anyValue,
  'wafv2-acl-arn': webAclArn,
  'wafv2-acl-name': anyValue,
  'web-acl-id': anyValue,

  // NLB in front of the ALB
  'enable-frontend-nlb': boolean,
  'frontend-nlb': anyValue,
  'frontend-nlb-attributes': attributeList({}),
  'frontend-nlb-eip-allocations': nonEmptyList,
  'frontend-nlb-healthcheck-healthy-threshold-count': anyValue,
  'frontend-nlb-healthcheck-interval-seconds': anyValue,
  'frontend-nlb-healthcheck-path': anyValue,
  'frontend-nlb-healthcheck-port': anyValue,
  'frontend-nlb-healthcheck-protocol': anyValue,
  'frontend-nlb-healthcheck-success-codes': anyValue,
  'frontend-nlb-healthcheck-timeout-seconds': anyValue,
  'frontend-nlb-healthcheck-unhealthy-threshold-count': anyValue,
  'frontend-nlb-listener-port-mapping': anyValue,
  'frontend-nlb-scheme': oneOf('internal', 'internet-facing'),
  'frontend-nlb-security-groups': nonEmptyList,
  'frontend-nlb-subnets': nonEmptyList,
  'frontend-nlb-tags': attributeList({}),
}

/** Annotations with a suffix of the user: `actions.NAME`, `listener-attributes.HTTPS-443`. */
const suffixedAnnotations =
  /^(actions|conditions|transforms|listener-attributes|target-control-port)\..+/

function findValidator(key: string): Validator | undefined {
  const name = key.slice(annotationPrefix.length)
  if (Object.hasOwn(annotationValidators, name)) return annotationValidators[name]
  const [, baseName = ''] = suffixedAnnotations.exec(name) ?? []
  return annotationValidators[baseName]
}

/** Source: Kubernetes, "Annotations", syntax and character set. */
export const isAnnotationKey = (key: string): boolean =>
  /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/.test(
    key,
  )

/** What the controller or ELB would reject, each as `KEY is "VALUE", which …`. */
export function validateAnnotations(annotations: Readonly<Record<string, string>>): string[] {
  const problems: string[] = []
  for (const [key, value] of Object.entries(annotations)) {
    const problem = key.startsWith(annotationPrefix) ? findValidator(key)?.(value) : undefined
    if (problem === undefined) continue
    const shownValue = truncateForError(JSON.stringify(value))
    problems.push(`${truncateForError(key)} is ${shownValue}, which ${problem}`)
  }
  return problems
}

/** An annotation under the controller's prefix that the controller ignores. */
export interface UnknownAnnotation {
  readonly key: string
  /** The key that may be meant. */
  readonly suggestion: string | undefined
}

export function findUnknownAnnotations(
  annotations: Readonly<Record<string, string>>,
): UnknownAnnotation[] {
  return Object.keys(annotations)
    .filter((key) => key.startsWith(annotationPrefix) && findValidator(key) === undefined)
    .map((key) => ({ key, suggestion: suggestKey(key) }))
}

/** Edits by which a misspelled annotation may differ from the one that is meant. */
const maxSuggestionDistance = 3

function suggestKey(key: string): string | undefined {
  const name = key.slice(annotationPrefix.length)
  const nearest = findNearest(name, Object.keys(annotationValidators), maxSuggestionDistance)
  return nearest && annotationPrefix + nearest
}
