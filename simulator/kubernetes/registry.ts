/**
 * Create, update, patch, apply and delete, with everything that the API itself does to an object on
 * the way.
 */
import { randomUUID } from 'node:crypto'
import { applyConfiguration } from './kubectl-apply.ts'
import { ServiceAllocator, validateObject, applyDefaults } from './kind-rules.ts'
import {
  clearsManagedFields,
  encodeManagedFields,
  ownersAfterUpdate,
  decodeOwners,
  isNoOpUpdate,
  type Owners,
  type Subresource,
  type Writer,
} from './managed-fields.ts'
import { applyPatch } from './patches.ts'
import { formatApiVersion, getResource, type Resource } from './resources.ts'
import {
  type ApiError,
  alreadyExists,
  badRequest,
  invalid,
  objectModified,
  notFound,
  notImplemented,
  preconditionFailed,
} from './api-errors.ts'
import { Store } from './store.ts'
import {
  isDeepEqual,
  formatTimestamp,
  type Json,
  type JsonObject,
  type KubernetesObject,
} from './types.ts'

/** Who writes, and whether it is only tried. */
export interface WriteOptions {
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
export interface WriteResult {
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
export type ValidateAdmission = (admission: Admission) => ApiError | undefined

/** A webhook that fills in an object that is created. */
export type MutateCreate = (object: KubernetesObject) => KubernetesObject

/** The API's rules on top of the storage. */
export class Registry {
  readonly store = new Store()
  private readonly allocator = new ServiceAllocator()
  /** Asked about every create and update, but not about those of a status. */
  validateAdmission: ValidateAdmission = () => undefined
  /**
   * Given every object that is created. What it sets belongs to no field manager: ownership is
   * settled before.
   */
  mutateCreate: MutateCreate = (object) => object

  /** @throws 404 */
  get(resource: Resource, namespace: string, name: string): KubernetesObject {
    const object = this.store.get(resource, namespace, name)
    if (!object) throw notFound(resource, name)
    return object
  }

  create(resource: Resource, submitted: KubernetesObject, options: WriteOptions): KubernetesObject {
    const object = withGeneratedName(resource, submitted)
    this.requireNamespace(resource, object)
    if (this.store.get(resource, object.metadata.namespace ?? '', object.metadata.name))
      throw alreadyExists(resource, object.metadata.name)
    if (object.metadata.resourceVersion)
      throw badRequest('resourceVersion should not be set on objects to be created')
    const owners = (after: KubernetesObject): Owners =>
      ownersAfterUpdate(resource, undefined, after, new Map(), toWriter(options, 'Update'))
    return this.commitWrite(
      resource,
      undefined,
      resource.hasStatus ? omitField(object, 'status') : object,
      owners,
      options,
    )
  }

  update(resource: Resource, object: KubernetesObject, options: WriteOptions): KubernetesObject {
    const live = this.get(resource, object.metadata.namespace ?? '', object.metadata.name)
    const expectedVersion = object.metadata.resourceVersion
    if (expectedVersion && expectedVersion !== live.metadata.resourceVersion)
      throw objectModified(resource, object.metadata.name)
    if (object.metadata.uid && object.metadata.uid !== live.metadata.uid)
      throw preconditionFailed(
        resource,
        object.metadata.name,
        'UID',
        object.metadata.uid,
        live.metadata.uid ?? '',
      )
    // A client may rewrite ownership itself, as kubectl does when it moves to server-side apply.
    const claimedOwners = decodeOwners(object)
    const owners = clearsManagedFields(object)
      ? new Map<string, never>()
      : claimedOwners.size > 0
        ? claimedOwners
        : decodeOwners(live)
    return this.commitWrite(
      resource,
      live,
      object,
      (after) => ownersAfterUpdate(resource, live, after, owners, toWriter(options, 'Update')),
      options,
    )
  }

  patch(
    resource: Resource,
    namespace: string,
    name: string,
    patch: Json,
    mediaType: string,
    options: WriteOptions,
  ): KubernetesObject {
    const live = this.get(resource, namespace, name)
    const object = applyPatch(resource, live, patch, mediaType) as KubernetesObject
    if (object.metadata.name !== name)
      throw badRequest('the name of the object does not match the name on the URL')
    return this.update(resource, object, options)
  }

