/**
 * From Ingresses to what AWS should hold: pure, with the order of checks and the texts of AWS Load
 * Balancer Controller v3.5.0 (pkg/ingress/model_builder.go, model_build_*.go; texts observed of the
 * real controller).
 */
import {
  getAnnotation,
  BuildError,
  checkInboundCidrs,
  parseListenPorts,
  parseEnum,
  parseStringList,
  parseStringMap,
} from './annotations.ts'
import type { Annotations } from './annotations.ts'
import { buildLoadBalancerName, buildTargetGroupName } from './naming.ts'
import type { IngressGroup } from './naming.ts'
import type { Backend, Ingress, Service } from './objects.ts'
import { getObjectKey } from './objects.ts'
import { buildTargetGroup } from './target-group.ts'
import type { TargetGroupModel } from './target-group.ts'

/** Where a rule's requests go; `targetGroup` is the resource of one of the model's. */
export type ActionModel =
  | { readonly kind: 'forward'; readonly targetGroup: string }
  | { readonly kind: 'fixed-response'; readonly status: string; readonly body: string }
  | { readonly kind: 'redirect'; readonly port: string }

/** A rule; its priority is its place. */
export interface RuleModel {
  readonly hosts: readonly string[]
  readonly paths: readonly string[]
  readonly action: ActionModel
}

/** A listener. */
export interface ListenerModel {
  readonly port: number
  readonly protocol: string
  readonly sslPolicy: string | undefined
  /** The first is the default one. */
  readonly certificateArns: readonly string[]
  readonly defaultAction: ActionModel
  readonly rules: readonly RuleModel[]
}

/** What AWS should hold for a group. */
export interface Model {
  readonly group: IngressGroup
  readonly loadBalancer: {
    readonly name: string
    readonly scheme: 'internal' | 'internet-facing'
    readonly attributes: Readonly<Record<string, string>>
    readonly subnets: readonly string[]
    readonly securityGroups: readonly string[]
    readonly tags: Readonly<Record<string, string>>
  }
  readonly listeners: readonly ListenerModel[]
  readonly targetGroups: readonly TargetGroupModel[]
}

/** A certificate that discovery found in ACM. */
export interface DiscoveredCertificate {
  readonly arn: string
  readonly names: readonly string[]
}

/** All that a model is built from. */
export interface BuildInput {
  readonly cluster: string
  readonly group: IngressGroup
  /** In the order of the group, with annotations as their IngressClassParams leave them. */
  readonly members: readonly Ingress[]
  readonly findService: (namespace: string, name: string) => Service | undefined
  /** What ACM holds, when discovery is needed. */
  readonly certificates: readonly DiscoveredCertificate[]
  /** Subnets and security groups that EC2 does not know: every other one passes. */
  readonly unknownIds?: readonly string[]
  readonly requestId?: string
}

/** True when an HTTPS listener must look for its certificates in ACM. */
export function needsDiscovery(ingress: Ingress): boolean {
  try {
    const annotations = getAnnotations(ingress)
    return (
      getAnnotation(annotations, 'certificate-arn') === undefined &&
      parseListenPorts(annotations).some(({ protocol }) => protocol === 'HTTPS')
    )
  } catch {
    return false
  }
}

