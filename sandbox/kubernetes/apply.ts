/** Server-side apply: merges what is applied into the object and takes away what the same manager no longer applies. */
import { difference, elementOf, extend, fieldValues, union, type FieldSet } from './fields.ts'
import { ownersAfterApply, ownersOf, type Owners, type Writer } from './ownership.ts'
import { join, structureAt } from './schema.ts'
import { badRequest } from './status.ts'
import type { Resource } from './resources.ts'
import { isObject, type Json, type JsonObject, type KubernetesObject } from './types.ts'

/** What an apply makes of an object, and who owns it then. */
export interface Applied {
  readonly object: KubernetesObject
  readonly owners: Owners
}

/**
 * Applies a configuration.
 * @param live the object as it is; undefined when the apply creates it
 * @throws 409 when another manager owns a field that would change, unless forced
 */
export function serverSideApply(resource: Resource, live: KubernetesObject | undefined, configuration: KubernetesObject, writer: Writer, force: boolean): Applied {
  if (configuration.metadata.managedFields !== undefined) throw badRequest('metadata.managedFields must be nil')
  const wanted = withoutNulls(configuration) as KubernetesObject
  const applied: FieldSet = new Set(fieldValues(resource, wanted, false).keys())
  const owners = ownersOf(live)
  const last = [...owners.values()].find((owner) => owner.operation === 'Apply' && owner.manager === writer.manager && owner.subresource === writer.subresource)
  const merged = merge(resource, live ?? {}, wanted, '') as KubernetesObject
  const others = [...owners.values()].filter((owner) => owner !== last).reduce((all, owner) => union(all, owner.set), applied)
  const object = prune(resource, merged, difference(last?.set ?? new Set(), others), others)
  return { object, owners: ownersAfterApply(resource, live, object, owners, writer, applied, force) }
}

function merge(resource: Resource, live: Json | undefined, wanted: Json, place: string): Json {
  const structure = structureAt(resource, place)
  if (isObject(wanted) && isObject(live) && structure !== 'atomic') {
    const result: JsonObject = { ...live }
    for (const [name, value] of Object.entries(wanted)) if (value !== undefined) result[name] = merge(resource, live[name], value, join(place, name))
    return result
  }
  if (!Array.isArray(wanted) || !Array.isArray(live) || structure === undefined || structure === 'atomic') return wanted
  const keyed = new Map(live.map((item) => [elementOf(item, structure, place), item]))
  for (const item of wanted) {
    const element = elementOf(item, structure, place)
    keyed.set(element, structure === 'set' ? item : merge(resource, keyed.get(element), item, place))
  }
  return [...keyed.values()]
}

/** Removes fields; a map or list that this empties goes too, unless somebody else owns it. */
function prune(resource: Resource, object: KubernetesObject, removed: FieldSet, kept: FieldSet): KubernetesObject {
  if (removed.size === 0) return object
  const remains = (path: string): boolean => [...kept].some((field) => field === path || field.startsWith(`${path}\n`))
  const strip = (value: Json, path: string, place: string): Json | undefined => {
    if (removed.has(path) && !remains(path)) return undefined
    const touched = path === '' || [...removed].some((field) => field.startsWith(`${path}\n`))
    if (!touched) return value
    if (isObject(value)) {
      const left = Object.entries(value).flatMap(([name, inner]): [string, Json][] => {
        const stripped = inner === undefined ? undefined : strip(inner, extend(path, `f:${name}`), join(place, name))
        return stripped === undefined ? [] : [[name, stripped]]
      })
      return left.length === 0 && !remains(path) ? undefined : Object.fromEntries(left)
    }
    const structure = structureAt(resource, place)
    if (!Array.isArray(value) || structure === undefined || structure === 'atomic') return value
    const left = value.flatMap((item): Json[] => {
      const stripped = strip(item, extend(path, elementOf(item, structure, place)), place)
      return stripped === undefined ? [] : [stripped]
    })
    return left.length === 0 && !remains(path) ? undefined : left
  }
  return strip(object, '', '') as KubernetesObject
}

/** A null in a configuration is a field that is not applied. */
function withoutNulls(value: Json): Json {
  if (Array.isArray(value)) return value.map(withoutNulls)
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== null && inner !== undefined).map(([name, inner]) => [name, withoutNulls(inner as Json)]))
}
