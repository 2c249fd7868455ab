/**
 * Annotations of the Ingress that the user gives beside the inputs: those that the controller or
 * ELB would refuse are found here. Source: AWS Load Balancer Controller v3.5.0,
 * docs/guide/ingress/annotations.md, pkg/annotations/parser.go and pkg/ingress; the ELBv2 API's
 * limits.
 */

/** The prefix of the controller's annotations. */
export const annotationPrefix = 'alb.ingress.kubernetes.io/'

/** A text as it is, or that it is too long to be shown: a piece of it might be one of a secret. */
const truncateForError = (text: string): string =>
  text.length > 80 ? `(${text.length} characters)` : text

/**
 * What is wrong with a value, continuing `KEY is "VALUE", which ...`; undefined when nothing is.
 */
type Validator = (value: string) => string | undefined

const anyValue: Validator = () => undefined

const oneOf =
  (...words: readonly string[]): Validator =>
  (value) =>
    words.includes(value) ? undefined : `is not one of ${words.join(', ')}`

const boolean = oneOf('true', 'false')

const integer =
  (min: number, max: number): Validator =>
  (value) =>
    /^-?\d{1,9}$/.test(value) && Number(value) >= min && Number(value) <= max
      ? undefined
      : `is not a whole number from ${min} to ${max}`

const json: Validator = (value) => {
  try {
    JSON.parse(value)
    return undefined
  } catch {
    return 'is not JSON'
  }
}

/** Source: the controller's annotations.md and model_build_listener.go, mutual-authentication. */
const mutualAuthentication: Validator = (value) => {
  const entries = parseMutualAuthentication(value)
  if (!entries)
    return 'is not a JSON list such as [{"port": 443, "mode": "verify", "trustStore": "NAME"}]'
  const problems = entries.flatMap(({ port, mode, trustStore }) => [
    ...(Number.isInteger(port) ? [] : ['has an entry without a port']),
    ...(['off', 'passthrough', 'verify'].includes(mode ?? '')
      ? []
      : [
          `has mode ${truncateForError(JSON.stringify(mode ?? ''))}, which is not off, passthrough or verify`,
        ]),
    ...(mode === 'verify' && !trustStore ? ['has mode verify without a trustStore'] : []),
  ])
  return problems.length > 0 ? problems.slice(0, 3).join(', and ') : undefined
}

/** @returns undefined when it is no list of objects */
export function parseMutualAuthentication(
  value: string,
): { port?: number; mode?: string; trustStore?: string }[] | undefined {
  if (json(value) !== undefined) return undefined
  const parsed = JSON.parse(value) as unknown
  return Array.isArray(parsed) &&
    parsed.every((entry) => typeof entry === 'object' && entry !== null)
    ? (parsed as { port?: number; mode?: string; trustStore?: string }[])
    : undefined
}

const nonEmptyList: Validator = (value) =>
  value.split(',').some((entry) => entry.trim() !== '') ? undefined : 'is an empty list'

/**
 * `key=value,key=value`, as the controller splits it: a comma in a value is written `\,`.
 * @returns undefined when it is no such list
 */
export function parseAttributes(value: string): [string, string][] | undefined {
  const entries = value
    .split(/(?<!\\),/)
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
  const keyValues = entries.map((entry): [string, string] => [
    entry.slice(0, Math.max(0, entry.indexOf('='))).trim(),
    entry.slice(entry.indexOf('=') + 1).trim(),
  ])
  return keyValues.every(([key]) => key !== '') ? keyValues : undefined
}

const attributeList =
  (checks: Readonly<Record<string, Validator>>): Validator =>
  (value) => {
    const entries = parseAttributes(value)
    if (!entries) return 'is not key=value'
    const problems = entries.flatMap(([key, entryValue]) => {
      const problem = Object.hasOwn(checks, key) ? checks[key]?.(entryValue) : undefined
      return problem === undefined
        ? []
        : [`has ${key}=${truncateForError(entryValue)}, which ${problem}`]
    })
    return problems.length > 0 ? problems.slice(0, 3).join(', and ') : undefined
  }

/** Source: ELBv2, LoadBalancerAttribute. */
const loadBalancerAttributes = attributeList({
  'client_keep_alive.seconds': integer(60, 604_800),
  'deletion_protection.enabled': boolean,
  'access_logs.s3.enabled': boolean,
  'connection_logs.s3.enabled': boolean,
  'routing.http.drop_invalid_header_fields.enabled': boolean,
  'routing.http.desync_mitigation_mode': oneOf('monitor', 'defensive', 'strictest'),
  'routing.http.preserve_host_header.enabled': boolean,
  'waf.fail_open.enabled': boolean,
  'zonal_shift.config.enabled': boolean,
})

