/** What the API's schema says about lists and maps: the little that merging and field ownership need. */
import type { Resource } from './resources.ts'

/**
 * `atomic`: replaced as a whole. `set`: a list of scalars that merges. Keys: a list whose items are told apart by them;
 * a strategic merge patch uses the first key only.
 */
export type Structure = 'atomic' | 'set' | readonly string[]

type Structures = Readonly<Record<string, Structure>>

const container: Structures = {
  'ports': ['containerPort', 'protocol'], 'env': ['name'], 'env.valueFrom.configMapKeyRef': 'atomic', 'env.valueFrom.secretKeyRef': 'atomic',
  'env.valueFrom.fieldRef': 'atomic', 'env.valueFrom.resourceFieldRef': 'atomic', 'volumeMounts': ['mountPath'], 'volumeDevices': ['devicePath'],
}

const pod: Structures = {
  ...under('containers', container), ...under('initContainers', container),
  'containers': ['name'], 'initContainers': ['name'], 'volumes': ['name'], 'imagePullSecrets': ['name'], 'hostAliases': ['ip'],
  'nodeSelector': 'atomic', 'topologySpreadConstraints': ['topologyKey', 'whenUnsatisfiable'],
}

const conditions: Structures = { 'status.conditions': ['type'] }

const workload: Structures = { ...under('spec.template.spec', pod), ...conditions, 'spec.selector': 'atomic' }

const structures: Readonly<Record<string, Structures>> = {
  Service: { ...conditions, 'spec.ports': ['port', 'protocol'], 'spec.selector': 'atomic' },
  Namespace: conditions,
  PersistentVolumeClaim: { ...conditions, 'spec.selector': 'atomic', 'spec.dataSource': 'atomic' },
  Pod: { ...under('spec', pod), ...conditions, 'status.podIPs': ['ip'] },
  Deployment: workload,
  ReplicaSet: workload,
  StatefulSet: workload,
  Job: workload,
  HorizontalPodAutoscaler: { ...conditions, 'spec.scaleTargetRef': 'atomic' },
  PodDisruptionBudget: { ...conditions, 'spec.selector': 'atomic' },
  RoleBinding: { roleRef: 'atomic' },
  IngressClass: { 'spec.parameters': 'atomic' },
  Event: { involvedObject: 'atomic', related: 'atomic' },
  ServiceAccount: { secrets: ['name'], imagePullSecrets: ['name'] },
}

const metadata: Structures = { 'metadata.finalizers': 'set', 'metadata.ownerReferences': ['uid'] }

/** How the list or map at a place merges. Lists not named here are atomic, maps are not: the API's own default. */
export function structureAt(resource: Resource, place: string): Structure | undefined {
  return metadata[place] ?? structures[resource.kind]?.[place]
}

/** The value of a key that an item leaves out: only protocols have one. */
export const keyDefaults: Readonly<Record<string, string>> = { protocol: 'TCP' }

/** Joins a place and a field's name. */
export function join(place: string, field: string): string {
  return place === '' ? field : `${place}.${field}`
}

function under(prefix: string, inner: Structures): Structures {
  return Object.fromEntries(Object.entries(inner).map(([place, structure]) => [join(prefix, place), structure]))
}
