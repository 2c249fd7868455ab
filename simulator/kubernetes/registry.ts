/** Create, update, patch, apply and delete, with everything that the API itself adds to a write. */
import { applyConfiguration } from './kubectl-apply.ts'
import { applyDefaults } from './defaults.ts'
import {
  clearsManagedFields,
  encodeManagedFields,
  ownersAfterUpdate,
  decodeOwners,
  isNoOpUpdate,
  type Owners,
  type Writer,
} from './managed-fields.ts'
import {
  buildMetadata,
  incrementGeneration,
  keepReadOnlyParts,
  omitField,
  withGeneratedName,
} from './object-metadata.ts'
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
import { ServiceAllocator } from './service-allocator.ts'
import { Store } from './store.ts'
import { formatTimestamp, type KubernetesObject } from './types.ts'
import { validateObject } from './validation.ts'
import type {
  ApplyOptions,
  DeleteOptions,
  MutateCreate,
  ObjectReference,
  Patch,
  Preconditions,
  ValidateAdmission,
  WriteOptions,
  WriteResult,
} from './writes.ts'

interface PendingWrite {
  readonly resource: Resource
  /** Undefined when the write creates the object. */
  readonly live: KubernetesObject | undefined
  readonly object: KubernetesObject
  readonly ownersAfter: (after: KubernetesObject) => Owners
}

/** The API's rules on top of the storage. */
export class Registry {
  readonly store = new Store()
  private readonly allocator = new ServiceAllocator()
  /** Called for every create and update, except for updates of a status. */
  validateAdmission: ValidateAdmission = () => undefined
  /**
   * Called with every object that is created. No field manager owns what it sets: ownership is
   * computed before.
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
    const writer = toWriter(options, 'Update')
    const write: PendingWrite = {
      resource,
      live: undefined,
      object: resource.hasStatus ? omitField(object, 'status') : object,
      ownersAfter: (after) =>
        ownersAfterUpdate({ resource, before: undefined, after, owners: new Map(), writer }),
    }
    return this.commitWrite(write, options)
  }

  update(resource: Resource, object: KubernetesObject, options: WriteOptions): KubernetesObject {
    const live = this.get(resource, object.metadata.namespace ?? '', object.metadata.name)
    const expectedVersion = object.metadata.resourceVersion
    if (expectedVersion && expectedVersion !== live.metadata.resourceVersion)
      throw objectModified(resource, object.metadata.name)
    if (object.metadata.uid) checkPreconditions(resource, live, { uid: object.metadata.uid })
    const owners = ownersBeforeUpdate(live, object)
    const writer = toWriter(options, 'Update')
    const write: PendingWrite = {
      resource,
      live,
      object,
      ownersAfter: (after) => ownersAfterUpdate({ resource, before: live, after, owners, writer }),
    }
    return this.commitWrite(write, options)
  }

  patch(target: ObjectReference, patch: Patch, options: WriteOptions): KubernetesObject {
    const { resource, namespace, name } = target
    const live = this.get(resource, namespace, name)
    const object = applyPatch(resource, live, patch.body, patch.mediaType) as KubernetesObject
    if (object.metadata.name !== name)
      throw badRequest('the name of the object does not match the name on the URL')
    return this.update(resource, object, options)
  }

  /** Server-side apply: creates the object when it does not exist. */
  apply(target: ObjectReference, submitted: KubernetesObject, options: ApplyOptions): WriteResult {
    const { resource, namespace, name } = target
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
    const omitsStatus = resource.hasStatus && !options.subresource
    const { object, owners } = applyConfiguration({
      resource,
      live,
      configuration: omitsStatus ? omitField(configuration, 'status') : configuration,
      writer: toWriter(options, 'Apply'),
      force: options.force,
    })
    const write: PendingWrite = { resource, live, object, ownersAfter: () => owners }
    return { object: this.commitWrite(write, options), created: !live }
  }

  /**
   * Deletes an object, or sets its deletionTimestamp while it has finalizers.
   * @returns `isDeleted`: whether the object no longer exists
   */
  delete(
    { resource, namespace, name }: ObjectReference,
    { preconditions = {}, dryRun = false }: DeleteOptions = {},
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

  /** Completes and validates the object of a write, and stores it unless this is a dry run. */
  private commitWrite(write: PendingWrite, options: WriteOptions): KubernetesObject {
    const { resource, live } = write
    const result = this.completeObject(write, options)
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

  /** Adds metadata, defaults, ownership and addresses, and validates the result. */
  private completeObject(write: PendingWrite, options: WriteOptions): KubernetesObject {
    const { resource, live, object } = write
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
    const managedFields = encodeManagedFields(write.ownersAfter(withGeneration))
    const withOwners: KubernetesObject = {
      ...withGeneration,
      metadata: { ...withGeneration.metadata, managedFields },
    }
    const mutated = live ? withOwners : this.mutateCreate(withOwners)
    const allocated =
      resource.kind === 'Service' ? this.allocator.allocateAddresses(mutated, live) : mutated
    validateObject(resource, allocated, live)
    return structuredClone(allocated)
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

/**
 * The owners that an update starts from. A client may rewrite ownership itself, as kubectl does
 * when it moves to server-side apply.
 */
function ownersBeforeUpdate(live: KubernetesObject, submitted: KubernetesObject): Owners {
  if (clearsManagedFields(submitted)) return new Map()
  const claimedOwners = decodeOwners(submitted)
  return claimedOwners.size > 0 ? claimedOwners : decodeOwners(live)
}

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
    throw preconditionFailed(resource, metadata.name, {
      field: 'UID',
      expected: uid,
      actual: metadata.uid ?? '',
    })
  if (resourceVersion && resourceVersion !== metadata.resourceVersion)
    throw preconditionFailed(resource, metadata.name, {
      field: 'ResourceVersion',
      expected: resourceVersion,
      actual: metadata.resourceVersion ?? '',
    })
}
