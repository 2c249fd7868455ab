/**
 * The controllers of a cluster without nodes: workloads get pods, pods get ready, Services get
 * endpoints and load balancers.
 */
import { reconcileEndpoints } from './endpoints.ts'
import { reconcileLoadBalancers } from './service-load-balancers.ts'
import { reconcilePods } from './pods.ts'
import { reconcileWorkloads } from './workloads.ts'
import { getResource } from './resources.ts'
import type { Registry } from './registry.ts'
import { getIn, isDeepEqual, type JsonObject, type KubernetesObject } from './types.ts'

/**
 * How long things take, in milliseconds; Infinity is never. A change counts for what is waiting,
 * too.
 */
export interface ControllerDelays {
  /** From a pod's creation until it is ready. */
  podReadyDelay: number
  /** From a Service becoming a LoadBalancer until it has a hostname. */
  loadBalancerDelay: number
}

/** The running controllers. */
export interface Controllers {
  readonly delays: ControllerDelays
  stop(): void
}

/** What one pass of the controllers works with. */
export interface ReconcileContext {
  readonly registry: Registry
  readonly delays: ControllerDelays
  /**
   * Whether a delay has passed since this was first asked for a key; if not, there will be another
   * pass when it has.
   */
  isDue(key: string, delay: number): boolean
  /** Starts the key's delay anew when it is asked for next. */
  resetDelay(key: string): void
}

/** Starts them. Each pass looks at everything: a world is small, and nothing can be missed. */
export function startControllers(registry: Registry): Controllers {
  const delayStarts = new Map<string, number>()
  const delayValues: ControllerDelays = { podReadyDelay: 50, loadBalancerDelay: 50 }
  let scheduledReconcile: NodeJS.Immediate | undefined
  let timer: NodeJS.Timeout | undefined
  const scheduleReconcile = (): void => void (scheduledReconcile ??= setImmediate(reconcileAll))
  const reconcileAll = (): void => {
    scheduledReconcile = undefined
    clearTimeout(timer)
    let nextWait = Infinity
    const isDue = (key: string, delay: number): boolean => {
      const startedAt = delayStarts.get(key) ?? Date.now()
      delayStarts.set(key, startedAt)
      const remaining = startedAt + delay - Date.now()
      if (remaining > 0) nextWait = Math.min(nextWait, remaining)
      return remaining <= 0
    }
    const context: ReconcileContext = {
      registry,
      delays: delayValues,
      isDue,
      resetDelay: (key) => void delayStarts.delete(key),
    }
    for (const reconcile of [
      reconcileWorkloads,
      reconcilePods,
      reconcileWorkloads,
      reconcileEndpoints,
      reconcileLoadBalancers,
      bindVolumeClaims,
    ])
      reconcile(context)
    // A timer longer than setTimeout can count is as good as none.
    if (nextWait < 2 ** 31) timer = setTimeout(scheduleReconcile, nextWait)
  }
  const stop = registry.store.subscribe(scheduleReconcile)
  const delays: ControllerDelays = {
    get podReadyDelay() {
      return delayValues.podReadyDelay
    },
    set podReadyDelay(value) {
      delayValues.podReadyDelay = value
      scheduleReconcile()
    },
    get loadBalancerDelay() {
      return delayValues.loadBalancerDelay
    },
    set loadBalancerDelay(value) {
      delayValues.loadBalancerDelay = value
      scheduleReconcile()
    },
  }
  return {
    delays,
    stop: () => {
      stop()
      clearTimeout(timer)
      clearImmediate(scheduledReconcile)
    },
  }
}

const manager = 'kube-controller-manager'

/** Makes an object what it should be: created when missing, written only when it differs. */
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

/** Writes an object's status, when it differs. */
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

/** Deletes an object; nothing happens when it is gone already. */
export function deleteIfExists({ registry }: ReconcileContext, object: KubernetesObject): void {
  const resource = getResource(object.kind)
  const { namespace = '', name } = object.metadata
  if (registry.store.get(resource, namespace, name)) registry.delete(resource, namespace, name)
}

/** The reference that makes one object the controller of another. */
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

function bindVolumeClaims(context: ReconcileContext): void {
  for (const claim of context.registry.store.list(getResource('PersistentVolumeClaim'))) {
    const requests = getIn(claim, 'spec', 'resources', 'requests')
    updateStatus(context, claim, {
      phase: 'Bound',
      accessModes: getIn(claim, 'spec', 'accessModes'),
      capacity: requests,
    })
  }
}
