/** The controllers of a cluster without nodes: workloads get pods, pods get ready, Services get endpoints and load balancers. */
import { reconcileEndpoints } from './endpoints.ts'
import { reconcileLoadBalancers } from './load-balancers.ts'
import { reconcilePods } from './pods.ts'
import { reconcileWorkloads } from './workloads.ts'
import { resourceOf } from './resources.ts'
import type { Registry } from './registry.ts'
import { at, isSame, type JsonObject, type KubernetesObject } from './types.ts'

/** How long things take, in milliseconds; Infinity is never. A change counts for what is waiting, too. */
export interface Pace {
  /** From a pod's creation until it is ready. */
  readyAfter: number
  /** From a Service becoming a LoadBalancer until it has a hostname. */
  loadBalancerAfter: number
}

/** The running controllers. */
export interface Controllers {
  readonly options: Pace
  stop(): void
}

/** What one pass of the controllers works with. */
export interface Pass {
  readonly registry: Registry
  readonly pace: Pace
  /** Whether a delay has passed since this was first asked for a key; if not, there will be another pass when it has. */
  due(key: string, delay: number): boolean
  /** Starts the key's delay anew when it is asked for next. */
  forget(key: string): void
}

/** Starts them. Each pass looks at everything: a world is small, and nothing can be missed. */
export function startControllers(registry: Registry): Controllers {
  const since = new Map<string, number>()
  const set: Pace = { readyAfter: 50, loadBalancerAfter: 50 }
  let planned: NodeJS.Immediate | undefined
  let timer: NodeJS.Timeout | undefined
  const plan = (): void => void (planned ??= setImmediate(pass))
  const pass = (): void => {
    planned = undefined
    clearTimeout(timer)
    let wait = Infinity
    const due = (key: string, delay: number): boolean => {
      const first = since.get(key) ?? Date.now()
      since.set(key, first)
      const left = first + delay - Date.now()
      if (left > 0) wait = Math.min(wait, left)
      return left <= 0
    }
    const work: Pass = { registry, pace: set, due, forget: (key) => void since.delete(key) }
    for (const reconcile of [reconcileWorkloads, reconcilePods, reconcileWorkloads, reconcileEndpoints, reconcileLoadBalancers, bindClaims]) reconcile(work)
    // A timer longer than setTimeout can count is as good as none.
    if (wait < 2 ** 31) timer = setTimeout(plan, wait)
  }
  const stop = registry.store.subscribe(plan)
  const options: Pace = {
    get readyAfter() { return set.readyAfter },
    set readyAfter(value) { set.readyAfter = value; plan() },
    get loadBalancerAfter() { return set.loadBalancerAfter },
    set loadBalancerAfter(value) { set.loadBalancerAfter = value; plan() },
  }
  return {
    options,
    stop: () => {
      stop()
      clearTimeout(timer)
      clearImmediate(planned)
    },
  }
}

const manager = 'kube-controller-manager'

/** Makes an object what it should be: created when missing, written only when it differs. */
export function ensure({ registry }: Pass, desired: KubernetesObject): KubernetesObject {
  const resource = resourceOf(desired.kind)
  const live = registry.store.get(resource, desired.metadata.namespace ?? '', desired.metadata.name)
  if (!live) return registry.create(resource, desired, { manager })
  const next = { ...live, ...desired, metadata: { ...live.metadata, ...desired.metadata } }
  return isSame(live, next) ? live : registry.update(resource, next, { manager })
}

/** Writes an object's status, when it differs. */
export function setStatus({ registry }: Pass, object: KubernetesObject, status: JsonObject): KubernetesObject {
  return isSame(object['status'], status) ? object : registry.update(resourceOf(object.kind), { ...object, status }, { manager, subresource: 'status' })
}

/** Deletes an object; nothing happens when it is gone already. */
export function discard({ registry }: Pass, object: KubernetesObject): void {
  const resource = resourceOf(object.kind)
  const { namespace = '', name } = object.metadata
  if (registry.store.get(resource, namespace, name)) registry.delete(resource, namespace, name)
}

/** The reference that makes one object the controller of another. */
export function ownerReference(owner: KubernetesObject): JsonObject {
  const { name, uid } = owner.metadata
  return { apiVersion: owner.apiVersion, kind: owner.kind, name, uid, controller: true, blockOwnerDeletion: true }
}

function bindClaims(pass: Pass): void {
  for (const claim of pass.registry.store.list(resourceOf('PersistentVolumeClaim'))) {
    const requests = at(claim, 'spec', 'resources', 'requests')
    setStatus(pass, claim, { phase: 'Bound', accessModes: at(claim, 'spec', 'accessModes'), capacity: requests })
  }
}
