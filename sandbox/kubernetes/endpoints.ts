/** Endpoints and EndpointSlices of Services with a selector. */
import { randomUUID } from 'node:crypto'
import { ensure, ownerReference, type Pass } from './controllers.ts'
import { isReady } from './pods.ts'
import { resourceOf } from './resources.ts'
import { at, fields, items, text, type Json, type JsonObject, type KubernetesObject } from './types.ts'

const managedBy = 'endpointslice.kubernetes.io/managed-by'
const controller = 'endpointslice-controller.k8s.io'

/** Brings every Service's endpoints up to date. */
export function reconcileEndpoints(pass: Pass): void {
  const { store } = pass.registry
  const services = store.list(resourceOf('Service'))
  for (const service of services) {
    const selector = Object.entries(fields(at(service, 'spec', 'selector')))
    if (selector.length === 0) continue
    const pods = store.list(resourceOf('Pod'), service.metadata.namespace)
      .filter((pod) => pod.metadata.deletionTimestamp === undefined && text(at(pod, 'status', 'podIP')) !== '')
      .filter((pod) => selector.every(([label, value]) => pod.metadata.labels?.[label] === value))
    const ports = items(at(service, 'spec', 'ports')).flatMap((port) => endpointPort(port, pods[0]))
    ensureSlice(pass, service, pods, ports)
    ensureEndpoints(pass, service, pods, ports)
  }
  for (const endpoints of store.list(resourceOf('Endpoints'))) {
    const { namespace = '', name, labels } = endpoints.metadata
    if (labels?.[managedBy] === controller && !store.get(resourceOf('Service'), namespace, name)) pass.registry.delete(resourceOf('Endpoints'), namespace, name)
  }
}

/** A Service's port as the pods have it: by number, or by the name of a container's port. */
function endpointPort(port: Json, pod: KubernetesObject | undefined): JsonObject[] {
  const { name, protocol, targetPort } = fields(port)
  const found = typeof targetPort === 'number' ? targetPort : containerPort(pod, text(targetPort))
  return found === undefined ? [] : [{ name: name ?? '', port: found, protocol }]
}

function containerPort(pod: KubernetesObject | undefined, name: string): Json | undefined {
  const ports = items(at(pod, 'spec', 'containers')).flatMap((container) => items(at(container, 'ports')))
  return at(ports.find((port) => at(port, 'name') === name), 'containerPort')
}

const target = (pod: KubernetesObject): JsonObject => ({ kind: 'Pod', namespace: pod.metadata.namespace, name: pod.metadata.name, uid: pod.metadata.uid })

function ensureSlice(pass: Pass, service: KubernetesObject, pods: KubernetesObject[], ports: JsonObject[]): void {
  const { name, namespace = '', labels } = service.metadata
  const slice = pass.registry.store.list(resourceOf('EndpointSlice'), namespace)
    .find((each) => each.metadata.labels?.['kubernetes.io/service-name'] === name && each.metadata.labels[managedBy] === controller)
  ensure(pass, {
    apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', addressType: 'IPv4', ports: pods.length > 0 ? ports : [],
    metadata: {
      name: slice?.metadata.name ?? `${name}-${randomUUID().slice(0, 5)}`, namespace, ownerReferences: [ownerReference(service)],
      labels: { ...labels, 'kubernetes.io/service-name': name, [managedBy]: controller },
    },
    endpoints: pods.map((pod) => ({
      addresses: [text(at(pod, 'status', 'podIP'))], conditions: { ready: isReady(pod), serving: isReady(pod), terminating: false },
      nodeName: 'sandbox-node', zone: 'us-east-2a', targetRef: target(pod),
    })),
  })
}

function ensureEndpoints(pass: Pass, service: KubernetesObject, pods: KubernetesObject[], ports: JsonObject[]): void {
  const { name, namespace = '', labels } = service.metadata
  const address = (pod: KubernetesObject): JsonObject => ({ ip: text(at(pod, 'status', 'podIP')), nodeName: 'sandbox-node', targetRef: target(pod) })
  const [ready, unready] = [pods.filter(isReady).map(address), pods.filter((pod) => !isReady(pod)).map(address)]
  const subset = { ...(ready.length > 0 ? { addresses: ready } : {}), ...(unready.length > 0 ? { notReadyAddresses: unready } : {}), ports }
  ensure(pass, { apiVersion: 'v1', kind: 'Endpoints', metadata: { name, namespace, labels: { ...labels, [managedBy]: controller } }, subsets: pods.length > 0 ? [subset] : [] })
}
