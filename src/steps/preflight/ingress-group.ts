/** The other Ingresses that share the ALB (group-name): whether they agree with this one. */
import { combineErrors } from '../../failures/action-error.ts'
import { ingressGroupConflict } from '../../failures/ingress-ownership.ts'
import type { Context } from '../step.ts'
import type { Ingress } from '../../clients/kubernetes/types.ts'
import { parseAttributes } from '../../controller/annotation-validators.ts'
import { annotationPrefix as prefix } from '../../controller/annotations.ts'
import type { EndpointSettings } from '../../inputs/types.ts'
import { buildAnnotations } from '../ingress/manifest.ts'
import type { ClassParamsSpec } from './class-overrides.ts'
import type { ClassParams } from './ingress-class.ts'

type Annotations = Readonly<Record<string, string>>

/** Characters. Longer annotations, such as kubectl's last applied configuration, are dropped. */
const maxAnnotationLength = 1_000

/** A filter for lists: drops long annotations from Ingresses of other classes, to save memory. */
export const trimAnnotations =
  ({ ingress: { className } }: EndpointSettings) =>
  (ingresses: readonly Ingress[]): Ingress[] =>
    ingresses.map((ingress) => {
      const { ingressClassName = className } = ingress.spec
      return ingressClassName === className ? ingress : withoutLongAnnotations(ingress)
    })

function withoutLongAnnotations(ingress: Ingress): Ingress {
  const annotations = Object.entries(ingress.metadata.annotations ?? {})
  const shortAnnotations = annotations.filter(([, value]) => value.length <= maxAnnotationLength)
  if (shortAnnotations.length === annotations.length) return ingress
  const metadata = { ...ingress.metadata, annotations: Object.fromEntries(shortAnnotations) }
  return { ...ingress, metadata }
}

/** The Ingress of this run among the others of its namespace. */
export interface NamespaceIngresses {
  readonly ingressName: string
  readonly ingresses: readonly Ingress[]
  readonly classParams: ClassParams
}

/**
 * Compares the inputs with the other members of the group in this namespace. Members in other
 * namespaces are not visible.
 * @throws ActionError `ingress-group-conflict`
 */
export function checkIngressGroup(
  context: Context,
  settings: EndpointSettings,
  { ingressName, ingresses, classParams }: NamespaceIngresses,
): void {
  const { groupName, className } = settings.ingress
  if (groupName === undefined) return
  const members = ingresses.filter(
    ({ metadata, spec }) =>
      metadata.name !== ingressName &&
      metadata.deletionTimestamp === undefined &&
      spec.ingressClassName === className &&
      metadata.annotations?.[`${prefix}group.name`] === groupName,
  )
  for (const { metadata, spec } of members)
    if (spec.rules?.some(({ host }) => host === settings.host))
      context.log.warn(
        `Ingress ${metadata.name} of group ${groupName} also serves host ${settings.host}. The ` +
          'first of the two receives its calls: by annotation group.order, then by name.',
      )
  const ownAnnotations = buildAnnotations(settings)
  const problems = members.flatMap(({ metadata: { name, annotations = {} } }) => {
    const disagreements = findConflicts(ownAnnotations, annotations, classParams)
    return disagreements.length === 0 ? [] : [ingressGroupConflict(name, groupName, disagreements)]
  })
  if (problems.length > 0) throw combineErrors(problems)
}

/** Parses an annotation into the parts that are compared, by key. */
type AnnotationParser = (value: string) => Annotations

const parseScalar: AnnotationParser = (value) => ({ '': value })

const parseList: AnnotationParser = (value) => {
  const entries = value.split(',').map((entry) => entry.trim())
  return { '': entries.sort().join(', ') }
}

const parseMap: AnnotationParser = (value) => Object.fromEntries(parseAttributes(value) ?? [])

/** An annotation on which the members of a group must agree, where several set it. */
interface GroupWideAnnotation {
  readonly annotation: string
  readonly parse: AnnotationParser
  /** The parameter of the class that overrides the annotation. */
  readonly classParam?: keyof ClassParamsSpec
  /** Whether only members that share a port must agree. */
  readonly isPerListener?: true
}

/**
 * Source: the controller's model_build_load_balancer.go and mergeListenPortConfigs, "conflicting
 * ...".
 */
const groupWideAnnotations: readonly GroupWideAnnotation[] = [
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

/** What two members of a group disagree on, so that the controller rejects both. Pure. */
export function findConflicts(
  ownAnnotations: Annotations,
  otherAnnotations: Annotations,
  classParams: ClassParams,
): string[] {
  const ownPorts = parseListenPorts(ownAnnotations)
  const sharedPorts = Object.entries(parseListenPorts(otherAnnotations)).filter(
    ([port]) => port in ownPorts,
  )
  const protocolConflicts = sharedPorts
    .filter(([port, protocol]) => protocol !== ownPorts[port])
    .map(([port, protocol]) => `port ${port} is ${protocol}, not ${ownPorts[port] ?? ''}`)
  const isDecidedByAnnotation = ({ classParam, isPerListener }: GroupWideAnnotation): boolean =>
    classParams.readable &&
    (classParam === undefined || classParams.spec[classParam] === undefined) &&
    (isPerListener !== true || sharedPorts.length > 0)
  const annotationConflicts = groupWideAnnotations
    .filter(isDecidedByAnnotation)
    .flatMap((compared) => compareAnnotation(compared, ownAnnotations, otherAnnotations))
  return [...protocolConflicts, ...annotationConflicts]
}

function compareAnnotation(
  { annotation, parse }: GroupWideAnnotation,
  ownAnnotations: Annotations,
  otherAnnotations: Annotations,
): string[] {
  const parseOf = (annotations: Annotations): Annotations => {
    const value = annotations[prefix + annotation]
    return value === undefined ? {} : parse(value)
  }
  const ownValues = parseOf(ownAnnotations)
  const conflicts: string[] = []
  for (const [key, value] of Object.entries(parseOf(otherAnnotations))) {
    const ownValue = Object.hasOwn(ownValues, key) ? ownValues[key] : undefined
    if (ownValue === undefined || ownValue === value) continue
    const subject = key === '' ? annotation : `${annotation} ${key}`
    conflicts.push(`${subject} is ${value}, not ${ownValue}`)
  }
  return conflicts
}

/**
 * Port -> protocol. Without listen-ports, an Ingress with a certificate listens on 443. Source: the
 * controller's model_build_listener.go.
 */
function parseListenPorts(annotations: Annotations): Record<string, string> {
  const fallback = `${prefix}certificate-arn` in annotations ? '[{"HTTPS":443}]' : '[{"HTTP":80}]'
  const listenPorts = annotations[`${prefix}listen-ports`] ?? fallback
  try {
    const entries = JSON.parse(listenPorts) as Record<string, number>[]
    return Object.fromEntries(
      entries.flatMap((entry) =>
        Object.entries(entry).map(([protocol, port]) => [String(port), protocol]),
      ),
    )
  } catch {
    return {}
  }
}
