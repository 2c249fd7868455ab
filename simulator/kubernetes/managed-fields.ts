/** Ownership of fields: `metadata.managedFields`, as the API maintains it. */
import {
  decodeFields,
  difference,
  encodeFields,
  formatField,
  collectFieldValues,
  union,
  type FieldSet,
} from './field-sets.ts'
import { formatApiVersion, type Resource } from './resources.ts'
import { ApiError, type Cause } from './api-errors.ts'
import {
  getIn,
  canonicalJson,
  asObject,
  isObject,
  isDeepEqual,
  asArray,
  asString,
  formatTimestamp,
  type Json,
  type JsonObject,
  type KubernetesObject,
  type ManagedFieldsEntry,
} from './types.ts'

/** The subresources whose ownership the API tracks separately. */
export type Subresource = 'status' | 'scale'

/** The author of a write, and its kind. */
export interface Writer {
  readonly manager: string
  readonly operation: 'Apply' | 'Update'
  readonly subresource: '' | Subresource
}

interface Owner extends Writer {
  readonly apiVersion: string
  readonly time: string
  readonly ownedFields: FieldSet
}

/** The owners of an object's fields, by manager, operation and subresource. */
export type Owners = Map<string, Owner>

const ownerKey = (writer: Writer): string =>
  JSON.stringify([writer.operation, writer.manager, writer.subresource])

/** Parses the `managedFields` of an object. */
export function decodeOwners(object: JsonObject | undefined): Owners {
  const owners: Owners = new Map()
  for (const entry of asArray(getIn(object, 'metadata', 'managedFields'))) {
    const { manager, operation, subresource, time, fieldsV1 } = asObject(entry)
    const owner: Owner = {
      manager: asString(manager),
      operation: operation === 'Apply' ? 'Apply' : 'Update',
      subresource: subresource === 'status' || subresource === 'scale' ? subresource : '',
      apiVersion: asString(getIn(entry, 'apiVersion')),
      time: asString(time),
      ownedFields: decodeFields(fieldsV1),
    }
    owners.set(ownerKey(owner), owner)
  }
  return owners
}

/** Formats owners as `managedFields`, without those that own nothing. */
export function encodeManagedFields(owners: Owners): ManagedFieldsEntry[] {
  return [...owners.values()]
    .filter((owner) => owner.ownedFields.size > 0)
    .map((owner) => ({
      manager: owner.manager,
      operation: owner.operation,
      apiVersion: owner.apiVersion,
      time: owner.time,
      fieldsType: 'FieldsV1',
      fieldsV1: encodeFields(owner.ownedFields),
      ...(owner.subresource === '' ? {} : { subresource: owner.subresource }),
    }))
}

interface FieldChanges {
  readonly changed: FieldSet
  readonly removed: FieldSet
}

/** The fields that a write changes: `changed` includes those that it adds. */
function diffFieldValues(before: Map<string, string>, after: Map<string, string>): FieldChanges {
  return {
    changed: new Set(
      [...after].filter(([field, value]) => before.get(field) !== value).map(([field]) => field),
    ),
    removed: new Set([...before.keys()].filter((field) => !after.has(field))),
  }
}

/** A write, as far as ownership is concerned. */
export interface OwnedWrite {
  readonly resource: Resource
  /** The object before the write; undefined when the write creates it. */
  readonly before: KubernetesObject | undefined
  readonly after: KubernetesObject
  /** The owners before the write. */
  readonly owners: Owners
  readonly writer: Writer
}

const changesOf = ({ resource, before, after }: OwnedWrite): FieldChanges =>
  diffFieldValues(
    collectFieldValues(resource, before ?? {}, true),
    collectFieldValues(resource, after, true),
  )

/**
 * The owners after a create, update or patch: the writer owns what it changed, and other managers
 * lose it.
 */
