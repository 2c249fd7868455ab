/** What the API adds to objects of some kinds, and what it refuses: only where helm, kubectl or an action would notice. */
import { isIP } from 'node:net'
import { invalid, type Cause } from './status.ts'
import type { Resource } from './resources.ts'
import { at, canonical, fields, items, text, type Json, type JsonObject, type KubernetesObject } from './types.ts'

const deploymentDefaults = {
  replicas: 1, revisionHistoryLimit: 10, progressDeadlineSeconds: 600,
  strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' } },
}
const statefulSetDefaults = {
  replicas: 1, revisionHistoryLimit: 10, podManagementPolicy: 'OrderedReady', updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
}
const jobDefaults = { parallelism: 1, completions: 1, backoffLimit: 6, completionMode: 'NonIndexed', suspend: false, manualSelector: false, podReplacementPolicy: 'TerminatingOrFailed' }
const containerDefaults = { imagePullPolicy: 'IfNotPresent', terminationMessagePath: '/dev/termination-log', terminationMessagePolicy: 'File', resources: {} }
const podSpecDefaults = { restartPolicy: 'Always', terminationGracePeriodSeconds: 30, dnsPolicy: 'ClusterFirst', securityContext: {}, schedulerName: 'default-scheduler' }

/** Fills in what the object leaves out, as the API's own defaults do. */
export function withDefaults(object: KubernetesObject): KubernetesObject {
  const { spec } = object
  switch (object.kind) {
    case 'Service': return { ...object, spec: serviceDefaults(fields(spec)) }
    case 'Deployment': return { ...object, spec: { ...deploymentDefaults, ...templated(fields(spec)) } }
    case 'StatefulSet': return { ...object, spec: { ...statefulSetDefaults, ...templated(fields(spec)) } }
    case 'Job': return { ...object, spec: { ...jobDefaults, ...templated(fields(spec)) } }
    case 'PersistentVolumeClaim': return { ...object, spec: { volumeMode: 'Filesystem', ...fields(spec) } }
    case 'Pod': return { ...object, spec: podDefaults(fields(spec)) }
    case 'Secret': return { ...withoutStringData(object), type: object['type'] ?? 'Opaque' }
    case 'Namespace': return namespaceDefaults(object)
    default: return object
  }
}

function namespaceDefaults(namespace: KubernetesObject): KubernetesObject {
  const { metadata, spec, status } = namespace
  return {
    ...namespace, metadata: { ...metadata, labels: { ...metadata.labels, 'kubernetes.io/metadata.name': metadata.name } },
    spec: { finalizers: ['kubernetes'], ...fields(spec) }, status: { phase: 'Active', ...fields(status) },
  }
}

function serviceDefaults(spec: JsonObject): JsonObject {
  const type = spec['type'] ?? 'ClusterIP'
  const ports = items(spec['ports']).map((port) => ({ protocol: 'TCP', targetPort: at(port, 'port') ?? null, ...fields(port) }))
  const balanced: JsonObject = type === 'LoadBalancer' ? { allocateLoadBalancerNodePorts: true } : {}
  const reachable: JsonObject = type === 'LoadBalancer' || type === 'NodePort' ? { externalTrafficPolicy: 'Cluster' } : {}
  return { sessionAffinity: 'None', internalTrafficPolicy: 'Cluster', ...balanced, ...reachable, ...spec, type, ports }
}

function templated(spec: JsonObject): JsonObject {
  const template = fields(spec['template'])
  return { ...spec, template: { ...template, spec: podDefaults(fields(template['spec'])) } }
}

function podDefaults(spec: JsonObject): JsonObject {
  const containers = items(spec['containers']).map((item): Json => {
    const container = fields(item)
    const ports = items(container['ports']).map((port) => ({ protocol: 'TCP', ...fields(port) }))
    return { ...containerDefaults, ...container, ...(ports.length > 0 ? { ports } : {}) }
  })
  return { ...podSpecDefaults, ...spec, containers }
}

