/** StatefulSets. */
import { deleteIfExists, updateStatus, type ReconcileContext } from './controller-context.ts'
import { isPodReady } from './pods.ts'
import { getIn, asObject, asString, type JsonObject, type KubernetesObject } from './types.ts'
import { createPod, hashTemplate, listOwned, omitZeroCounts, replicasOf } from './workload-pods.ts'

/**
 * Creates all missing pods at once. A new template replaces pods one after the other, from the last
 * to the first.
 */
export function reconcileStatefulSet(
  context: ReconcileContext,
  statefulSet: KubernetesObject,
): void {
  const { name } = statefulSet.metadata
  const revision = `${name}-${hashTemplate(asObject(getIn(statefulSet, 'spec', 'template')))}`
  const podNames = Array.from(
    { length: replicasOf(statefulSet) },
    (_, ordinal) => `${name}-${ordinal}`,
  )
  const isUpdated = (pod: KubernetesObject): boolean =>
    pod.metadata.labels?.['controller-revision-hash'] === revision
  const listPods = (): KubernetesObject[] => listOwned(context, 'Pod', statefulSet)
  for (const pod of listPods())
    if (!podNames.includes(pod.metadata.name)) deleteIfExists(context, pod)
  const podsByName = new Map(listPods().map((pod) => [pod.metadata.name, pod]))
  // A pod is replaced only when every pod after it is updated and ready.
  const nextPod = podNames
    .map((each) => podsByName.get(each))
    .findLast((pod) => !pod || !isUpdated(pod) || !isPodReady(pod))
  if (nextPod && !isUpdated(nextPod)) {
    deleteIfExists(context, nextPod)
    podsByName.delete(nextPod.metadata.name)
  }
  for (const missing of podNames.filter((each) => !podsByName.has(each))) {
    createPod(
      context,
      statefulSet,
      { name: missing },
      { 'controller-revision-hash': revision, 'statefulset.kubernetes.io/pod-name': missing },
    )
  }
  updateStatus(
    context,
    statefulSet,
    buildStatefulSetStatus(statefulSet, revision, listPods(), isUpdated),
  )
}

function buildStatefulSetStatus(
  statefulSet: KubernetesObject,
  revision: string,
  pods: KubernetesObject[],
  isUpdated: (pod: KubernetesObject) => boolean,
): JsonObject {
  const ready = pods.filter(isPodReady).length
  const updated = pods.filter(isUpdated).length
  const isComplete = updated === replicasOf(statefulSet) && ready === replicasOf(statefulSet)
  const current = isComplete
    ? revision
    : asString(getIn(statefulSet, 'status', 'currentRevision')) || revision
  return {
    observedGeneration: statefulSet.metadata.generation,
    replicas: pods.length,
    currentRevision: current,
    updateRevision: revision,
    collisionCount: 0,
    ...omitZeroCounts({
      currentReplicas: current === revision ? updated : pods.length - updated,
      updatedReplicas: updated,
      readyReplicas: ready,
    }),
    availableReplicas: ready,
  }
}