/** Source: ELBv2, TargetGroupAttribute. */
const targetGroupAttributes = attributeList({
  'deregistration_delay.timeout_seconds': integer(0, 3600),
  'slow_start.duration_seconds': (value) =>
    value === '0' ? undefined : integer(30, 900)(value) && 'is neither 0 nor 30 to 900',
  'stickiness.enabled': boolean,
  'stickiness.lb_cookie.duration_seconds': integer(1, 604_800),
  'load_balancing.algorithm.type': oneOf(
    'round_robin',
    'least_outstanding_requests',
    'weighted_random',
  ),
  'load_balancing.cross_zone.enabled': oneOf('true', 'false', 'use_load_balancer_configuration'),
})

/** gRPC's own codes: one, a range, or several. Source: ELBv2, Matcher.GrpcCode. */
const grpcCodes: Validator = (value) => {
  const entries = value.split(',').map((entry) => /^\s*(\d{1,3})(?:-(\d{1,3}))?\s*$/.exec(entry))
  if (entries.some((entry) => entry === null)) return 'is not a list of codes such as 0,12 or 0-99'
  const outOfRange = entries
    .flatMap((entry) => [entry?.[1], entry?.[2]])
    .find((code) => Number(code ?? 0) > 99)
  return outOfRange === undefined
    ? undefined
    : `has ${outOfRange}, and the codes of a gRPC health check are 0 to 99`
}

const onlyNone: Validator = (value) =>
  value === 'none'
    ? undefined
    : 'does not go with gRPC: it answers calls with a redirect to a page for people'

/** Every annotation of the controller that an Ingress may carry, with what it takes. */
const annotationValidators: Readonly<Record<string, Validator>> = {
  actions: anyValue,
  conditions: anyValue,
  transforms: anyValue,
  'acm-pca-arn': anyValue,
  'create-acm-cert': boolean,
  'auth-idp-cognito': json,
  'auth-idp-oidc': json,
  'auth-on-unauthenticated-request': oneOf('authenticate', 'allow', 'deny'),
  'auth-scope': anyValue,
  'auth-session-cookie': anyValue,
  'auth-session-timeout': integer(1, 604_800),
  'auth-type': onlyNone,
  'backend-protocol': oneOf('HTTP', 'HTTPS'),
  'backend-protocol-version': anyValue,
  'certificate-arn': anyValue,
  'customer-owned-ipv4-pool': anyValue,
  'enable-frontend-nlb': boolean,
  'frontend-nlb': anyValue,
  'frontend-nlb-scheme': oneOf('internal', 'internet-facing'),
  'frontend-nlb-subnets': nonEmptyList,
  'frontend-nlb-security-groups': nonEmptyList,
  'frontend-nlb-listener-port-mapping': anyValue,
  'frontend-nlb-healthcheck-port': anyValue,
  'frontend-nlb-healthcheck-protocol': anyValue,
  'frontend-nlb-healthcheck-path': anyValue,
  'frontend-nlb-healthcheck-interval-seconds': anyValue,
  'frontend-nlb-healthcheck-timeout-seconds': anyValue,
  'frontend-nlb-healthcheck-healthy-threshold-count': anyValue,
  'frontend-nlb-healthcheck-unhealthy-threshold-count': anyValue,
  'frontend-nlb-healthcheck-success-codes': anyValue,
  'frontend-nlb-tags': attributeList({}),
  'frontend-nlb-eip-allocations': nonEmptyList,
  'frontend-nlb-attributes': attributeList({}),
  'group.name': anyValue,
  'group.order': integer(-1000, 1000),
  // Source: ELBv2, CreateTargetGroup.
  'healthcheck-interval-seconds': integer(5, 300),
  'healthcheck-path': (value) =>
    value.startsWith('/') && value.length <= 1024 ? undefined : 'does not begin with a slash',
  'healthcheck-port': anyValue,
  'healthcheck-protocol': oneOf('HTTP', 'HTTPS'),
  'healthcheck-timeout-seconds': integer(2, 120),
  'healthy-threshold-count': integer(2, 10),
  'unhealthy-threshold-count': integer(2, 10),
  'success-codes': grpcCodes,
  'inbound-cidrs': anyValue,
  'ip-address-type': oneOf('ipv4', 'dualstack', 'dualstack-without-public-ipv4'),
  'ipam-ipv4-pool-id': anyValue,
  'jwt-validation': json,
  'listen-ports': anyValue,
  'listener-attributes': attributeList({}),
  'load-balancer-attributes': loadBalancerAttributes,
  'load-balancer-capacity-reservation': anyValue,
  'load-balancer-name': anyValue,
  'manage-backend-security-group-rules': boolean,
  'minimum-load-balancer-capacity': (value) =>
    /^CapacityUnits=\d+$/.test(value) ? undefined : 'is not CapacityUnits=NUMBER',
  'multi-cluster-target-group': boolean,
  'mutual-authentication': mutualAuthentication,
  scheme: anyValue,
  'security-group-prefix-lists': nonEmptyList,
  'security-groups': anyValue,
  'shield-advanced-protection': boolean,
  'ssl-policy': anyValue,
  'ssl-redirect': integer(1, 65_535),
  subnets: anyValue,
  tags: anyValue,
  'target-control-port': anyValue,
  'target-group-attributes': targetGroupAttributes,
  'target-node-labels': attributeList({}),
  'target-type': anyValue,
  'use-regex-path-match': boolean,
  'waf-acl-id': anyValue,
  'wafv2-acl-arn': (value) =>
    value === 'none' || /^arn:aws[a-z-]*:wafv2:[a-z0-9-]+:\d{12}:regional\/webacl\//.test(value)
      ? undefined
      : 'is neither none nor the ARN of a regional web ACL of WAFv2 (arn:aws:wafv2:REGION:ACCOUNT:regional/webacl/NAME/ID)',
  'wafv2-acl-name': anyValue,
  'web-acl-id': anyValue,
}

