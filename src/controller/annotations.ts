/** Names and values of annotations, as far as they can be validated before they are applied. */
import { findNearest } from '../util/nearest.ts'
import { annotationTable, type AnnotationDeclaration } from './annotation-table.ts'
import { truncateForError } from './annotation-validators.ts'

/** The prefix of the controller's annotations. */
export const annotationPrefix = 'alb.ingress.kubernetes.io/'

type Annotations = Readonly<Record<string, string>>

/** Annotations that end in a part of the user, by what precedes it: `actions`. */
const suffixedDeclarations: ReadonlyMap<string, AnnotationDeclaration> = new Map(
  Object.entries(annotationTable).flatMap(([name, declaration]) => {
    const [baseName = name] = name.split(/\.(?=[A-Z])/)
    return baseName === name ? [] : [[baseName, declaration]]
  }),
)

/** @returns undefined for an annotation that the controller does not know */
export function findDeclaration(key: string): AnnotationDeclaration | undefined {
  if (!key.startsWith(annotationPrefix)) return undefined
  const name = key.slice(annotationPrefix.length)
  if (Object.hasOwn(annotationTable, name)) return annotationTable[name]
  const [, baseName = ''] = /^([a-z-]+)\../.exec(name) ?? []
  return suffixedDeclarations.get(baseName)
}

/** Source: Kubernetes, "Annotations", syntax and character set. */
export const isAnnotationKey = (key: string): boolean =>
  /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/.test(
    key,
  )

/** What the controller or ELB would reject, each as `KEY is "VALUE", which …`. */
export function validateAnnotations(annotations: Annotations): string[] {
  const problems: string[] = []
  for (const [key, value] of Object.entries(annotations)) {
    const problem = findDeclaration(key)?.validate(value)
    if (problem === undefined) continue
    const shownValue = truncateForError(JSON.stringify(value))
    problems.push(`${truncateForError(key)} is ${shownValue}, which ${problem}`)
  }
  return problems
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

/** Edits by which a misspelled annotation may differ from the one that is meant. */
const maxSuggestionDistance = 3

function suggestKey(key: string): string | undefined {
  const name = key.slice(annotationPrefix.length)
  const nearest = findNearest(name, Object.keys(annotationTable), maxSuggestionDistance)
  return nearest && annotationPrefix + nearest
}
