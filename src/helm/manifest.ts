/** The objects of a manifest, and how two manifests differ: by name, never by value. */
import { readObjects } from './objects.ts'

/** What an upgrade would do to the objects of a release, each as `Kind name`. */
export interface Difference {
  readonly added: readonly string[]
  readonly removed: readonly string[]
  readonly changed: readonly string[]
}

/** Whether two manifests did not differ. */
export const isSame = ({ added, removed, changed }: Difference): boolean => [added, removed, changed].every((objects) => objects.length === 0)

/** Compares what is deployed with what would be. The same templates write the same text, so that texts will do, and nothing has to be parsed that may be no YAML for us. */
export function compareManifests(before: string, after: string): Difference {
  const [old, wanted] = [textsOf(before), textsOf(after)]
  return {
    added: [...wanted.keys()].filter((name) => !old.has(name)),
    removed: [...old.keys()].filter((name) => !wanted.has(name)),
    changed: [...wanted].flatMap(([name, text]) => (old.has(name) && old.get(name) !== text ? [name] : [])),
  }
}

/** `Kind name` -> text. */
const textsOf = (manifest: string): Map<string, string> => new Map(readObjects(manifest).map(({ kind, name, text }) => [`${kind} ${name}`, comparable(text)]))

/** Without what says only which chart made it: with another chart that changes on every object, and means nothing to what runs. */
const comparable = (document: string): string => document.replace(/^(# Source: | *(helm\.sh\/chart|chart|app\.kubernetes\.io\/version): ).*$/gm, '').replace(/\n{2,}/g, '\n').trim()
