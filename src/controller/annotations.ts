/** Names and values of annotations, as far as they can be validated before they are applied. */
import { findNearest } from '../util/nearest.ts'
import { onlyForService, onlyForServicePort, type AnnotatedIngress } from './annotation-effects.ts'
import { annotationTable, type AnnotationDeclaration } from './annotation-table.ts'
import {
  parseMutualAuthentication,
  truncateForError,
  type MutualAuthenticationEntry,
} from './annotation-validators.ts'

/** The prefix of the controller's annotations. */
export const annotationPrefix = 'alb.ingress.kubernetes.io/'

/** The annotation that assigns an Ingress to a group. */
export const groupAnnotation = `${annotationPrefix}group.name`

type Annotations = Readonly<Record<string, string>>

/** Names that end in what a user chooses, by what precedes that: `actions` of `actions.NAME`. */
const suffixedNames: ReadonlyMap<string, string> = new Map(
  Object.keys(annotationTable).flatMap((name): [string, string][] => {
    const [baseName = name] = name.split(/\.(?=[A-Z])/)
    return baseName === name ? [] : [[baseName, name]]
  }),
)

/** What precedes the first point of a name, and what follows it. */
function splitName(name: string): readonly [baseName: string, suffix: string] {
  const point = name.indexOf('.')
  return point < 0 ? [name, ''] : [name.slice(0, point), name.slice(point + 1)]
}

/** @returns undefined for an annotation that the controller does not know */
export function findDeclaration(key: string): AnnotationDeclaration | undefined {
  if (!key.startsWith(annotationPrefix)) return undefined
  const name = key.slice(annotationPrefix.length)
  if (Object.hasOwn(annotationTable, name)) return annotationTable[name]
  const [baseName, suffix] = splitName(name)
  return suffix === '' ? undefined : annotationTable[suffixedNames.get(baseName) ?? '']
}

/** Source: Kubernetes, "Annotations", syntax and character set. */
export const isAnnotationKey = (key: string): boolean =>
  /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/.test(
    key,
  )

/** An annotation that the controller or ELB would reject. */
export interface RejectedAnnotation {
  readonly key: string
  readonly value: string
  /** Continues `KEY is "VALUE", which …`. */
  readonly problem: string
}

/** `KEY is "VALUE", which …` */
export function describeRejected({ key, value, problem }: RejectedAnnotation): string {
  const shownValue = truncateForError(JSON.stringify(value))
  return `${truncateForError(key)} is ${shownValue}, which ${problem}`
}

/** Whether it has an effect only for one Service. */
function isForService(key: string): boolean {
  const noEffect = findDeclaration(key)?.noEffect
  return noEffect === onlyForService || noEffect === onlyForServicePort
}

/**
 * What the controller or ELB would reject, as far as it is known without the Service, whose
 * annotations may complete a health check of these.
 */
export const validateAnnotations = (annotations: Annotations): string[] =>
  [
    ...findRejectedValues(annotations).filter(({ key }) => !isForService(key)),
    ...healthChecks
      .filter((check) => check.isOfNlb || hasBothTimes(annotations, check))
      .flatMap((check) => findRejectedTime(annotations, check) ?? []),
  ].map(describeRejected)

/**
 * @param ingress with the annotations that take effect, by their complete keys
 * @param onService those of the Service: one of them is named first for what several cause
 */
export function findRejectedAnnotations(
  ingress: AnnotatedIngress,
  onService: Annotations,
): RejectedAnnotation[] {
  const { annotations } = ingress
  const ineffective = new Set(findIneffectiveAnnotations(ingress).map(({ key }) => key))
  return [
    ...findRejectedValues(annotations).filter(
      ({ key }) => !isForService(key) || !ineffective.has(key),
    ),
    ...healthChecks.flatMap((check) => findRejectedTime(annotations, check, onService) ?? []),
  ]
}

function findRejectedValues(annotations: Annotations): RejectedAnnotation[] {
  const rejected: RejectedAnnotation[] = []
  for (const [key, value] of Object.entries(annotations)) {
    const problem = findDeclaration(key)?.validate(value)
    if (problem !== undefined) rejected.push({ key, value, problem })
  }
  return rejected
}

/** The annotations with the times of a health check, by name without prefix. */
interface HealthCheck {
  readonly interval: string
  readonly timeout: string
  /** Of an NLB in front of the ALB: not read from a Service, and the times may be equal. */
  readonly isOfNlb: boolean
}

/** Source: ELBv2, CreateTargetGroup. */
const healthChecks: readonly HealthCheck[] = [
  {
    interval: 'healthcheck-interval-seconds',
    timeout: 'healthcheck-timeout-seconds',
    isOfNlb: false,
  },
  {
    interval: 'frontend-nlb-healthcheck-interval-seconds',
    timeout: 'frontend-nlb-healthcheck-timeout-seconds',
    isOfNlb: true,
  },
]

