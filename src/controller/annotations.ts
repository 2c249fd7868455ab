/** Names and values of annotations, as far as they can be validated before they are applied. */
import { findNearest } from '../util/nearest.ts'
import type { AnnotatedIngress } from './annotation-effects.ts'
import { annotationTable, type AnnotationDeclaration } from './annotation-table.ts'
import { truncateForError } from './annotation-validators.ts'

/** The prefix of the controller's annotations. */
export const annotationPrefix = 'alb.ingress.kubernetes.io/'

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

/** Seconds. Source: the controller's pkg/ingress/model_builder.go. */
const defaultInterval = 15
const defaultTimeout = 5

/** An annotation that the controller or ELB would reject. */
export interface RejectedAnnotation {
  readonly key: string
  readonly value: string
  /** Continues `KEY is "VALUE", which …`. */
  readonly problem: string
}

/** What the controller or ELB would reject, each as `KEY is "VALUE", which …`. */
export const validateAnnotations = (annotations: Annotations): string[] =>
  findRejectedAnnotations(annotations).map(({ key, value, problem }) => {
    const shownValue = truncateForError(JSON.stringify(value))
    return `${truncateForError(key)} is ${shownValue}, which ${problem}`
  })

export function findRejectedAnnotations(annotations: Annotations): RejectedAnnotation[] {
  const rejected: RejectedAnnotation[] = []
  for (const [key, value] of Object.entries(annotations)) {
    const problem = findDeclaration(key)?.validate(value)
    if (problem !== undefined) rejected.push({ key, value, problem })
  }
  return [...rejected, ...findRejectedHealthChecks(annotations)]
}

/** Those of the ALB, and of an NLB in front of it. Source: ELBv2, CreateTargetGroup. */
function findRejectedHealthChecks(annotations: Annotations): RejectedAnnotation[] {
  const rejected: RejectedAnnotation[] = []
  for (const namePrefix of ['', 'frontend-nlb-']) {
    const intervalName = `${namePrefix}healthcheck-interval-seconds`
    const timeoutName = `${namePrefix}healthcheck-timeout-seconds`
    const interval = annotations[annotationPrefix + intervalName]
    const timeout = annotations[annotationPrefix + timeoutName]
    const isTooLong = Number(timeout ?? defaultTimeout) >= Number(interval ?? defaultInterval)
    if (!isTooLong) continue
    if (timeout !== undefined)
      rejected.push({
        key: annotationPrefix + timeoutName,
        value: timeout,
        problem:
          `is not less than ${intervalName} ` + `(${interval ?? `${defaultInterval} by default`})`,
      })
    else if (interval !== undefined)
      rejected.push({
        key: annotationPrefix + intervalName,
        value: interval,
        problem: `is not greater than ${timeoutName} (${defaultTimeout} by default)`,
      })
  }
  return rejected
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
