/** Deployments, ReplicaSets, StatefulSets and Jobs. */
import { createHash } from 'node:crypto'
import {
  deleteIfExists,
  createOrUpdate,
  buildControllerReference,
  updateStatus,
  type ReconcileContext,
} from './controllers.ts'
import { isPodReady, getControllerUid } from './pods.ts'
import { getResource } from './resources.ts'
import {
  getIn,
  canonicalJson,
  asObject,
  asArray,
  asString,
  formatTimestamp,
  type Json,
  type JsonObject,
  type KubernetesObject,
} from './types.ts'

/** Brings every workload's pods and status up to date. */
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

const hashLabel = 'pod-template-hash'

function reconcileDeployment(context: ReconcileContext, deployment: KubernetesObject): void {
  const { name, namespace = '', uid } = deployment.metadata
  const desiredReplicas = replicasOf(deployment)
  const template = asObject(getIn(deployment, 'spec', 'template'))
  const hash = hashTemplate(template)
  const ownedReplicaSets = listOwned(context, 'ReplicaSet', namespace, uid)
  const oldReplicaSets = ownedReplicaSets.filter(
    (replicaSet) => replicaSet.metadata.name !== `${name}-${hash}` && replicasOf(replicaSet) > 0,
  )
  const current = ownedReplicaSets.find(
    (replicaSet) => replicaSet.metadata.name === `${name}-${hash}`,
  )
  // Recreate stops the old pods first; a rolling update keeps them until the new ones are ready.
  const recreatesPods = getIn(deployment, 'spec', 'strategy', 'type') === 'Recreate'
  if (recreatesPods || (current && listReadyPods(context, current).length >= desiredReplicas))
    for (const replicaSet of oldReplicaSets) scaleReplicaSet(context, replicaSet, 0)
  const labels = { ...toStringMap(getIn(template, 'metadata', 'labels')), [hashLabel]: hash }
  const replicaSet = createOrUpdate(context, {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `${name}-${hash}`,
      namespace,
      labels,
      ownerReferences: [buildControllerReference(deployment)],
    },
    spec: {
      replicas: desiredReplicas,
      selector: {
        matchLabels: {
          ...asObject(getIn(deployment, 'spec', 'selector', 'matchLabels')),
          [hashLabel]: hash,
        },
      },
      template: { ...template, metadata: { ...asObject(template['metadata']), labels } },
    },
  })
  const updated = listOwned(context, 'Pod', namespace, replicaSet.metadata.uid)
  const pods = [
    ...updated,
    ...oldReplicaSets.flatMap((each) => listOwned(context, 'Pod', namespace, each.metadata.uid)),
  ]
  const ready = pods.filter(isPodReady).length
  const isComplete =
    updated.filter(isPodReady).length === desiredReplicas && pods.length === desiredReplicas
  const isAvailable = ready >= desiredReplicas
  updateStatus(context, deployment, {
    observedGeneration: deployment.metadata.generation,
    ...omitZeroCounts({
      replicas: pods.length,
      updatedReplicas: updated.length,
      readyReplicas: ready,
      availableReplicas: ready,
      unavailableReplicas: Math.max(0, desiredReplicas - ready),
    }),
    conditions: [
      isAvailable
        ? buildCondition(
            deployment,
            'Available',
            true,
            'MinimumReplicasAvailable',
            'Deployment has minimum availability.',
          )
        : buildCondition(
            deployment,
            'Available',
            false,
            'MinimumReplicasUnavailable',
            'Deployment does not have minimum availability.',
          ),
      buildCondition(
        deployment,
        'Progressing',
        true,
        isComplete ? 'NewReplicaSetAvailable' : 'ReplicaSetUpdated',
        `ReplicaSet "${replicaSet.metadata.name}" ${isComplete ? 'has successfully progressed.' : 'is progressing.'}`,
      ),
    ],
  })
}

function reconcileReplicaSet(context: ReconcileContext, replicaSet: KubernetesObject): void {
  const { name, namespace = '', uid } = replicaSet.metadata
  const desiredReplicas = replicasOf(replicaSet)
  const pods = listOwned(context, 'Pod', namespace, uid)
  for (const pod of pods.slice(desiredReplicas)) deleteIfExists(context, pod)
  for (let missing = desiredReplicas - pods.length; missing > 0; missing -= 1)
    createPod(context, replicaSet, { generateName: `${name}-` }, {})
  const currentPods = listOwned(context, 'Pod', namespace, uid)
  const ready = currentPods.filter(isPodReady).length
  updateStatus(context, replicaSet, {
    replicas: currentPods.length,
    observedGeneration: replicaSet.metadata.generation,
    ...omitZeroCounts({
      fullyLabeledReplicas: currentPods.length,
      readyReplicas: ready,
      availableReplicas: ready,
    }),
  })
}

