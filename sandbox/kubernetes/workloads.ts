/** Deployments, ReplicaSets, StatefulSets and Jobs. */
import { createHash } from 'node:crypto'
import { discard, ensure, ownerReference, setStatus, type Pass } from './controllers.ts'
import { isReady, ownerOf } from './pods.ts'
import { resourceOf } from './resources.ts'
import { at, canonical, fields, items, text, timestamp, type Json, type JsonObject, type KubernetesObject } from './types.ts'

/** Brings every workload's pods and status up to date. */
export function reconcileWorkloads(pass: Pass): void {
  const all = (kind: string): KubernetesObject[] => pass.registry.store.list(resourceOf(kind)).filter((object) => object.metadata.deletionTimestamp === undefined)
  for (const deployment of all('Deployment')) reconcileDeployment(pass, deployment)
  for (const set of all('ReplicaSet')) reconcileReplicaSet(pass, set)
  for (const set of all('StatefulSet')) reconcileStatefulSet(pass, set)
  for (const job of all('Job')) reconcileJob(pass, job)
}

const hashLabel = 'pod-template-hash'

function reconcileDeployment(pass: Pass, deployment: KubernetesObject): void {
  const { name, namespace = '', uid } = deployment.metadata
  const wanted = replicasOf(deployment)
  const template = fields(at(deployment, 'spec', 'template'))
  const hash = hashOf(template)
  const mine = owned(pass, 'ReplicaSet', namespace, uid)
  const old = mine.filter((set) => set.metadata.name !== `${name}-${hash}` && replicasOf(set) > 0)
  const current = mine.find((set) => set.metadata.name === `${name}-${hash}`)
  // Recreate stops the old pods first; a rolling update keeps them until the new ones are ready.
  const recreate = at(deployment, 'spec', 'strategy', 'type') === 'Recreate'
  if (recreate || (current && readyPods(pass, current).length >= wanted)) for (const set of old) scale(pass, set, 0)
  const labels = { ...strings(at(template, 'metadata', 'labels')), [hashLabel]: hash }
  const set = ensure(pass, {
    apiVersion: 'apps/v1', kind: 'ReplicaSet',
    metadata: { name: `${name}-${hash}`, namespace, labels, ownerReferences: [ownerReference(deployment)] },
    spec: {
      replicas: wanted, selector: { matchLabels: { ...fields(at(deployment, 'spec', 'selector', 'matchLabels')), [hashLabel]: hash } },
      template: { ...template, metadata: { ...fields(template['metadata']), labels } },
    },
  })
  const updated = owned(pass, 'Pod', namespace, set.metadata.uid)
  const pods = [...updated, ...old.flatMap((each) => owned(pass, 'Pod', namespace, each.metadata.uid))]
  const ready = pods.filter(isReady).length
  const complete = updated.filter(isReady).length === wanted && pods.length === wanted
  const available = ready >= wanted
  setStatus(pass, deployment, {
    observedGeneration: deployment.metadata.generation,
    ...counted({ replicas: pods.length, updatedReplicas: updated.length, readyReplicas: ready, availableReplicas: ready, unavailableReplicas: Math.max(0, wanted - ready) }),
    conditions: [
      available
        ? condition(deployment, 'Available', true, 'MinimumReplicasAvailable', 'Deployment has minimum availability.')
        : condition(deployment, 'Available', false, 'MinimumReplicasUnavailable', 'Deployment does not have minimum availability.'),
      condition(deployment, 'Progressing', true, complete ? 'NewReplicaSetAvailable' : 'ReplicaSetUpdated',
        `ReplicaSet "${set.metadata.name}" ${complete ? 'has successfully progressed.' : 'is progressing.'}`),
    ],
  })
}

function reconcileReplicaSet(pass: Pass, set: KubernetesObject): void {
  const { name, namespace = '', uid } = set.metadata
  const wanted = replicasOf(set)
  const pods = owned(pass, 'Pod', namespace, uid)
  for (const pod of pods.slice(wanted)) discard(pass, pod)
  for (let missing = wanted - pods.length; missing > 0; missing -= 1) createPod(pass, set, { generateName: `${name}-` }, {})
  const now = owned(pass, 'Pod', namespace, uid)
  const ready = now.filter(isReady).length
  setStatus(pass, set, {
    replicas: now.length, observedGeneration: set.metadata.generation,
    ...counted({ fullyLabeledReplicas: now.length, readyReplicas: ready, availableReplicas: ready }),
  })
}

