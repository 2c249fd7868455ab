/**
 * The API's validation of objects, where Helm, kubectl or the action would notice its absence.
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
  type KubernetesObject,
} from './types.ts'

const subdomainPattern = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const invalidSubdomainMessage =
  'a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, ' +
  "'-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', " +
  `regex used for validation is '${subdomainPattern.source.slice(1, -1)}')`

const missingFieldCause = (field: string): Cause => ({
  reason: 'FieldValueRequired',
  message: 'Required value',
  field,
})

/** @throws 422 with every violation */
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
  causes.push(...validateLabels(object))
  if (resource.kind === 'Service')
    causes.push(...validateService(object), ...validateLoadBalancerClass(object, live))
  if (resource.group === 'apps' || resource.kind === 'Job') causes.push(...validateWorkload(object))
  if (live) causes.push(...validateImmutableFields(object, live))
  if (resource.kind === 'Ingress') causes.push(...validateIngress(object))
  if (causes.length > 0) throw invalid(resource, name, causes)
}

const maxLabelLength = 63

/** Source: Kubernetes, apimachinery, pkg/api/validate/content/kube.go, IsLabelValue. */
const validateLabels = ({ metadata: { labels } }: KubernetesObject): Cause[] =>
  Object.values(labels ?? {})
    .filter((value) => value.length > maxLabelLength)
    .map((value) => ({
      reason: 'FieldValueInvalid',
      message: `Invalid value: "${value}": must be no more than ${maxLabelLength} bytes`,
      field: 'metadata.labels',
    }))

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
  const ports = asArray(getIn(spec, 'ports'))
  if (ports.length === 0 && getIn(spec, 'clusterIP') !== 'None')
    causes.push(missingFieldCause('spec.ports'))
  const names = ports.map((port) => asString(getIn(port, 'name')))
  names.forEach((name, index) => {
    if (name !== '' && names.indexOf(name) < index)
      causes.push({
        reason: 'FieldValueDuplicate',
        message: `Duplicate value: "${name}"`,
        field: `spec.ports[${index}].name`,
      })
  })
  return causes
}

/** Source: Kubernetes, pkg/apis/core/validation/validation.go, validateLoadBalancerClassField. */
function validateLoadBalancerClass(
  object: KubernetesObject,
  live: KubernetesObject | undefined,
): Cause[] {
  const field = 'spec.loadBalancerClass'
  const newClass = getIn(object, 'spec', 'loadBalancerClass')
  const currentClass = getIn(live, 'spec', 'loadBalancerClass')
  if (getIn(object, 'spec', 'type') !== 'LoadBalancer') {
    if (newClass === undefined) return []
    const message = "Forbidden: may only be used when `type` is 'LoadBalancer'"
    return [{ reason: 'FieldValueForbidden', message, field }]
  }
  if (getIn(live, 'spec', 'type') !== 'LoadBalancer' || newClass === currentClass) return []
  const value = newClass === undefined ? 'null' : asString(newClass)
  const message = `Invalid value: "${value}": may not change once set`
  return [{ reason: 'FieldValueInvalid', message, field }]
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

/** Fields that cannot change after creation. Source: the API's validation of each kind. */
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

/** Kinds of which only some fields of the spec can change. */
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
  const message = object.kind === 'StatefulSet' ? immutableStatefulSet : immutableClaim
  return [...causes, { reason: 'FieldValueForbidden', message, field: 'spec' }]
}

const immutableStatefulSet =
  "Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', " +
  "'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' " +
  "and 'minReadySeconds' are forbidden"
const immutableClaim =
  'Forbidden: spec is immutable after creation except resources.requests and ' +
  'volumeAttributesClassName for bound claims'

function validateWorkload({ spec }: KubernetesObject): Cause[] {
  return asArray(getIn(spec, 'template', 'spec', 'containers')).length === 0
    ? [missingFieldCause('spec.template.spec.containers')]
    : []
}
