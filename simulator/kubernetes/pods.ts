/** Pods without a kubelet: they run at once, and become ready after a delay. */
import { deleteIfExists, updateStatus, type ReconcileContext } from './controller-context.ts'
import { getResource, resources } from './resources.ts'
import {
  getIn,
  asArray,
  asString,
  formatTimestamp,
  type Json,
  type JsonObject,
  type KubernetesObject,
} from './types.ts'

/**
 * The reason of pods that are not ready yet. Pods that a scenario makes unready have another one,
 * and stay unready.
 */
const notReadyReason = 'ContainersNotReady'

/** Updates the status of every pod, and deletes objects whose owner no longer exists. */
export function reconcilePods(context: ReconcileContext): void {
  deleteOrphans(context)
  for (const pod of context.registry.store.list(getResource('Pod'))) {
    const condition = asArray(getIn(pod, 'status', 'conditions')).find(
      (each) => getIn(each, 'type') === 'Ready',
    )
    const isStarting = condition === undefined
    if (!isStarting && getIn(condition, 'reason') !== notReadyReason) continue
    const isReady = context.isDue(pod.metadata.uid ?? '', context.delays.podReadyDelay)
    if (isStarting) updateStatus(context, pod, buildPodStatus(pod, podAddress(pod), isReady))
    else if (isReady)
      updateStatus(context, pod, buildPodStatus(pod, asString(getIn(pod, 'status', 'podIP')), true))
  }
}

function deleteOrphans(context: ReconcileContext): void {
  const { store } = context.registry
  const existingUids = new Set(
    resources.flatMap((resource) => store.list(resource)).map((object) => object.metadata.uid),
  )
  for (const kind of ['ReplicaSet', 'Pod', 'EndpointSlice']) {
    for (const object of store.list(getResource(kind))) {
      const ownerUid = getControllerUid(object)
      if (ownerUid !== undefined && !existingUids.has(ownerUid)) deleteIfExists(context, object)
    }
  }
}

/** Whether the pod's Ready condition is true. */
export function isPodReady(pod: KubernetesObject): boolean {
  return asArray(getIn(pod, 'status', 'conditions')).some(
    (condition) => getIn(condition, 'type') === 'Ready' && getIn(condition, 'status') === 'True',
  )
}

/** The uid of the object's controller. */
export function getControllerUid(object: KubernetesObject): string | undefined {
  const owner = asArray(object.metadata['ownerReferences']).find(
    (reference) => getIn(reference, 'controller') === true,
  )
  return owner === undefined ? undefined : asString(getIn(owner, 'uid'))
}

/**
 * An address derived from the uid. Collisions are unlikely among the few pods of an environment.
 */
function podAddress(pod: KubernetesObject): string {
  const digits = Number.parseInt((pod.metadata.uid ?? '').slice(0, 4), 16)
  return `10.244.${digits >> 8}.${1 + (digits % 254)}`
}

function buildPodStatus(pod: KubernetesObject, podIP: string, ready: boolean): JsonObject {
  const startTime = pod.metadata.creationTimestamp ?? formatTimestamp()
  const condition = (type: string, isTrue: boolean): Json => ({
    type,
    status: isTrue ? 'True' : 'False',
    lastProbeTime: null,
    lastTransitionTime: isTrue && ready ? formatTimestamp() : startTime,
    ...(isTrue ? {} : { reason: notReadyReason, message: 'containers with unready status' }),
  })
  return {
    phase: 'Running',
    podIP,
    podIPs: [{ ip: podIP }],
    hostIP: '192.168.10.10',
    startTime,
    qosClass: 'BestEffort',
    conditions: [
      condition('PodScheduled', true),
      condition('Initialized', true),
      condition('ContainersReady', ready),
      condition('Ready', ready),
    ],
    containerStatuses: asArray(getIn(pod, 'spec', 'containers')).map((container) => ({
      name: asString(getIn(container, 'name')),
      image: asString(getIn(container, 'image')),
      imageID: '',
      containerID: `containerd://${pod.metadata.uid ?? ''}`,
      ready,
      started: true,
      restartCount: 0,
      state: { running: { startedAt: startTime } },
      lastState: {},
    })),
  }
}