/** Seconds. Source: the controller's pkg/ingress/model_builder.go. */
const defaultInterval = 15
const defaultTimeout = 5

const hasBothTimes = (annotations: Annotations, { interval, timeout }: HealthCheck): boolean =>
  annotationPrefix + interval in annotations && annotationPrefix + timeout in annotations

/** The annotation to correct when the timeout is too long for the interval. */
function findRejectedTime(
  annotations: Annotations,
  names: HealthCheck,
  onService: Annotations = {},
): RejectedAnnotation | undefined {
  const intervalKey = annotationPrefix + names.interval
  const timeoutKey = annotationPrefix + names.timeout
  const interval = annotations[intervalKey]
  const timeout = annotations[timeoutKey]
  const rest = Number(interval ?? defaultInterval) - Number(timeout ?? defaultTimeout)
  const [isTooLong, tooLong, tooShort] = names.isOfNlb
    ? [rest < 0, 'greater', 'less']
    : [rest <= 0, 'not less', 'not greater']
  if (!isTooLong) return undefined
  const shownInterval = interval ?? `${defaultInterval} by default`
  const shownTimeout = timeout ?? `${defaultTimeout} by default`
  const rejectedInterval = interval !== undefined && {
    key: intervalKey,
    value: interval,
    problem: `is ${tooShort} than ${names.timeout} (${shownTimeout})`,
  }
  const rejectedTimeout = timeout !== undefined && {
    key: timeoutKey,
    value: timeout,
    problem: `is ${tooLong} than ${names.interval} (${shownInterval})`,
  }
  const candidates = [rejectedTimeout, rejectedInterval].filter((each) => each !== false)
  return candidates.find(({ key }) => key in onService) ?? candidates[0]
}

/** An annotation under the controller's prefix that the controller ignores. */
export interface UnknownAnnotation {
  readonly key: string
  /** The key that may be meant. */
  readonly suggestion: string | undefined
}

export function findUnknownAnnotations(annotations: Annotations): UnknownAnnotation[] {
  return Object.keys(annotations)
    .filter((key) => key.startsWith(annotationPrefix) && findDeclaration(key) === undefined)
    .map((key) => ({ key, suggestion: suggestKey(key) }))
}

/** Names that look right, and the names that are. */
const mistakenNames: ReadonlyMap<string, string> = new Map([
  ['frontend-nlb', 'enable-frontend-nlb'],
  ['load-balancer-capacity-reservation', 'minimum-load-balancer-capacity'],
  // `actions` without what a user chooses: `actions.NAME`
  ...suffixedNames,
])

/** Edits by which a misspelled annotation may differ from the one that is meant. */
const maxSuggestionDistance = 3

function suggestKey(key: string): string | undefined {
  const name = key.slice(annotationPrefix.length)
  const suggestion = mistakenNames.get(name) ?? suggestSuffixedName(name) ?? suggestName(name)
  return suggestion && annotationPrefix + suggestion
}

const suggestName = (name: string): string | undefined =>
  findNearest(name, Object.keys(annotationTable), maxSuggestionDistance)

/** `conditions.milvus` for `condition.milvus` */
function suggestSuffixedName(name: string): string | undefined {
  const [baseName, suffix] = splitName(name)
  if (suffix === '') return undefined
  const nearest = findNearest(baseName, [...suffixedNames.keys()], maxSuggestionDistance)
  return nearest && `${nearest}.${suffix}`
}

/** An annotation that does nothing for an Ingress. */
export interface IneffectiveAnnotation {
  readonly key: string
  /** Continues `KEY, which has no effect: …`. */
  readonly reason: string
}

/** @param ingress with the annotations by their complete keys */
export function findIneffectiveAnnotations(ingress: AnnotatedIngress): IneffectiveAnnotation[] {
  const prefixLength = annotationPrefix.length
  const names = Object.entries(ingress.annotations).flatMap(([key, value]) =>
    key.startsWith(annotationPrefix) ? [[key.slice(prefixLength), value] as const] : [],
  )
  const annotations = Object.fromEntries(names)
  const ineffective: IneffectiveAnnotation[] = []
  for (const [name] of names) {
    const key = annotationPrefix + name
    const [, suffix] = splitName(name)
    const reason = findDeclaration(key)?.noEffect?.({ ...ingress, annotations }, suffix)
    if (reason !== undefined) ineffective.push({ key, reason })
  }
  return ineffective
}

/** What mutual-authentication says about the listener of an Ingress. */
export function findMutualAuthentication({
  annotations,
  listenPort,
}: {
  readonly annotations: Annotations
  readonly listenPort: number
}): MutualAuthenticationEntry | undefined {
  const entries = parseMutualAuthentication(
    annotations[`${annotationPrefix}mutual-authentication`] ?? '',
  )
  return entries?.find(({ port }) => port === listenPort)
}
