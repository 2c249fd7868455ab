/**
 * Annotations of the Ingress that the user gives beside the inputs: those that the controller or ELB would refuse are found here.
 * Source: AWS Load Balancer Controller v3.5.0, docs/guide/ingress/annotations.md, pkg/annotations/parser.go and pkg/ingress; the ELBv2 API's limits.
 */

/** The prefix of the controller's annotations. */
export const annotationPrefix = 'alb.ingress.kubernetes.io/'

/** A text as it is, or that it is too long to be shown: a piece of it might be one of a secret. */
const shown = (text: string): string => (text.length > 80 ? `(${text.length} characters)` : text)

/** What is wrong with a value, continuing `KEY is "VALUE", which ...`; undefined when nothing is. */
type Check = (value: string) => string | undefined

const anything: Check = () => undefined

const oneOf = (...words: readonly string[]): Check => (value) => (words.includes(value) ? undefined : `is not one of ${words.join(', ')}`)

const boolean = oneOf('true', 'false')

const integer = (least: number, most: number): Check => (value) =>
  /^-?\d{1,9}$/.test(value) && Number(value) >= least && Number(value) <= most ? undefined : `is not a whole number from ${least} to ${most}`

const json: Check = (value) => {
  try {
    JSON.parse(value)
    return undefined
  } catch {
    return 'is not JSON'
  }
}

/** Source: the controller's annotations.md and model_build_listener.go, mutual-authentication. */
const mutualAuthentication: Check = (value) => {
  const entries = parseMutualAuthentication(value)
  if (!entries) return 'is not a JSON list such as [{"port": 443, "mode": "verify", "trustStore": "NAME"}]'
  const faults = entries.flatMap(({ port, mode, trustStore }) => [
    ...(Number.isInteger(port) ? [] : ['has an entry without a port']),
    ...(['off', 'passthrough', 'verify'].includes(mode ?? '') ? [] : [`has mode ${shown(JSON.stringify(mode ?? ''))}, which is not off, passthrough or verify`]),
    ...(mode === 'verify' && !trustStore ? ['has mode verify without a trustStore'] : []),
  ])
  return faults.length > 0 ? faults.slice(0, 3).join(', and ') : undefined
}

/** @returns undefined when it is no list of objects */
export function parseMutualAuthentication(value: string): { port?: number; mode?: string; trustStore?: string }[] | undefined {
  if (json(value) !== undefined) return undefined
  const parsed = JSON.parse(value) as unknown
  return Array.isArray(parsed) && parsed.every((entry) => typeof entry === 'object' && entry !== null) ? (parsed as { port?: number; mode?: string; trustStore?: string }[]) : undefined
}

const names: Check = (value) => (value.split(',').some((entry) => entry.trim() !== '') ? undefined : 'is an empty list')

/** `key=value,key=value`, as the controller splits it: a comma in a value is written `\,`. @returns undefined when it is no such list */
export function attributes(value: string): [string, string][] | undefined {
  const entries = value.split(/(?<!\\),/).map((entry) => entry.trim()).filter((entry) => entry !== '')
  const pairs = entries.map((entry): [string, string] => [entry.slice(0, Math.max(0, entry.indexOf('='))).trim(), entry.slice(entry.indexOf('=') + 1).trim()])
  return pairs.every(([key]) => key !== '') ? pairs : undefined
}

const pairs = (checks: Readonly<Record<string, Check>>): Check => (value) => {
  const found = attributes(value)
  if (!found) return 'is not key=value'
  const wrong = found.flatMap(([key, each]) => {
    const problem = Object.hasOwn(checks, key) ? checks[key]?.(each) : undefined
    return problem === undefined ? [] : [`has ${key}=${shown(each)}, which ${problem}`]
  })
  return wrong.length > 0 ? wrong.slice(0, 3).join(', and ') : undefined
}

