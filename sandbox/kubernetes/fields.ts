/**
 * Fields of objects as managed fields name them. A field is a path of elements (`f:NAME`, `k:{KEYS}`, `v:VALUE`)
 * joined with newlines, so that sets of fields are plain sets of strings.
 */
import { badRequest } from './status.ts'
import { join, keyDefaults, structureAt } from './schema.ts'
import type { Resource } from './resources.ts'
import { canonical, fields, isObject, type Json, type JsonObject } from './types.ts'

/** A set of fields. */
export type FieldSet = ReadonlySet<string>

/** The fields in either set. */
export const union = (left: FieldSet, right: FieldSet): FieldSet => new Set([...left, ...right])

/** The fields of the first set that are not in the second. */
export const difference = (left: FieldSet, right: FieldSet): FieldSet => new Set([...left].filter((field) => !right.has(field)))

/** Fields that nobody owns: the API writes or identifies by them. */
const unowned = new Set(['apiVersion', 'kind', ...['name', 'namespace', 'generateName', 'uid', 'resourceVersion', 'generation',
  'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds', 'selfLink', 'managedFields'].map((name) => `metadata.${name}`)])

/** Structs that every object of a kind has, even when empty: an update that fills them does not come to own them. */
const structs = new Set(['metadata', 'spec', 'status', 'status.loadBalancer', 'spec.strategy', 'spec.updateStrategy', 'spec.template', 'spec.template.metadata', 'spec.template.spec'])

/** The element that tells one item of a list from the others. */
export function elementOf(item: Json, structure: 'set' | readonly string[], place: string): string {
  return structure === 'set' ? `v:${canonical(item)}` : keyElement(item, structure, place)
}

function keyElement(item: Json, keys: readonly string[], place: string): string {
  if (!isObject(item)) throw badRequest(`${place}: an item is not an object`)
  const values = keys.map((key) => {
    const value = item[key] ?? keyDefaults[key]
    if (value === undefined) throw badRequest(`${place}: an item has no "${key}", which tells it from the others`)
    return [key, value] as const
  })
  return `k:${canonical(Object.fromEntries(values))}`
}

/**
 * Every field of an object with its value as text, as ownership sees it.
 * @param containers whether maps and lists count too: they do for an update, and not for an apply
 */
export function fieldValues(resource: Resource, object: JsonObject, containers: boolean): Map<string, string> {
  const found = new Map<string, string>()
  const visitMap = (map: JsonObject, path: string, place: string): void => {
    if (containers && path !== '' && !structs.has(place)) found.set(path, '{}')
    for (const [name, inner] of Object.entries(map)) {
      const field = join(place, name)
      if (inner !== undefined && !unowned.has(field)) visit(inner, extend(path, `f:${name}`), field)
    }
  }
  const visitList = (list: Json[], structure: 'set' | readonly string[], path: string, place: string): void => {
    if (containers) found.set(path, '[]')
    for (const item of list) {
      const element = extend(path, elementOf(item, structure, place))
      if (structure !== 'set') visit(item, element, place)
      found.set(element, '')
    }
  }
  const visit = (value: Json, path: string, place: string): void => {
    const structure = structureAt(resource, place)
    const whole = structure === 'atomic' || (isObject(value) && Object.keys(value).length === 0)
    if (isObject(value) && !whole) visitMap(value, path, place)
    else if (Array.isArray(value) && !whole && structure !== undefined) visitList(value, structure, path, place)
    else found.set(path, canonical(value))
  }
  visit(object, '', '')
  return found
}

/** `.spec.ports[port=19530,protocol="TCP"].name`: how messages write a field. */
export function fieldName(field: string): string {
  return elementsOf(field).map((element) => {
    const rest = element.slice(2)
    if (element.startsWith('f:')) return `.${rest}`
    if (element.startsWith('v:')) return `[=${rest}]`
    const keys = Object.entries(fields(JSON.parse(rest) as Json))
    return `[${keys.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(',')}]`
  }).join('')
}

/** A set of fields as `fieldsV1`. */
export function encodeFields(set: FieldSet): JsonObject {
  const root: JsonObject = {}
  for (const field of [...set].sort()) {
    let node = root
    for (const element of elementsOf(field)) node = (node[element] ??= {}) as JsonObject
    node['.'] = {}
  }
  return leaner(root)
}

/** The set of fields that `fieldsV1` describes. */
export function decodeFields(encoded: Json | undefined): FieldSet {
  const set = new Set<string>()
  const visit = (node: JsonObject, path: string): void => {
    const names = Object.keys(node)
    if (path !== '' && (names.length === 0 || names.includes('.'))) set.add(path)
    for (const name of names) if (name !== '.') visit(fields(node[name]), extend(path, name))
  }
  visit(fields(encoded), '')
  return set
}

/** The path's elements. */
export function elementsOf(field: string): string[] {
  return field.split('\n')
}

/** The path with one more element. */
export function extend(path: string, element: string): string {
  return path === '' ? element : `${path}\n${element}`
}

/** A member with nothing below it is written `{}`, not `{".": {}}`. */
function leaner(node: JsonObject): JsonObject {
  const names = Object.keys(node)
  if (names.length === 1 && names[0] === '.') return {}
  return Object.fromEntries(Object.entries(node).map(([name, inner]) => [name, name === '.' ? {} : leaner(fields(inner))]))
}
