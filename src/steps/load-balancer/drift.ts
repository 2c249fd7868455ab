/** Where a load balancer is not as its Ingress says, because somebody changed it in AWS: nothing looks at that for hours. Pure. */
import type { Listener, LoadBalancerParts } from '../../aws/load-balancer-parts.ts'
import { nameInDnsName, type LoadBalancerState } from '../../aws/load-balancers.ts'
import type { Change } from '../../core/step.ts'
import type { Ingress } from '../../kubernetes/types.ts'
import { annotationPrefix as prefix, attributes } from '../../settings/annotations.ts'
import type { Settings } from '../../settings/types.ts'
import { certificateArns } from '../ingress-object.ts'
import type { ClassParams } from '../preflight/ingress-class.ts'

/** What ELBv2 says of the load balancer that the Ingress' status names. */
export interface Observed {
  readonly address: string
  /** undefined when there is none any more. */
  readonly balancer: LoadBalancerState | undefined
  readonly parts: LoadBalancerParts
}

/** Nothing is known of it. */
export const unknownParts: LoadBalancerParts = { listeners: undefined, targetGroups: undefined, attributes: undefined }

/** Whether everything was read that shows the work of the controller to its end: its rules come last. */
export const isComplete = ({ listeners, targetGroups }: LoadBalancerParts, port: number): boolean =>
  targetGroups !== undefined && listeners !== undefined && listeners.every((listener) => listener.port !== port || listener.rules !== undefined)

/** What of it could not be read, with the permissions that it takes; undefined when everything was. Pure. @param port of our listener */
export function unseenOf({ balancer, parts: { listeners, targetGroups, attributes } }: Observed, port: number): string | undefined {
  const parts: readonly (readonly [isMissing: boolean, what: string, action: string])[] = [
    [!listeners, 'listeners', 'DescribeListeners'],
    [listeners?.some((listener) => listener.port === port && !listener.rules) ?? false, 'rules', 'DescribeRules'],
    [!targetGroups, 'target groups', 'DescribeTargetGroups'],
    [!attributes, 'attributes', 'DescribeLoadBalancerAttributes'],
  ]
  const missing = parts.filter(([isMissing]) => isMissing)
  if (!balancer || missing.length === 0) return undefined
  return `the ${missing.map(([, what]) => what).join(', ')} of load balancer ${balancer.name} (${missing.map(([, , action]) => `elasticloadbalancing:${action}`).join(', ')})`
}

const why = 'changed by hand in AWS; the controller puts it back when it looks again'

type Difference = Omit<Change, 'step' | 'why'>

/**
 * Only what the Ingress says is compared, and not what the parameters of its class set over it: a difference that the
 * controller does not mend would be found by every run.
 * @param ingress as it is in the cluster
 */
export function drift({ address, balancer, parts }: Observed, ingress: Pick<Ingress, 'metadata'>, settings: Settings, params: ClassParams): Change[] {
  const found = balancer
    ? [...listenerDrift(balancer.name, parts, ingress, settings, params), ...attributeDrift(balancer.name, parts, ingress, params)]
    : [{ object: `load balancer ${nameInDnsName(address)}`, path: 'DNS name', after: address }]
  return found.map((difference) => ({ step: 'load-balancer', ...difference, why }))
}

const differs = (object: string, path: string, before: string, after: string | undefined): Difference[] =>
  after === undefined || before === after ? [] : [{ object, path, ...(before !== '' && { before }), after }]

function listenerDrift(name: string, parts: LoadBalancerParts, ingress: Pick<Ingress, 'metadata'>, settings: Settings, params: ClassParams): Difference[] {
  if (!parts.listeners) return []
  const port = settings.ingress.listenPort
  const object = `listener ${port} of ${name}`
  const listener = parts.listeners.find((candidate) => candidate.port === port)
  if (!listener) return [{ object, path: 'protocol', after: 'HTTPS' }]
  const said = params === 'unreadable' ? undefined : { certificate: certificateOf(ingress, settings, params), sslPolicy: params.sslPolicy === undefined ? ingress.metadata.annotations?.[`${prefix}ssl-policy`] : undefined }
  return [
    ...differs(object, 'protocol', listener.protocol, 'HTTPS'),
    ...differs(object, 'default certificate', listener.certificate, said?.certificate),
    ...differs(object, 'ssl-policy', listener.sslPolicy, said?.sslPolicy),
    ...ruleDrift(object, listener, parts, settings.host),
  ]
}

/** In a group the default certificate is the first member's. Source: the controller's mergeListenPortConfigs. */
function certificateOf(ingress: Pick<Ingress, 'metadata'>, { ingress: { groupName } }: Settings, { certificateArn, certificateARNs }: Exclude<ClassParams, 'unreadable'>): string | undefined {
  return groupName !== undefined || certificateArn !== undefined || certificateARNs !== undefined ? undefined : certificateArns(ingress)[0]
}

function ruleDrift(object: string, { rules }: Listener, { targetGroups }: LoadBalancerParts, host: string): Difference[] {
  if (!rules) return []
  const path = `rule for ${host}`
  const rule = rules.find(({ hosts, paths }) => hosts.some((each) => each.toLowerCase() === host) && (paths.length === 0 || paths.includes('/*')))
  if (!rule) return [{ object, path, after: 'forward to Milvus' }]
  if (rule.targetGroup === undefined) return [{ object, path, before: 'no forwarding', after: 'forward to Milvus' }]
  const group = targetGroups?.find(({ arn }) => arn === rule.targetGroup)
  if (!group) return []
  return [...differs(`target group ${group.name}`, 'protocol version', group.protocolVersion, 'GRPC'), ...differs(`target group ${group.name}`, 'target type', group.targetType, 'ip')]
}

/** Of attributes the controller looks only at those that an annotation names. */
function attributeDrift(name: string, { attributes: held }: LoadBalancerParts, ingress: Pick<Ingress, 'metadata'>, params: ClassParams): Difference[] {
  if (!held || params === 'unreadable') return []
  const named = Object.fromEntries(attributes(ingress.metadata.annotations?.[`${prefix}load-balancer-attributes`] ?? '') ?? [])
  const ofClass = new Set((params.loadBalancerAttributes ?? []).map(({ key }) => key))
  return Object.entries(named).flatMap(([key, value]) => (key in held && !ofClass.has(key) && held[key]?.toLowerCase() !== value.toLowerCase() ? differs(`load balancer ${name}`, `attribute ${key}`, held[key] ?? '', value) : []))
}