/** Source: ELBv2, LoadBalancerAttribute. */
const loadBalancerAttributes = pairs({
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
const targetGroupAttributes = pairs({
  'deregistration_delay.timeout_seconds': integer(0, 3600),
  'slow_start.duration_seconds': (value) => (value === '0' ? undefined : integer(30, 900)(value) && 'is neither 0 nor 30 to 900'),
  'stickiness.enabled': boolean,
  'stickiness.lb_cookie.duration_seconds': integer(1, 604_800),
  'load_balancing.algorithm.type': oneOf('round_robin', 'least_outstanding_requests', 'weighted_random'),
  'load_balancing.cross_zone.enabled': oneOf('true', 'false', 'use_load_balancer_configuration'),
})

/** gRPC's own codes: one, a range, or several. Source: ELBv2, Matcher.GrpcCode. */
const grpcCodes: Check = (value) => {
  const entries = value.split(',').map((entry) => /^\s*(\d{1,3})(?:-(\d{1,3}))?\s*$/.exec(entry))
  if (entries.some((entry) => entry === null)) return 'is not a list of codes such as 0,12 or 0-99'
  const high = entries.flatMap((entry) => [entry?.[1], entry?.[2]]).find((code) => Number(code ?? 0) > 99)
  return high === undefined ? undefined : `has ${high}, and the codes of a gRPC health check are 0 to 99`
}

const noAuthentication: Check = (value) => (value === 'none' ? undefined : 'does not go with gRPC: it answers calls with a redirect to a page for people')

/** Every annotation of the controller that an Ingress may carry, with what it takes. */
const known: Readonly<Record<string, Check>> = {
  'actions': anything, 'conditions': anything, 'transforms': anything,
  'acm-pca-arn': anything, 'create-acm-cert': boolean,
  'auth-idp-cognito': json, 'auth-idp-oidc': json, 'auth-on-unauthenticated-request': oneOf('authenticate', 'allow', 'deny'), 'auth-scope': anything, 'auth-session-cookie': anything, 'auth-session-timeout': integer(1, 604_800), 'auth-type': noAuthentication,
  'backend-protocol': oneOf('HTTP', 'HTTPS'), 'backend-protocol-version': anything, 'certificate-arn': anything,
  'customer-owned-ipv4-pool': anything, 'enable-frontend-nlb': boolean, 'frontend-nlb': anything,
  'frontend-nlb-scheme': oneOf('internal', 'internet-facing'), 'frontend-nlb-subnets': names, 'frontend-nlb-security-groups': names, 'frontend-nlb-listener-port-mapping': anything, 'frontend-nlb-healthcheck-port': anything, 'frontend-nlb-healthcheck-protocol': anything, 'frontend-nlb-healthcheck-path': anything, 'frontend-nlb-healthcheck-interval-seconds': anything, 'frontend-nlb-healthcheck-timeout-seconds': anything, 'frontend-nlb-healthcheck-healthy-threshold-count': anything, 'frontend-nlb-healthcheck-unhealthy-threshold-count': anything, 'frontend-nlb-healthcheck-success-codes': anything, 'frontend-nlb-tags': pairs({}), 'frontend-nlb-eip-allocations': names, 'frontend-nlb-attributes': pairs({}),
  'group.name': anything, 'group.order': integer(-1000, 1000),
  // Source: ELBv2, CreateTargetGroup.
  'healthcheck-interval-seconds': integer(5, 300), 'healthcheck-path': (value) => (value.startsWith('/') && value.length <= 1024 ? undefined : 'does not begin with a slash'), 'healthcheck-port': anything, 'healthcheck-protocol': oneOf('HTTP', 'HTTPS'), 'healthcheck-timeout-seconds': integer(2, 120), 'healthy-threshold-count': integer(2, 10), 'unhealthy-threshold-count': integer(2, 10), 'success-codes': grpcCodes,
  'inbound-cidrs': anything, 'ip-address-type': oneOf('ipv4', 'dualstack', 'dualstack-without-public-ipv4'), 'ipam-ipv4-pool-id': anything, 'jwt-validation': json,
  'listen-ports': anything, 'listener-attributes': pairs({}), 'load-balancer-attributes': loadBalancerAttributes, 'load-balancer-capacity-reservation': anything, 'load-balancer-name': anything,
  'manage-backend-security-group-rules': boolean, 'minimum-load-balancer-capacity': (value) => (/^CapacityUnits=\d+$/.test(value) ? undefined : 'is not CapacityUnits=NUMBER'), 'multi-cluster-target-group': boolean, 'mutual-authentication': mutualAuthentication,
  'scheme': anything, 'security-group-prefix-lists': names, 'security-groups': anything, 'shield-advanced-protection': boolean, 'ssl-policy': anything, 'ssl-redirect': integer(1, 65_535), 'subnets': anything,
  'tags': anything, 'target-control-port': anything, 'target-group-attributes': targetGroupAttributes, 'target-node-labels': pairs({}), 'target-type': anything, 'use-regex-path-match': boolean,
  'waf-acl-id': anything, 'wafv2-acl-arn': (value) => (value === 'none' || /^arn:aws[a-z-]*:wafv2:[a-z0-9-]+:\d{12}:regional\/webacl\//.test(value) ? undefined : 'is neither none nor the ARN of a regional web ACL of WAFv2 (arn:aws:wafv2:REGION:ACCOUNT:regional/webacl/NAME/ID)'), 'wafv2-acl-name': anything, 'web-acl-id': anything,
}

/** Those whose name goes on with one of the user's own: `actions.NAME`, `listener-attributes.HTTPS-443`. */
const families = /^(actions|conditions|transforms|listener-attributes|target-control-port)\..+/

const checkOf = (key: string): Check | undefined => {
  const name = key.slice(annotationPrefix.length)
  return Object.hasOwn(known, name) ? known[name] : known[families.exec(name)?.[1] ?? '']
}

/** Source: Kubernetes, "Annotations", syntax and character set. */
export const isAnnotationKey = (key: string): boolean => /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/.test(key)

/** What the controller or ELB would refuse of these annotations, each as `KEY is "VALUE", which ...`. */
export function refusedAnnotations(annotations: Readonly<Record<string, string>>): string[] {
  return Object.entries(annotations).flatMap(([key, value]) => {
    const problem = key.startsWith(annotationPrefix) ? checkOf(key)?.(value) : undefined
    return problem === undefined ? [] : [`${shown(key)} is ${shown(JSON.stringify(value))}, which ${problem}`]
  })
}

/** Annotations under the controller's prefix that it does not know and so ignores, with the one that may be meant. */
export function unknownAnnotations(annotations: Readonly<Record<string, string>>): { readonly key: string; readonly meant: string | undefined }[] {
  return Object.keys(annotations).filter((key) => key.startsWith(annotationPrefix) && checkOf(key) === undefined).map((key) => {
    const name = key.slice(annotationPrefix.length)
    const [nearest] = Object.keys(known).map((candidate) => ({ candidate, distance: editDistance(name, candidate) })).sort((a, b) => a.distance - b.distance)
    return { key, meant: nearest && nearest.distance <= 3 ? annotationPrefix + nearest.candidate : undefined }
  })
}

/** Levenshtein's distance. */
function editDistance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (let at = 1; at <= one.length; at++) {
    const next = [at]
    for (let to = 1; to <= other.length; to++) {
      next.push(Math.min((row[to] ?? 0) + 1, (next[to - 1] ?? 0) + 1, (row[to - 1] ?? 0) + (one[at - 1] === other[to - 1] ? 0 : 1)))
    }
    row = next
  }
  return row.at(-1) ?? 0
}

/** What AWS would refuse of tags. Source: AWS, "Tag naming limits and requirements". */
export function refusedTags(tags: Readonly<Record<string, string>>): string[] {
  const entries = Object.entries(tags)
  return [
    // Three are the controller's own, one is ours on the certificate.
    ...(entries.length > 46 ? [`has ${entries.length} tags, and AWS takes 50 with those of the controller`] : []),
    ...entries.flatMap(([key, value]) => [
      ...(/^aws:/i.test(key) ? [`has ${shown(key)}, and the prefix aws: is reserved`] : []),
      ...(key.length > 128 || key === '' ? [`has a key of ${key.length} characters, and AWS takes 1 to 128`] : []),
      ...(value.length > 256 ? [`has a value of ${value.length} characters under ${shown(key)}, and AWS takes 256`] : []),
      ...(/[^\p{L}\p{Z}\p{N}_.:/=+\-@]/u.test(key + value) ? [`has ${shown(key)}: ${shown(value)}, and AWS takes letters, digits, spaces and _ . : / = + - @`] : []),
    ]),
  ]
}

/** What the Ingress is for may not be undone, and what an input sets has one place: annotation -> who sets it. */
export const reservedAnnotations: Readonly<Record<string, string>> = {
  'alb.ingress.kubernetes.io/backend-protocol-version': 'this action, which needs GRPC',
  'alb.ingress.kubernetes.io/target-type': 'this action, which needs ip targets',
  'alb.ingress.kubernetes.io/listen-ports': 'input listen-port',
  'alb.ingress.kubernetes.io/certificate-arn': 'inputs certificate and certificate-arn',
  'alb.ingress.kubernetes.io/scheme': 'input scheme',
  'alb.ingress.kubernetes.io/inbound-cidrs': 'input inbound-cidrs',
  'alb.ingress.kubernetes.io/subnets': 'input subnets',
  'alb.ingress.kubernetes.io/security-groups': 'input security-groups',
  'alb.ingress.kubernetes.io/ssl-policy': 'input ssl-policy',
  'alb.ingress.kubernetes.io/load-balancer-name': 'input load-balancer-name',
  'alb.ingress.kubernetes.io/group.name': 'input group-name',
  'alb.ingress.kubernetes.io/tags': 'input tags',
  // It would win over spec.ingressClassName. Source: AWS Load Balancer Controller, group_loader.go.
  'kubernetes.io/ingress.class': 'input ingress-class',
  'milvus-alb-action/nudge': 'this action',
}