export function ownersAfterUpdate(write: OwnedWrite): Owners {
  const { resource, owners, writer } = write
  const { changed, removed } = changesOf(write)
  const next: Owners = new Map()
  for (const [id, owner] of owners)
    next.set(id, { ...owner, ownedFields: difference(owner.ownedFields, union(changed, removed)) })
  const id = ownerKey(writer)
  const previousOwner = owners.get(id)
  const ownedFields = union(difference(previousOwner?.ownedFields ?? new Set(), removed), changed)
  // Owners stay in the order of first appearance. The time changes only with the set of fields.
  const isUnchanged = changed.size === 0 && ownedFields.size === previousOwner?.ownedFields.size
  next.set(id, {
    ...writer,
    apiVersion: formatApiVersion(resource),
    ownedFields,
    time: isUnchanged ? previousOwner.time : formatTimestamp(),
  })
  return next
}

/** A server-side apply, as far as ownership is concerned. */
export interface OwnedApply extends OwnedWrite {
  readonly appliedFields: FieldSet
  /** Whether to take over fields that another manager owns. */
  readonly force: boolean
}

/**
 * The owners after a server-side apply.
 * @throws 409 with every conflict, unless `force` is set
 */
export function ownersAfterApply(apply: OwnedApply): Owners {
  const { resource, owners, writer, appliedFields, force } = apply
  const { changed, removed } = changesOf(apply)
  const id = ownerKey(writer)
  const conflicts: [Owner, string][] = []
  const next: Owners = new Map()
  for (const [otherId, owner] of owners) {
    if (otherId === id) {
      next.set(id, owner)
      continue
    }
    const lostFields = new Set([...owner.ownedFields].filter((field) => changed.has(field)))
    for (const field of [...lostFields].sort()) conflicts.push([owner, field])
    next.set(otherId, {
      ...owner,
      ownedFields: difference(owner.ownedFields, union(lostFields, removed)),
    })
  }
  if (conflicts.length > 0 && !force) throw createConflictError(conflicts)
  const previousOwner = owners.get(id)
  const isUnchanged =
    previousOwner !== undefined &&
    changed.size === 0 &&
    removed.size === 0 &&
    canonicalJson([...previousOwner.ownedFields].sort()) ===
      canonicalJson([...appliedFields].sort())
  next.set(id, {
    ...writer,
    apiVersion: formatApiVersion(resource),
    ownedFields: appliedFields,
    time: isUnchanged ? previousOwner.time : formatTimestamp(),
  })
  return next
}

function createConflictError(conflicts: [Owner, string][]): ApiError {
  const causes: Cause[] = conflicts.map(([owner, field]) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with ${describeOwner(owner)}`,
    field: formatField(field),
  }))
  const [singleCause] = causes
  const messages = [...new Set(causes.map((cause) => cause.message))].sort()
  const lines = messages.flatMap((message) => [
    `${message.replace('conflict', 'conflicts')}:`,
    ...causes.filter((cause) => cause.message === message).map((cause) => `- ${cause.field}`),
  ])
  const summary =
    causes.length === 1 && singleCause
      ? `1 conflict: ${singleCause.message}: ${singleCause.field}`
      : `${causes.length} conflicts: ${lines.join('\n')}`
  return new ApiError(409, 'Conflict', `Apply failed with ${summary}`, { causes })
}

/** The API names the manager of an apply, and of an update also the apiVersion. */
function describeOwner(owner: Owner): string {
  const subresourceSuffix =
    owner.subresource === '' ? '' : ` with subresource "${owner.subresource}"`
  return owner.operation === 'Apply'
    ? `"${owner.manager}"${subresourceSuffix}`
    : `"${owner.manager}"${subresourceSuffix} using ${owner.apiVersion}`
}

/** Whether a write resets all ownership: `managedFields: [{}]`. */
export function clearsManagedFields(object: JsonObject): boolean {
  const entries = getIn(object, 'metadata', 'managedFields')
  return (
    Array.isArray(entries) &&
    entries.length === 1 &&
    isObject(entries[0]) &&
    Object.keys(entries[0]).length === 0
  )
}

/** Whether two objects are equal except for versions and the times of managed fields. */
export function isNoOpUpdate(left: KubernetesObject, right: KubernetesObject): boolean {
  const withoutVersions = (object: KubernetesObject): JsonObject => ({
    ...object,
    metadata: {
      ...object.metadata,
      resourceVersion: '',
      managedFields: asArray(object.metadata.managedFields).map((entry: Json) => ({
        ...asObject(entry),
        time: '',
      })),
    },
  })
  return isDeepEqual(withoutVersions(left), withoutVersions(right))
}
