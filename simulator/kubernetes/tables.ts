/** Tables: the API renders the rows that `kubectl get` prints. */
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
const nameColumn: Column = ['Name', ({ metadata }) => metadata.name]

const formatHostnames = (object: KubernetesObject): string =>
  asArray(getIn(object, 'status', 'loadBalancer', 'ingress'))
    .map((entry) => asString(getIn(entry, 'hostname')) || asString(getIn(entry, 'ip')))
    .join(',')
const formatNumber = (value: Json | undefined): string =>
  String(typeof value === 'number' ? value : 0)

function formatPort(port: Json): string {
  const nodePort = getIn(port, 'nodePort')
  const nodePortSuffix = nodePort === undefined ? '' : `:${formatNumber(nodePort)}`
  const protocol = asString(getIn(port, 'protocol'))
  return `${formatNumber(getIn(port, 'port'))}${nodePortSuffix}/${protocol}`
}

function formatExternalIp(service: KubernetesObject): string {
  const hostnames = formatHostnames(service)
  if (hostnames !== '') return hostnames
  return getIn(service, 'spec', 'type') === 'LoadBalancer' ? '<pending>' : '<none>'
}

function formatReadyReplicas(workload: KubernetesObject): string {
  const ready = formatNumber(getIn(workload, 'status', 'readyReplicas'))
  return `${ready}/${formatNumber(getIn(workload, 'spec', 'replicas'))}`
}

function formatJobStatus(job: KubernetesObject): string {
  const isComplete = asArray(getIn(job, 'status', 'conditions')).some(
    (condition) => getIn(condition, 'type') === 'Complete',
  )
  return isComplete ? 'Complete' : 'Running'
}

function formatReadyContainers(pod: KubernetesObject): string {
  const statuses = asArray(getIn(pod, 'status', 'containerStatuses'))
  const ready = statuses.filter((status) => getIn(status, 'ready') === true)
  return `${ready.length}/${statuses.length}`
}

function formatInvolvedObject(event: KubernetesObject): string {
  const kind = asString(getIn(event, 'involvedObject', 'kind')).toLowerCase()
  return `${kind}/${asString(getIn(event, 'involvedObject', 'name'))}`
}

const columns: Readonly<Record<string, readonly Column[]>> = {
  Service: [
    ['Type', (service) => asString(getIn(service, 'spec', 'type'))],
    ['Cluster-IP', (service) => asString(getIn(service, 'spec', 'clusterIP'))],
    ['External-IP', formatExternalIp],
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
    // The API considers only spec.tls: it prints 80 although the listener is on 443.
    ['Ports', (ingress) => (asArray(getIn(ingress, 'spec', 'tls')).length > 0 ? '80, 443' : '80')],
  ],
  Deployment: [
    ['Ready', formatReadyReplicas],
    ['Up-to-date', (deployment) => formatNumber(getIn(deployment, 'status', 'updatedReplicas'))],
    ['Available', (deployment) => formatNumber(getIn(deployment, 'status', 'availableReplicas'))],
  ],
  StatefulSet: [['Ready', formatReadyReplicas]],
  Job: [['Status', formatJobStatus]],
  Pod: [
    ['Ready', formatReadyContainers],
    ['Status', (pod) => asString(getIn(pod, 'status', 'phase'))],
    ['Restarts', () => '0'],
  ],
  Namespace: [['Status', (namespace) => asString(getIn(namespace, 'status', 'phase'))]],
  Event: [
    ['Last Seen', (event) => asString(event['lastTimestamp'])],
    ['Type', (event) => asString(event['type'])],
    ['Reason', (event) => asString(event['reason'])],
    ['Object', formatInvolvedObject],
    ['Message', (event) => asString(event['message'])],
  ],
}

/** Whether a client accepts a table. */
export function prefersTable(accept: string): boolean {
  return accept.split(',').some((type) => /;\s*as=Table/.test(type) && /;\s*v=v1(;|$)/.test(type))
}

/** Whether a client prefers a list with only the metadata of the objects. */
export function prefersMetadata(accept: string): boolean {
  return /;\s*as=PartialObjectMetadataList/.test(accept.split(',')[0] ?? '')
}

/** A list with only the metadata of objects. */
export function toMetadataList(objects: KubernetesObject[], metadata: JsonObject): JsonObject {
  const items = objects.map((object) => ({
    kind: 'PartialObjectMetadata',
    apiVersion: 'meta.k8s.io/v1',
    metadata: asObject(object.metadata),
  }))
  return { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1', metadata, items }
}

/** Objects as a table. Each row contains the metadata of its object. */
export function toTable(
  kind: string,
  objects: KubernetesObject[],
  metadata: JsonObject,
): JsonObject {
  const kindColumns = columns[kind] ?? []
  const tableColumns = kind === 'Event' ? kindColumns : [nameColumn, ...kindColumns, ageColumn]
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
