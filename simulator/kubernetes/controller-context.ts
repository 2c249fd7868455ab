/** What all controllers of the cluster share: their clock, and how they write objects. */
import { getResource } from './resources.ts'
import type { Registry } from './registry.ts'
import { isDeepEqual, type JsonObject, type KubernetesObject } from './types.ts'

/**
 * Delays in milliseconds; Infinity means never. A new value also applies to delays that are already
 * running.
 */
export interface ControllerDelays {
  /** From a pod's creation until it is ready. */
  podReadyDelay: number
  /** From a Service becoming a LoadBalancer until it has a hostname. */
  loadBalancerDelay: number
}

/** The input of one pass of the controllers. */
export interface ReconcileContext {
  readonly registry: Registry
  readonly delays: ControllerDelays
  /**
   * Whether a delay has passed since the first call with this key. If not, another pass is
   * scheduled for that time.
   */
  isDue(key: string, delay: number): boolean
  /** Makes the next call of `isDue` restart the delay. */
  resetDelay(key: string): void
}

const manager = 'kube-controller-manager'

/** Creates an object, or updates it when it differs. */
export function createOrUpdate(
  { registry }: ReconcileContext,
  desired: KubernetesObject,
): KubernetesObject {
  const resource = getResource(desired.kind)
  const live = registry.store.get(resource, desired.metadata.namespace ?? '', desired.metadata.name)
  if (!live) return registry.create(resource, desired, { manager })
  const next = { ...live, ...desired, metadata: { ...live.metadata, ...desired.metadata } }
  return isDeepEqual(live, next) ? live : registry.update(resource, next, { manager })
}

/** Writes the status of an object when it differs. */
export function updateStatus(
  { registry }: ReconcileContext,
  object: KubernetesObject,
  status: JsonObject,
): KubernetesObject {
  return isDeepEqual(object['status'], status)
    ? object
    : registry.update(
        getResource(object.kind),
        { ...object, status },
        { manager, subresource: 'status' },
      )
}

/** Deletes an object if it still exists. */
export function deleteIfExists({ registry }: ReconcileContext, object: KubernetesObject): void {
  const resource = getResource(object.kind)
  const { namespace = '', name } = object.metadata
  if (registry.store.get(resource, namespace, name)) registry.delete({ resource, namespace, name })
}

/** The owner reference that makes an object the controller of another. */
export function buildControllerReference(owner: KubernetesObject): JsonObject {
  const { name, uid } = owner.metadata
  return {
    apiVersion: owner.apiVersion,
    kind: owner.kind,
    name,
    uid,
    controller: true,
    blockOwnerDeletion: true,
  }
}