  /** Server-side apply: creates what is not there. */
  apply(
    resource: Resource,
    namespace: string,
    name: string,
    submitted: KubernetesObject,
    options: WriteOptions,
    force: boolean,
  ): WriteResult {
    if (options.manager === '') throw missingFieldManager(resource)
    const live = this.store.get(resource, namespace, name)
    const configuration = {
      ...submitted,
      metadata: { ...submitted.metadata, name, ...(resource.isNamespaced ? { namespace } : {}) },
    }
    const { resourceVersion: expectedVersion, uid } = configuration.metadata
    if (
      (expectedVersion && expectedVersion !== live?.metadata.resourceVersion) ||
      (uid && uid !== live?.metadata.uid)
    )
      throw objectModified(resource, name)
    if (!live && options.subresource) throw notFound(resource, name)
    if (!live) this.requireNamespace(resource, configuration)
    const applied =
      resource.hasStatus && !options.subresource
        ? omitField(configuration, 'status')
        : configuration
    const result = applyConfiguration(resource, live, applied, toWriter(options, 'Apply'), force)
    return {
      object: this.commitWrite(resource, live, result.object, () => result.owners, options),
      created: !live,
    }
  }

  /**
   * Deletes; while an object has finalizers, it only gets a deletionTimestamp. Says whether it is
   * gone.
   */
  delete(
    resource: Resource,
    namespace: string,
    name: string,
    preconditions: Preconditions = {},
    dryRun = false,
  ): WriteResult & { isDeleted: boolean } {
    const live = this.get(resource, namespace, name)
    const { finalizers = [], deletionTimestamp } = live.metadata
    checkPreconditions(resource, live, preconditions)
    if (resource.kind === 'Namespace') throw notImplemented('delete a namespace')
    const isDeleted = finalizers.length === 0
    if (dryRun || (!isDeleted && deletionTimestamp))
      return { object: live, created: false, isDeleted }
    if (isDeleted) return { object: this.store.delete(resource, live), created: false, isDeleted }
    const generation =
      live.metadata.generation === undefined ? {} : { generation: live.metadata.generation + 1 }
    const terminating = {
      ...live,
      metadata: {
        ...live.metadata,
        ...generation,
        deletionTimestamp: formatTimestamp(),
        deletionGracePeriodSeconds: 0,
      },
    }
    return { object: this.store.put(resource, terminating), created: false, isDeleted }
  }

  /** What every write has in common: metadata, defaults, validation, ownership, and the store. */
  private commitWrite(
    resource: Resource,
    live: KubernetesObject | undefined,
    object: KubernetesObject,
    owners: (after: KubernetesObject) => Owners,
    options: WriteOptions,
  ): KubernetesObject {
    const merged = live
      ? keepReadOnlyParts(resource, live, object, options.subresource ?? '')
      : object
    const withSystemFields = applyDefaults({
      ...merged,
      apiVersion: formatApiVersion(resource),
      kind: resource.kind,
      metadata: buildMetadata(resource, live, merged),
    })
    const withGeneration = incrementGeneration(resource, live, withSystemFields)
    const managedFieldsEntries = encodeManagedFields(owners(withGeneration))
    const withOwners: KubernetesObject = {
      ...withGeneration,
      metadata: { ...withGeneration.metadata, managedFields: managedFieldsEntries },
    }
    const mutated = live ? withOwners : this.mutateCreate(withOwners)
    const allocated =
      resource.kind === 'Service' ? this.allocator.allocateAddresses(mutated, live) : mutated
    validateObject(resource, allocated, live)
    const result = structuredClone(allocated)
    const admissionError = options.subresource
      ? undefined
      : this.validateAdmission({
          operation: live ? 'UPDATE' : 'CREATE',
          object: result,
          previous: live,
        })
    if (admissionError) throw admissionError
    if (live && isNoOpUpdate(live, result)) return live
    if (options.dryRun) return result
    if (
      live &&
      result.metadata.deletionTimestamp &&
      (result.metadata.finalizers ?? []).length === 0
    )
      return this.store.delete(resource, result)
    return this.store.put(resource, result)
  }

