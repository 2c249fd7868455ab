/** Tables: what `kubectl get` prints are rows that the API made. */
import {
  getIn,
  asObject,
  asArray,
  asString,
  type Json,
  type JsonObject,
  type KubernetesObject,
} from './types.ts'

type Column = readonly [name: string, cell: (object: KubernetesObject) => string]

const ageColumn: Column = [
  'Age',
  ({ metadata }) => {
    const seconds = Math.floor((Date.now() - Date.parse(metadata.creationTimestamp ?? '')) / 1000)
    return seconds < 120 ? `${seconds}s` : `${Math.floor(seconds / 60)}m`
  },
]
const name: Column = ['Name', ({ metadata }) => metadata.name]

const formatHostnames = (object: KubernetesObject): string =>
  asArray(getIn(object, 'status', 'loadBalancer', 'ingress'))
    .map((entry) => asString(getIn(entry, 'hostname')) || asString(getIn(entry, 'ip')))
    .join(',')
const formatNumber = (value: Json | undefined): string =>
  String(typeof value === 'number' ? value : 0)

const formatPort = (port: Json): string => {
  const nodePort = getIn(port, 'nodePort')
  return `${formatNumber(getIn(port, 'port'))}${nodePort === undefined ? '' : `:${formatNumber(nodePort)}`}/${asString(getIn(port, 'protocol'))}`
}

const columns: Readonly<Record<string, readonly Column[]>> = {
  Service: [
    ['Type', (service) => asString(getIn(service, 'spec', 'type'))],
    ['Cluster-IP', (service) => asString(getIn(service, 'spec', 'clusterIP'))],
    [
      'External-IP',
      (service) =>
        formatHostnames(service) ||
        (getIn(service, 'spec', 'type') === 'LoadBalancer' ? '<pending>' : '<none>'),
    ],
    [
      'Port(s)',
      (service) =>
        asArray(getIn(service, 'spec', 'ports'))
          .map(formatPort)
          .join(','),
    ],
  ],
  Ingress: [
    ['Class', (ingress) => asString(getIn(ingress, 'spec', 'ingressClassName')) || '<none>'],
    [
      'Hosts',
      (ingress) =>
        asArray(getIn(ingress, 'spec', 'rules'))
          .map((rule) => asString(getIn(rule, 'host')) || '*')
          .join(',') || '*',
    ],
    ['Address', formatHostnames],
    // The API looks at spec.tls only: 80 although the listener is 443.
    ['Ports', (ingress) => (asArray(getIn(ingress, 'spec', 'tls')).length > 0 ? '80, 443' : '80')],
  ],
  Deployment: [
    [
      'Ready',
      (deployment) =>
        `${formatNumber(getIn(deployment, 'status', 'readyReplicas'))}/${formatNumber(getIn(deployment, 'spec', 'replicas'))}`,
    ],
    ['Up-to-date', (deployment) => formatNumber(getIn(deployment, 'status', 'updatedReplicas'))],
    ['Available', (deployment) => formatNumber(getIn(deployment, 'status', 'availableReplicas'))],
  ],
  StatefulSet: [
    [
      'Ready',
      (set) =>
        `${formatNumber(getIn(set, 'status', 'readyReplicas'))}/${formatNumber(getIn(set, 'spec', 'replicas'))}`,
    ],
  ],
  Job: [
    [
      'Status',
      (job) =>
        asArray(getIn(job, 'status', 'conditions')).some(
          (condition) => getIn(condition, 'type') === 'Complete',
        )
          ? 'Complete'
          : 'Running',
    ],
  ],
  Pod: [
    [
      'Ready',
      (pod) => {
        const statuses = asArray(getIn(pod, 'status', 'containerStatuses'))
        return `${statuses.filter((status) => getIn(status, 'ready') === true).length}/${statuses.length}`
      },
    ],
    ['Status', (pod) => asString(getIn(pod, 'status', 'phase'))],
    ['Restarts', () => '0'],
  ],
  Namespace: [['Status', (namespace) => asString(getIn(namespace, 'status', 'phase'))]],
  Event: [
    ['Last Seen', (event) => asString(event['lastTimestamp'])],
    ['Type', (event) => asString(event['type'])],
    ['Reason', (event) => asString(event['reason'])],
    [
      'Object',
      (event) =>
        `${asString(getIn(event, 'involvedObject', 'kind')).toLowerCase()}/${asString(getIn(event, 'involvedObject', 'name'))}`,
    ],
    ['Message', (event) => asString(event['message'])],
  ],
}

/** Whether a client asks for a table first. */
export function prefersTable(accept: string): boolean {
  return accept.split(',').some((type) => /;\s*as=Table/.test(type) && /;\s*v=v1(;|$)/.test(type))
}

/**
 * Whether a client asks for the metadata of a list's objects first, and for nothing else of them.
 */
export function prefersMetadata(accept: string): boolean {
  return /;\s*as=PartialObjectMetadataList/.test(accept.split(',')[0] ?? '')
}

/** The metadata of objects as a list. */
export function toMetadataList(objects: KubernetesObject[], metadata: JsonObject): JsonObject {
  const items = objects.map((object) => ({
    kind: 'PartialObjectMetadata',
    apiVersion: 'meta.k8s.io/v1',
    metadata: asObject(object.metadata),
  }))
  return { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1', metadata, items }
}

/** Objects as a table; rows carry the objects' metadata. */
export function toTable(
  kind: string,
  objects: KubernetesObject[],
  metadata: JsonObject,
): JsonObject {
  const tableColumns: readonly Column[] =
    kind === 'Event' ? (columns['Event'] ?? []) : [name, ...(columns[kind] ?? []), ageColumn]
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata,
    columnDefinitions: tableColumns.map(([title]) => ({
      name: title,
      type: 'string',
      format: title === 'Name' ? 'name' : '',
      description: '',
      priority: 0,
    })),
    rows: objects.map((object) => ({
      cells: tableColumns.map(([, cell]) => cell(object)),
      object: {
        kind: 'PartialObjectMetadata',
        apiVersion: 'meta.k8s.io/v1',
        metadata: asObject(object.metadata),
      },
    })),
  }
}
