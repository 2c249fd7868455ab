/** How lists and maps merge according to the API's schema. */
import type { Resource } from './resources.ts'

/**
 * `atomic`: replaced as a whole. `set`: a list of scalars that is merged. Keys: a list whose items
 * are identified by them; a strategic merge patch uses only the first key.
 */
export type MergeStrategy = 'atomic' | 'set' | readonly string[]

type MergeStrategies = Readonly<Record<string, MergeStrategy>>

const containerStrategies: MergeStrategies = {
  ports: ['containerPort', 'protocol'],
  env: ['name'],
  'env.valueFrom.configMapKeyRef': 'atomic',
  'env.valueFrom.secretKeyRef': 'atomic',
  'env.valueFrom.fieldRef': 'atomic',
  'env.valueFrom.resourceFieldRef': 'atomic',
  volumeMounts: ['mountPath'],
  volumeDevices: ['devicePath'],
}

const podStrategies: MergeStrategies = {
  ...withPrefix('containers', containerStrategies),
  ...withPrefix('initContainers', containerStrategies),
  containers: ['name'],
  initContainers: ['name'],
  volumes: ['name'],
  imagePullSecrets: ['name'],
  hostAliases: ['ip'],
  nodeSelector: 'atomic',
  topologySpreadConstraints: ['topologyKey', 'whenUnsatisfiable'],
}

const conditionStrategies: MergeStrategies = { 'status.conditions': ['type'] }

const workloadStrategies: MergeStrategies = {
  ...withPrefix('spec.template.spec', podStrategies),
  ...conditionStrategies,
  'spec.selector': 'atomic',
}

const mergeStrategiesByKind: Readonly<Record<string, MergeStrategies>> = {
  Service: {
    ...conditionStrategies,
    'spec.ports': ['port', 'protocol'],
    'spec.selector': 'atomic',
  },
  Namespace: conditionStrategies,
  PersistentVolumeClaim: {
    ...conditionStrategies,
    'spec.selector': 'atomic',
    'spec.dataSource': 'atomic',
  },
  Pod: { ...withPrefix('spec', podStrategies), ...conditionStrategies, 'status.podIPs': ['ip'] },
  Deployment: workloadStrategies,
  ReplicaSet: workloadStrategies,
  StatefulSet: workloadStrategies,
  Job: workloadStrategies,
  HorizontalPodAutoscaler: { ...conditionStrategies, 'spec.scaleTargetRef': 'atomic' },
  PodDisruptionBudget: { ...conditionStrategies, 'spec.selector': 'atomic' },
  RoleBinding: { roleRef: 'atomic' },
  IngressClass: { 'spec.parameters': 'atomic' },
  Event: { involvedObject: 'atomic', related: 'atomic' },
  ServiceAccount: { secrets: ['name'], imagePullSecrets: ['name'] },
}

const metadataStrategies: MergeStrategies = {
  'metadata.finalizers': 'set',
  'metadata.ownerReferences': ['uid'],
}

/** How the list or map at a path merges. By default lists are atomic and maps are merged. */
export function getMergeStrategy(
  resource: Resource,
  schemaPath: string,
): MergeStrategy | undefined {
  return metadataStrategies[schemaPath] ?? mergeStrategiesByKind[resource.kind]?.[schemaPath]
}

/** Defaults of keys that an item omits. Only protocols have one. */
export const keyDefaults: Readonly<Record<string, string>> = { protocol: 'TCP' }

/** Appends a field to a path. */
export function joinPath(schemaPath: string, field: string): string {
  return schemaPath === '' ? field : `${schemaPath}.${field}`
}

function withPrefix(prefix: string, nested: MergeStrategies): MergeStrategies {
  return Object.fromEntries(
    Object.entries(nested).map(([schemaPath, mergeStrategy]) => [
      joinPath(prefix, schemaPath),
      mergeStrategy,
    ]),
  )
}