/** Builds the model of a group, or throws a BuildError. */
export function buildModel(input: BuildInput): Model {
  const listenersByPort = new Map<number, { listener: ListenerModel; members: Ingress[] }>()
  for (const ingress of input.members) {
    for (const listener of withIngressContext(ingress, () =>
      buildListeners(ingress, input.certificates),
    )) {
      const existing = listenersByPort.get(listener.port)
      const certificateArns = [
        ...new Set([...(existing?.listener.certificateArns ?? []), ...listener.certificateArns]),
      ]
      listenersByPort.set(listener.port, {
        listener: { ...listener, certificateArns },
        members: [...(existing?.members ?? []), ingress],
      })
    }
  }
  const loadBalancer = buildLoadBalancer(input)
  const targetGroups = new Map<string, TargetGroupModel>()
  const redirect = input.members
    .map((member) => getAnnotation(getAnnotations(member), 'ssl-redirect'))
    .find((port) => port !== undefined)
  const listeners = [...listenersByPort.values()].map(({ listener, members }): ListenerModel => {
    if (redirect !== undefined && listener.protocol === 'HTTP')
      return { ...listener, defaultAction: { kind: 'redirect', port: redirect } }
    const rules = members.flatMap((ingress) =>
      withIngressContext(ingress, () => buildRules(ingress, input, targetGroups)),
    )
    const ingressWithDefault = members.find(({ spec }) => spec?.defaultBackend)
    const backend = ingressWithDefault?.spec?.defaultBackend
    const defaultAction =
      ingressWithDefault && backend
        ? withIngressContext(ingressWithDefault, () =>
            buildAction(ingressWithDefault, backend, input, targetGroups),
          )
        : listener.defaultAction
    return { ...listener, rules, defaultAction }
  })
  if (redirect !== undefined) checkRedirect(redirect, listeners)
  return { group: input.group, loadBalancer, listeners, targetGroups: [...targetGroups.values()] }
}

function getAnnotations(ingress: Ingress): Annotations {
  return ingress.metadata.annotations ?? {}
}

/** Errors of one Ingress carry its name. */
function withIngressContext<T>(ingress: Ingress, build: () => T): T {
  try {
    return build()
  } catch (error) {
    throw error instanceof BuildError
      ? new BuildError(`ingress: ${getObjectKey(ingress)}: ${error.message}`)
      : error
  }
}

function buildListeners(
  ingress: Ingress,
  discovered: readonly DiscoveredCertificate[],
): ListenerModel[] {
  const annotations = getAnnotations(ingress)
  const configuredArns = parseStringList(annotations, 'certificate-arn')
  checkInboundCidrs(annotations, getObjectKey(ingress))
  const ports = parseListenPorts(annotations)
  const hasHttps = ports.some(({ protocol }) => protocol === 'HTTPS')
  const certificateArns =
    hasHttps && configuredArns.length === 0
      ? discoverCertificates(ingress, discovered)
      : configuredArns
  return ports.map(({ protocol, port }) => ({
    port,
    protocol,
    sslPolicy: protocol === 'HTTPS' ? getAnnotation(annotations, 'ssl-policy') : undefined,
    certificateArns: protocol === 'HTTPS' ? certificateArns : [],
    // What the controller gives a listener without a default backend (build404Action).
    defaultAction: { kind: 'fixed-response', status: '404', body: '' },
    rules: [],
  }))
}

/**
 * Every certificate of ACM that is good for one of the Ingress's hosts
 * (pkg/certs/cert_discovery.go).
 */
function discoverCertificates(
  ingress: Ingress,
  certificates: readonly DiscoveredCertificate[],
): string[] {
  const hosts = new Set([
    ...(ingress.spec?.rules ?? []).map(({ host }) => host),
    ...(ingress.spec?.tls ?? []).flatMap((tls) => tls.hosts ?? []),
  ])
  const arns = new Set<string>()
  for (const host of hosts) {
    if (host === undefined || host === '') continue
    const wildcard = host.replace(/^[^.]+/, '*')
    const matching = certificates.filter(
      ({ names }) => names.includes(host) || names.includes(wildcard),
    )
    if (matching.length === 0) throw new BuildError(`no certificate found for host: ${host}`)
    matching.forEach(({ arn }) => arns.add(arn))
  }
  return [...arns]
}

function checkRedirect(port: string, listeners: readonly ListenerModel[]): void {
  const target = listeners.find((listener) => String(listener.port) === port)
  if (!target) throw new BuildError(`listener does not exist for SSLRedirect port: ${port}`)
  if (target.protocol !== 'HTTPS')
    throw new BuildError(`listener protocol non-SSL for SSLRedirect port: ${port}`)
}

/**
 * Of a group the first member that says something wins; the real one refuses members that disagree.
 */
