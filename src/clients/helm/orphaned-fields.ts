/**
 * Fields of a live object that only a failed revision set. A client-side upgrade starts from the
 * deployed revision, and does not remove them.
 */
import { isDeepStrictEqual } from 'node:util'
import { isPlainObject } from '../../util/objects.ts'

/** One field to remove. */
export interface OrphanedField {
  /** Names of fields and indexes of lists, from the root of the object. */
  readonly path: readonly string[]
  /**
   * What must be unchanged for the removal: the value itself, or the key of a list element, so that
   * another element at this index is not removed.
   */
  readonly test: { readonly path: readonly string[]; readonly value: unknown }
}

type PlainObject = Readonly<Record<string, unknown>>

/**
 * Finds orphaned fields, in an order in which they can be removed one after the other.
 * @param live the object in the cluster
 * @param failed the object in the manifest of the failed revision
 * @param retained the object in the manifests whose fields are kept
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
    // Labels, annotations and other maps, to which others may have added entries.
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

/** From last to first: removing an element shifts those after it. */
function findInList(
  live: readonly PlainObject[],
  failed: readonly PlainObject[],
  retained: readonly (readonly PlainObject[])[],
  path: readonly string[],
): OrphanedField[] {
  const key = findMergeKey([live, failed, ...retained])
  // Without a merge key an upgrade replaces the whole list, so that nothing remains.
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
 * The keys that identify elements of lists. Source: Kubernetes API reference, patchMergeKey.
 * mountPath comes before name: the name of a mount is that of its volume.
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

const isObjectList = (value: unknown): value is readonly PlainObject[] =>
  Array.isArray(value) && value.every(isPlainObject)
const isFlatObject = (value: unknown): value is PlainObject =>
  isPlainObject(value) && Object.values(value).every((each) => typeof each !== 'object')

/** Whether the live value contains this one, perhaps with defaults that the API added. */
function contains(live: unknown, value: unknown): boolean {
  if (isPlainObject(live) && isPlainObject(value))
    return Object.entries(value).every(([name, each]) => contains(live[name], each))
  if (Array.isArray(live) && Array.isArray(value))
    return live.length === value.length && value.every((each, index) => contains(live[index], each))
  return isDeepStrictEqual(live, value)
}
