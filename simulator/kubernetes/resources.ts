/** The resources that the simulator serves. */
import { asObject, type Json } from './types.ts'

/** One resource of the API. */
export interface Resource {
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly kind: string
  readonly isNamespaced: boolean
  readonly shortNames: readonly string[]
  /** Whether there is a `status` subresource. */
  readonly hasStatus: boolean
  /** Whether the API counts changes of the spec in `metadata.generation`. */
  readonly hasGeneration: boolean
  /** False for the resources of CRDs, which do not support strategic merge patches. */
  readonly isBuiltIn: boolean
}

type ResourceTrait = 'cluster' | 'status' | 'generation' | 'crd'

interface ResourceOptions {
  readonly shortNames?: readonly string[]
  readonly traits?: readonly ResourceTrait[]
}

function defineResource(
  apiVersion: string,
  plural: string,
  kind: string,
  { shortNames = [], traits = [] }: ResourceOptions = {},
): Resource {
  const [version = '', group = ''] = apiVersion.split('/').reverse()
  return {
    group,
    version,
    plural,
    kind,
    shortNames,
    isNamespaced: !traits.includes('cluster'),
    hasStatus: traits.includes('status'),
    hasGeneration: traits.includes('generation'),
    isBuiltIn: !traits.includes('crd'),
  }
}

/** The resources whose objects are stored. */
export const resources: readonly Resource[] = [
  defineResource('v1', 'namespaces', 'Namespace', {
    shortNames: ['ns'],
    traits: ['cluster', 'status'],
  }),
  defineResource('v1', 'secrets', 'Secret'),
  defineResource('v1', 'configmaps', 'ConfigMap', { shortNames: ['cm'] }),
  defineResource('v1', 'services', 'Service', { shortNames: ['svc'], traits: ['status'] }),
  defineResource('v1', 'pods', 'Pod', { shortNames: ['po'], traits: ['status', 'generation'] }),
  defineResource('v1', 'events', 'Event', { shortNames: ['ev'] }),
  defineResource('v1', 'persistentvolumeclaims', 'PersistentVolumeClaim', {
    shortNames: ['pvc'],
    traits: ['status'],
  }),
  defineResource('v1', 'endpoints', 'Endpoints', { shortNames: ['ep'] }),
  defineResource('v1', 'serviceaccounts', 'ServiceAccount', { shortNames: ['sa'] }),
  defineResource('apps/v1', 'deployments', 'Deployment', {
    shortNames: ['deploy'],
    traits: ['status', 'generation'],
  }),
  defineResource('apps/v1', 'replicasets', 'ReplicaSet', {
    shortNames: ['rs'],
    traits: ['status', 'generation'],
  }),
  defineResource('apps/v1', 'statefulsets', 'StatefulSet', {
    shortNames: ['sts'],
    traits: ['status', 'generation'],
  }),
  defineResource('batch/v1', 'jobs', 'Job', { traits: ['status', 'generation'] }),
  defineResource('autoscaling/v2', 'horizontalpodautoscalers', 'HorizontalPodAutoscaler', {
    shortNames: ['hpa'],
    traits: ['status'],
  }),
  defineResource('policy/v1', 'poddisruptionbudgets', 'PodDisruptionBudget', {
    shortNames: ['pdb'],
    traits: ['status', 'generation'],
  }),
  defineResource('rbac.authorization.k8s.io/v1', 'roles', 'Role'),
  defineResource('rbac.authorization.k8s.io/v1', 'rolebindings', 'RoleBinding'),
  defineResource('networking.k8s.io/v1', 'ingresses', 'Ingress', {
    shortNames: ['ing'],
    traits: ['status', 'generation'],
  }),
  defineResource('networking.k8s.io/v1', 'ingressclasses', 'IngressClass', {
    traits: ['cluster', 'generation'],
  }),
  defineResource('discovery.k8s.io/v1', 'endpointslices', 'EndpointSlice', {
    traits: ['generation'],
  }),
  defineResource('coordination.k8s.io/v1', 'leases', 'Lease'),
  defineResource('elbv2.k8s.aws/v1beta1', 'ingressclassparams', 'IngressClassParams', {
    traits: ['cluster', 'generation', 'crd'],
  }),
  defineResource('elbv2.k8s.aws/v1beta1', 'targetgroupbindings', 'TargetGroupBinding', {
    traits: ['status', 'generation', 'crd'],
  }),
  defineResource('monitoring.coreos.com/v1', 'servicemonitors', 'ServiceMonitor', {
    shortNames: ['smon'],
    traits: ['generation', 'crd'],
  }),
]

/** Reviews, which are answered and not stored. */
export const reviewResources: readonly Resource[] = [
  defineResource('authorization.k8s.io/v1', 'selfsubjectaccessreviews', 'SelfSubjectAccessReview', {
    traits: ['cluster'],
  }),
  defineResource('authorization.k8s.io/v1', 'selfsubjectrulesreviews', 'SelfSubjectRulesReview', {
    traits: ['cluster'],
  }),
  defineResource('authentication.k8s.io/v1', 'selfsubjectreviews', 'SelfSubjectReview', {
    traits: ['cluster'],
  }),
]

/** The verbs of every stored resource. */
export const supportedVerbs = [
  'create',
  'delete',
  'get',
  'list',
  'patch',
  'update',
  'watch',
] as const

/** The apiVersion of a resource: `v1` or `GROUP/VERSION`. */
export function formatApiVersion(resource: Resource): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`
}

/** A resource as error messages name it: `services`, `deployments.apps`. */
export function formatQualifiedName(resource: Resource): string {
  return resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`
}

/**
 * Finds a resource by kind (`Service`), plural (`services`), or plural and group
 * (`deployments.apps`).
 * @throws Error when there is no such resource
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
