/** Fields of an object that only a failed revision has: a client-side upgrade, which starts from the deployed one, leaves them as they are. */
import { isDeepStrictEqual } from 'node:util'

/** One field to take out. */
export interface LeftoverField {
  /** Its place, from the top of the object. */
  readonly path: readonly string[]
  /** What has to be there still, for an element of a list its key, so that nothing else is taken out. */
  readonly test: { readonly path: readonly string[]; readonly value: unknown }
}

type Fields = Readonly<Record<string, unknown>>

/**
 * Finds them, in an order in which they can be taken out one after the other.
 * @param live the object as it is
 * @param failed the same object in the manifest of the failed revision
 * @param kept the same object in the manifests that count
 */
export function leftoverFields(live: unknown, failed: unknown, kept: readonly unknown[], path: readonly string[] = []): LeftoverField[] {
  if (isFields(live) && isFields(failed)) return inFields(live, failed, kept.filter(isFields), path)
  if (isElements(live) && isElements(failed)) return inElements(live, failed, kept.filter(isElements), path)
  return []
}

function inFields(live: Fields, failed: Fields, kept: readonly Fields[], path: readonly string[]): LeftoverField[] {
  return Object.entries(failed).flatMap(([name, value]) => {
    const here = live[name]
    const place = [...path, name]
    const others = kept.flatMap((each) => (Object.hasOwn(each, name) ? [each[name]] : []))
    if (others.length > 0) return leftoverFields(here, value, others, place)
    // Labels and the like: others may have put theirs beside.
    const hasMore = isFlat(value) && isFields(here) && Object.keys(here).length > Object.keys(value).length
    if (hasMore) return inFields(here, value, [], place)
    return contains(here, value) ? [{ path: place, test: { path: place, value: here } }] : []
  })
}

/** From the last to the first: taking one out moves those behind it. */
function inElements(live: readonly Fields[], failed: readonly Fields[], kept: readonly (readonly Fields[])[], path: readonly string[]): LeftoverField[] {
  const key = keyOf([live, failed, ...kept])
  // A list that is replaced as a whole keeps nothing.
  if (key === undefined) return []
  return [...live.entries()].reverse().flatMap(([index, element]) => {
    const isSame = (each: Fields): boolean => each[key] === element[key]
    const made = failed.find(isSame)
    if (made === undefined) return []
    const place = [...path, String(index)]
    const others = kept.flatMap((list) => list.filter(isSame))
    if (others.length > 0) return leftoverFields(element, made, others, place)
    return [{ path: place, test: { path: [...place, key], value: element[key] } }]
  })
}

/** By which elements of lists are told apart. Source: Kubernetes API reference, patchMergeKey; a mount has a name too, which is not its own. */
const mergeKeys = ['mountPath', 'devicePath', 'containerPort', 'port', 'name', 'ip', 'topologyKey']

function keyOf(lists: readonly (readonly Fields[])[]): string | undefined {
  return mergeKeys.find((key) => lists.every((list) => list.every((each) => Object.hasOwn(each, key)) && new Set(list.map((each) => each[key])).size === list.length))
}

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)
const isElements = (value: unknown): value is readonly Fields[] => Array.isArray(value) && value.every(isFields)
const isFlat = (value: unknown): value is Fields => isFields(value) && Object.values(value).every((each) => typeof each !== 'object')

/** Whether a value is there, perhaps with more that the API added by itself. */
function contains(live: unknown, value: unknown): boolean {
  if (isFields(live) && isFields(value)) return Object.entries(value).every(([name, each]) => contains(live[name], each))
  if (Array.isArray(live) && Array.isArray(value)) return live.length === value.length && value.every((each, index) => contains(live[index], each))
  return isDeepStrictEqual(live, value)
}
