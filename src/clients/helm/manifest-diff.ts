/** Compares two manifests: which objects differ, by their names, never their values. */
import { parseManifest } from './manifest-objects.ts'

/** The objects of a release that an upgrade would add, remove or change, each as `Kind name`. */
export interface ManifestDiff {
  readonly added: readonly string[]
  readonly removed: readonly string[]
  readonly changed: readonly string[]
}

/** Whether two manifests contain the same objects. */
export const isEmptyDiff = ({ added, removed, changed }: ManifestDiff): boolean =>
  [added, removed, changed].every((objects) => objects.length === 0)

/**
 * Compares two manifests by text. The same templates render the same text, and a text that Helm
 * accepts need not be valid YAML for js-yaml.
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

/** Texts by `Kind name`. */
const indexObjects = (manifest: string): Map<string, string> =>
  new Map(
    parseManifest(manifest).map(({ kind, name, text }) => [
      `${kind} ${name}`,
      normalizeDocument(text),
    ]),
  )

/**
 * Removes what only names the chart and its version: another chart changes it on every object,
 * without an effect on what runs.
 */
const normalizeDocument = (document: string): string =>
  document
    .replace(/^(# Source: | *(helm\.sh\/chart|chart|app\.kubernetes\.io\/version): ).*$/gm, '')
    .replace(/\n{2,}/g, '\n')
    .trim()
