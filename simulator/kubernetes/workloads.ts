/** Reconciles Deployments, ReplicaSets, StatefulSets and Jobs. */
import { updateStatus, type ReconcileContext } from './controller-context.ts'
import { reconcileDeployment, reconcileReplicaSet } from './deployments.ts'
import { getResource } from './resources.ts'
import { reconcileStatefulSet } from './stateful-sets.ts'
import { getIn, asArray, formatTimestamp, type Json, type KubernetesObject } from './types.ts'

/** Moves the pods and the status of every workload towards its spec. */
export function reconcileWorkloads(context: ReconcileContext): void {
  const listActive = (kind: string): KubernetesObject[] =>
    context.registry.store
      .list(getResource(kind))
      .filter((object) => object.metadata.deletionTimestamp === undefined)
  for (const deployment of listActive('Deployment')) reconcileDeployment(context, deployment)
  for (const set of listActive('ReplicaSet')) reconcileReplicaSet(context, set)
  for (const set of listActive('StatefulSet')) reconcileStatefulSet(context, set)
  for (const job of listActive('Job')) reconcileJob(context, job)
}

/**
 * Completes a Job after the time that a pod takes to become ready. Jobs have no pods here.
 */
function reconcileJob(context: ReconcileContext, job: KubernetesObject): void {
  if (asArray(getIn(job, 'status', 'conditions')).length > 0) return
  const startTime = job.metadata.creationTimestamp ?? formatTimestamp()
  if (!context.isDue(job.metadata.uid ?? '', context.delays.podReadyDelay))
    return void updateStatus(context, job, { startTime, active: 1, ready: 1 })
  const now = formatTimestamp()
  const buildTrueCondition = (type: string): Json => ({
    type,
    status: 'True',
    reason: 'CompletionsReached',
    message: 'Reached expected number of succeeded pods',
    lastProbeTime: now,
    lastTransitionTime: now,
  })
  updateStatus(context, job, {
    startTime,
    completionTime: now,
    succeeded: 1,
    ready: 0,
    conditions: [buildTrueCondition('SuccessCriteriaMet'), buildTrueCondition('Complete')],
  })
}
