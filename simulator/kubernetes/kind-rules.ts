/**
 * What the API adds to objects of some kinds, and what it refuses: only where helm, kubectl or an
 * action would notice.
 */
import { isIP } from 'node:net'
import { invalid, type Cause } from './api-errors.ts'
import type { Resource } from './resources.ts'
import {
  getIn,
  canonicalJson,
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

/** Fills in what the object leaves out, as the API's own defaults do. */
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

/** `stringData` is written, never read. */
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

/** Hands out cluster IPs and node ports. */
export class ServiceAllocator {
  private allocatedAddressCount = 0
  private ports = 0

  /**
   * Gives a Service its addresses; it keeps those it has, and loses node ports when its type needs
   * none any more.
   */
  allocateAddresses(
    allocateAddresses: KubernetesObject,
    live: KubernetesObject | undefined,
  ): KubernetesObject {
    const spec = asObject(allocateAddresses['spec'])
    if (spec['type'] === 'ExternalName') return allocateAddresses
    const clusterIP =
      spec['clusterIP'] ??
      getIn(live, 'spec', 'clusterIP') ??
      `10.100.${Math.floor(++this.allocatedAddressCount / 250)}.${1 + (this.allocatedAddressCount % 250)}`
    const needsNodePorts = spec['type'] === 'LoadBalancer' || spec['type'] === 'NodePort'
    const ports = asArray(spec['ports']).map((port, index): Json => {
      const { nodePort, ...rest } = asObject(port)
      const currentNodePort = getIn(live, 'spec', 'ports', index, 'nodePort')
      if (needsNodePorts)
        return { ...rest, nodePort: nodePort ?? currentNodePort ?? 30000 + ++this.ports }
      return nodePort === undefined || nodePort === currentNodePort ? rest : { ...rest, nodePort }
    })
    // These fields came from the API when the type was another one: it takes them away with the
    // type.
    const {
      allocateLoadBalancerNodePorts,
      externalTrafficPolicy,
      loadBalancerClass,
      ...remainingSpec
    } = spec
    const isClassDropped =
      spec['type'] !== 'LoadBalancer' &&
      getIn(live, 'spec', 'type') === 'LoadBalancer' &&
      loadBalancerClass === getIn(live, 'spec', 'loadBalancerClass')
    const typeDependentFields = {
      // Source: Kubernetes, pkg/registry/core/service/strategy.go, dropTypeDependentFields.
      ...(loadBalancerClass !== undefined && !isClassDropped ? { loadBalancerClass } : {}),
      ...(allocateLoadBalancerNodePorts !== undefined && spec['type'] === 'LoadBalancer'
        ? { allocateLoadBalancerNodePorts }
        : {}),
      ...(externalTrafficPolicy !== undefined && needsNodePorts ? { externalTrafficPolicy } : {}),
    }
    const ipFields = {
      clusterIP,
      clusterIPs: [clusterIP],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
    }
    return {
      ...allocateAddresses,
      spec: { ...remainingSpec, ...typeDependentFields, ...ipFields, ports },
    }
  }
}

const subdomainPattern = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const invalidSubdomainMessage =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', " +
  `and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '${subdomainPattern.source.slice(1, -1)}')`

const missingFieldCause = (field: string): Cause => ({
  reason: 'FieldValueRequired',
  message: 'Required value',
  field,
})

/** Refuses what the real API's validation refuses. */
export function validateObject(
  resource: Resource,
  object: KubernetesObject,
  live: KubernetesObject | undefined,
): void {
  const name = object.metadata.name
  const causes: Cause[] = []
  if (!subdomainPattern.test(name) || name.length > 253)
    causes.push({
      reason: 'FieldValueInvalid',
      field: 'metadata.name',
      message: `Invalid value: "${name}": ${invalidSubdomainMessage}`,
    })
  if (resource.kind === 'Service')
    causes.push(...validateService(object), ...validateLoadBalancerClass(object, live))
  if (resource.group === 'apps' || resource.kind === 'Job') causes.push(...validateWorkload(object))
  if (live) causes.push(...validateImmutableFields(object, live))
  if (resource.kind === 'Ingress') causes.push(...validateIngress(object))
  if (causes.length > 0) throw invalid(resource, name, causes)
}

function validateService({ spec }: KubernetesObject): Cause[] {
  const causes: Cause[] = []
  if (
    getIn(spec, 'type') !== 'LoadBalancer' &&
    asArray(getIn(spec, 'loadBalancerSourceRanges')).length > 0
  ) {
    causes.push({
      reason: 'FieldValueForbidden',
      message: "Forbidden: may only be used when `type` is 'LoadBalancer'",
      field: 'spec.LoadBalancerSourceRanges',
    })
  }
  if (asArray(getIn(spec, 'ports')).length === 0 && getIn(spec, 'clusterIP') !== 'None')
    causes.push(missingFieldCause('spec.ports'))
  return causes
}

/** Source: Kubernetes, pkg/apis/core/validation/validation.go, validateLoadBalancerClassField. */
function validateLoadBalancerClass(
  object: KubernetesObject,
  live: KubernetesObject | undefined,
): Cause[] {
  const field = 'spec.loadBalancerClass'
  const [newClass, currentClass] = [object, live].map((allocateAddresses) =>
    getIn(allocateAddresses, 'spec', 'loadBalancerClass'),
  )
  if (getIn(object, 'spec', 'type') !== 'LoadBalancer') {
    return newClass === undefined
      ? []
      : [
          {
            reason: 'FieldValueForbidden',
            message: "Forbidden: may only be used when `type` is 'LoadBalancer'",
            field,
          },
        ]
  }
  if (getIn(live, 'spec', 'type') !== 'LoadBalancer' || newClass === currentClass) return []
  return [
    {
      reason: 'FieldValueInvalid',
      message: `Invalid value: "${newClass === undefined ? 'null' : asString(newClass)}": may not change once set`,
      field,
    },
  ]
}

function validateIngress({ spec }: KubernetesObject): Cause[] {
  const causes: Cause[] = []
  const addInvalidValue = (field: string, value: string, detail: string): void => {
    causes.push({
      reason: 'FieldValueInvalid',
      message: `Invalid value: ${value === '' ? '' : `"${value}": `}${detail}`,
      field,
    })
  }
  const rules = asArray(getIn(spec, 'rules'))
  if (getIn(spec, 'defaultBackend') === undefined && rules.length === 0)
    addInvalidValue('spec', '', 'either `defaultBackend` or `rules` must be specified')
  rules.forEach((rule, index) => {
    const fieldPath = `spec.rules[${index}]`
    const host = asString(getIn(rule, 'host'))
    if (isIP(host))
      addInvalidValue(`${fieldPath}.host`, host, 'must be a DNS name, not an IP address')
    else if (host !== '' && !subdomainPattern.test(host.replace(/^\*\./, '')))
      addInvalidValue(`${fieldPath}.host`, host, invalidSubdomainMessage)
    asArray(getIn(rule, 'http', 'paths')).forEach((path, pathIndex) => {
      const [type, value] = [getIn(path, 'pathType'), asString(getIn(path, 'path'))]
      if (type === undefined)
        causes.push({
          ...missingFieldCause(`${fieldPath}.http.paths[${pathIndex}].pathType`),
          message: 'Required value: pathType must be specified',
        })
      else if (type !== 'ImplementationSpecific' && !value.startsWith('/'))
        addInvalidValue(
          `${fieldPath}.http.paths[${pathIndex}].path`,
          value,
          'must be an absolute path',
        )
    })
  })
  return causes
}

/** Fields that stay as they were created. Source: the API's validation of each kind. */
const immutableFields: Readonly<Record<string, readonly string[][]>> = {
  Deployment: [['spec', 'selector']],
  ReplicaSet: [['spec', 'selector']],
  Job: [
    ['spec', 'selector'],
    ['spec', 'template'],
    ['spec', 'completions'],
  ],
  RoleBinding: [['roleRef']],
}

/** What may change in the spec of a StatefulSet, and of a claim; all the rest of it may not. */
const mutableSpecFields: Readonly<Record<string, readonly string[]>> = {
  StatefulSet: [
    'replicas',
    'ordinals',
    'template',
    'updateStrategy',
    'revisionHistoryLimit',
    'persistentVolumeClaimRetentionPolicy',
    'minReadySeconds',
  ],
  PersistentVolumeClaim: ['resources', 'volumeName', 'volumeAttributesClassName'],
}

function validateImmutableFields(object: KubernetesObject, live: KubernetesObject): Cause[] {
  const causes = (immutableFields[object.kind] ?? [])
    .filter((path) => canonicalJson(getIn(live, ...path)) !== canonicalJson(getIn(object, ...path)))
    .map((path): Cause => ({
      reason: 'FieldValueInvalid',
      message: `Invalid value: ${canonicalJson(getIn(object, ...path))}: field is immutable`,
      field: path.join('.'),
    }))
  const mutableFields = mutableSpecFields[object.kind]
  if (!mutableFields) return causes
  const canonicalImmutableSpec = (each: KubernetesObject): string =>
    canonicalJson(
      Object.fromEntries(
        Object.entries(asObject(each['spec'])).filter(([field]) => !mutableFields.includes(field)),
      ),
    )
  if (canonicalImmutableSpec(live) === canonicalImmutableSpec(object)) return causes
  const message =
    object.kind === 'StatefulSet'
      ? "Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
      : 'Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims'
  return [...causes, { reason: 'FieldValueForbidden', message, field: 'spec' }]
}

function validateWorkload({ spec }: KubernetesObject): Cause[] {
  return asArray(getIn(spec, 'template', 'spec', 'containers')).length === 0
    ? [missingFieldCause('spec.template.spec.containers')]
    : []
}
