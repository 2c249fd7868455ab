/**
 * The Service through which an ALB reaches Milvus' RESTful API: the controller takes the protocol
 * version of a target group from the annotations of its Service, so that HTTP/1.1 needs a Service
 * beside the one of gRPC. Pure.
 */
import { createHash } from 'node:crypto'
import { findFieldManagers, ownedAnnotations } from '../../clients/kubernetes/field-ownership.ts'
import { specManagers } from '../../clients/kubernetes/managing-tool.ts'
import type { Service } from '../../clients/kubernetes/types.ts'
import { annotationPrefix as prefix } from '../../controller/annotations.ts'
import { restServiceNotOurs, restServiceWithoutSelector } from '../../failures/service.ts'
import {
  canonicalJson,
  diffAnnotations,
  diffField,
  fieldManager,
  type FieldDifference,
} from './manifest.ts'

/** Names the Ingress that the Service belongs to. */
const ingressAnnotation = 'milvus-alb-action/ingress'

const managedByLabel = 'app.kubernetes.io/managed-by'

const nameSuffix = '-rest'
/** Source: Kubernetes, "Object names and IDs", RFC 1035 label names. */
const maxNameLength = 63

/** The Service to apply. */
export interface ServiceManifest {
  readonly apiVersion: 'v1'
  readonly kind: 'Service'
  readonly metadata: {
    readonly name: string
    readonly namespace: string
    readonly labels: Readonly<Record<string, string>>
    readonly annotations: Readonly<Record<string, string>>
  }
  readonly spec: Pick<Service['spec'], 'type' | 'selector' | 'ports'>
}

/**
 * The name of the Service, by that of the Ingress: several Ingresses may expose one Milvus. The
 * name of a Service begins with a letter, is shorter, and contains no dots.
 */
export function getRestServiceName(ingressName: string): string {
  const label = ingressName.replaceAll('.', '-').replace(/^(?=\d)/, 'milvus-')
  const name = `${label}${nameSuffix}`
  if (name.length <= maxNameLength) return name
  const hash = createHash('sha256').update(ingressName).digest('hex').slice(0, 8)
  return `${label.slice(0, maxNameLength - nameSuffix.length - 9)}-${hash}${nameSuffix}`
}

/** A filter for lists, while the name of the Ingress is not known. */
export const mayBeRestService = ({ metadata }: Service): boolean =>
  metadata.name.endsWith(nameSuffix)

/** Whether this action created the Service, for any Ingress. */
export const isRestService = ({ metadata }: Service): boolean =>
  metadata.annotations?.[ingressAnnotation] !== undefined

export const findRestService = (
  services: readonly Service[],
  ingressName: string,
): Service | undefined =>
  services.find(({ metadata }) => metadata.name === getRestServiceName(ingressName))

/** Whether this action applied the Service, and for this Ingress. */
export function isRestServiceOf(service: Service, ingressName: string): boolean {
  const owner = service.metadata.annotations?.[ingressAnnotation] ?? ingressName
  return ownedAnnotations(service, fieldManager).size > 0 && owner === ingressName
}

/**
 * @param milvus the Service of Milvus' API
 * @param live the Service with the name of the one for the RESTful API
 * @throws ActionError `service-not-ours`, `service-unsupported`
 */
export function checkRestService(
  milvus: Service,
  live: Service | undefined,
  ingressName: string,
): void {
  if (live && !isRestServiceOf(live, ingressName))
    throw restServiceNotOurs({
      name: live.metadata.name,
      ingress: live.metadata.annotations?.[ingressAnnotation],
      managers: specManagers(live),
    })
  if (Object.keys(milvus.spec.selector ?? {}).length === 0)
    throw restServiceWithoutSelector(milvus.metadata.name)
}

/** What the Service depends on. */
export interface RestServiceInput {
  readonly namespace: string
  readonly ingressName: string
  /** The Service of Milvus' API, and its port. */
  readonly milvus: Service
  readonly port: number
}

/**
 * The same pods and port as those of Milvus' Service: Milvus tells the protocols apart. Annotations
 * of a Service precede those of the Ingress, so what HTTP/1.1 to pods depends on is set here: the
 * protocol, the kind of target, and the parts of a health check that are different for gRPC. Milvus
 * answers `/` with 404, or with 401 when it requires credentials; an answer shows that it serves
 * HTTP. Source: milvus, internal/distributed/proxy/service.go; the controller's docs,
 * "Annotations".
 */
