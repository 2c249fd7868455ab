/**
 * Which resources the simulator serves. What is not in this table does not exist, as in a cluster
 * without that CRD.
 */
import { asObject, type Json } from './types.ts'

/** One resource of the API. */
export interface Resource {
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly kind: string
  readonly isNamespaced: boolean
  readonly shortNames: readonly string[]
  /** Has a `status` subresource. */
  readonly hasStatus: boolean
  /** The API counts changes of the spec in `metadata.generation`. */
  readonly hasGeneration: boolean
  /** Built into Kubernetes: a CRD's resources know no strategic merge patch. */
  readonly isBuiltIn: boolean
}

type ResourceTrait = 'cluster' | 'status' | 'generation' | 'crd'

const defineResource = (
  formatApiVersion: string,
  plural: string,
  kind: string,
  short: string[],
  ...traits: ResourceTrait[]
): Resource => {
  const [group, version] = formatApiVersion.includes('/')
    ? formatApiVersion.split('/')
    : ['', formatApiVersion]
  return {
    group: group ?? '',
    version: version ?? '',
    plural,
    kind,
    shortNames: short,
    isNamespaced: !traits.includes('cluster'),
    hasStatus: traits.includes('status'),
    hasGeneration: traits.includes('generation'),
    isBuiltIn: !traits.includes('crd'),
  }
}

/** Everything that can be stored. */
export const resources: readonly Resource[] = [
  defineResource('v1', 'namespaces', 'Namespace', ['ns'], 'cluster', 'status'),
  defineResource('v1', 'secrets', 'Secret', []),
  defineResource('v1', 'configmaps', 'ConfigMap', ['cm']),
  defineResource('v1', 'services', 'Service', ['svc'], 'status'),
  defineResource('v1', 'pods', 'Pod', ['po'], 'status', 'generation'),
  defineResource('v1', 'events', 'Event', ['ev']),
  defineResource('v1', 'persistentvolumeclaims', 'PersistentVolumeClaim', ['pvc'], 'status'),
  defineResource('v1', 'endpoints', 'Endpoints', ['ep']),
  defineResource('v1', 'serviceaccounts', 'ServiceAccount', ['sa']),
  defineResource('apps/v1', 'deployments', 'Deployment', ['deploy'], 'status', 'generation'),
  defineResource('apps/v1', 'replicasets', 'ReplicaSet', ['rs'], 'status', 'generation'),
  defineResource('apps/v1', 'statefulsets', 'StatefulSet', ['sts'], 'status', 'generation'),
  defineResource('batch/v1', 'jobs', 'Job', [], 'status', 'generation'),
  defineResource(
    'autoscaling/v2',
    'horizontalpodautoscalers',
    'HorizontalPodAutoscaler',
    ['hpa'],
    'status',
  ),
  defineResource(
    'policy/v1',
    'poddisruptionbudgets',
    'PodDisruptionBudget',
    ['pdb'],
    'status',
    'generation',
  ),
  defineResource('rbac.authorization.k8s.io/v1', 'roles', 'Role', []),
  defineResource('rbac.authorization.k8s.io/v1', 'rolebindings', 'RoleBinding', []),
  defineResource('networking.k8s.io/v1', 'ingresses', 'Ingress', ['ing'], 'status', 'generation'),
  defineResource(
    'networking.k8s.io/v1',
    'ingressclasses',
    'IngressClass',
    [],
    'cluster',
    'generation',
  ),
  defineResource('discovery.k8s.io/v1', 'endpointslices', 'EndpointSlice', [], 'generation'),
  defineResource('coordination.k8s.io/v1', 'leases', 'Lease', []),
  defineResource(
    'elbv2.k8s.aws/v1beta1',
    'ingressclassparams',
    'IngressClassParams',
    [],
    'cluster',
    'generation',
    'crd',
  ),
  defineResource(
    'elbv2.k8s.aws/v1beta1',
    'targetgroupbindings',
    'TargetGroupBinding',
    [],
    'status',
    'generation',
    'crd',
  ),
  defineResource(
    'monitoring.coreos.com/v1',
    'servicemonitors',
    'ServiceMonitor',
    ['smon'],
    'generation',
    'crd',
  ),
]

/** Reviews: POSTed, answered and forgotten. */
export const reviewResources: readonly Resource[] = [
  defineResource(
    'authorization.k8s.io/v1',
    'selfsubjectaccessreviews',
    'SelfSubjectAccessReview',
    [],
    'cluster',
  ),
  defineResource(
    'authorization.k8s.io/v1',
    'selfsubjectrulesreviews',
    'SelfSubjectRulesReview',
    [],
    'cluster',
  ),
  defineResource(
    'authentication.k8s.io/v1',
    'selfsubjectreviews',
    'SelfSubjectReview',
    [],
    'cluster',
  ),
]

/** The verbs that every stored resource has. */
export const supportedVerbs = [
  'create',
  'delete',
  'get',
  'list',
  'patch',
  'update',
  'watch',
] as const

/** `v1` or `GROUP/VERSION`. */
export function formatApiVersion(resource: Resource): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`
}

/** `services`, `deployments.apps`: how the API's messages name a resource. */
export function formatQualifiedName(resource: Resource): string {
  return resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`
}

/**
 * Finds a resource by kind (`Service`), plural (`services`), or plural and group
 * (`deployments.apps`).
 * @throws when the simulator has none of that name
 */
export function getResource(name: string): Resource {
  const match = resources.find((resource) =>
    [resource.kind, resource.plural, formatQualifiedName(resource)].includes(name),
  )
  if (!match) throw new Error(`The simulator's Kubernetes has no resource ${name}`)
  return match
}

/** The resource of an object, by its apiVersion and kind. */
export function findResourceForObject(object: Json | undefined): Resource | undefined {
  const { apiVersion: version, kind } = asObject(object)
  return resources.find(
    (resource) => resource.kind === kind && formatApiVersion(resource) === version,
  )
}