/** All pods are made at once; a new template replaces them one after the other, from the last to the first. */
function reconcileStatefulSet(pass: Pass, set: KubernetesObject): void {
  const { name, namespace = '', uid } = set.metadata
  const revision = `${name}-${hashOf(fields(at(set, 'spec', 'template')))}`
  const names = Array.from({ length: replicasOf(set) }, (_, ordinal) => `${name}-${ordinal}`)
  const isUpdated = (pod: KubernetesObject): boolean => pod.metadata.labels?.['controller-revision-hash'] === revision
  const mine = (): KubernetesObject[] => owned(pass, 'Pod', namespace, uid)
  for (const pod of mine()) if (!names.includes(pod.metadata.name)) discard(pass, pod)
  const present = new Map(mine().map((pod) => [pod.metadata.name, pod]))
  // All that come after it are replaced and ready, or it waits for them.
  const next = names.map((each) => present.get(each)).findLast((pod) => !pod || !isUpdated(pod) || !isReady(pod))
  if (next && !isUpdated(next)) {
    discard(pass, next)
    present.delete(next.metadata.name)
  }
  for (const missing of names.filter((each) => !present.has(each))) {
    createPod(pass, set, { name: missing }, { 'controller-revision-hash': revision, 'statefulset.kubernetes.io/pod-name': missing })
  }
  setStatus(pass, set, statefulSetStatus(set, revision, mine(), isUpdated))
}

function statefulSetStatus(set: KubernetesObject, revision: string, pods: KubernetesObject[], isUpdated: (pod: KubernetesObject) => boolean): JsonObject {
  const ready = pods.filter(isReady).length
  const updated = pods.filter(isUpdated).length
  const complete = updated === replicasOf(set) && ready === replicasOf(set)
  const current = complete ? revision : text(at(set, 'status', 'currentRevision')) || revision
  return {
    observedGeneration: set.metadata.generation, replicas: pods.length, currentRevision: current, updateRevision: revision, collisionCount: 0,
    ...counted({ currentReplicas: current === revision ? updated : pods.length - updated, updatedReplicas: updated, readyReplicas: ready }), availableReplicas: ready,
  }
}

/** A Job has no pod here: it runs for as long as a pod takes to become ready, and is complete then. */
function reconcileJob(pass: Pass, job: KubernetesObject): void {
  if (items(at(job, 'status', 'conditions')).length > 0) return
  const startTime = job.metadata.creationTimestamp ?? timestamp()
  if (!pass.due(job.metadata.uid ?? '', pass.pace.readyAfter)) return void setStatus(pass, job, { startTime, active: 1, ready: 1 })
  const now = timestamp()
  const holds = (type: string): Json => ({ type, status: 'True', reason: 'CompletionsReached', message: 'Reached expected number of succeeded pods', lastProbeTime: now, lastTransitionTime: now })
  setStatus(pass, job, { startTime, completionTime: now, succeeded: 1, ready: 0, conditions: [holds('SuccessCriteriaMet'), holds('Complete')] })
}

function createPod(pass: Pass, owner: KubernetesObject, naming: { name: string } | { generateName: string }, labels: Record<string, string>): void {
  const template = fields(at(owner, 'spec', 'template'))
  const metadata = fields(template['metadata'])
  const pod = {
    apiVersion: 'v1', kind: 'Pod', spec: template['spec'],
    metadata: {
      name: '', ...naming, namespace: owner.metadata.namespace ?? '', ownerReferences: [ownerReference(owner)],
      labels: { ...strings(metadata['labels']), ...labels }, annotations: strings(metadata['annotations']),
    },
  }
  pass.registry.create(resourceOf('Pod'), pod, { manager: 'kube-controller-manager' })
}

/** Labels or annotations: strings by name. */
function strings(map: Json | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(fields(map)).map(([name, value]) => [name, text(value)]))
}

function scale(pass: Pass, set: KubernetesObject, replicas: number): void {
  const scaled = ensure(pass, { ...set, spec: { ...fields(set['spec']), replicas } })
  reconcileReplicaSet(pass, scaled)
}

function owned(pass: Pass, kind: string, namespace: string, uid: string | undefined): KubernetesObject[] {
  return pass.registry.store.list(resourceOf(kind), namespace).filter((object) => ownerOf(object) === uid)
}

const readyPods = (pass: Pass, set: KubernetesObject): KubernetesObject[] => owned(pass, 'Pod', set.metadata.namespace ?? '', set.metadata.uid).filter(isReady)
const replicasOf = (object: KubernetesObject): number => Number(at(object, 'spec', 'replicas') ?? 1)
const hashOf = (template: JsonObject): string => createHash('sha256').update(canonical(template)).digest('hex').slice(0, 10)

/** The API leaves out counts of nought. */
const counted = (counts: Record<string, number>): Record<string, number> => Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0))

function condition(object: KubernetesObject, type: string, holds: boolean, reason: string, message: string): Json {
  const status = holds ? 'True' : 'False'
  const before = items(at(object, 'status', 'conditions')).find((each) => at(each, 'type') === type)
  const now = timestamp()
  const same = at(before, 'status') === status
  const untouched = same && at(before, 'reason') === reason && at(before, 'message') === message
  const since = (holds: boolean, field: string): Json => (holds ? at(before, field) : undefined) ?? now
  return { type, status, reason, message, lastTransitionTime: since(same, 'lastTransitionTime'), lastUpdateTime: since(untouched, 'lastUpdateTime') }
}
