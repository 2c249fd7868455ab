/**
 * The controllers of a cluster without nodes: they create pods for workloads, make pods ready, and
 * create endpoints and load balancers for Services.
 */
import { reconcileEndpoints } from './endpoints.ts'
import { reconcileLoadBalancers } from './service-load-balancers.ts'
import { reconcilePods } from './pods.ts'
import { reconcileWorkloads } from './workloads.ts'
import { updateStatus, type ControllerDelays, type ReconcileContext } from './controller-context.ts'
import { getResource } from './resources.ts'
import type { Registry } from './registry.ts'
import { getIn } from './types.ts'

/** The running controllers. */
export interface Controllers {
  readonly delays: ControllerDelays
  stop(): void
}

/** Starts the controllers. Each pass reconciles everything: an environment has few objects. */
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
    // setTimeout fires at once for longer delays.
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