/**
 * Those whose name goes on with one of the user's own: `actions.NAME`,
 * `listener-attributes.HTTPS-443`.
 */
const suffixedAnnotations =
  /^(actions|conditions|transforms|listener-attributes|target-control-port)\..+/

const findValidator = (key: string): Validator | undefined => {
  const name = key.slice(annotationPrefix.length)
  return Object.hasOwn(annotationValidators, name)
    ? annotationValidators[name]
    : annotationValidators[suffixedAnnotations.exec(name)?.[1] ?? '']
}

/** Source: Kubernetes, "Annotations", syntax and character set. */
export const isAnnotationKey = (key: string): boolean =>
  /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/.test(
    key,
  )

/**
 * What the controller or ELB would refuse of these annotations, each as `KEY is "VALUE", which
 * ...`.
 */
export function validateAnnotations(annotations: Readonly<Record<string, string>>): string[] {
  return Object.entries(annotations).flatMap(([key, value]) => {
    const problem = key.startsWith(annotationPrefix) ? findValidator(key)?.(value) : undefined
    return problem === undefined
      ? []
      : [`${truncateForError(key)} is ${truncateForError(JSON.stringify(value))}, which ${problem}`]
  })
}

/**
 * Annotations under the controller's prefix that it does not know and so ignores, with the one that
 * may be meant.
 */
export function findUnknownAnnotations(
  annotations: Readonly<Record<string, string>>,
): { readonly key: string; readonly suggestion: string | undefined }[] {
  return Object.keys(annotations)
    .filter((key) => key.startsWith(annotationPrefix) && findValidator(key) === undefined)
    .map((key) => {
      const name = key.slice(annotationPrefix.length)
      const [nearest] = Object.keys(annotationValidators)
        .map((candidate) => ({ candidate, distance: editDistance(name, candidate) }))
        .sort((a, b) => a.distance - b.distance)
      return {
        key,
        suggestion:
          nearest && nearest.distance <= 3 ? annotationPrefix + nearest.candidate : undefined,
      }
    })
}

/** Levenshtein's distance. */
function editDistance(source: string, target: string): number {
  let row = Array.from({ length: target.length + 1 }, (_, index) => index)
  for (let sourceIndex = 1; sourceIndex <= source.length; sourceIndex++) {
    const next = [sourceIndex]
    for (let targetIndex = 1; targetIndex <= target.length; targetIndex++) {
      next.push(
        Math.min(
          (row[targetIndex] ?? 0) + 1,
          (next[targetIndex - 1] ?? 0) + 1,
          (row[targetIndex - 1] ?? 0) +
            (source[sourceIndex - 1] === target[targetIndex - 1] ? 0 : 1),
        ),
      )
    }
    row = next
  }
  return row.at(-1) ?? 0
}

/** What AWS would refuse of tags. Source: AWS, "Tag naming limits and requirements". */
export function validateTags(tags: Readonly<Record<string, string>>): string[] {
  const entries = Object.entries(tags)
  return [
    // Three are the controller's own, one is ours on the certificate.
    ...(entries.length > 46
      ? [`has ${entries.length} tags, and AWS takes 50 with those of the controller`]
      : []),
    ...entries.flatMap(([key, value]) => [
      ...(/^aws:/i.test(key)
        ? [`has ${truncateForError(key)}, and the prefix aws: is reserved`]
        : []),
      ...(key.length > 128 || key === ''
        ? [`has a key of ${key.length} characters, and AWS takes 1 to 128`]
        : []),
      ...(value.length > 256
        ? [
            `has a value of ${value.length} characters under ${truncateForError(key)}, and AWS takes 256`,
          ]
        : []),
      ...(/[^\p{L}\p{Z}\p{N}_.:/=+\-@]/u.test(key + value)
        ? [
            `has ${truncateForError(key)}: ${truncateForError(value)}, and AWS takes letters, digits, spaces and _ . : / = + - @`,
          ]
        : []),
    ]),
  ]
}
