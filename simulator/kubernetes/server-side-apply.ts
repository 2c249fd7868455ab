/**
 * Server-side apply: merges the applied configuration into the object, and removes fields that the
 * same manager applied before and no longer applies.
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

/** A configuration to apply. */
export interface ApplyRequest {
  readonly resource: Resource
  /** The current object; undefined when the apply creates it. */
  readonly live: KubernetesObject | undefined
  readonly configuration: KubernetesObject
  readonly writer: Writer
  /** Whether to take over fields that another manager owns. */
  readonly force: boolean
}

/** The object after an apply, and its owners. */
export interface ApplyResult {
  readonly object: KubernetesObject
  readonly owners: Owners
}

/** @throws 409 when another manager owns a field that would change, unless `force` is set */
export function serverSideApply(request: ApplyRequest): ApplyResult {
  const { resource, live, configuration, writer, force } = request
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
  const write = { resource, before: live, after: object, owners, writer }
  return { object, owners: ownersAfterApply({ ...write, appliedFields, force }) }
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

/** Removes fields, and maps and lists that become empty and have no other owner. */
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

/** Removes nulls: a null in a configuration means that the field is not applied. */
function omitNulls(value: Json): Json {
  if (Array.isArray(value)) return value.map(omitNulls)
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== null && inner !== undefined)
      .map(([name, inner]) => [name, omitNulls(inner as Json)]),
  )
}
