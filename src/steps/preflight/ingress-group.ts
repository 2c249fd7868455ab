/**
 * The Ingresses that share an ALB with ours (group-name), and what a change does to an ALB that is
 * there: known before it happens.
 */
import { nameFromDnsName } from '../../clients/aws/load-balancers.ts'
import { ActionError, combineErrors } from '../../failures/action-error.ts'
import type { Context } from '../step.ts'
import type { Ingress } from '../../clients/kubernetes/types.ts'
import { parseAttributes } from '../../controller/annotation-validators.ts'
import { annotationPrefix as prefix } from '../../controller/annotations.ts'
import type { Settings } from '../../inputs/types.ts'
import { buildIngressManifest, getIngressHostname } from '../ingress/manifest.ts'
import type { ClassParams } from './ingress-class.ts'

type Annotations = Readonly<Record<string, string>>

/**
 * Of Ingresses as they come: those of another class without their long annotations (what kubectl
 * applied last), of which nothing is read.
 */
export const trimAnnotations =
  ({ ingress: { className } }: Settings) =>
  (ingresses: readonly Ingress[]): Ingress[] =>
    ingresses.map((ingress) => {
      const {
        metadata,
        spec: { ingressClassName = className },
      } = ingress
      const annotations = Object.entries(metadata.annotations ?? {})
      const shortAnnotations = annotations.filter(([, value]) => value.length <= 1_000)
      return ingressClassName === className || shortAnnotations.length === annotations.length
        ? ingress
        : {
            ...ingress,
            metadata: { ...metadata, annotations: Object.fromEntries(shortAnnotations) },
          }
    })

/**
 * What other members of the group in this namespace say otherwise. Those of other namespaces are
 * not seen.
 * @throws ActionError `ingress-group-conflict`
 */
export function checkIngressGroup(
  context: Context,
  settings: Settings,
  name: string,
  ingresses: readonly Ingress[],
  params: ClassParams,
): void {
  const { groupName, className } = settings.ingress
  if (groupName === undefined) return
  const members = ingresses.filter(
    ({ metadata, spec }) =>
      metadata.name !== name &&
      metadata.deletionTimestamp === undefined &&
      spec.ingressClassName === className &&
      metadata.annotations?.[`${prefix}group.name`] === groupName,
  )
  for (const { metadata, spec } of members) {
    if (!spec.rules?.some(({ host }) => host === settings.host)) continue
    context.log.warn(
      `Ingress ${metadata.name} of group ${groupName} has host ${settings.host} too: the one that comes first (annotation group.order, then the name) gets its calls.`,
    )
  }
  const ownAnnotations = buildIngressManifest(
    settings,
    { name, service: '', port: 0, certificateArn: 'arn' },
    undefined,
  ).metadata.annotations
  const problems = members.flatMap(({ metadata }) => {
    const disagreements = findConflicts(ownAnnotations, metadata.annotations ?? {}, params)
    return disagreements.length === 0
      ? []
      : [
          new ActionError({
            code: 'ingress-group-conflict',
            problem: `Ingress ${metadata.name} of group ${groupName} says otherwise than this one will, and the controller refuses a group that disagrees: ${disagreements.join('; ')}.`,
            remedy: `Set the inputs to what Ingress ${metadata.name} says, change it there, or set group-name to another group.`,
          }),
        ]
  })
  if (problems.length > 0) throw combineErrors(problems)
}

type AnnotationParser = (value: string) => Readonly<Record<string, string>>

/**
 * What an annotation says, as far as it is compared: the whole, a list in any order, or each entry
 * of a map.
 */
const [parseScalar, parseList, parseMap]: readonly [
  AnnotationParser,
  AnnotationParser,
  AnnotationParser,
] = [
  (value) => ({ '': value }),
  (value) => ({
    '': value
      .split(',')
      .map((entry) => entry.trim())
      .sort()
      .join(', '),
  }),
  (value) => Object.fromEntries(parseAttributes(value) ?? []),
]

/**
 * What members of a group have to agree on where they say it, and the parameter of the class that
 * settles it; `listener`: only where they share a port. Source: the controller's
 * model_build_load_balancer.go and mergeListenPortConfigs, "conflicting ...".
 */
const groupWideAnnotations: readonly {
  readonly annotation: string
  readonly parse: AnnotationParser
  readonly classParam?: keyof Exclude<ClassParams, 'unreadable'>
  readonly isPerListener?: true
}[] = [
  { annotation: 'scheme', parse: parseScalar, classParam: 'scheme' },
  { annotation: 'ip-address-type', parse: parseScalar },
  { annotation: 'load-balancer-name', parse: parseScalar, classParam: 'loadBalancerName' },
  { annotation: 'subnets', parse: parseList, classParam: 'subnets' },
  { annotation: 'security-groups', parse: parseList },
  { annotation: 'load-balancer-attributes', parse: parseMap, classParam: 'loadBalancerAttributes' },
  { annotation: 'tags', parse: parseMap, classParam: 'tags' },
  { annotation: 'ssl-policy', parse: parseScalar, classParam: 'sslPolicy', isPerListener: true },
  {
    annotation: 'inbound-cidrs',
    parse: parseList,
    classParam: 'inboundCIDRs',
    isPerListener: true,
  },
]

