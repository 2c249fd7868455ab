/**
 * Reads the members of requests in any protocol: values have types in JSON, and are text in the
 * query protocol.
 */

/** A member's value. */
export type Value = string | number | boolean | null | Value[] | Fields

/** The members of a structure. */
export interface Fields {
  [name: string]: Value | undefined
}

/** A scalar as text; undefined when it is absent. */
export function getString(fields: Fields, name: string): string | undefined {
  const value = fields[name]
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined
}

/** A number; undefined when it is absent. */
export function getNumber(fields: Fields, name: string): number | undefined {
  const value = getString(fields, name)
  return value === undefined || value === '' ? undefined : Number(value)
}

/** A structure; an empty one when it is absent. */
export function getStructure(fields: Fields, name: string): Fields {
  const value = fields[name]
  return isFields(value) ? value : {}
}

/** A list of structures; empty when it is absent. */
export function getStructureList(fields: Fields, name: string): Fields[] {
  const value = fields[name]
  return Array.isArray(value) ? value.filter(isFields) : []
}

/** A list of texts; empty when it is absent. */
export function getStringList(fields: Fields, name: string): string[] {
  const value = fields[name]
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
}

/** Parses tags, which have the same format in every service. */
export function readTags(fields: Fields, name = 'Tags'): Map<string, string> {
  return new Map(
    getStructureList(fields, name).map((tag) => [
      getString(tag, 'Key') ?? '',
      getString(tag, 'Value') ?? '',
    ]),
  )
}

/** Formats tags. */
export function toTagList(tagMap: ReadonlyMap<string, string>): Fields[] {
  return [...tagMap].map(([Key, Value]) => ({ Key, Value }))
}

/** Whether a value is a structure. */
export function isFields(value: Value | undefined): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
