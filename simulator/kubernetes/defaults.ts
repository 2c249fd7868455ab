/**
 * The defaults that the API fills in, where Helm, kubectl or the action would notice their absence.
 */
import {
  getIn,
  asObject,
  asArray,
  asString,
  type Json,
  type JsonObject,
  type KubernetesObject,
} from './types.ts'

const deploymentDefaults = {
  replicas: 1,
  revisionHistoryLimit: 10,
  progressDeadlineSeconds: 600,
  strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' } },
}
const statefulSetDefaults = {
  replicas: 1,
  revisionHistoryLimit: 10,
  podManagementPolicy: 'OrderedReady',
  updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
}
const jobDefaults = {
  parallelism: 1,
  completions: 1,
  backoffLimit: 6,
  completionMode: 'NonIndexed',
  suspend: false,
  manualSelector: false,
  podReplacementPolicy: 'TerminatingOrFailed',
}
const containerDefaults = {
  imagePullPolicy: 'IfNotPresent',
  terminationMessagePath: '/dev/termination-log',
  terminationMessagePolicy: 'File',
  resources: {},
}
const podSpecDefaults = {
  restartPolicy: 'Always',
  terminationGracePeriodSeconds: 30,
  dnsPolicy: 'ClusterFirst',
  securityContext: {},
  schedulerName: 'default-scheduler',
}

/** Adds the API's defaults for absent fields. */
export function applyDefaults(object: KubernetesObject): KubernetesObject {
  const { spec } = object
  switch (object.kind) {
    case 'Service':
      return { ...object, spec: applyServiceDefaults(asObject(spec)) }
    case 'Deployment':
      return {
        ...object,
        spec: { ...deploymentDefaults, ...applyTemplateDefaults(asObject(spec)) },
      }
    case 'StatefulSet':
      return {
        ...object,
        spec: { ...statefulSetDefaults, ...applyTemplateDefaults(asObject(spec)) },
      }
    case 'Job':
      return { ...object, spec: { ...jobDefaults, ...applyTemplateDefaults(asObject(spec)) } }
    case 'PersistentVolumeClaim':
      return { ...object, spec: { volumeMode: 'Filesystem', ...asObject(spec) } }
    case 'Pod':
      return { ...object, spec: applyPodDefaults(asObject(spec)) }
    case 'Secret':
      return { ...encodeStringData(object), type: object['type'] ?? 'Opaque' }
    case 'Namespace':
      return applyNamespaceDefaults(object)
    default:
      return object
  }
}

function applyNamespaceDefaults(namespace: KubernetesObject): KubernetesObject {
  const { metadata, spec, status } = namespace
  return {
    ...namespace,
    metadata: {
      ...metadata,
      labels: { ...metadata.labels, 'kubernetes.io/metadata.name': metadata.name },
    },
    spec: { finalizers: ['kubernetes'], ...asObject(spec) },
    status: { phase: 'Active', ...asObject(status) },
  }
}

function applyServiceDefaults(spec: JsonObject): JsonObject {
  const type = spec['type'] ?? 'ClusterIP'
  const ports = asArray(spec['ports']).map((port) => ({
    protocol: 'TCP',
    targetPort: getIn(port, 'port') ?? null,
    ...asObject(port),
  }))
  const loadBalancerDefaults: JsonObject =
    type === 'LoadBalancer' ? { allocateLoadBalancerNodePorts: true } : {}
  const externalTrafficDefaults: JsonObject =
    type === 'LoadBalancer' || type === 'NodePort' ? { externalTrafficPolicy: 'Cluster' } : {}
  return {
    sessionAffinity: 'None',
    internalTrafficPolicy: 'Cluster',
    ...loadBalancerDefaults,
    ...externalTrafficDefaults,
    ...spec,
    type,
    ports,
  }
}

function applyTemplateDefaults(spec: JsonObject): JsonObject {
  const template = asObject(spec['template'])
  return { ...spec, template: { ...template, spec: applyPodDefaults(asObject(template['spec'])) } }
}

function applyPodDefaults(spec: JsonObject): JsonObject {
  const containers = asArray(spec['containers']).map((item): Json => {
    const container = asObject(item)
    const ports = asArray(container['ports']).map((port) => ({
      protocol: 'TCP',
      ...asObject(port),
    }))
    return { ...containerDefaults, ...container, ...(ports.length > 0 ? { ports } : {}) }
  })
  return { ...podSpecDefaults, ...spec, containers }
}

/** `stringData` is write-only: the API stores it as `data`. */
function encodeStringData(secret: KubernetesObject): KubernetesObject {
  const { stringData, ...rest } = secret
  if (stringData === undefined) return secret
  const encodedEntries = Object.entries(asObject(stringData)).map(
    ([key, value]) => [key, Buffer.from(asString(value)).toString('base64')] as const,
  )
  const { apiVersion, kind, metadata } = secret
  return {
    ...rest,
    apiVersion,
    kind,
    metadata,
    data: { ...asObject(secret['data']), ...Object.fromEntries(encodedEntries) },
  }
}