  private requireNamespace(resource: Resource, object: KubernetesObject): void {
    const namespaces = getResource('Namespace')
    const { namespace = '' } = object.metadata
    if (resource.isNamespaced && !this.store.get(namespaces, '', namespace))
      throw notFound(namespaces, namespace)
  }
}

const toWriter = (options: WriteOptions, operation: 'Apply' | 'Update'): Writer => ({
  manager: options.manager,
  operation,
  subresource: options.subresource ?? '',
})

const missingFieldManager = (resource: Resource): ApiError =>
  invalid({ ...resource, group: 'meta.k8s.io', kind: 'PatchOptions' }, '', [
    {
      reason: 'FieldValueRequired',
      field: 'fieldManager',
      message: 'Required value: is required for apply patch',
    },
  ])

function checkPreconditions(
  resource: Resource,
  { metadata }: KubernetesObject,
  { uid, resourceVersion }: Preconditions,
): void {
  if (uid && uid !== metadata.uid)
    throw preconditionFailed(resource, metadata.name, 'UID', uid, metadata.uid ?? '')
  if (resourceVersion && resourceVersion !== metadata.resourceVersion)
    throw preconditionFailed(
      resource,
      metadata.name,
      'ResourceVersion',
      resourceVersion,
      metadata.resourceVersion ?? '',
    )
}

function withGeneratedName(resource: Resource, object: KubernetesObject): KubernetesObject {
  const { name, generateName } = object.metadata
  if (name) return object
  if (!generateName)
    throw invalid(resource, '', [
      {
        reason: 'FieldValueRequired',
        field: 'metadata.name',
        message: 'Required value: name or generateName is required',
      },
    ])
  return {
    ...object,
    metadata: { ...object.metadata, name: generateName + randomUUID().slice(0, 5) },
  }
}

/** A write to the object leaves the status alone, a write to the status all the rest. */
function keepReadOnlyParts(
  resource: Resource,
  live: KubernetesObject,
  object: KubernetesObject,
  subresource: '' | Subresource,
): KubernetesObject {
  if (subresource === 'status')
    return { ...live, ...(object['status'] === undefined ? {} : { status: object['status'] }) }
  if (!resource.hasStatus) return object
  return live['status'] === undefined
    ? omitField(object, 'status')
    : { ...object, status: live['status'] }
}

const systemFields = [
  'uid',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'generation',
  'resourceVersion',
]
const collectionFields = ['labels', 'annotations', 'finalizers', 'ownerReferences']

function buildMetadata(
  resource: Resource,
  live: KubernetesObject | undefined,
  object: KubernetesObject,
): KubernetesObject['metadata'] {
  const submitted = object.metadata
  const systemValues = live
    ? Object.fromEntries(
        systemFields.flatMap((field) =>
          live.metadata[field] === undefined ? [] : [[field, live.metadata[field]]],
        ),
      )
    : {
        uid: randomUUID(),
        creationTimestamp: formatTimestamp(),
        ...(resource.hasGeneration ? { generation: 1 } : {}),
      }
  // Empty maps and lists are as good as absent, and are stored so.
  const isEmptyCollection = (field: string, value: Json | undefined): boolean =>
    collectionFields.includes(field) && Object.keys(value ?? {}).length === 0
  const keptFields = Object.entries(submitted).filter(
    ([field, value]) =>
      !/^(generation|deletion\w+)$/.test(field) && !isEmptyCollection(field, value),
  )
  return { ...Object.fromEntries(keptFields), name: submitted.name, ...systemValues }
}

/** `generation` moves when anything but metadata and status does. */
function incrementGeneration(
  resource: Resource,
  live: KubernetesObject | undefined,
  object: KubernetesObject,
): KubernetesObject {
  if (!live || !resource.hasGeneration) return object
  const desiredState = (each: KubernetesObject): JsonObject => ({
    ...each,
    metadata: null,
    status: null,
  })
  return isDeepEqual(desiredState(live), desiredState(object))
    ? object
    : {
        ...object,
        metadata: { ...object.metadata, generation: (live.metadata.generation ?? 0) + 1 },
      }
}

function omitField(object: KubernetesObject, field: string): KubernetesObject {
  const result = { ...object }
  Reflect.deleteProperty(result, field)
  return result
}
