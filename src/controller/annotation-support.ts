/** Which annotations a version of the controller supports. Pure. */
import type { AnnotatedIngress } from './annotation-effects.ts'
import type { AnnotationDeclaration, KnownDefect } from './annotation-table.ts'
import { isGoFalse, validateGoBoolean } from './annotation-validators.ts'
import { findDeclaration, findIneffectiveAnnotations } from './annotations.ts'
import { formatVersion, isInRange, isOlder, type Version } from './versions.ts'

/**
 * The annotations that ask for something: a version that ignores the others does no harm.
 * @param ingress with the annotations by their complete keys
 */
export function selectRequests(ingress: AnnotatedIngress): Record<string, string> {
  const ineffective = new Set(findIneffectiveAnnotations(ingress).map(({ key }) => key))
  const requests = Object.entries(ingress.annotations).filter(
    ([key, value]) =>
      !ineffective.has(key) &&
      !(findDeclaration(key)?.validate === validateGoBoolean && isGoFalse(value)),
  )
  return Object.fromEntries(requests)
}

/** An annotation that a version ignores, or at which it fails. */
export interface UnsupportedAnnotation {
  readonly key: string
  /** What the version does, a predicate: `ignores KEY (new in v2.7.0)` */
  readonly effect: string
  /** The first version that supports it. */
  readonly supportedSince: Version
}

/** @param annotations that are going to be set, by key */
export function findUnsupportedAnnotations(
  annotations: Readonly<Record<string, string>>,
  version: Version,
): UnsupportedAnnotation[] {
  const unsupported: UnsupportedAnnotation[] = []
  for (const [key, value] of Object.entries(annotations)) {
    const { since, knownDefects = [] } = findDeclaration(key) ?? {}
    const defect = knownDefects.find((each) => isInRange(version, each) && isAffected(value, each))
    if (since && isOlder(version, since))
      unsupported.push({
        key,
        effect: `ignores ${key} (new in ${formatVersion(since)})`,
        supportedSince: firstUnaffected(since, value, knownDefects),
      })
    else if (defect)
      unsupported.push({ key, effect: `${defect.effect} ${key}`, supportedSince: defect.before })
  }
  return unsupported
}

const isAffected = (value: string, { appliesTo }: KnownDefect): boolean =>
  appliesTo?.(value) ?? true

/** The first version from `since` on that does the right thing. */
function firstUnaffected(
  since: Version,
  value: string,
  knownDefects: readonly KnownDefect[],
): Version {
  const defect = knownDefects.find((each) => isInRange(since, each) && isAffected(value, each))
  return defect?.before ?? since
}

/** The annotations that some versions do not support, each as `KEY (v2.7.0)`. */
export function describeRequiredVersions(annotations: Readonly<Record<string, string>>): string[] {
  const descriptions: string[] = []
  for (const [key, value] of Object.entries(annotations)) {
    const required = findRequiredVersion(value, findDeclaration(key))
    if (required) descriptions.push(`${key} (${formatVersion(required)})`)
  }
  return descriptions
}

function findRequiredVersion(
  value: string,
  declaration: AnnotationDeclaration | undefined,
): Version | undefined {
  const { since, knownDefects = [] } = declaration ?? {}
  if (since) return firstUnaffected(since, value, knownDefects)
  return knownDefects.find((defect) => isAffected(value, defect))?.before
}

/** @param versions at least one */
export const newestOf = (versions: readonly Version[]): Version =>
  versions.reduce((newest, version) => (isOlder(newest, version) ? version : newest))
