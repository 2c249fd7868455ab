/** Pods without a kubelet: they run at once and are ready when it is time. */
import { discard, setStatus, type Pass } from './controllers.ts'
import { resourceOf, resources } from './resources.ts'
import { at, items, text, timestamp, type Json, type JsonObject, type KubernetesObject } from './types.ts'

/** The reason of the controllers' own unready pods: those that a scenario makes unready stay so. */
const starting = 'ContainersNotReady'

/** Moves every pod on, and removes what has lost its owner. */
export function reconcilePods(pass: Pass): void {
  const { store } = pass.registry
  const owners = new Set(resources.flatMap((resource) => store.list(resource)).map((object) => object.metadata.uid))
  for (const kind of ['ReplicaSet', 'Pod', 'EndpointSlice']) {
    for (const object of store.list(resourceOf(kind))) {
      const owner = ownerOf(object)
      if (owner !== undefined && !owners.has(owner)) discard(pass, object)
    }
  }
  for (const pod of store.list(resourceOf('Pod'))) {
    const condition = items(at(pod, 'status', 'conditions')).find((each) => at(each, 'type') === 'Ready')
    if (condition === undefined) setStatus(pass, pod, podStatus(pod, address(pod), pass.due(pod.metadata.uid ?? '', pass.pace.readyAfter)))
    else if (at(condition, 'reason') === starting && pass.due(pod.metadata.uid ?? '', pass.pace.readyAfter)) setStatus(pass, pod, podStatus(pod, text(at(pod, 'status', 'podIP')), true))
  }
}

/** Whether a pod is ready to be sent requests. */
export function isReady(pod: KubernetesObject): boolean {
  return items(at(pod, 'status', 'conditions')).some((condition) => at(condition, 'type') === 'Ready' && at(condition, 'status') === 'True')
}

/** The uid of the object's controller. */
export function ownerOf(object: KubernetesObject): string | undefined {
  const owner = items(object.metadata['ownerReferences']).find((reference) => at(reference, 'controller') === true)
  return owner === undefined ? undefined : text(at(owner, 'uid'))
}

/** A pod's address comes from its uid's first digits: no two pods of a world have met with the same one. */
function address(pod: KubernetesObject): string {
  const digits = Number.parseInt((pod.metadata.uid ?? '').slice(0, 4), 16)
  return `10.244.${digits >> 8}.${1 + (digits % 254)}`
}

function podStatus(pod: KubernetesObject, podIP: string, ready: boolean): JsonObject {
  const startTime = pod.metadata.creationTimestamp ?? timestamp()
  const condition = (type: string, holds: boolean): Json => ({
    type, status: holds ? 'True' : 'False', lastProbeTime: null, lastTransitionTime: holds && ready ? timestamp() : startTime,
    ...(holds ? {} : { reason: starting, message: 'containers with unready status' }),
  })
  return {
    phase: 'Running', podIP, podIPs: [{ ip: podIP }], hostIP: '192.168.10.10', startTime, qosClass: 'BestEffort',
    conditions: [condition('PodScheduled', true), condition('Initialized', true), condition('ContainersReady', ready), condition('Ready', ready)],
    containerStatuses: items(at(pod, 'spec', 'containers')).map((container) => ({
      name: text(at(container, 'name')), image: text(at(container, 'image')), imageID: '', containerID: `containerd://${pod.metadata.uid ?? ''}`,
      ready, started: true, restartCount: 0, state: { running: { startedAt: startTime } }, lastState: {},
    })),
  }
}
