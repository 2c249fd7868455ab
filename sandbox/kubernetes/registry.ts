/** Create, update, patch, apply and delete, with everything that the API itself does to an object on the way. */
import { randomUUID } from 'node:crypto'
import { applyAs } from './last-applied.ts'
import { Allocator, validate, withDefaults } from './kinds.ts'
import { forgetsOwners, managedFields, ownersAfterUpdate, ownersOf, unchanged, type Owners, type Subresource, type Writer } from './ownership.ts'
import { patched } from './patches.ts'
import { apiVersion, resourceOf, type Resource } from './resources.ts'
import { type ApiError, alreadyExists, badRequest, invalid, modified, notFound, notInSandbox, precondition } from './status.ts'
import { Store } from './store.ts'
import { isSame, timestamp, type Json, type JsonObject, type KubernetesObject } from './types.ts'

/** Who writes, and whether it is only tried. */
export interface Write {
  readonly manager: string
  readonly subresource?: '' | Subresource
  readonly dryRun?: boolean
}

/** What a delete may insist on. */
export interface Preconditions {
  readonly uid?: string
  readonly resourceVersion?: string
}

/** What a write came to. */
export interface Written {
  readonly object: KubernetesObject
  readonly created: boolean
}

/** A write that admission webhooks are asked about. */
export interface Admission {
  readonly operation: 'CREATE' | 'UPDATE'
  readonly object: KubernetesObject
  readonly previous: KubernetesObject | undefined
}

/** A webhook: it lets a write pass, or refuses it. */
export type Admit = (admission: Admission) => ApiError | undefined

/** A webhook that fills in an object that is created. */
export type MutateCreate = (object: KubernetesObject) => KubernetesObject

/** The API's rules on top of the storage. */
export class Registry {
  readonly store = new Store()
  private readonly allocator = new Allocator()
  /** Asked about every create and update, but not about those of a status. */
  admit: Admit = () => undefined
  /** Given every object that is created. What it sets belongs to no field manager: ownership is settled before. */
  mutateCreate: MutateCreate = (object) => object

  /** @throws 404 */
  get(resource: Resource, namespace: string, name: string): KubernetesObject {
    const object = this.store.get(resource, namespace, name)
    if (!object) throw notFound(resource, name)
    return object
  }

  create(resource: Resource, given: KubernetesObject, write: Write): KubernetesObject {
    const object = named(resource, given)
    this.requireNamespace(resource, object)
    if (this.store.get(resource, object.metadata.namespace ?? '', object.metadata.name)) throw alreadyExists(resource, object.metadata.name)
    if (object.metadata.resourceVersion) throw badRequest('resourceVersion should not be set on objects to be created')
    const owners = (after: KubernetesObject): Owners => ownersAfterUpdate(resource, undefined, after, new Map(), writerOf(write, 'Update'))
    return this.finish(resource, undefined, resource.status ? without(object, 'status') : object, owners, write)
  }

  update(resource: Resource, object: KubernetesObject, write: Write): KubernetesObject {
    const live = this.get(resource, object.metadata.namespace ?? '', object.metadata.name)
    const wanted = object.metadata.resourceVersion
    if (wanted && wanted !== live.metadata.resourceVersion) throw modified(resource, object.metadata.name)
    if (object.metadata.uid && object.metadata.uid !== live.metadata.uid) throw precondition(resource, object.metadata.name, 'UID', object.metadata.uid, live.metadata.uid ?? '')
    // A client may rewrite ownership itself, as kubectl does when it moves to server-side apply.
    const claimed = ownersOf(object)
    const owners = forgetsOwners(object) ? new Map<string, never>() : claimed.size > 0 ? claimed : ownersOf(live)
    return this.finish(resource, live, object, (after) => ownersAfterUpdate(resource, live, after, owners, writerOf(write, 'Update')), write)
  }

  patch(resource: Resource, namespace: string, name: string, patch: Json, mediaType: string, write: Write): KubernetesObject {
    const live = this.get(resource, namespace, name)
    const object = patched(resource, live, patch, mediaType) as KubernetesObject
    if (object.metadata.name !== name) throw badRequest('the name of the object does not match the name on the URL')
    return this.update(resource, object, write)
  }

  /** Server-side apply: creates what is not there. */
  apply(resource: Resource, namespace: string, name: string, given: KubernetesObject, write: Write, force: boolean): Written {
    if (write.manager === '') throw withoutManager(resource)
    const live = this.store.get(resource, namespace, name)
    const configuration = { ...given, metadata: { ...given.metadata, name, ...(resource.namespaced ? { namespace } : {}) } }
    const { resourceVersion: wanted, uid } = configuration.metadata
    if ((wanted && wanted !== live?.metadata.resourceVersion) || (uid && uid !== live?.metadata.uid)) throw modified(resource, name)
    if (!live && write.subresource) throw notFound(resource, name)
    if (!live) this.requireNamespace(resource, configuration)
    const applied = resource.status && !write.subresource ? without(configuration, 'status') : configuration
    const result = applyAs(resource, live, applied, writerOf(write, 'Apply'), force)
    return { object: this.finish(resource, live, result.object, () => result.owners, write), created: !live }
  }

