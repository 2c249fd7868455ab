/** JSON patches, merge patches and strategic merge patches. */
import { joinPath, getMergeStrategy } from './merge-strategies.ts'
import { ApiError, badRequest, notImplemented, unsupportedMediaType } from './api-errors.ts'
import type { Resource } from './resources.ts'
import {
  getIn,
  canonicalJson,
  asObject,
  isObject,
  asArray,
  asString,
  type Json,
  type JsonObject,
} from './types.ts'

/** The media types of patches and of server-side apply. */
export const mediaTypes = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
} as const

/** The patched object. */
export function applyPatch(
  resource: Resource,
  object: JsonObject,
  patch: Json,
  mediaType: string,
): JsonObject {
  switch (mediaType) {
    case mediaTypes.json:
      return asObject(applyJsonPatch(object, asArray(patch)))
    case mediaTypes.merge:
      return asObject(applyMergePatch(object, patch))
    case mediaTypes.strategic:
      if (resource.isBuiltIn) return applyStrategicMergePatch(resource, object, asObject(patch), '')
      throw unsupportedMediaType([mediaTypes.json, mediaTypes.merge, mediaTypes.apply])
    default:
      throw unsupportedMediaType(Object.values(mediaTypes))
  }
}

/** RFC 7386. */
export function applyMergePatch(target: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch
  const result: JsonObject = { ...asObject(target) }
  for (const [name, value] of Object.entries(patch)) {
    if (value === null || value === undefined) Reflect.deleteProperty(result, name)
    else result[name] = applyMergePatch(result[name], value)
  }
  return result
}

/** RFC 6902. */
export function applyJsonPatch(document: Json, operations: Json[]): Json {
  let result = structuredClone(document)
  for (const operation of operations) {
    const { op, path, from, value } = asObject(operation)
    const target = asString(path)
    const targetPath = parseJsonPointer(target)
    if (op === 'test') {
      if (canonicalJson(getIn(result, ...targetPath)) !== canonicalJson(value))
        throw createPatchError(`testing value ${target} failed`)
    } else if (op === 'remove')
      result = editAt(result, targetPath, { value: undefined, requiredPath: target })
    else if (op === 'replace')
      result = editAt(result, targetPath, { value: value ?? null, requiredPath: target })
    else if (op === 'add')
      result = editAt(result, targetPath, { value: value ?? null, requiredPath: '' })
    else if (op === 'copy' || op === 'move') {
      const sourcePath = parseJsonPointer(asString(from))
      const sourceValue = getIn(result, ...sourcePath) ?? null
      if (op === 'move')
        result = editAt(result, sourcePath, { value: undefined, requiredPath: asString(from) })
      result = editAt(result, targetPath, { value: sourceValue, requiredPath: '' })
    } else throw badRequest(`Unexpected kind: ${asString(op)}`)
  }
  return result
}

const createPatchError = (message: string): ApiError =>
  new ApiError(
    422,
    'Invalid',
    `the server rejected our request due to an error in our request: ${message}`,
  )

