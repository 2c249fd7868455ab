/**
 * The fields of objects in the notation of managed fields. A field is a path of elements (`f:NAME`,
 * `k:{KEYS}`, `v:VALUE`) joined with newlines, so that sets of fields are plain sets of strings.
 */
import { badRequest } from './api-errors.ts'
import { joinPath, keyDefaults, getMergeStrategy } from './merge-strategies.ts'
import type { Resource } from './resources.ts'
import { canonicalJson, asObject, isObject, type Json, type JsonObject } from './types.ts'

/** A set of fields. */
export type FieldSet = ReadonlySet<string>

/** The fields in either set. */
export const union = (left: FieldSet, right: FieldSet): FieldSet => new Set([...left, ...right])

/** The fields of the first set that are not in the second. */
export const difference = (left: FieldSet, right: FieldSet): FieldSet =>
  new Set([...left].filter((field) => !right.has(field)))

/** Fields without an owner: the API sets them, or they identify the object. */
const unownedFields = new Set([
  'apiVersion',
  'kind',
  ...[
    'name',
    'namespace',
    'generateName',
    'uid',
    'resourceVersion',
    'generation',
    'creationTimestamp',
    'deletionTimestamp',
    'deletionGracePeriodSeconds',
    'selfLink',
    'managedFields',
  ].map((name) => `metadata.${name}`),
])

/** Structs that every object has, even when empty: an update that fills them does not own them. */
const structFields = new Set([
  'metadata',
  'spec',
  'status',
  'status.loadBalancer',
  'spec.strategy',
  'spec.updateStrategy',
  'spec.template',
  'spec.template.metadata',
  'spec.template.spec',
])

/** The path element that identifies an item of a list. */
export function getPathElement(
  item: Json,
  mergeStrategy: 'set' | readonly string[],
  schemaPath: string,
): string {
  return mergeStrategy === 'set'
    ? `v:${canonicalJson(item)}`
    : buildKeyElement(item, mergeStrategy, schemaPath)
}

function buildKeyElement(item: Json, keys: readonly string[], schemaPath: string): string {
  if (!isObject(item)) throw badRequest(`${schemaPath}: an item is not an object`)
  const values = keys.map((key) => {
    const value = item[key] ?? keyDefaults[key]
    if (value === undefined) throw badRequest(`${schemaPath}: an item lacks the key field "${key}"`)
    return [key, value] as const
  })
  return `k:${canonicalJson(Object.fromEntries(values))}`
}

/**
 * The fields of an object that can be owned, with their values as text.
 * @param includeContainers whether to include maps and lists: an update owns them, an apply does
 *   not
 */
export function collectFieldValues(
  resource: Resource,
  object: JsonObject,
  includeContainers: boolean,
): Map<string, string> {
  const values = new Map<string, string>()
  const visitMap = (map: JsonObject, path: string, schemaPath: string): void => {
    if (includeContainers && path !== '' && !structFields.has(schemaPath)) values.set(path, '{}')
    for (const [name, inner] of Object.entries(map)) {
      const field = joinPath(schemaPath, name)
      if (inner !== undefined && !unownedFields.has(field))
        visit(inner, appendElement(path, `f:${name}`), field)
    }
  }
  const visitList = (
    list: Json[],
    mergeStrategy: 'set' | readonly string[],
    path: string,
    schemaPath: string,
  ): void => {
    if (includeContainers) values.set(path, '[]')
    for (const item of list) {
      const element = appendElement(path, getPathElement(item, mergeStrategy, schemaPath))
      if (mergeStrategy !== 'set') visit(item, element, schemaPath)
      values.set(element, '')
    }
  }
  const visit = (value: Json, path: string, schemaPath: string): void => {
    const mergeStrategy = getMergeStrategy(resource, schemaPath)
    const isLeaf =
      mergeStrategy === 'atomic' || (isObject(value) && Object.keys(value).length === 0)
    if (isObject(value) && !isLeaf) visitMap(value, path, schemaPath)
    else if (Array.isArray(value) && !isLeaf && mergeStrategy !== undefined)
      visitList(value, mergeStrategy, path, schemaPath)
    else values.set(path, canonicalJson(value))
  }
  visit(object, '', '')
  return values
}

/** A field as error messages write it: `.spec.ports[port=19530,protocol="TCP"].name`. */
export function formatField(field: string): string {
  return splitFieldPath(field)
    .map((element) => {
      const rest = element.slice(2)
      if (element.startsWith('f:')) return `.${rest}`
      if (element.startsWith('v:')) return `[=${rest}]`
      const keys = Object.entries(asObject(JSON.parse(rest) as Json))
      return `[${keys.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(',')}]`
    })
    .join('')
}

/** Encodes a set of fields as `fieldsV1`. */
export function encodeFields(fieldSet: FieldSet): JsonObject {
  const root: JsonObject = {}
  for (const field of [...fieldSet].sort()) {
    let node = root
    for (const element of splitFieldPath(field)) node = (node[element] ??= {}) as JsonObject
    node['.'] = {}
  }
  return compactNode(root)
}

/** Decodes `fieldsV1`. */
export function decodeFields(encoded: Json | undefined): FieldSet {
  const fieldSet = new Set<string>()
  const visit = (node: JsonObject, path: string): void => {
    const names = Object.keys(node)
    if (path !== '' && (names.length === 0 || names.includes('.'))) fieldSet.add(path)
    for (const name of names)
      if (name !== '.') visit(asObject(node[name]), appendElement(path, name))
  }
  visit(asObject(encoded), '')
  return fieldSet
}

/** The elements of a path. */
export function splitFieldPath(field: string): string[] {
  return field.split('\n')
}

/** The path with one more element. */
export function appendElement(path: string, element: string): string {
  return path === '' ? element : `${path}\n${element}`
}

/** Writes a member without children as `{}` rather than `{".": {}}`. */
function compactNode(node: JsonObject): JsonObject {
  const names = Object.keys(node)
  if (names.length === 1 && names[0] === '.') return {}
  return Object.fromEntries(
    Object.entries(node).map(([name, inner]) => [
      name,
      name === '.' ? {} : compactNode(asObject(inner)),
    ]),
  )
}
