/**
 * Drift: differences between the load balancer and its Ingress after a change in AWS,
 * which the controller may not notice for hours. Pure.
 */
import type {
  Listener,
  LoadBalancerConfiguration,
} from '../../clients/aws/load-balancer-configuration.ts'
import { nameFromDnsName } from '../../clients/aws/load-balancers.ts'
import type { Ingress } from '../../clients/kubernetes/types.ts'
import { parseAttributes } from '../../controller/annotation-validators.ts'
import { annotationPrefix as prefix } from '../../controller/annotations.ts'
import { parseListenPorts } from '../../controller/listen-ports.ts'
import type { EndpointSettings } from '../../inputs/types.ts'
import { parseCertificateArns, restPaths, servesRest } from '../ingress/manifest.ts'
import { findGroupName, type ClassParams } from '../preflight/ingress-class.ts'
import { findRule, type LoadBalancerSnapshot } from './snapshot.ts'

/** One difference, for people. `before` is absent for what does not exist. */
export interface Drift {
  /** `listener 443 of k8s-milvus-1a2b` */
  readonly object: string
  readonly path: string
  readonly before?: string
  readonly after: string
}

/** What the load balancer should be like. */
interface Desired {
  /** The live Ingress. */
  readonly ingress: Pick<Ingress, 'metadata' | 'spec'>
  readonly settings: EndpointSettings
  readonly classParams: ClassParams
}

/**
 * Compares only what the Ingress determines, not what the parameters of its class override: the
 * controller would not fix such a difference, so that every run would find it again.
 * @param ingress the live one
 */
export function detectDrift(
  { address, loadBalancer, configuration }: LoadBalancerSnapshot,
  ingress: Pick<Ingress, 'metadata' | 'spec'>,
  settings: EndpointSettings,
  classParams: ClassParams,
): Drift[] {
  if (!loadBalancer)
    return [
      { object: `load balancer ${nameFromDnsName(address)}`, path: 'DNS name', after: address },
    ]
  const desired = { ingress, settings, classParams }
  return [
    ...detectListenerDrift(loadBalancer.name, configuration, desired),
    ...detectAttributeDrift(loadBalancer.name, configuration, desired),
  ]
}

/** @param after undefined when the Ingress does not determine it */
function compareField(
  object: string,
  path: string,
  before: string,
  after: string | undefined,
): Drift[] {
  if (after === undefined || before === after) return []
  return [{ object, path, ...(before !== '' && { before }), after }]
}

function detectListenerDrift(
  loadBalancerName: string,
  configuration: LoadBalancerConfiguration,
  desired: Desired,
): Drift[] {
  const port = desired.settings.ingress.listenPort
  if (!configuration.listeners || !listensOn(desired.ingress, port)) return []
  const object = `listener ${port} of ${loadBalancerName}`
  const listener = configuration.listeners.find((candidate) => candidate.port === port)
  if (!listener) return [{ object, path: 'protocol', after: 'HTTPS' }]
  const { defaultCertificateArn, sslPolicy } = listener
  return [
    ...compareField(object, 'protocol', listener.protocol, 'HTTPS'),
    ...compareField(object, 'default certificate', defaultCertificateArn, desiredArn(desired)),
    ...compareField(object, 'ssl-policy', sslPolicy, desiredSslPolicy(desired)),
    ...detectRoutesDrift(object, listener, configuration, desired),
  ]
}

/** An Ingress that differs from the inputs may have another listener, which AWS then has, too. */
const listensOn = ({ metadata: { annotations = {} } }: Desired['ingress'], port: number): boolean =>
  parseListenPorts(annotations)[port] === 'HTTPS'

/** Both paths of the RESTful API lead to one target group, whose drift is listed once. */
function detectRoutesDrift(
  object: string,
  listener: Listener,
  configuration: LoadBalancerConfiguration,
  desired: Desired,
): Drift[] {
  const drift = listRoutes(desired).flatMap((route) =>
    detectRuleDrift(object, listener, configuration, route),
  )
  drift.push(...detectRemainingRoutes(object, listener, desired))
  const keyOf = (each: Drift): string => `${each.object} ${each.path}`
  return [...new Map(drift.map((each) => [keyOf(each), each])).values()]
}

const isInGroup = ({ ingress, settings, classParams }: Desired): boolean =>
  findGroupName(settings.ingress, classParams, ingress) !== undefined