/** What two members of a group disagree on, so that the controller refuses both. Pure. */
export function findConflicts(
  ownAnnotations: Annotations,
  otherAnnotations: Annotations,
  params: ClassParams,
): string[] {
  const ownPorts = parseListenPorts(ownAnnotations)
  const sharedPorts = Object.entries(parseListenPorts(otherAnnotations)).filter(
    ([port]) => port in ownPorts,
  )
  const protocolConflicts = sharedPorts.flatMap(([port, protocol]) =>
    protocol === ownPorts[port] ? [] : [`port ${port} is ${protocol}, not ${ownPorts[port] ?? ''}`],
  )
  const comparedAnnotations = groupWideAnnotations.filter(
    ({ classParam, isPerListener }) =>
      params !== 'unreadable' &&
      (classParam === undefined || params[classParam] === undefined) &&
      (isPerListener !== true || sharedPorts.length > 0),
  )
  return [
    ...protocolConflicts,
    ...comparedAnnotations.flatMap(({ annotation, parse }) => {
      const [ownValues, otherValues] = [ownAnnotations, otherAnnotations]
        .map((annotations) => annotations[prefix + annotation])
        .map((value) => (value === undefined ? {} : parse(value)))
      return Object.entries(otherValues ?? {}).flatMap(([key, value]) => {
        const ownValue = ownValues && Object.hasOwn(ownValues, key) ? ownValues[key] : undefined
        return ownValue === undefined || ownValue === value
          ? []
          : [`${annotation}${key === '' ? '' : ` ${key}`} is ${value}, not ${ownValue}`]
      })
    }),
  ]
}

/**
 * Port -> protocol. Without listen-ports a certificate makes it 443. Source: the controller's
 * model_build_listener.go.
 */
function parseListenPorts(annotations: Annotations): Record<string, string> {
  const fallback = `${prefix}certificate-arn` in annotations ? '[{"HTTPS":443}]' : '[{"HTTP":80}]'
  try {
    const entries = JSON.parse(annotations[`${prefix}listen-ports`] ?? fallback) as Record<
      string,
      number
    >[]
    return Object.fromEntries(
      entries.flatMap((entry) =>
        Object.entries(entry).map(([protocol, port]) => [String(port), protocol]),
      ),
    )
  } catch {
    return {}
  }
}

/**
 * Says what the change of an Ingress does to the ALB that it has: some make another one, and some
 * do nothing.
 */
export function warnAlbChanges(
  context: Context,
  { ingress: desired, host, namespace }: Settings,
  live: Ingress | undefined,
): void {
  const address = getIngressHostname(live)
  if (!live || address === undefined) return
  const annotations = live.metadata.annotations ?? {}
  const replacingFields: readonly (readonly [what: string, before: string, after: string])[] = [
    // Without the annotation the scheme is the controller's own default; the name tells.
    [
      'scheme',
      annotations[`${prefix}scheme`] ??
        (address.startsWith('internal-') ? 'internal' : 'internet-facing'),
      desired.scheme,
    ],
    ['group-name', annotations[`${prefix}group.name`] ?? '', desired.groupName ?? ''],
  ]
  const replacementReasons = replacingFields
    .filter(([, before, after]) => before !== after)
    .map(
      ([what, before, after]) => `${what} changes from ${before || 'none'} to ${after || 'none'}`,
    )
  if (replacementReasons.length > 0) {
    context.log.warn(
      `${replacementReasons.join(', and ')}: that is another ALB with a new name in place of ${address}. Point the DNS record of ${host} at the new name (output alb-address) as soon as this run is through; until then clients do not reach Milvus.`,
    )
  } else if (
    desired.loadBalancerName !== undefined &&
    nameFromDnsName(address) !== desired.loadBalancerName
  ) {
    context.log.warn(
      `load-balancer-name ${desired.loadBalancerName} does nothing to the ALB that is there (${nameFromDnsName(address)}): it counts only when one is made. To have that name, delete Ingress ${live.metadata.name} and run the job again; the DNS record has to follow.`,
    )
  }
  const legacyClass = annotations['kubernetes.io/ingress.class']
  if (legacyClass !== undefined) {
    context.log.warn(
      `Ingress ${live.metadata.name} has the annotation kubernetes.io/ingress.class: ${legacyClass}, which wins over ingress-class, and the parameters of the class do not count. Take it off: "kubectl -n ${namespace} annotate ingress ${live.metadata.name} kubernetes.io/ingress.class-".`,
    )
  }
}
