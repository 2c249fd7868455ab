/** The pods of workloads, and what the status of every workload contains. */
import { createHash } from 'node:crypto'
import { buildControllerReference, type ReconcileContext } from './controller-context.ts'
import { isPodReady, getControllerUid } from './pods.ts'
import { getResource } from './resources.ts'
import {
  getIn,
  canonicalJson,
  asObject,
  asString,
  type Json,
  type JsonObject,
  type KubernetesObject,
} from './types.ts'

/** Creates a pod from the template of its owner. */
export function createPod(
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
export function toStringMap(map: Json | undefined): Record<string, string> {
  return Object.fromEntries(
    Object.entries(asObject(map)).map(([name, value]) => [name, asString(value)]),
  )
}
/** The objects of a kind that an object controls. */
export function listOwned(
  context: ReconcileContext,
  kind: string,
  owner: KubernetesObject,
): KubernetesObject[] {
  const { namespace, uid } = owner.metadata
  return context.registry.store
    .list(getResource(kind), namespace)
    .filter((object) => getControllerUid(object) === uid)
}

/** The ready pods that an object controls. */
export function listReadyPods(
  context: ReconcileContext,
  owner: KubernetesObject,
): KubernetesObject[] {
  return listOwned(context, 'Pod', owner).filter(isPodReady)
}

/** The number of pods that a workload specifies. */
export function replicasOf(workload: KubernetesObject): number {
  return Number(getIn(workload, 'spec', 'replicas') ?? 1)
}

/** A name for a pod template: it changes with the template. */
export function hashTemplate(template: JsonObject): string {
  return createHash('sha256').update(canonicalJson(template)).digest('hex').slice(0, 10)
}

/** Omits counts of zero, as the API does. */
export function omitZeroCounts(counts: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0))
}
