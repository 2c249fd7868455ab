/** Which resources the sandbox serves. What is not in this table does not exist, as in a cluster without that CRD. */
import { fields, type Json } from './types.ts'

/** One resource of the API. */
export interface Resource {
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly kind: string
  readonly namespaced: boolean
  readonly short: readonly string[]
  /** Has a `status` subresource. */
  readonly status: boolean
  /** The API counts changes of the spec in `metadata.generation`. */
  readonly generation: boolean
  /** Built into Kubernetes: a CRD's resources know no strategic merge patch. */
  readonly builtIn: boolean
}

type Trait = 'cluster' | 'status' | 'generation' | 'crd'

const define = (apiVersion: string, plural: string, kind: string, short: string[], ...traits: Trait[]): Resource => {
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion]
  return {
    group: group ?? '', version: version ?? '', plural, kind, short,
    namespaced: !traits.includes('cluster'), status: traits.includes('status'),
    generation: traits.includes('generation'), builtIn: !traits.includes('crd'),
  }
}

/** Everything that can be stored. */
export const resources: readonly Resource[] = [
  define('v1', 'namespaces', 'Namespace', ['ns'], 'cluster', 'status'),
  define('v1', 'secrets', 'Secret', []),
  define('v1', 'configmaps', 'ConfigMap', ['cm']),
  define('v1', 'services', 'Service', ['svc'], 'status'),
  define('v1', 'pods', 'Pod', ['po'], 'status', 'generation'),
  define('v1', 'events', 'Event', ['ev']),
  define('v1', 'persistentvolumeclaims', 'PersistentVolumeClaim', ['pvc'], 'status'),
  define('v1', 'endpoints', 'Endpoints', ['ep']),
  define('v1', 'serviceaccounts', 'ServiceAccount', ['sa']),
  define('apps/v1', 'deployments', 'Deployment', ['deploy'], 'status', 'generation'),
  define('apps/v1', 'replicasets', 'ReplicaSet', ['rs'], 'status', 'generation'),
  define('apps/v1', 'statefulsets', 'StatefulSet', ['sts'], 'status', 'generation'),
  define('batch/v1', 'jobs', 'Job', [], 'status', 'generation'),
  define('autoscaling/v2', 'horizontalpodautoscalers', 'HorizontalPodAutoscaler', ['hpa'], 'status'),
  define('policy/v1', 'poddisruptionbudgets', 'PodDisruptionBudget', ['pdb'], 'status', 'generation'),
  define('rbac.authorization.k8s.io/v1', 'roles', 'Role', []),
  define('rbac.authorization.k8s.io/v1', 'rolebindings', 'RoleBinding', []),
  define('networking.k8s.io/v1', 'ingresses', 'Ingress', ['ing'], 'status', 'generation'),
  define('networking.k8s.io/v1', 'ingressclasses', 'IngressClass', [], 'cluster', 'generation'),
  define('discovery.k8s.io/v1', 'endpointslices', 'EndpointSlice', [], 'generation'),
  define('coordination.k8s.io/v1', 'leases', 'Lease', []),
  define('elbv2.k8s.aws/v1beta1', 'ingressclassparams', 'IngressClassParams', [], 'cluster', 'generation', 'crd'),
  define('elbv2.k8s.aws/v1beta1', 'targetgroupbindings', 'TargetGroupBinding', [], 'status', 'generation', 'crd'),
  define('monitoring.coreos.com/v1', 'servicemonitors', 'ServiceMonitor', ['smon'], 'generation', 'crd'),
]

/** Reviews: POSTed, answered and forgotten. */
export const reviews: readonly Resource[] = [
  define('authorization.k8s.io/v1', 'selfsubjectaccessreviews', 'SelfSubjectAccessReview', [], 'cluster'),
  define('authorization.k8s.io/v1', 'selfsubjectrulesreviews', 'SelfSubjectRulesReview', [], 'cluster'),
  define('authentication.k8s.io/v1', 'selfsubjectreviews', 'SelfSubjectReview', [], 'cluster'),
]

/** The verbs that every stored resource has. */
export const verbs = ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'] as const

/** `v1` or `GROUP/VERSION`. */
export function apiVersion(resource: Resource): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`
}

/** `services`, `deployments.apps`: how the API's messages name a resource. */
export function qualified(resource: Resource): string {
  return resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`
}

/**
 * Finds a resource by kind (`Service`), plural (`services`), or plural and group (`deployments.apps`).
 * @throws when the sandbox has none of that name
 */
export function resourceOf(name: string): Resource {
  const found = resources.find((resource) => [resource.kind, resource.plural, qualified(resource)].includes(name))
  if (!found) throw new Error(`The sandbox's Kubernetes has no resource ${name}`)
  return found
}

/** The resource of an object, by its apiVersion and kind. */
export function resourceOfObject(object: Json | undefined): Resource | undefined {
  const { apiVersion: version, kind } = fields(object)
  return resources.find((resource) => resource.kind === kind && apiVersion(resource) === version)
}