  /** Deletes; while an object has finalizers, it only gets a deletionTimestamp. Says whether it is gone. */
  delete(resource: Resource, namespace: string, name: string, conditions: Preconditions = {}, dryRun = false): Written & { gone: boolean } {
    const live = this.get(resource, namespace, name)
    const { finalizers = [], deletionTimestamp } = live.metadata
    insist(resource, live, conditions)
    if (resource.kind === 'Namespace') throw notInSandbox('delete a namespace')
    const gone = finalizers.length === 0
    if (dryRun || (!gone && deletionTimestamp)) return { object: live, created: false, gone }
    if (gone) return { object: this.store.delete(resource, live), created: false, gone }
    const generation = live.metadata.generation === undefined ? {} : { generation: live.metadata.generation + 1 }
    const dying = { ...live, metadata: { ...live.metadata, ...generation, deletionTimestamp: timestamp(), deletionGracePeriodSeconds: 0 } }
    return { object: this.store.put(resource, dying), created: false, gone }
  }

  /** What every write has in common: metadata, defaults, validation, ownership, and the store. */
  private finish(resource: Resource, live: KubernetesObject | undefined, object: KubernetesObject, owners: (after: KubernetesObject) => Owners, write: Write): KubernetesObject {
    const merged = live ? onlyWritable(resource, live, object, write.subresource ?? '') : object
    const complete = withDefaults({ ...merged, apiVersion: apiVersion(resource), kind: resource.kind, metadata: systemMetadata(resource, live, merged) })
    const counted = counts(resource, live, complete)
    const entries = managedFields(owners(counted))
    const owned: KubernetesObject = { ...counted, metadata: { ...counted.metadata, managedFields: entries } }
    const filled = live ? owned : this.mutateCreate(owned)
    const allocated = resource.kind === 'Service' ? this.allocator.service(filled, live) : filled
    validate(resource, allocated, live)
    const result = structuredClone(allocated)
    const refusal = write.subresource ? undefined : this.admit({ operation: live ? 'UPDATE' : 'CREATE', object: result, previous: live })
    if (refusal) throw refusal
    if (live && unchanged(live, result)) return live
    if (write.dryRun) return result
    if (live && result.metadata.deletionTimestamp && (result.metadata.finalizers ?? []).length === 0) return this.store.delete(resource, result)
    return this.store.put(resource, result)
  }

  private requireNamespace(resource: Resource, object: KubernetesObject): void {
    const namespaces = resourceOf('Namespace')
    const { namespace = '' } = object.metadata
    if (resource.namespaced && !this.store.get(namespaces, '', namespace)) throw notFound(namespaces, namespace)
  }
}

const writerOf = (write: Write, operation: 'Apply' | 'Update'): Writer => ({ manager: write.manager, operation, subresource: write.subresource ?? '' })

const withoutManager = (resource: Resource): ApiError => invalid({ ...resource, group: 'meta.k8s.io', kind: 'PatchOptions' }, '',
  [{ reason: 'FieldValueRequired', field: 'fieldManager', message: 'Required value: is required for apply patch' }])

function insist(resource: Resource, { metadata }: KubernetesObject, { uid, resourceVersion }: Preconditions): void {
  if (uid && uid !== metadata.uid) throw precondition(resource, metadata.name, 'UID', uid, metadata.uid ?? '')
  if (resourceVersion && resourceVersion !== metadata.resourceVersion) throw precondition(resource, metadata.name, 'ResourceVersion', resourceVersion, metadata.resourceVersion ?? '')
}

function named(resource: Resource, object: KubernetesObject): KubernetesObject {
  const { name, generateName } = object.metadata
  if (name) return object
  if (!generateName) throw invalid(resource, '', [{ reason: 'FieldValueRequired', field: 'metadata.name', message: 'Required value: name or generateName is required' }])
  return { ...object, metadata: { ...object.metadata, name: generateName + randomUUID().slice(0, 5) } }
}

/** A write to the object leaves the status alone, a write to the status all the rest. */
function onlyWritable(resource: Resource, live: KubernetesObject, object: KubernetesObject, subresource: '' | Subresource): KubernetesObject {
  if (subresource === 'status') return { ...live, ...(object['status'] === undefined ? {} : { status: object['status'] }) }
  if (!resource.status) return object
  return live['status'] === undefined ? without(object, 'status') : { ...object, status: live['status'] }
}

const systemFields = ['uid', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds', 'generation', 'resourceVersion']
const collections = ['labels', 'annotations', 'finalizers', 'ownerReferences']

function systemMetadata(resource: Resource, live: KubernetesObject | undefined, object: KubernetesObject): KubernetesObject['metadata'] {
  const given = object.metadata
  const system = live
    ? Object.fromEntries(systemFields.flatMap((field) => (live.metadata[field] === undefined ? [] : [[field, live.metadata[field]]])))
    : { uid: randomUUID(), creationTimestamp: timestamp(), ...(resource.generation ? { generation: 1 } : {}) }
  // Empty maps and lists are as good as absent, and are stored so.
  const empty = (field: string, value: Json | undefined): boolean => collections.includes(field) && Object.keys(value ?? {}).length === 0
  const kept = Object.entries(given).filter(([field, value]) => !/^(generation|deletion\w+)$/.test(field) && !empty(field, value))
  return { ...Object.fromEntries(kept), name: given.name, ...system }
}

/** `generation` moves when anything but metadata and status does. */
function counts(resource: Resource, live: KubernetesObject | undefined, object: KubernetesObject): KubernetesObject {
  if (!live || !resource.generation) return object
  const wish = (each: KubernetesObject): JsonObject => ({ ...each, metadata: null, status: null })
  return isSame(wish(live), wish(object)) ? object : { ...object, metadata: { ...object.metadata, generation: (live.metadata.generation ?? 0) + 1 } }
}

function without(object: KubernetesObject, field: string): KubernetesObject {
  const result = { ...object }
  Reflect.deleteProperty(result, field)
  return result
}
