/**
 * Where a load balancer is not as its Ingress says, because somebody changed it in AWS: nothing
 * looks at that for hours. Pure.
 */
import type {
  Listener,
  LoadBalancerConfiguration,
} from '../../clients/aws/load-balancer-configuration.ts'
import { nameFromDnsName, type LoadBalancerSummary } from '../../clients/aws/load-balancers.ts'
import type { Change } from '../step.ts'
import type { Ingress } from '../../clients/kubernetes/types.ts'
import { parseAttributes } from '../../controller/annotation-validators.ts'
import { annotationPrefix as prefix } from '../../controller/annotations.ts'
import type { Settings } from '../../inputs/types.ts'
import { parseCertificateArns } from '../ingress/manifest.ts'
import type { ClassParams } from '../preflight/ingress-class.ts'

/** What ELBv2 says of the load balancer that the Ingress' status names. */
export interface LoadBalancerSnapshot {
  readonly address: string
  /** undefined when there is none any more. */
  readonly loadBalancer: LoadBalancerSummary | undefined
  readonly configuration: LoadBalancerConfiguration
}

/** Nothing is known of it. */
export const unknownConfiguration: LoadBalancerConfiguration = {
  listeners: undefined,
  targetGroups: undefined,
  attributes: undefined,
}

/**
 * Whether everything was read that shows the work of the controller to its end: its rules come
 * last.
 */
export const isComplete = (
  { listeners, targetGroups }: LoadBalancerConfiguration,
  port: number,
): boolean =>
  targetGroups !== undefined &&
  listeners !== undefined &&
  listeners.every((listener) => listener.port !== port || listener.rules !== undefined)

/**
 * What of it could not be read, with the permissions that it takes; undefined when everything was.
 * Pure.
 * @param port of our listener
 */
export function describeUnreadable(
  { loadBalancer, configuration: { listeners, targetGroups, attributes } }: LoadBalancerSnapshot,
  port: number,
): string | undefined {
  const requiredReads: readonly (readonly [isMissing: boolean, what: string, action: string])[] = [
    [!listeners, 'listeners', 'DescribeListeners'],
    [
      listeners?.some((listener) => listener.port === port && !listener.rules) ?? false,
      'rules',
      'DescribeRules',
    ],
    [!targetGroups, 'target groups', 'DescribeTargetGroups'],
    [!attributes, 'attributes', 'DescribeLoadBalancerAttributes'],
  ]
  const unreadable = requiredReads.filter(([isMissing]) => isMissing)
  if (!loadBalancer || unreadable.length === 0) return undefined
  return `the ${unreadable.map(([, what]) => what).join(', ')} of load balancer ${loadBalancer.name} (${unreadable.map(([, , action]) => `elasticloadbalancing:${action}`).join(', ')})`
}

const driftReason = 'changed by hand in AWS; the controller puts it back when it looks again'

type Difference = Omit<Change, 'step' | 'why'>

/**
 * Only what the Ingress says is compared, and not what the parameters of its class set over it: a
 * difference that the controller does not mend would be found by every run.
 * @param ingress as it is in the cluster
 */
export function detectDrift(
  { address, loadBalancer, configuration }: LoadBalancerSnapshot,
  ingress: Pick<Ingress, 'metadata'>,
  settings: Settings,
  classParams: ClassParams,
): Change[] {
  const differences = loadBalancer
    ? [
        ...detectListenerDrift(loadBalancer.name, configuration, ingress, settings, classParams),
        ...detectAttributeDrift(loadBalancer.name, configuration, ingress, classParams),
      ]
    : [{ object: `load balancer ${nameFromDnsName(address)}`, path: 'DNS name', after: address }]
  return differences.map((difference) => ({
    step: 'load-balancer',
    ...difference,
    why: driftReason,
  }))
}

