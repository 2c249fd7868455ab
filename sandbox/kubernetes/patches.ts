/** The three ordinary kinds of patch. */
import { join, structureAt } from './schema.ts'
import { ApiError, badRequest, notInSandbox, unsupportedMediaType } from './status.ts'
import type { Resource } from './resources.ts'
import { at, canonical, fields, isObject, items, text, type Json, type JsonObject } from './types.ts'

/** The media types of patches, apply included. */
export const mediaTypes = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
} as const

/** What an object becomes under a patch of a media type. */
export function patched(resource: Resource, object: JsonObject, patch: Json, mediaType: string): JsonObject {
  switch (mediaType) {
    case mediaTypes.json: return fields(jsonPatch(object, items(patch)))
    case mediaTypes.merge: return fields(mergePatch(object, patch))
    case mediaTypes.strategic:
      if (resource.builtIn) return strategicMerge(resource, object, fields(patch), '')
      throw unsupportedMediaType([mediaTypes.json, mediaTypes.merge, mediaTypes.apply])
    default: throw unsupportedMediaType(Object.values(mediaTypes))
  }
}

/** RFC 7386. */
export function mergePatch(target: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch
  const result: JsonObject = { ...fields(target) }
  for (const [name, value] of Object.entries(patch)) {
    if (value === null || value === undefined) Reflect.deleteProperty(result, name)
    else result[name] = mergePatch(result[name], value)
  }
  return result
}

/** RFC 6902. */
export function jsonPatch(document: Json, operations: Json[]): Json {
  let result = structuredClone(document)
  for (const operation of operations) {
    const { op, path, from, value } = fields(operation)
    const where = pointer(text(path))
    if (op === 'test') {
      if (canonical(at(result, ...where)) !== canonical(value)) throw refused(`testing value ${text(path)} failed`)
    } else if (op === 'remove') result = edit(result, where, () => undefined, text(path))
    else if (op === 'replace') result = edit(result, where, () => value ?? null, text(path))
    else if (op === 'add') result = edit(result, where, () => value ?? null, '')
    else if (op === 'copy' || op === 'move') {
      const source = pointer(text(from))
      const moved = at(result, ...source) ?? null
      if (op === 'move') result = edit(result, source, () => undefined, text(from))
      result = edit(result, where, () => moved, '')
    } else throw badRequest(`Unexpected kind: ${text(op)}`)
  }
  return result
}

const refused = (message: string): ApiError => new ApiError(422, 'Invalid', `the server rejected our request due to an error in our request: ${message}`)

function pointer(path: string): string[] {
  return path.split('/').slice(1).map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** Changes one place. `existing` is the path to name when nothing is there; empty for `add`, which needs nothing there. */
function edit(node: Json, [step, ...rest]: string[], change: () => Json | undefined, existing: string): Json {
  if (step === undefined) return change() ?? null
  if (Array.isArray(node)) return editList(node, step, rest, change, existing)
  if (!isObject(node)) throw refused(`no such path: ${existing}`)
  const inner = node[step]
  if (inner === undefined && (rest.length > 0 || existing !== '')) throw refused(`remove or replace operation does not apply: doc is missing path: ${existing || step}`)
  const value = rest.length > 0 ? edit(inner ?? null, rest, change, existing) : change()
  const result = { ...node, [step]: value }
  if (value === undefined) Reflect.deleteProperty(result, step)
  return result
}

function editList(list: Json[], step: string, rest: string[], change: () => Json | undefined, existing: string): Json[] {
  const index = step === '-' ? list.length : Number(step)
  if (!Number.isInteger(index) || index > list.length || ((existing !== '' || rest.length > 0) && index >= list.length)) throw refused(`index out of range: ${step}`)
  if (rest.length > 0) return list.with(index, edit(list[index] ?? null, rest, change, existing))
  const value = change()
  return list.toSpliced(index, existing === '' ? 0 : 1, ...(value === undefined ? [] : [value]))
}

/** A strategic merge: a merge patch that knows which lists merge by a key, and the directives that clients send. */
function strategicMerge(resource: Resource, target: JsonObject, patch: JsonObject, place: string): JsonObject {
  if (patch['$patch'] === 'replace') return plain(patch)
  const result: JsonObject = { ...target }
  const retained = patch['$retainKeys']
  if (Array.isArray(retained)) for (const name of Object.keys(result)) if (!retained.includes(name)) Reflect.deleteProperty(result, name)
  for (const [name, value] of Object.entries(patch)) {
    if (name.startsWith('$')) direct(result, name, value)
    else if (value === null || value === undefined) Reflect.deleteProperty(result, name)
    else result[name] = strategicValue(resource, result[name], value, join(place, name))
  }
  for (const [name, order] of Object.entries(patch)) {
    if (!name.startsWith('$setElementOrder/')) continue
    const list = name.slice('$setElementOrder/'.length)
    if (Array.isArray(result[list])) result[list] = ordered(resource, result[list], items(order), join(place, list))
  }
  return result
}

/** Directives beside the fields; those about order come last, and elsewhere. */
function direct(result: JsonObject, name: string, value: Json | undefined): void {
  const [directive = '', list = ''] = name.split('/')
  if (directive === '$deleteFromPrimitiveList') result[list] = items(result[list]).filter((item) => !items(value).some((gone) => canonical(gone) === canonical(item)))
  else if (!['$setElementOrder', '$retainKeys'].includes(directive)) throw notInSandbox(`strategic merge directive ${name}: ${canonical(value)}`)
}

function strategicValue(resource: Resource, target: Json | undefined, patch: Json, place: string): Json {
  const structure = structureAt(resource, place)
  // The atomic maps that a strategic merge meets (selectors) merge all the same: atomic is a word of server-side apply.
  if (isObject(patch)) return strategicMerge(resource, fields(target), patch, place)
  if (!Array.isArray(patch) || structure === undefined || structure === 'atomic') return patch
  if (structure === 'set') return [...items(target), ...patch.filter((item) => !items(target).some((other) => canonical(other) === canonical(item)))]
  const [key = ''] = structure
  let result = items(target)
  for (const item of patch) {
    if (at(item, '$patch') === 'replace') return patch.filter((other) => at(other, '$patch') === undefined)
    const same = (other: Json): boolean => canonical(at(other, key)) === canonical(at(item, key))
    const index = result.findIndex(same)
    if (at(item, '$patch') === 'delete') result = result.filter((other) => !same(other))
    else if (index >= 0) result = result.with(index, strategicMerge(resource, fields(result[index]), fields(item), place))
    else result = [...result, plain(fields(item))]
  }
  return result
}

/** Brings a merged list into the order that the client asked for; what it does not name stays behind. */
function ordered(resource: Resource, list: Json[], order: Json[], place: string): Json[] {
  const structure = structureAt(resource, place)
  const key = Array.isArray(structure) ? String(structure[0]) : undefined
  const rank = (item: Json): number => {
    const index = order.findIndex((wanted) => (key === undefined ? canonical(wanted) === canonical(item) : canonical(at(wanted, key)) === canonical(at(item, key))))
    return index < 0 ? order.length : index
  }
  return list.toSorted((left, right) => rank(left) - rank(right))
}

function plain(patch: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(patch).filter(([name, value]) => !name.startsWith('$') && value !== null))
}