function parseJsonPointer(path: string): string[] {
  return path
    .split('/')
    .slice(1)
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** A change of one value of a document. */
interface Edit {
  /** The new value; undefined removes the current one. */
  readonly value: Json | undefined
  /** The path that must exist, for the error message; empty for `add`, which requires none. */
  readonly requiredPath: string
}

function editAt(node: Json, path: readonly string[], edit: Edit): Json {
  const [segment, ...rest] = path
  if (segment === undefined) return edit.value ?? null
  if (Array.isArray(node)) return editList(node, segment, rest, edit)
  if (!isObject(node)) throw createPatchError(`no such path: ${edit.requiredPath}`)
  const inner = node[segment]
  if (inner === undefined && (rest.length > 0 || edit.requiredPath !== ''))
    throw createPatchError(
      'remove or replace operation does not apply: ' +
        `doc is missing path: ${edit.requiredPath || segment}`,
    )
  const value = rest.length > 0 ? editAt(inner ?? null, rest, edit) : edit.value
  const result = { ...node, [segment]: value }
  if (value === undefined) Reflect.deleteProperty(result, segment)
  return result
}

function editList(list: Json[], segment: string, rest: readonly string[], edit: Edit): Json[] {
  const index = segment === '-' ? list.length : Number(segment)
  const mustExist = edit.requiredPath !== '' || rest.length > 0
  const limit = mustExist ? list.length - 1 : list.length
  if (!Number.isInteger(index) || index > limit)
    throw createPatchError(`index out of range: ${segment}`)
  if (rest.length > 0) return list.with(index, editAt(list[index] ?? null, rest, edit))
  const deleteCount = edit.requiredPath === '' ? 0 : 1
  const inserted = edit.value === undefined ? [] : [edit.value]
  return list.toSpliced(index, deleteCount, ...inserted)
}

/**
 * A strategic merge patch: a merge patch that merges some lists by a key, and understands the
 * directives that clients send.
 */
function applyStrategicMergePatch(
  resource: Resource,
  target: JsonObject,
  patch: JsonObject,
  schemaPath: string,
): JsonObject {
  if (patch['$patch'] === 'replace') return omitDirectives(patch)
  const result: JsonObject = { ...target }
  const retainedKeys = patch['$retainKeys']
  if (Array.isArray(retainedKeys))
    for (const name of Object.keys(result))
      if (!retainedKeys.includes(name)) Reflect.deleteProperty(result, name)
  for (const [name, value] of Object.entries(patch)) {
    if (name.startsWith('$')) applyDirective(result, name, value)
    else if (value === null || value === undefined) Reflect.deleteProperty(result, name)
    else
      result[name] = mergeStrategicValue(resource, result[name], value, joinPath(schemaPath, name))
  }
  for (const [name, order] of Object.entries(patch)) {
    if (!name.startsWith('$setElementOrder/')) continue
    const list = name.slice('$setElementOrder/'.length)
    if (Array.isArray(result[list]))
      result[list] = reorderList(resource, result[list], asArray(order), joinPath(schemaPath, list))
  }
  return result
}

/** Applies a directive that stands beside the fields. Those about order are applied last. */
function applyDirective(result: JsonObject, name: string, value: Json | undefined): void {
  const [directive = '', list = ''] = name.split('/')
  if (directive === '$deleteFromPrimitiveList')
    result[list] = asArray(result[list]).filter(
      (item) =>
        !asArray(value).some((removedItem) => canonicalJson(removedItem) === canonicalJson(item)),
    )
  else if (!['$setElementOrder', '$retainKeys'].includes(directive))
    throw notImplemented(`strategic merge directive ${name}: ${canonicalJson(value)}`)
}

function mergeStrategicValue(
  resource: Resource,
  target: Json | undefined,
  patch: Json,
  schemaPath: string,
): Json {
  const mergeStrategy = getMergeStrategy(resource, schemaPath)
  // A strategic merge also merges atomic maps (selectors): atomic is a term of server-side apply.
  if (isObject(patch))
    return applyStrategicMergePatch(resource, asObject(target), patch, schemaPath)
  if (!Array.isArray(patch) || mergeStrategy === undefined || mergeStrategy === 'atomic')
    return patch
  if (mergeStrategy === 'set')
    return [
      ...asArray(target),
      ...patch.filter(
        (item) => !asArray(target).some((other) => canonicalJson(other) === canonicalJson(item)),
      ),
    ]
  const [key = ''] = mergeStrategy
  let result = asArray(target)
  for (const item of patch) {
    if (getIn(item, '$patch') === 'replace')
      return patch.filter((other) => getIn(other, '$patch') === undefined)
    const hasSameKey = (other: Json): boolean =>
      canonicalJson(getIn(other, key)) === canonicalJson(getIn(item, key))
    const index = result.findIndex(hasSameKey)
    if (getIn(item, '$patch') === 'delete') result = result.filter((other) => !hasSameKey(other))
    else if (index >= 0)
      result = result.with(
        index,
        applyStrategicMergePatch(resource, asObject(result[index]), asObject(item), schemaPath),
      )
    else result = [...result, omitDirectives(asObject(item))]
  }
  return result
}

/** Sorts a merged list in the order that the client sent, with all other items at the end. */
function reorderList(resource: Resource, list: Json[], order: Json[], schemaPath: string): Json[] {
  const mergeStrategy = getMergeStrategy(resource, schemaPath)
  const key = Array.isArray(mergeStrategy) ? String(mergeStrategy[0]) : undefined
  const rank = (item: Json): number => {
    const index = order.findIndex((orderedItem) =>
      key === undefined
        ? canonicalJson(orderedItem) === canonicalJson(item)
        : canonicalJson(getIn(orderedItem, key)) === canonicalJson(getIn(item, key)),
    )
    return index < 0 ? order.length : index
  }
  return list.toSorted((left, right) => rank(left) - rank(right))
}

function omitDirectives(patch: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(patch).filter(([name, value]) => !name.startsWith('$') && value !== null),
  )
}