/** Rules of a RESTful API that is no longer served. In a group, they may be another member's. */
function detectRemainingRoutes(
  object: string,
  { rules = [] }: Listener,
  desired: Desired,
): Drift[] {
  const { ingress, settings, classParams } = desired
  if (servesRest(ingress) || !classParams.readable || isInGroup(desired)) return []
  const { host } = settings
  return restPaths
    .filter((path) => findRule(rules, host, `${path}/*`) !== undefined)
    .map((path) => ({ object, path: `rule for ${host}${path}`, before: 'present', after: 'none' }))
}

/** What a rule of the listener forwards to Milvus. */
interface Route {
  readonly host: string
  /** `/*` for gRPC */
  readonly pattern: string
  readonly name: string
  readonly targetGroup: DesiredTargetGroup
}

/** A field is undefined when the Ingress does not determine it. */
interface DesiredTargetGroup {
  readonly protocolVersion: string | undefined
  readonly targetType: string | undefined
}

/** Of the annotations of the Service for the RESTful API, which override those of the Ingress. */
const restTargetGroup: DesiredTargetGroup = { protocolVersion: 'HTTP1', targetType: 'ip' }

/** None for a host that the Ingress does not have yet. */
function listRoutes(desired: Desired): Route[] {
  const { ingress, settings } = desired
  const { host } = settings
  if (!ingress.spec.rules?.some((rule) => rule.host === host)) return []
  const targetGroup = {
    protocolVersion: getAnnotation(desired, 'backend-protocol-version'),
    targetType: desiredTargetType(desired),
  }
  const grpc = { host, pattern: '/*', name: host, targetGroup }
  if (!servesRest(ingress)) return [grpc]
  const rest = restPaths.map((path) => ({
    host,
    pattern: `${path}/*`,
    name: `${host}${path}`,
    targetGroup: restTargetGroup,
  }))
  return [...rest, grpc]
}

/**
 * In a group the default certificate is the first member's. Source: the controller's
 * mergeListenPortConfigs.
 */
function desiredArn(desired: Desired): string | undefined {
  const { ingress, classParams } = desired
  if (!classParams.readable || isInGroup(desired)) return undefined
  const { certificateArn, certificateARNs } = classParams.spec
  const isOverridden = certificateArn !== undefined || certificateARNs !== undefined
  return isOverridden ? undefined : parseCertificateArns(ingress)[0]
}

function desiredSslPolicy(desired: Desired): string | undefined {
  const { classParams } = desired
  if (!classParams.readable || classParams.spec.sslPolicy !== undefined) return undefined
  return getAnnotation(desired, 'ssl-policy')
}

function desiredTargetType(desired: Desired): string | undefined {
  const { classParams } = desired
  if (!classParams.readable || classParams.spec.targetType !== undefined) return undefined
  return getAnnotation(desired, 'target-type')
}

const getAnnotation = ({ ingress }: Desired, name: string): string | undefined =>
  ingress.metadata.annotations?.[prefix + name]

function detectRuleDrift(
  object: string,
  { rules }: Listener,
  { targetGroups }: LoadBalancerConfiguration,
  { host, pattern, name: routeName, targetGroup: expected }: Route,
): Drift[] {
  if (!rules) return []
  const path = `rule for ${routeName}`
  const rule = findRule(rules, host, pattern)
  if (!rule) return [{ object, path, after: 'forward to Milvus' }]
  if (rule.targetGroupArn === undefined)
    return [{ object, path, before: 'no forwarding', after: 'forward to Milvus' }]
  const actual = targetGroups?.find(({ arn }) => arn === rule.targetGroupArn)
  if (!actual) return []
  const name = `target group ${actual.name}`
  return [
    ...compareField(name, 'protocol version', actual.protocolVersion, expected.protocolVersion),
    ...compareField(name, 'target type', actual.targetType, expected.targetType),
  ]
}

/** The controller manages only attributes that an annotation sets. */
function detectAttributeDrift(
  loadBalancerName: string,
  { attributes: actual }: LoadBalancerConfiguration,
  desired: Desired,
): Drift[] {
  const { classParams } = desired
  if (!actual || !classParams.readable) return []
  const annotation = getAnnotation(desired, 'load-balancer-attributes') ?? ''
  const expected = Object.fromEntries(parseAttributes(annotation) ?? [])
  const classAttributes = classParams.spec.loadBalancerAttributes ?? []
  const overriddenKeys = new Set(classAttributes.map(({ key }) => key))
  const differences: Drift[] = []
  for (const [key, value] of Object.entries(expected)) {
    const actualValue = actual[key]
    if (actualValue === undefined || overriddenKeys.has(key)) continue
    if (actualValue.toLowerCase() === value.toLowerCase()) continue
    differences.push(
      ...compareField(`load balancer ${loadBalancerName}`, `attribute ${key}`, actualValue, value),
    )
  }
  return differences
}
