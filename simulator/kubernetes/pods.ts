/** Pods without a kubelet: they run at once and are ready when it is time. */
import { deleteIfExists, updateStatus, type ReconcileContext } from './controllers.ts'
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

/** The reason of the controllers' own unready pods: those that a scenario makes unready stay so. */
const notReadyReason = 'ContainersNotReady'

/** Moves every pod on, and removes what has lost its owner. */
export function reconcilePods(context: ReconcileContext): void {
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
  for (const pod of store.list(getResource('Pod'))) {
    const condition = asArray(getIn(pod, 'status', 'conditions')).find(
      (each) => getIn(each, 'type') === 'Ready',
    )
    if (condition === undefined)
      updateStatus(
        context,
        pod,
        buildPodStatus(
          pod,
          allocatePodAddress(pod),
          context.isDue(pod.metadata.uid ?? '', context.delays.podReadyDelay),
        ),
      )
    else if (
      getIn(condition, 'reason') === notReadyReason &&
      context.isDue(pod.metadata.uid ?? '', context.delays.podReadyDelay)
    )
      updateStatus(context, pod, buildPodStatus(pod, asString(getIn(pod, 'status', 'podIP')), true))
  }
}

/** Whether a pod is ready to be sent requests. */
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
 * A pod's address comes from its uid's first digits: no two pods of a world have met with the same
 * one.
 */
function allocatePodAddress(pod: KubernetesObject): string {
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
