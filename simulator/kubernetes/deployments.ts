/** Deployments and their ReplicaSets. */
import {
  deleteIfExists,
  createOrUpdate,
  buildControllerReference,
  updateStatus,
  type ReconcileContext,
} from './controller-context.ts'
import { isPodReady } from './pods.ts'
import {
  getIn,
  asObject,
  asArray,
  formatTimestamp,
  type Json,
  type JsonObject,
  type KubernetesObject,
} from './types.ts'
import {
  createPod,
  hashTemplate,
  listOwned,
  listReadyPods,
  omitZeroCounts,
  replicasOf,
  toStringMap,
} from './workload-pods.ts'

const hashLabel = 'pod-template-hash'

/** Moves a Deployment's pods and status towards its spec. */
export function reconcileDeployment(context: ReconcileContext, deployment: KubernetesObject): void {
  const desiredReplicas = replicasOf(deployment)
  const hash = hashTemplate(asObject(getIn(deployment, 'spec', 'template')))
  const currentName = `${deployment.metadata.name}-${hash}`
  const ownedReplicaSets = listOwned(context, 'ReplicaSet', deployment)
  const oldReplicaSets = ownedReplicaSets.filter(
    (replicaSet) => replicaSet.metadata.name !== currentName && replicasOf(replicaSet) > 0,
  )
  const current = ownedReplicaSets.find((replicaSet) => replicaSet.metadata.name === currentName)
  // Recreate stops the old pods first; a rolling update keeps them until the new ones are ready.
  const recreatesPods = getIn(deployment, 'spec', 'strategy', 'type') === 'Recreate'
  if (recreatesPods || (current && listReadyPods(context, current).length >= desiredReplicas))
    for (const replicaSet of oldReplicaSets) scaleReplicaSet(context, replicaSet, 0)
  const replicaSet = createOrUpdate(context, buildReplicaSet(deployment, hash))
  const updatedPods = listOwned(context, 'Pod', replicaSet)
  const oldPods = oldReplicaSets.flatMap((each) => listOwned(context, 'Pod', each))
  updateStatus(
    context,
    deployment,
    buildDeploymentStatus(deployment, replicaSet, { updatedPods, oldPods }),
  )
}

function buildReplicaSet(deployment: KubernetesObject, hash: string): KubernetesObject {
  const { name, namespace = '' } = deployment.metadata
  const template = asObject(getIn(deployment, 'spec', 'template'))
  const labels = { ...toStringMap(getIn(template, 'metadata', 'labels')), [hashLabel]: hash }
  const deploymentSelector = asObject(getIn(deployment, 'spec', 'selector', 'matchLabels'))
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `${name}-${hash}`,
      namespace,
      labels,
      ownerReferences: [buildControllerReference(deployment)],
    },
    spec: {
      replicas: replicasOf(deployment),
      selector: { matchLabels: { ...deploymentSelector, [hashLabel]: hash } },
      template: { ...template, metadata: { ...asObject(template['metadata']), labels } },
    },
  }
}

interface DeploymentPods {
  readonly updatedPods: readonly KubernetesObject[]
  readonly oldPods: readonly KubernetesObject[]
}

function buildDeploymentStatus(
  deployment: KubernetesObject,
  replicaSet: KubernetesObject,
  { updatedPods, oldPods }: DeploymentPods,
): JsonObject {
  const desiredReplicas = replicasOf(deployment)
  const podCount = updatedPods.length + oldPods.length
  const updatedAndReady = updatedPods.filter(isPodReady).length
  const ready = updatedAndReady + oldPods.filter(isPodReady).length
  const isComplete = updatedAndReady === desiredReplicas && podCount === desiredReplicas
  return {
    observedGeneration: deployment.metadata.generation,
    ...omitZeroCounts({
      replicas: podCount,
      updatedReplicas: updatedPods.length,
      readyReplicas: ready,
      availableReplicas: ready,
      unavailableReplicas: Math.max(0, desiredReplicas - ready),
    }),
    conditions: [
      buildCondition(deployment, availableCondition(ready >= desiredReplicas)),
      buildCondition(deployment, progressingCondition(replicaSet.metadata.name, isComplete)),
    ],
  }
}

interface Condition {
  readonly type: string
  readonly status: 'True' | 'False'
  readonly reason: string
  readonly message: string
}

function availableCondition(isAvailable: boolean): Condition {
  return isAvailable
    ? {
        type: 'Available',
        status: 'True',
        reason: 'MinimumReplicasAvailable',
        message: 'Deployment has minimum availability.',
      }
    : {
        type: 'Available',
        status: 'False',
        reason: 'MinimumReplicasUnavailable',
        message: 'Deployment does not have minimum availability.',
      }
}

function progressingCondition(replicaSetName: string, isComplete: boolean): Condition {
  const progress = isComplete ? 'has successfully progressed.' : 'is progressing.'
  return {
    type: 'Progressing',
    status: 'True',
    reason: isComplete ? 'NewReplicaSetAvailable' : 'ReplicaSetUpdated',
    message: `ReplicaSet "${replicaSetName}" ${progress}`,
  }
}

/** The condition with its times, which stay while nothing changes. */
function buildCondition(object: KubernetesObject, condition: Condition): Json {
  const previous = asArray(getIn(object, 'status', 'conditions')).find(
    (each) => getIn(each, 'type') === condition.type,
  )
  const now = formatTimestamp()
  const isSameStatus = getIn(previous, 'status') === condition.status
  const isUnchanged =
    isSameStatus &&
    getIn(previous, 'reason') === condition.reason &&
    getIn(previous, 'message') === condition.message
  const keepTime = (isKept: boolean, field: string): Json =>
    (isKept ? getIn(previous, field) : undefined) ?? now
  return {
    ...condition,
    lastTransitionTime: keepTime(isSameStatus, 'lastTransitionTime'),
    lastUpdateTime: keepTime(isUnchanged, 'lastUpdateTime'),
  }
}

/** Creates and deletes pods until there are as many as the ReplicaSet specifies. */
export function reconcileReplicaSet(context: ReconcileContext, replicaSet: KubernetesObject): void {
  const desiredReplicas = replicasOf(replicaSet)
  const pods = listOwned(context, 'Pod', replicaSet)
  for (const pod of pods.slice(desiredReplicas)) deleteIfExists(context, pod)
  for (let missing = desiredReplicas - pods.length; missing > 0; missing -= 1)
    createPod(context, replicaSet, { generateName: `${replicaSet.metadata.name}-` }, {})
  const currentPods = listOwned(context, 'Pod', replicaSet)
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
