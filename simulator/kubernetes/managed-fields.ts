/** Who owns which field of an object: `metadata.managedFields`, kept as the API keeps it. */
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

/** The subresources of which the API keeps ownership apart. */
export type Subresource = 'status' | 'scale'

/** Who writes, and how. */
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

/** An object's owners, by who they are. */
export type Owners = Map<string, Owner>

const ownerKey = (writer: Writer): string =>
  JSON.stringify([writer.operation, writer.manager, writer.subresource])

/** Reads the owners that an object carries. */
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

/** Writes owners as `managedFields`; those who own nothing are left out. */
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

/** What a write changes: `changed` are fields added or with another value. */
function diffFieldValues(before: Map<string, string>, after: Map<string, string>): FieldChanges {
  return {
    changed: new Set(
      [...after].filter(([field, value]) => before.get(field) !== value).map(([field]) => field),
    ),
    removed: new Set([...before.keys()].filter((field) => !after.has(field))),
  }
}

/**
 * The owners after an ordinary create, update or patch: the writer owns what it changed, the others
 * lose that.
 */
export function ownersAfterUpdate(
  resource: Resource,
  before: KubernetesObject | undefined,
  after: KubernetesObject,
  owners: Owners,
  writer: Writer,
): Owners {
  const { changed, removed } = diffFieldValues(
    collectFieldValues(resource, before ?? {}, true),
    collectFieldValues(resource, after, true),
  )
  const next: Owners = new Map()
  for (const [id, owner] of owners)
    next.set(id, { ...owner, ownedFields: difference(owner.ownedFields, union(changed, removed)) })
  const id = ownerKey(writer)
  const previousOwner = owners.get(id)
  const ownedFields = union(difference(previousOwner?.ownedFields ?? new Set(), removed), changed)
  // The order is that of first appearance; the time moves only when the set does.
  const isUnchanged = changed.size === 0 && ownedFields.size === previousOwner?.ownedFields.size
  next.set(id, {
    ...writer,
    apiVersion: formatApiVersion(resource),
    ownedFields,
    time: isUnchanged ? previousOwner.time : formatTimestamp(),
  })
  return next
}

/**
 * The owners after a server-side apply.
 * @throws a 409 that names every conflict, unless `force` takes the fields over
 */
export function ownersAfterApply(
  resource: Resource,
  before: KubernetesObject | undefined,
  after: KubernetesObject,
  owners: Owners,
  writer: Writer,
  applied: FieldSet,
  force: boolean,
): Owners {
  const { changed, removed } = diffFieldValues(
    collectFieldValues(resource, before ?? {}, true),
    collectFieldValues(resource, after, true),
  )
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
    canonicalJson([...previousOwner.ownedFields].sort()) === canonicalJson([...applied].sort())
  next.set(id, {
    ...writer,
    apiVersion: formatApiVersion(resource),
    ownedFields: applied,
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

/** An applier is known by its name alone; an updater also by the version it used. */
function describeOwner(owner: Owner): string {
  const subresourceSuffix =
    owner.subresource === '' ? '' : ` with subresource "${owner.subresource}"`
  return owner.operation === 'Apply'
    ? `"${owner.manager}"${subresourceSuffix}`
    : `"${owner.manager}"${subresourceSuffix} using ${owner.apiVersion}`
}

/** Whether a write asks the API to forget all ownership: `managedFields: [{}]`. */
export function clearsManagedFields(object: JsonObject): boolean {
  const entries = getIn(object, 'metadata', 'managedFields')
  return (
    Array.isArray(entries) &&
    entries.length === 1 &&
    isObject(entries[0]) &&
    Object.keys(entries[0]).length === 0
  )
}

/** Whether two objects differ in nothing but versions and the times of managed fields. */
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
