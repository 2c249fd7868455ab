/** The Ingresses that share an ALB with ours (group-name), and what a change does to an ALB that is there: known before it happens. */
import { nameInDnsName } from '../../aws/load-balancers.ts'
import { ActionError, combine } from '../../core/errors.ts'
import type { Context } from '../../core/step.ts'
import type { Ingress } from '../../kubernetes/types.ts'
import { annotationPrefix as prefix, attributes } from '../../settings/annotations.ts'
import type { Settings } from '../../settings/types.ts'
import { desiredIngress, hostname } from '../ingress-object.ts'
import type { ClassParams } from './ingress-class.ts'

type Annotations = Readonly<Record<string, string>>

/** Of Ingresses as they come: those of another class without their long annotations (what kubectl applied last), of which nothing is read. */
export const slim = ({ ingress: { className } }: Settings) => (ingresses: readonly Ingress[]): Ingress[] => ingresses.map((ingress) => {
  const { metadata, spec: { ingressClassName = className } } = ingress
  const annotations = Object.entries(metadata.annotations ?? {})
  const short = annotations.filter(([, value]) => value.length <= 1_000)
  return ingressClassName === className || short.length === annotations.length ? ingress : { ...ingress, metadata: { ...metadata, annotations: Object.fromEntries(short) } }
})

/**
 * What other members of the group in this namespace say otherwise. Those of other namespaces are not seen.
 * @throws ActionError `ingress-group-conflict`
 */
export function checkGroup(context: Context, settings: Settings, name: string, ingresses: readonly Ingress[], params: ClassParams): void {
  const { groupName, className } = settings.ingress
  if (groupName === undefined) return
  const members = ingresses.filter(({ metadata, spec }) => metadata.name !== name && metadata.deletionTimestamp === undefined && spec.ingressClassName === className && metadata.annotations?.[`${prefix}group.name`] === groupName)
  for (const { metadata, spec } of members) {
    if (!spec.rules?.some(({ host }) => host === settings.host)) continue
    context.log.warn(`Ingress ${metadata.name} of group ${groupName} has host ${settings.host} too: the one that comes first (annotation group.order, then the name) gets its calls.`)
  }
  const own = desiredIngress(settings, { name, service: '', port: 0, certificateArn: 'arn' }, undefined).metadata.annotations
  const problems = members.flatMap(({ metadata }) => {
    const found = conflicts(own, metadata.annotations ?? {}, params)
    return found.length === 0 ? [] : [new ActionError({
      code: 'ingress-group-conflict',
      problem: `Ingress ${metadata.name} of group ${groupName} says otherwise than this one will, and the controller refuses a group that disagrees: ${found.join('; ')}.`,
      remedy: `Set the inputs to what Ingress ${metadata.name} says, change it there, or set group-name to another group.`,
    })]
  })
  if (problems.length > 0) throw combine(problems)
}

type Values = (value: string) => Readonly<Record<string, string>>

/** What an annotation says, as far as it is compared: the whole, a list in any order, or each entry of a map. */
const [whole, list, map]: readonly [Values, Values, Values] = [
  (value) => ({ '': value }),
  (value) => ({ '': value.split(',').map((entry) => entry.trim()).sort().join(', ') }),
  (value) => Object.fromEntries(attributes(value) ?? []),
]

/**
 * What members of a group have to agree on where they say it, and the parameter of the class that settles it; `listener`: only where
 * they share a port. Source: the controller's model_build_load_balancer.go and mergeListenPortConfigs, "conflicting ...".
 */
const agreed: readonly { readonly annotation: string; readonly values: Values; readonly param?: keyof Exclude<ClassParams, 'unreadable'>; readonly listener?: true }[] = [
  { annotation: 'scheme', values: whole, param: 'scheme' },
  { annotation: 'ip-address-type', values: whole },
  { annotation: 'load-balancer-name', values: whole, param: 'loadBalancerName' },
  { annotation: 'subnets', values: list, param: 'subnets' },
  { annotation: 'security-groups', values: list },
  { annotation: 'load-balancer-attributes', values: map, param: 'loadBalancerAttributes' },
  { annotation: 'tags', values: map, param: 'tags' },
  { annotation: 'ssl-policy', values: whole, param: 'sslPolicy', listener: true },
  { annotation: 'inbound-cidrs', values: list, param: 'inboundCIDRs', listener: true },
]