/** `stringData` is written, never read. */
function withoutStringData(secret: KubernetesObject): KubernetesObject {
  const { stringData, ...rest } = secret
  if (stringData === undefined) return secret
  const encoded = Object.entries(fields(stringData)).map(([key, value]) => [key, Buffer.from(text(value)).toString('base64')] as const)
  const { apiVersion, kind, metadata } = secret
  return { ...rest, apiVersion, kind, metadata, data: { ...fields(secret['data']), ...Object.fromEntries(encoded) } }
}

/** Hands out cluster IPs and node ports. */
export class Allocator {
  private addresses = 0
  private ports = 0

  /** Gives a Service its addresses; it keeps those it has, and loses node ports when its type needs none any more. */
  service(service: KubernetesObject, live: KubernetesObject | undefined): KubernetesObject {
    const spec = fields(service['spec'])
    if (spec['type'] === 'ExternalName') return service
    const clusterIP = spec['clusterIP'] ?? at(live, 'spec', 'clusterIP') ?? `10.100.${Math.floor(++this.addresses / 250)}.${1 + (this.addresses % 250)}`
    const exposed = spec['type'] === 'LoadBalancer' || spec['type'] === 'NodePort'
    const ports = items(spec['ports']).map((port, index): Json => {
      const { nodePort, ...rest } = fields(port)
      const kept = at(live, 'spec', 'ports', index, 'nodePort')
      if (exposed) return { ...rest, nodePort: nodePort ?? kept ?? 30000 + ++this.ports }
      return nodePort === undefined || nodePort === kept ? rest : { ...rest, nodePort }
    })
    // These fields came from the API when the type was another one: it takes them away with the type.
    const { allocateLoadBalancerNodePorts, externalTrafficPolicy, loadBalancerClass, ...lean } = spec
    const isDropped = spec['type'] !== 'LoadBalancer' && at(live, 'spec', 'type') === 'LoadBalancer' && loadBalancerClass === at(live, 'spec', 'loadBalancerClass')
    const own = {
      // Source: Kubernetes, pkg/registry/core/service/strategy.go, dropTypeDependentFields.
      ...(loadBalancerClass !== undefined && !isDropped ? { loadBalancerClass } : {}),
      ...(allocateLoadBalancerNodePorts !== undefined && spec['type'] === 'LoadBalancer' ? { allocateLoadBalancerNodePorts } : {}),
      ...(externalTrafficPolicy !== undefined && exposed ? { externalTrafficPolicy } : {}),
    }
    const families = { clusterIP, clusterIPs: [clusterIP], ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' }
    return { ...service, spec: { ...lean, ...own, ...families, ports } }
  }
}

const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const notSubdomain = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', " +
  `and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '${subdomain.source.slice(1, -1)}')`

const required = (field: string): Cause => ({ reason: 'FieldValueRequired', message: 'Required value', field })

/** Refuses what the real API's validation refuses. */
export function validate(resource: Resource, object: KubernetesObject, live: KubernetesObject | undefined): void {
  const name = object.metadata.name
  const causes: Cause[] = []
  if (!subdomain.test(name) || name.length > 253) causes.push({ reason: 'FieldValueInvalid', field: 'metadata.name', message: `Invalid value: "${name}": ${notSubdomain}` })
  if (resource.kind === 'Service') causes.push(...serviceCauses(object), ...classCauses(object, live))
  if (resource.group === 'apps' || resource.kind === 'Job') causes.push(...workloadCauses(object))
  if (live) causes.push(...immutableCauses(object, live))
  if (resource.kind === 'Ingress') causes.push(...ingressCauses(object))
  if (causes.length > 0) throw invalid(resource, name, causes)
}

function serviceCauses({ spec }: KubernetesObject): Cause[] {
  const causes: Cause[] = []
  if (at(spec, 'type') !== 'LoadBalancer' && items(at(spec, 'loadBalancerSourceRanges')).length > 0) {
    causes.push({ reason: 'FieldValueForbidden', message: "Forbidden: may only be used when `type` is 'LoadBalancer'", field: 'spec.LoadBalancerSourceRanges' })
  }
  if (items(at(spec, 'ports')).length === 0 && at(spec, 'clusterIP') !== 'None') causes.push(required('spec.ports'))
  return causes
}

/** Source: Kubernetes, pkg/apis/core/validation/validation.go, validateLoadBalancerClassField. */
function classCauses(object: KubernetesObject, live: KubernetesObject | undefined): Cause[] {
  const field = 'spec.loadBalancerClass'
  const [given, present] = [object, live].map((service) => at(service, 'spec', 'loadBalancerClass'))
  if (at(object, 'spec', 'type') !== 'LoadBalancer') {
    return given === undefined ? [] : [{ reason: 'FieldValueForbidden', message: "Forbidden: may only be used when `type` is 'LoadBalancer'", field }]
  }
  if (at(live, 'spec', 'type') !== 'LoadBalancer' || given === present) return []
  return [{ reason: 'FieldValueInvalid', message: `Invalid value: "${given === undefined ? 'null' : text(given)}": may not change once set`, field }]
}

function ingressCauses({ spec }: KubernetesObject): Cause[] {
  const causes: Cause[] = []
  const wrong = (field: string, value: string, why: string): void => {
    causes.push({ reason: 'FieldValueInvalid', message: `Invalid value: ${value === '' ? '' : `"${value}": `}${why}`, field })
  }
  const rules = items(at(spec, 'rules'))
  if (at(spec, 'defaultBackend') === undefined && rules.length === 0) wrong('spec', '', 'either `defaultBackend` or `rules` must be specified')
  rules.forEach((rule, index) => {
    const place = `spec.rules[${index}]`
    const host = text(at(rule, 'host'))
    if (isIP(host)) wrong(`${place}.host`, host, 'must be a DNS name, not an IP address')
    else if (host !== '' && !subdomain.test(host.replace(/^\*\./, ''))) wrong(`${place}.host`, host, notSubdomain)
    items(at(rule, 'http', 'paths')).forEach((path, number) => {
      const [type, value] = [at(path, 'pathType'), text(at(path, 'path'))]
      if (type === undefined) causes.push({ ...required(`${place}.http.paths[${number}].pathType`), message: 'Required value: pathType must be specified' })
      else if (type !== 'ImplementationSpecific' && !value.startsWith('/')) wrong(`${place}.http.paths[${number}].path`, value, 'must be an absolute path')
    })
  })
  return causes
}

/** Fields that stay as they were created. Source: the API's validation of each kind. */
const immutableFields: Readonly<Record<string, readonly string[][]>> = {
  Deployment: [['spec', 'selector']],
  ReplicaSet: [['spec', 'selector']],
  Job: [['spec', 'selector'], ['spec', 'template'], ['spec', 'completions']],
  RoleBinding: [['roleRef']],
}

/** What may change in the spec of a StatefulSet, and of a claim; all the rest of it may not. */
const mutableSpec: Readonly<Record<string, readonly string[]>> = {
  StatefulSet: ['replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy', 'minReadySeconds'],
  PersistentVolumeClaim: ['resources', 'volumeName', 'volumeAttributesClassName'],
}

function immutableCauses(object: KubernetesObject, live: KubernetesObject): Cause[] {
  const causes = (immutableFields[object.kind] ?? [])
    .filter((place) => canonical(at(live, ...place)) !== canonical(at(object, ...place)))
    .map((place): Cause => ({ reason: 'FieldValueInvalid', message: `Invalid value: ${canonical(at(object, ...place))}: field is immutable`, field: place.join('.') }))
  const mutable = mutableSpec[object.kind]
  if (!mutable) return causes
  const fixed = (each: KubernetesObject): string => canonical(Object.fromEntries(Object.entries(fields(each['spec'])).filter(([field]) => !mutable.includes(field))))
  if (fixed(live) === fixed(object)) return causes
  const message = object.kind === 'StatefulSet'
    ? "Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
    : 'Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims'
  return [...causes, { reason: 'FieldValueForbidden', message, field: 'spec' }]
}

function workloadCauses({ spec }: KubernetesObject): Cause[] {
  return items(at(spec, 'template', 'spec', 'containers')).length === 0 ? [required('spec.template.spec.containers')] : []
}