const compareField = (
  object: string,
  path: string,
  before: string,
  after: string | undefined,
): Difference[] =>
  after === undefined || before === after
    ? []
    : [{ object, path, ...(before !== '' && { before }), after }]

function detectListenerDrift(
  name: string,
  configuration: LoadBalancerConfiguration,
  ingress: Pick<Ingress, 'metadata'>,
  settings: Settings,
  classParams: ClassParams,
): Difference[] {
  if (!configuration.listeners) return []
  const port = settings.ingress.listenPort
  const object = `listener ${port} of ${name}`
  const listener = configuration.listeners.find((candidate) => candidate.port === port)
  if (!listener) return [{ object, path: 'protocol', after: 'HTTPS' }]
  const expected =
    classParams === 'unreadable'
      ? undefined
      : {
          certificate: expectedCertificateArn(ingress, settings, classParams),
          sslPolicy:
            classParams.sslPolicy === undefined
              ? ingress.metadata.annotations?.[`${prefix}ssl-policy`]
              : undefined,
        }
  return [
    ...compareField(object, 'protocol', listener.protocol, 'HTTPS'),
    ...compareField(
      object,
      'default certificate',
      listener.defaultCertificateArn,
      expected?.certificate,
    ),
    ...compareField(object, 'ssl-policy', listener.sslPolicy, expected?.sslPolicy),
    ...detectRuleDrift(object, listener, configuration, settings.host),
  ]
}

/**
 * In a group the default certificate is the first member's. Source: the controller's
 * mergeListenPortConfigs.
 */
function expectedCertificateArn(
  ingress: Pick<Ingress, 'metadata'>,
  { ingress: { groupName } }: Settings,
  { certificateArn, certificateARNs }: Exclude<ClassParams, 'unreadable'>,
): string | undefined {
  return groupName !== undefined || certificateArn !== undefined || certificateARNs !== undefined
    ? undefined
    : parseCertificateArns(ingress)[0]
}

function detectRuleDrift(
  object: string,
  { rules }: Listener,
  { targetGroups }: LoadBalancerConfiguration,
  host: string,
): Difference[] {
  if (!rules) return []
  const path = `rule for ${host}`
  const rule = rules.find(
    ({ hosts, paths }) =>
      hosts.some((each) => each.toLowerCase() === host) &&
      (paths.length === 0 || paths.includes('/*')),
  )
  if (!rule) return [{ object, path, after: 'forward to Milvus' }]
  if (rule.targetGroupArn === undefined)
    return [{ object, path, before: 'no forwarding', after: 'forward to Milvus' }]
  const targetGroup = targetGroups?.find(({ arn }) => arn === rule.targetGroupArn)
  if (!targetGroup) return []
  return [
    ...compareField(
      `target group ${targetGroup.name}`,
      'protocol version',
      targetGroup.protocolVersion,
      'GRPC',
    ),
    ...compareField(
      `target group ${targetGroup.name}`,
      'target type',
      targetGroup.targetType,
      'ip',
    ),
  ]
}

/** Of attributes the controller looks only at those that an annotation names. */
function detectAttributeDrift(
  name: string,
  { attributes: actual }: LoadBalancerConfiguration,
  ingress: Pick<Ingress, 'metadata'>,
  classParams: ClassParams,
): Difference[] {
  if (!actual || classParams === 'unreadable') return []
  const expected = Object.fromEntries(
    parseAttributes(ingress.metadata.annotations?.[`${prefix}load-balancer-attributes`] ?? '') ??
      [],
  )
  const classAttributeKeys = new Set(
    (classParams.loadBalancerAttributes ?? []).map(({ key }) => key),
  )
  return Object.entries(expected).flatMap(([key, value]) =>
    key in actual &&
    !classAttributeKeys.has(key) &&
    actual[key]?.toLowerCase() !== value.toLowerCase()
      ? compareField(`load balancer ${name}`, `attribute ${key}`, actual[key] ?? '', value)
      : [],
  )
}