/**
 * All pods are made at once; a new template replaces them one after the other, from the last to the
 * first.
 */
function reconcileStatefulSet(context: ReconcileContext, statefulSet: KubernetesObject): void {
  const { name, namespace = '', uid } = statefulSet.metadata
  const revision = `${name}-${hashTemplate(asObject(getIn(statefulSet, 'spec', 'template')))}`
  const podNames = Array.from(
    { length: replicasOf(statefulSet) },
    (_, ordinal) => `${name}-${ordinal}`,
  )
  const isUpdated = (pod: KubernetesObject): boolean =>
    pod.metadata.labels?.['controller-revision-hash'] === revision
  const listPods = (): KubernetesObject[] => listOwned(context, 'Pod', namespace, uid)
  for (const pod of listPods())
    if (!podNames.includes(pod.metadata.name)) deleteIfExists(context, pod)
  const podsByName = new Map(listPods().map((pod) => [pod.metadata.name, pod]))
  // All that come after it are replaced and ready, or it waits for them.
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

/**
 * A Job has no pod here: it runs for as long as a pod takes to become ready, and is complete then.
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

function createPod(
  context: ReconcileContext,
  owner: KubernetesObject,
  nameFields: { name: string } | { generateName: string },
  labels: Record<string, string>,
): void {
  const template = asObject(getIn(owner, 'spec', 'template'))
  const metadata = asObject(template['metadata'])
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    spec: template['spec'],
    metadata: {
      name: '',
      ...nameFields,
      namespace: owner.metadata.namespace ?? '',
      ownerReferences: [buildControllerReference(owner)],
      labels: { ...toStringMap(metadata['labels']), ...labels },
      annotations: toStringMap(metadata['annotations']),
    },
  }
  context.registry.create(getResource('Pod'), pod, { manager: 'kube-controller-manager' })
}

/** Labels or annotations: strings by name. */
function toStringMap(map: Json | undefined): Record<string, string> {
  return Object.fromEntries(
    Object.entries(asObject(map)).map(([name, value]) => [name, asString(value)]),
  )
}

function scaleReplicaSet(
  context: ReconcileContext,
  replicaSet: KubernetesObject,
  replicas: number,
): void {
  const scaledReplicaSet = createOrUpdate(context, {
    ...replicaSet,
    spec: { ...asObject(replicaSet['spec']), replicas },
  })
  reconcileReplicaSet(context, scaledReplicaSet)
}

function listOwned(
  context: ReconcileContext,
  kind: string,
  namespace: string,
  uid: string | undefined,
): KubernetesObject[] {
  return context.registry.store
    .list(getResource(kind), namespace)
    .filter((object) => getControllerUid(object) === uid)
}

const listReadyPods = (
  context: ReconcileContext,
  replicaSet: KubernetesObject,
): KubernetesObject[] =>
  listOwned(context, 'Pod', replicaSet.metadata.namespace ?? '', replicaSet.metadata.uid).filter(
    isPodReady,
  )
const replicasOf = (object: KubernetesObject): number =>
  Number(getIn(object, 'spec', 'replicas') ?? 1)
const hashTemplate = (template: JsonObject): string =>
  createHash('sha256').update(canonicalJson(template)).digest('hex').slice(0, 10)

/** The API leaves out counts of nought. */
const omitZeroCounts = (counts: Record<string, number>): Record<string, number> =>
  Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0))

function buildCondition(
  object: KubernetesObject,
  type: string,
  isTrue: boolean,
  reason: string,
  message: string,
): Json {
  const status = isTrue ? 'True' : 'False'
  const previous = asArray(getIn(object, 'status', 'conditions')).find(
    (each) => getIn(each, 'type') === type,
  )
  const now = formatTimestamp()
  const isSameStatus = getIn(previous, 'status') === status
  const isUnchanged =
    isSameStatus && getIn(previous, 'reason') === reason && getIn(previous, 'message') === message
  const transitionTime = (isTrue: boolean, field: string): Json =>
    (isTrue ? getIn(previous, field) : undefined) ?? now
  return {
    type,
    status,
    reason,
    message,
    lastTransitionTime: transitionTime(isSameStatus, 'lastTransitionTime'),
    lastUpdateTime: transitionTime(isUnchanged, 'lastUpdateTime'),
  }
}