/** What two members of a group disagree on, so that the controller refuses both. Pure. */
export function conflicts(own: Annotations, other: Annotations, params: ClassParams): string[] {
  const ports = portsOf(own)
  const shared = Object.entries(portsOf(other)).filter(([port]) => port in ports)
  const protocols = shared.flatMap(([port, protocol]) => (protocol === ports[port] ? [] : [`port ${port} is ${protocol}, not ${ports[port] ?? ''}`]))
  const compared = agreed.filter(({ param, listener }) => params !== 'unreadable' && (param === undefined || params[param] === undefined) && (listener !== true || shared.length > 0))
  return [...protocols, ...compared.flatMap(({ annotation, values }) => {
    const [ours, theirs] = [own, other].map((annotations) => annotations[prefix + annotation]).map((value) => (value === undefined ? {} : values(value)))
    return Object.entries(theirs ?? {}).flatMap(([key, value]) => {
      const mine = ours && Object.hasOwn(ours, key) ? ours[key] : undefined
      return mine === undefined || mine === value ? [] : [`${annotation}${key === '' ? '' : ` ${key}`} is ${value}, not ${mine}`]
    })
  })]
}

/** Port -> protocol. Without listen-ports a certificate makes it 443. Source: the controller's model_build_listener.go. */
function portsOf(annotations: Annotations): Record<string, string> {
  const fallback = `${prefix}certificate-arn` in annotations ? '[{"HTTPS":443}]' : '[{"HTTP":80}]'
  try {
    const entries = JSON.parse(annotations[`${prefix}listen-ports`] ?? fallback) as Record<string, number>[]
    return Object.fromEntries(entries.flatMap((entry) => Object.entries(entry).map(([protocol, port]) => [String(port), protocol])))
  } catch {
    return {}
  }
}

/** Says what the change of an Ingress does to the ALB that it has: some make another one, and some do nothing. */
export function remarkAlb(context: Context, { ingress: wanted, host, namespace }: Settings, live: Ingress | undefined): void {
  const address = hostname(live)
  if (!live || address === undefined) return
  const annotations = live.metadata.annotations ?? {}
  const replacing: readonly (readonly [what: string, before: string, after: string])[] = [
    // Without the annotation the scheme is the controller's own default; the name tells.
    ['scheme', annotations[`${prefix}scheme`] ?? (address.startsWith('internal-') ? 'internal' : 'internet-facing'), wanted.scheme],
    ['group-name', annotations[`${prefix}group.name`] ?? '', wanted.groupName ?? ''],
  ]
  const moved = replacing.filter(([, before, after]) => before !== after).map(([what, before, after]) => `${what} changes from ${before || 'none'} to ${after || 'none'}`)
  if (moved.length > 0) {
    context.log.warn(`${moved.join(', and ')}: that is another ALB with a new name in place of ${address}. Point the DNS record of ${host} at the new name (output alb-address) as soon as this run is through; until then clients do not reach Milvus.`)
  } else if (wanted.loadBalancerName !== undefined && nameInDnsName(address) !== wanted.loadBalancerName) {
    context.log.warn(`load-balancer-name ${wanted.loadBalancerName} does nothing to the ALB that is there (${nameInDnsName(address)}): it counts only when one is made. To have that name, delete Ingress ${live.metadata.name} and run the job again; the DNS record has to follow.`)
  }
  const old = annotations['kubernetes.io/ingress.class']
  if (old !== undefined) {
    context.log.warn(`Ingress ${live.metadata.name} has the annotation kubernetes.io/ingress.class: ${old}, which wins over ingress-class, and the parameters of the class do not count. Take it off: "kubectl -n ${namespace} annotate ingress ${live.metadata.name} kubernetes.io/ingress.class-".`)
  }
}
