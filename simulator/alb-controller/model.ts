/**
 * Builds the model of a group from its Ingresses. The order of checks and the messages are those of
 * AWS Load Balancer Controller v3.5.0 (pkg/ingress/model_builder.go, model_build_*.go).
 */
import {
  getAnnotation,
  BuildError,
  checkInboundCidrs,
  parseListenPorts,
  parseStringList,
} from './annotations.ts'
import { buildLoadBalancer } from './model-load-balancer.ts'
import type {
  ActionModel,
  BuildInput,
  DiscoveredCertificate,
  ListenerModel,
  Model,
  RuleModel,
} from './model-types.ts'
import { buildMutualAuthentication } from './mutual-authentication.ts'
import { buildTargetGroupName } from './naming.ts'
import { getAnnotations, getObjectKey, type Backend, type Ingress } from './objects.ts'
import { buildTargetGroup, type TargetGroupModel } from './target-group.ts'

/** Whether the certificates of an HTTPS listener must be discovered in ACM. */
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

interface MergedListener {
  readonly listener: ListenerModel
  /** The Ingresses that have it. */
  readonly members: readonly Ingress[]
}

/** @throws BuildError */
export function buildModel(input: BuildInput): Model {
  const mergedListeners = mergeListeners(input)
  const loadBalancer = buildLoadBalancer(input)
  const targetGroups = new Map<string, TargetGroupModel>()
  const redirect = input.members
    .map((member) => getAnnotation(getAnnotations(member), 'ssl-redirect'))
    .find((port) => port !== undefined)
  const listeners = mergedListeners.map(({ listener, members }): ListenerModel => {
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

/** The listeners of all members. Those on the same port are one, with all certificates. */
function mergeListeners(input: BuildInput): MergedListener[] {
  const listenersByPort = new Map<number, MergedListener>()
  for (const ingress of input.members) {
    const listeners = withIngressContext(ingress, () => buildListeners(ingress, input))
    for (const listener of listeners) {
      const existing = listenersByPort.get(listener.port)
      const certificateArns = new Set([
        ...(existing?.listener.certificateArns ?? []),
        ...listener.certificateArns,
      ])
      listenersByPort.set(listener.port, {
        listener: { ...listener, certificateArns: [...certificateArns] },
        members: [...(existing?.members ?? []), ingress],
      })
    }
  }
  return [...listenersByPort.values()]
}

/** Prefixes errors with the name of the Ingress. */
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
  { certificates: discovered, trustStoreArns = new Map() }: BuildInput,
): ListenerModel[] {
  const annotations = getAnnotations(ingress)
  const configuredArns = parseStringList(annotations, 'certificate-arn')
  checkInboundCidrs(annotations, getObjectKey(ingress))
  const mutualAuthentication = buildMutualAuthentication(annotations, trustStoreArns)
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
    mutualAuthentication: protocol === 'HTTPS' ? mutualAuthentication.get(port) : undefined,
    // The default action of a listener without a default backend (build404Action).
    defaultAction: { kind: 'fixed-response', status: '404', body: '' },
    rules: [],
  }))
}

/** The certificates in ACM for any host of the Ingress (pkg/certs/cert_discovery.go). */
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

/** Source: model_build_listener_rules.go. Only paths of type Prefix also match subpaths. */
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
