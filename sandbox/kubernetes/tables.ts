/** Tables: what `kubectl get` prints are rows that the API made. */
import { at, fields, items, text, type Json, type JsonObject, type KubernetesObject } from './types.ts'

type Column = readonly [name: string, cell: (object: KubernetesObject) => string]

const age: Column = ['Age', ({ metadata }) => {
  const seconds = Math.floor((Date.now() - Date.parse(metadata.creationTimestamp ?? '')) / 1000)
  return seconds < 120 ? `${seconds}s` : `${Math.floor(seconds / 60)}m`
}]
const name: Column = ['Name', ({ metadata }) => metadata.name]

const hostnames = (object: KubernetesObject): string => items(at(object, 'status', 'loadBalancer', 'ingress')).map((entry) => text(at(entry, 'hostname')) || text(at(entry, 'ip'))).join(',')
const number = (value: Json | undefined): string => String(typeof value === 'number' ? value : 0)

const portCell = (port: Json): string => {
  const nodePort = at(port, 'nodePort')
  return `${number(at(port, 'port'))}${nodePort === undefined ? '' : `:${number(nodePort)}`}/${text(at(port, 'protocol'))}`
}

const columns: Readonly<Record<string, readonly Column[]>> = {
  Service: [
    ['Type', (service) => text(at(service, 'spec', 'type'))],
    ['Cluster-IP', (service) => text(at(service, 'spec', 'clusterIP'))],
    ['External-IP', (service) => hostnames(service) || (at(service, 'spec', 'type') === 'LoadBalancer' ? '<pending>' : '<none>')],
    ['Port(s)', (service) => items(at(service, 'spec', 'ports')).map(portCell).join(',')],
  ],
  Ingress: [
    ['Class', (ingress) => text(at(ingress, 'spec', 'ingressClassName')) || '<none>'],
    ['Hosts', (ingress) => items(at(ingress, 'spec', 'rules')).map((rule) => text(at(rule, 'host')) || '*').join(',') || '*'],
    ['Address', hostnames],
    // The API looks at spec.tls only: 80 although the listener is 443.
    ['Ports', (ingress) => (items(at(ingress, 'spec', 'tls')).length > 0 ? '80, 443' : '80')],
  ],
  Deployment: [
    ['Ready', (deployment) => `${number(at(deployment, 'status', 'readyReplicas'))}/${number(at(deployment, 'spec', 'replicas'))}`],
    ['Up-to-date', (deployment) => number(at(deployment, 'status', 'updatedReplicas'))],
    ['Available', (deployment) => number(at(deployment, 'status', 'availableReplicas'))],
  ],
  StatefulSet: [['Ready', (set) => `${number(at(set, 'status', 'readyReplicas'))}/${number(at(set, 'spec', 'replicas'))}`]],
  Job: [['Status', (job) => (items(at(job, 'status', 'conditions')).some((condition) => at(condition, 'type') === 'Complete') ? 'Complete' : 'Running')]],
  Pod: [
    ['Ready', (pod) => {
      const statuses = items(at(pod, 'status', 'containerStatuses'))
      return `${statuses.filter((status) => at(status, 'ready') === true).length}/${statuses.length}`
    }],
    ['Status', (pod) => text(at(pod, 'status', 'phase'))],
    ['Restarts', () => '0'],
  ],
  Namespace: [['Status', (namespace) => text(at(namespace, 'status', 'phase'))]],
  Event: [
    ['Last Seen', (event) => text(event['lastTimestamp'])], ['Type', (event) => text(event['type'])], ['Reason', (event) => text(event['reason'])],
    ['Object', (event) => `${text(at(event, 'involvedObject', 'kind')).toLowerCase()}/${text(at(event, 'involvedObject', 'name'))}`],
    ['Message', (event) => text(event['message'])],
  ],
}

/** Whether a client asks for a table first. */
export function wantsTable(accept: string): boolean {
  return accept.split(',').some((type) => /;\s*as=Table/.test(type) && /;\s*v=v1(;|$)/.test(type))
}

/** Whether a client asks for the metadata of a list's objects first, and for nothing else of them. */
export function wantsMetadata(accept: string): boolean {
  return /;\s*as=PartialObjectMetadataList/.test(accept.split(',')[0] ?? '')
}

/** The metadata of objects as a list. */
export function metadataList(objects: KubernetesObject[], metadata: JsonObject): JsonObject {
  const items = objects.map((object) => ({ kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: fields(object.metadata) }))
  return { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1', metadata, items }
}

/** Objects as a table; rows carry the objects' metadata. */
export function table(kind: string, objects: KubernetesObject[], metadata: JsonObject): JsonObject {
  const all: readonly Column[] = kind === 'Event' ? (columns['Event'] ?? []) : [name, ...(columns[kind] ?? []), age]
  return {
    kind: 'Table', apiVersion: 'meta.k8s.io/v1', metadata,
    columnDefinitions: all.map(([title]) => ({ name: title, type: 'string', format: title === 'Name' ? 'name' : '', description: '', priority: 0 })),
    rows: objects.map((object) => ({
      cells: all.map(([, cell]) => cell(object)),
      object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: fields(object.metadata) },
    })),
  }
}
