/**
 * Server-side apply: merges what is applied into the object and takes away what the same manager no
 * longer applies.
 */
import {
  difference,
  getPathElement,
  appendElement,
  collectFieldValues,
  union,
  type FieldSet,
} from './field-sets.ts'
import { ownersAfterApply, decodeOwners, type Owners, type Writer } from './managed-fields.ts'
import { joinPath, getMergeStrategy } from './merge-strategies.ts'
import { badRequest } from './api-errors.ts'
import type { Resource } from './resources.ts'
import { isObject, type Json, type JsonObject, type KubernetesObject } from './types.ts'

/** What an apply makes of an object, and who owns it then. */
export interface ApplyResult {
  readonly object: KubernetesObject
  readonly owners: Owners
}

/**
 * Applies a configuration.
 * @param live the object as it is; undefined when the apply creates it
 * @throws 409 when another manager owns a field that would change, unless forced
 */
export function serverSideApply(
  resource: Resource,
  live: KubernetesObject | undefined,
  configuration: KubernetesObject,
  writer: Writer,
  force: boolean,
): ApplyResult {
  if (configuration.metadata.managedFields !== undefined)
    throw badRequest('metadata.managedFields must be nil')
  const configured = omitNulls(configuration) as KubernetesObject
  const appliedFields: FieldSet = new Set(collectFieldValues(resource, configured, false).keys())
  const owners = decodeOwners(live)
  const previousOwner = [...owners.values()].find(
    (owner) =>
      owner.operation === 'Apply' &&
      owner.manager === writer.manager &&
      owner.subresource === writer.subresource,
  )
  const merged = mergeConfiguration(resource, live ?? {}, configured, '') as KubernetesObject
  const fieldsOfOthers = [...owners.values()]
    .filter((owner) => owner !== previousOwner)
    .reduce((all, owner) => union(all, owner.ownedFields), appliedFields)
  const object = pruneFields(
    resource,
    merged,
    difference(previousOwner?.ownedFields ?? new Set(), fieldsOfOthers),
    fieldsOfOthers,
  )
  return {
    object,
    owners: ownersAfterApply(resource, live, object, owners, writer, appliedFields, force),
  }
}

function mergeConfiguration(
  resource: Resource,
  live: Json | undefined,
  configured: Json,
  schemaPath: string,
): Json {
  const mergeStrategy = getMergeStrategy(resource, schemaPath)
  if (isObject(configured) && isObject(live) && mergeStrategy !== 'atomic') {
    const result: JsonObject = { ...live }
    for (const [name, value] of Object.entries(configured))
      if (value !== undefined)
        result[name] = mergeConfiguration(resource, live[name], value, joinPath(schemaPath, name))
    return result
  }
  if (
    !Array.isArray(configured) ||
    !Array.isArray(live) ||
    mergeStrategy === undefined ||
    mergeStrategy === 'atomic'
  )
    return configured
  const itemsByElement = new Map(
    live.map((item) => [getPathElement(item, mergeStrategy, schemaPath), item]),
  )
  for (const item of configured) {
    const element = getPathElement(item, mergeStrategy, schemaPath)
    itemsByElement.set(
      element,
      mergeStrategy === 'set'
        ? item
        : mergeConfiguration(resource, itemsByElement.get(element), item, schemaPath),
    )
  }
  return [...itemsByElement.values()]
}

/** Removes fields; a map or list that this empties goes too, unless somebody else owns it. */
function pruneFields(
  resource: Resource,
  object: KubernetesObject,
  removedFields: FieldSet,
  keptFields: FieldSet,
): KubernetesObject {
  if (removedFields.size === 0) return object
  const isKept = (path: string): boolean =>
    [...keptFields].some((field) => field === path || field.startsWith(`${path}\n`))
  const stripFields = (value: Json, path: string, schemaPath: string): Json | undefined => {
    if (removedFields.has(path) && !isKept(path)) return undefined
    const isAffected =
      path === '' || [...removedFields].some((field) => field.startsWith(`${path}\n`))
    if (!isAffected) return value
    if (isObject(value)) {
      const remaining = Object.entries(value).flatMap(([name, inner]): [string, Json][] => {
        const stripped =
          inner === undefined
            ? undefined
            : stripFields(inner, appendElement(path, `f:${name}`), joinPath(schemaPath, name))
        return stripped === undefined ? [] : [[name, stripped]]
      })
      return remaining.length === 0 && !isKept(path) ? undefined : Object.fromEntries(remaining)
    }
    const mergeStrategy = getMergeStrategy(resource, schemaPath)
    if (!Array.isArray(value) || mergeStrategy === undefined || mergeStrategy === 'atomic')
      return value
    const remaining = value.flatMap((item): Json[] => {
      const stripped = stripFields(
        item,
        appendElement(path, getPathElement(item, mergeStrategy, schemaPath)),
        schemaPath,
      )
      return stripped === undefined ? [] : [stripped]
    })
    return remaining.length === 0 && !isKept(path) ? undefined : remaining
  }
  return stripFields(object, '', '') as KubernetesObject
}

/** A null in a configuration is a field that is not applied. */
function omitNulls(value: Json): Json {
  if (Array.isArray(value)) return value.map(omitNulls)
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== null && inner !== undefined)
      .map(([name, inner]) => [name, omitNulls(inner as Json)]),
  )
}