export function buildRestService(input: RestServiceInput): ServiceManifest {
  const { namespace, ingressName, milvus, port } = input
  const { selector, ports = [] } = milvus.spec
  const targetPort = ports.find((candidate) => candidate.port === port)?.targetPort ?? port
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: getRestServiceName(ingressName),
      namespace,
      labels: { [managedByLabel]: fieldManager },
      annotations: {
        [ingressAnnotation]: ingressName,
        [`${prefix}target-type`]: 'ip',
        [`${prefix}backend-protocol`]: 'HTTP',
        [`${prefix}backend-protocol-version`]: 'HTTP1',
        [`${prefix}healthcheck-path`]: '/',
        [`${prefix}healthcheck-port`]: 'traffic-port',
        [`${prefix}success-codes`]: '200-499',
      },
    },
    spec: {
      type: 'ClusterIP',
      ...(selector && { selector }),
      ports: [{ name: 'rest', port, protocol: 'TCP', targetPort }],
    },
  }
}

type Ports = NonNullable<Service['spec']['ports']>

/**
 * What an apply of `desired` would change. Labels, annotations and ports that others added stay,
 * and do not count. The selector is one field: an apply replaces all of it. Source: Kubernetes API
 * reference, ServiceSpec.
 */
export function diffRestService(
  desired: ServiceManifest,
  live: Service | undefined,
): FieldDifference[] {
  const { metadata, spec } = desired
  const { ports = [] } = spec
  return [
    ...Object.entries(metadata.labels).flatMap(([key, value]) =>
      diffField(`metadata.labels.${key}`, live?.metadata.labels?.[key], value),
    ),
    ...diffAnnotations(metadata.annotations, live),
    ...diffField('spec.type', live && (live.spec.type ?? 'ClusterIP'), spec.type),
    ...diffField(
      'spec.selector',
      live && canonicalJson(live.spec.selector ?? {}),
      canonicalJson(spec.selector),
    ),
    ...diffField(
      'spec.ports',
      live && canonicalJson(selectPorts(describePorts(live.spec.ports), ports)),
      canonicalJson(ports),
    ),
  ]
}

/** Only the fields that this action sets: the API server adds others. */
const describePorts = (ports: Ports = []): Ports =>
  ports.map(({ name, port, protocol = 'TCP', targetPort }) => ({
    ...(name !== undefined && { name }),
    port,
    protocol,
    ...(targetPort !== undefined && { targetPort }),
  }))

/** An apply identifies a port by its number and protocol. */
const selectPorts = (ports: Ports, desired: Ports): Ports =>
  ports.filter((each) =>
    desired.some(({ port, protocol }) => port === each.port && protocol === each.protocol),
  )

/** Those that this action applied: it would own the others from now on. */
const ownedPorts = (service: Service): Ports =>
  describePorts(service.spec.ports).filter(({ port, protocol }) =>
    findFieldManagers(service, [
      'f:spec',
      'f:ports',
      `k:${canonicalJson({ port, protocol })}`,
    ]).some(({ manager, operation }) => manager === fieldManager && operation === 'Apply'),
  )

/** The manifest that restores a Service of this action: the previous values of what it sets. */
export function buildPreviousRestService(
  before: Service,
  desired: ServiceManifest,
): ServiceManifest {
  const { labels = {}, annotations = {} } = before.metadata
  const keep = (values: Readonly<Record<string, string>>, keys: readonly string[]) =>
    Object.fromEntries(Object.entries(values).filter(([key]) => keys.includes(key)))
  const ownedKeys = ownedAnnotations(before, fieldManager)
  return {
    ...desired,
    metadata: {
      ...desired.metadata,
      labels: keep(labels, Object.keys(desired.metadata.labels)),
      annotations: keep(annotations, [...ownedKeys, ...Object.keys(desired.metadata.annotations)]),
    },
    spec: {
      type: before.spec.type ?? 'ClusterIP',
      ...(before.spec.selector && { selector: before.spec.selector }),
      ports: ownedPorts(before),
    },
  }
}
