/**
 * Fields of an object that only a failed revision has: a client-side upgrade, which starts from the
 * deployed one, leaves them as they are.
 */
import { isDeepStrictEqual } from 'node:util'

/** One field to take out. */
export interface OrphanedField {
  /** Its place, from the top of the object. */
  readonly path: readonly string[]
  /**
   * What has to be there still, for an element of a list its key, so that nothing else is taken
   * out.
   */
  readonly test: { readonly path: readonly string[]; readonly value: unknown }
}

type PlainObject = Readonly<Record<string, unknown>>

/**
 * Finds them, in an order in which they can be taken out one after the other.
 * @param live the object as it is
 * @param failed the same object in the manifest of the failed revision
 * @param retained the same object in the manifests that count
 */
export function findOrphanedFields(
  live: unknown,
  failed: unknown,
  retained: readonly unknown[],
  path: readonly string[] = [],
): OrphanedField[] {
  if (isPlainObject(live) && isPlainObject(failed))
    return findInObject(live, failed, retained.filter(isPlainObject), path)
  if (isObjectList(live) && isObjectList(failed))
    return findInList(live, failed, retained.filter(isObjectList), path)
  return []
}

function findInObject(
  live: PlainObject,
  failed: PlainObject,
  retained: readonly PlainObject[],
  path: readonly string[],
): OrphanedField[] {
  return Object.entries(failed).flatMap(([name, value]) => {
    const liveValue = live[name]
    const fieldPath = [...path, name]
    const retainedValues = retained.flatMap((each) =>
      Object.hasOwn(each, name) ? [each[name]] : [],
    )
    if (retainedValues.length > 0)
      return findOrphanedFields(liveValue, value, retainedValues, fieldPath)
    // Labels and the like: others may have put theirs beside.
    const hasOtherKeys =
      isFlatObject(value) &&
      isPlainObject(liveValue) &&
      Object.keys(liveValue).length > Object.keys(value).length
    if (hasOtherKeys) return findInObject(liveValue, value, [], fieldPath)
    return contains(liveValue, value)
      ? [{ path: fieldPath, test: { path: fieldPath, value: liveValue } }]
      : []
  })
}

/** From the last to the first: taking one out moves those behind it. */
function findInList(
  live: readonly PlainObject[],
  failed: readonly PlainObject[],
  retained: readonly (readonly PlainObject[])[],
  path: readonly string[],
): OrphanedField[] {
  const key = findMergeKey([live, failed, ...retained])
  // A list that is replaced as a whole keeps nothing.
  if (key === undefined) return []
  return [...live.entries()].reverse().flatMap(([index, element]) => {
    const hasSameKey = (each: PlainObject): boolean => each[key] === element[key]
    const failedElement = failed.find(hasSameKey)
    if (failedElement === undefined) return []
    const elementPath = [...path, String(index)]
    const retainedElements = retained.flatMap((list) => list.filter(hasSameKey))
    if (retainedElements.length > 0)
      return findOrphanedFields(element, failedElement, retainedElements, elementPath)
    return [{ path: elementPath, test: { path: [...elementPath, key], value: element[key] } }]
  })
}

/**
 * By which elements of lists are told apart. Source: Kubernetes API reference, patchMergeKey; a
 * mount has a name too, which is not its own.
 */
const mergeKeys = ['mountPath', 'devicePath', 'containerPort', 'port', 'name', 'ip', 'topologyKey']

function findMergeKey(lists: readonly (readonly PlainObject[])[]): string | undefined {
  return mergeKeys.find((key) =>
    lists.every(
      (list) =>
        list.every((each) => Object.hasOwn(each, key)) &&
        new Set(list.map((each) => each[key])).size === list.length,
    ),
  )
}

const isPlainObject = (value: unknown): value is PlainObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isObjectList = (value: unknown): value is readonly PlainObject[] =>
  Array.isArray(value) && value.every(isPlainObject)
const isFlatObject = (value: unknown): value is PlainObject =>
  isPlainObject(value) && Object.values(value).every((each) => typeof each !== 'object')

/** Whether a value is there, perhaps with more that the API added by itself. */
function contains(live: unknown, value: unknown): boolean {
  if (isPlainObject(live) && isPlainObject(value))
    return Object.entries(value).every(([name, each]) => contains(live[name], each))
  if (Array.isArray(live) && Array.isArray(value))
    return live.length === value.length && value.every((each, index) => contains(live[index], each))
  return isDeepStrictEqual(live, value)
}
