/** Who owns which field of an object: `metadata.managedFields`, kept as the API keeps it. */
import { decodeFields, difference, encodeFields, fieldName, fieldValues, union, type FieldSet } from './fields.ts'
import { apiVersion, type Resource } from './resources.ts'
import { ApiError, type Cause } from './status.ts'
import { at, canonical, fields, isObject, isSame, items, text, timestamp, type Json, type JsonObject, type KubernetesObject, type ManagedFieldsEntry } from './types.ts'

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
  readonly set: FieldSet
}

/** An object's owners, by who they are. */
export type Owners = Map<string, Owner>

const identify = (writer: Writer): string => JSON.stringify([writer.operation, writer.manager, writer.subresource])

/** Reads the owners that an object carries. */
export function ownersOf(object: JsonObject | undefined): Owners {
  const owners: Owners = new Map()
  for (const entry of items(at(object, 'metadata', 'managedFields'))) {
    const { manager, operation, subresource, time, fieldsV1 } = fields(entry)
    const owner: Owner = {
      manager: text(manager), operation: operation === 'Apply' ? 'Apply' : 'Update', subresource: subresource === 'status' || subresource === 'scale' ? subresource : '',
      apiVersion: text(at(entry, 'apiVersion')), time: text(time), set: decodeFields(fieldsV1),
    }
    owners.set(identify(owner), owner)
  }
  return owners
}

/** Writes owners as `managedFields`; those who own nothing are left out. */
export function managedFields(owners: Owners): ManagedFieldsEntry[] {
  return [...owners.values()].filter((owner) => owner.set.size > 0).map((owner) => ({
    manager: owner.manager, operation: owner.operation, apiVersion: owner.apiVersion, time: owner.time,
    fieldsType: 'FieldsV1', fieldsV1: encodeFields(owner.set),
    ...(owner.subresource === '' ? {} : { subresource: owner.subresource }),
  }))
}

interface Changes { readonly changed: FieldSet; readonly removed: FieldSet }

/** What a write changes: `changed` are fields added or with another value. */
function changes(before: Map<string, string>, after: Map<string, string>): Changes {
  return {
    changed: new Set([...after].filter(([field, value]) => before.get(field) !== value).map(([field]) => field)),
    removed: new Set([...before.keys()].filter((field) => !after.has(field))),
  }
}

/** The owners after an ordinary create, update or patch: the writer owns what it changed, the others lose that. */
export function ownersAfterUpdate(resource: Resource, before: KubernetesObject | undefined, after: KubernetesObject, owners: Owners, writer: Writer): Owners {
  const { changed, removed } = changes(fieldValues(resource, before ?? {}, true), fieldValues(resource, after, true))
  const next: Owners = new Map()
  for (const [id, owner] of owners) next.set(id, { ...owner, set: difference(owner.set, union(changed, removed)) })
  const id = identify(writer)
  const own = owners.get(id)
  const set = union(difference(own?.set ?? new Set(), removed), changed)
  // The order is that of first appearance; the time moves only when the set does.
  const same = changed.size === 0 && set.size === own?.set.size
  next.set(id, { ...writer, apiVersion: apiVersion(resource), set, time: same ? own.time : timestamp() })
  return next
}

/**
 * The owners after a server-side apply.
 * @throws a 409 that names every conflict, unless `force` takes the fields over
 */
export function ownersAfterApply(resource: Resource, before: KubernetesObject | undefined, after: KubernetesObject, owners: Owners, writer: Writer, applied: FieldSet, force: boolean): Owners {
  const { changed, removed } = changes(fieldValues(resource, before ?? {}, true), fieldValues(resource, after, true))
  const id = identify(writer)
  const conflicts: [Owner, string][] = []
  const next: Owners = new Map()
  for (const [other, owner] of owners) {
    if (other === id) {
      next.set(id, owner)
      continue
    }
    const lost = new Set([...owner.set].filter((field) => changed.has(field)))
    for (const field of [...lost].sort()) conflicts.push([owner, field])
    next.set(other, { ...owner, set: difference(owner.set, union(lost, removed)) })
  }
  if (conflicts.length > 0 && !force) throw conflict(conflicts)
  const own = owners.get(id)
  const same = own !== undefined && changed.size === 0 && removed.size === 0 && canonical([...own.set].sort()) === canonical([...applied].sort())
  next.set(id, { ...writer, apiVersion: apiVersion(resource), set: applied, time: same ? own.time : timestamp() })
  return next
}

function conflict(conflicts: [Owner, string][]): ApiError {
  const causes: Cause[] = conflicts.map(([owner, field]) => ({ reason: 'FieldManagerConflict', message: `conflict with ${spoken(owner)}`, field: fieldName(field) }))
  const [only] = causes
  const messages = [...new Set(causes.map((cause) => cause.message))].sort()
  const lines = messages.flatMap((message) => [
    `${message.replace('conflict', 'conflicts')}:`, ...causes.filter((cause) => cause.message === message).map((cause) => `- ${cause.field}`)])
  const said = causes.length === 1 && only ? `1 conflict: ${only.message}: ${only.field}` : `${causes.length} conflicts: ${lines.join('\n')}`
  return new ApiError(409, 'Conflict', `Apply failed with ${said}`, { causes })
}

/** An applier is known by its name alone; an updater also by the version it used. */
function spoken(owner: Owner): string {
  const part = owner.subresource === '' ? '' : ` with subresource "${owner.subresource}"`
  return owner.operation === 'Apply' ? `"${owner.manager}"${part}` : `"${owner.manager}"${part} using ${owner.apiVersion}`
}

/** Whether a write asks the API to forget all ownership: `managedFields: [{}]`. */
export function forgetsOwners(object: JsonObject): boolean {
  const entries = at(object, 'metadata', 'managedFields')
  return Array.isArray(entries) && entries.length === 1 && isObject(entries[0]) && Object.keys(entries[0]).length === 0
}

/** Whether two objects differ in nothing but versions and the times of managed fields. */
export function unchanged(left: KubernetesObject, right: KubernetesObject): boolean {
  const plain = (object: KubernetesObject): JsonObject => ({
    ...object,
    metadata: { ...object.metadata, resourceVersion: '', managedFields: items(object.metadata.managedFields).map((entry: Json) => ({ ...fields(entry), time: '' })) },
  })
  return isSame(plain(left), plain(right))
}
