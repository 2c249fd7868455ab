/** The objects of a manifest, and how two manifests differ: by name, never by value. */
import { parseManifest } from './manifest-objects.ts'

/** What an upgrade would do to the objects of a release, each as `Kind name`. */
export interface ManifestDiff {
  readonly added: readonly string[]
  readonly removed: readonly string[]
  readonly changed: readonly string[]
}

/** Whether two manifests did not differ. */
export const isEmptyDiff = ({ added, removed, changed }: ManifestDiff): boolean =>
  [added, removed, changed].every((objects) => objects.length === 0)

/**
 * Compares what is deployed with what would be. The same templates write the same text, so that
 * texts will do, and nothing has to be parsed that may be no YAML for us.
 */
export function diffManifests(before: string, after: string): ManifestDiff {
  const [oldObjects, newObjects] = [indexObjects(before), indexObjects(after)]
  return {
    added: [...newObjects.keys()].filter((name) => !oldObjects.has(name)),
    removed: [...oldObjects.keys()].filter((name) => !newObjects.has(name)),
    changed: [...newObjects].flatMap(([name, text]) =>
      oldObjects.has(name) && oldObjects.get(name) !== text ? [name] : [],
    ),
  }
}

/** `Kind name` -> text. */
const indexObjects = (manifest: string): Map<string, string> =>
  new Map(
    parseManifest(manifest).map(({ kind, name, text }) => [
      `${kind} ${name}`,
      normalizeDocument(text),
    ]),
  )

/**
 * Without what says only which chart made it: with another chart that changes on every object, and
 * means nothing to what runs.
 */
const normalizeDocument = (document: string): string =>
  document
    .replace(/^(# Source: | *(helm\.sh\/chart|chart|app\.kubernetes\.io\/version): ).*$/gm, '')
    .replace(/\n{2,}/g, '\n')
    .trim()