function buildLoadBalancer(input: BuildInput): Model['loadBalancer'] {
  const annotations = Object.assign(
    {},
    ...input.members.toReversed().map(getAnnotations),
  ) as Annotations
  const scheme = parseEnum(
    annotations,
    'scheme',
    ['internal', 'internet-facing'],
    'internal',
    'unknown scheme',
  )
  parseEnum(
    annotations,
    'ip-address-type',
    ['ipv4', 'dualstack', 'dualstack-without-public-ipv4'],
    'ipv4',
    'unknown IPAddressType',
  )
  const subnets = parseStringList(annotations, 'subnets')
  const securityGroups = parseStringList(annotations, 'security-groups')
  checkIdsExist(
    input,
    subnets,
    'failed to list subnets by names or IDs: operation error EC2: DescribeSubnets',
    (id) => `api error InvalidSubnetID.NotFound: The subnet ID '${id}' does not exist`,
  )
  checkIdsExist(
    input,
    securityGroups,
    "couldn't find all security groups: operation error EC2: DescribeSecurityGroups",
    (id) => `api error InvalidGroup.NotFound: The security group '${id}' does not exist`,
  )
  const attributes = parseStringMap(annotations, 'load-balancer-attributes')
  const tags = parseStringMap(annotations, 'tags')
  const name = getAnnotation(annotations, 'load-balancer-name')
  if (name !== undefined && name.length > 32)
    throw new BuildError('load balancer name cannot be longer than 32 characters')
  return {
    name: name ?? buildLoadBalancerName(input.cluster, input.group, scheme),
    scheme,
    attributes,
    subnets,
    securityGroups,
    tags,
  }
}

function checkIdsExist(
  input: BuildInput,
  ids: readonly string[],
  operation: string,
  formatError: (id: string) => string,
): void {
  const unknownId = ids.find((id) => input.unknownIds?.includes(id))
  if (unknownId === undefined) return
  throw new BuildError(
    `${operation}, https response error StatusCode: 400, RequestID: ${input.requestId ?? ''}, ${formatError(unknownId)}`,
  )
}

function buildRules(
  ingress: Ingress,
  input: BuildInput,
  targetGroups: Map<string, TargetGroupModel>,
): RuleModel[] {
  return (ingress.spec?.rules ?? []).flatMap(({ host, http }) =>
    (http?.paths ?? []).map(({ path, pathType, backend }) => ({
      hosts: host === undefined || host === '' ? [] : [host],
      paths: toPathPatterns(path ?? '', pathType),
      action: buildAction(ingress, backend, input, targetGroups),
    })),
  )
}

/** model_build_listener_rules.go: only a prefix matches what is below it. */
function toPathPatterns(path: string, pathType: string): string[] {
  if (path === '') return ['/*']
  if (pathType !== 'Prefix') return [path]
  const prefix = path.replace(/\/$/, '')
  return prefix === '' ? ['/*'] : [prefix, `${prefix}/*`]
}

function buildAction(
  ingress: Ingress,
  backend: Backend,
  input: BuildInput,
  targetGroups: Map<string, TargetGroupModel>,
): ActionModel {
  const backendService = backend.service
  const namespace = ingress.metadata.namespace ?? ''
  const service = backendService && input.findService(namespace, backendService.name)
  // --tolerate-non-existent-backend-service, on by default (enhanced_backend_builder.go).
  if (!service)
    return { kind: 'fixed-response', status: '503', body: 'Backend service does not exist' }
  const port = backendService.port.number ?? backendService.port.name ?? ''
  const targetGroup = buildTargetGroup(ingress, service, port)
  const identity = [
    ingress.metadata.uid ?? '',
    service.metadata.uid ?? '',
    String(port),
    targetGroup.targetType,
    targetGroup.protocol,
    targetGroup.protocolVersion,
  ]
  const name = buildTargetGroupName(
    input.cluster,
    input.group,
    { namespace, name: backendService.name },
    identity,
  )
  targetGroups.set(targetGroup.resource, { ...targetGroup, name })
  return { kind: 'forward', targetGroup: targetGroup.resource }
}
