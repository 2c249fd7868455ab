/** Endpoints and EndpointSlices of Services with a selector. */
import { randomUUID } from 'node:crypto'
import {
  createOrUpdate,
  buildControllerReference,
  type ReconcileContext,
} from './controller-context.ts'
import { isPodReady } from './pods.ts'
import { getResource } from './resources.ts'
import {
  getIn,
  asObject,
  asArray,
  asString,
  type Json,
  type JsonObject,
  type KubernetesObject,
} from './types.ts'

const managedByLabel = 'endpointslice.kubernetes.io/managed-by'
const controllerName = 'endpointslice-controller.k8s.io'

/** Updates the endpoints of every Service. */
export function reconcileEndpoints(context: ReconcileContext): void {
  const { store } = context.registry
  for (const service of store.list(getResource('Service'))) {
    const selector = Object.entries(asObject(getIn(service, 'spec', 'selector')))
    if (selector.length === 0) continue
    const pods = store
      .list(getResource('Pod'), service.metadata.namespace)
      .filter(hasAddress)
      .filter((pod) => selector.every(([label, value]) => pod.metadata.labels?.[label] === value))
    const ports = asArray(getIn(service, 'spec', 'ports')).flatMap((port) =>
      resolveEndpointPort(port, pods[0]),
    )
    updateEndpointSlice(context, service, pods, ports)
    updateEndpoints(context, service, pods, ports)
  }
  deleteOrphanedEndpoints(context)
}

const hasAddress = (pod: KubernetesObject): boolean =>
  pod.metadata.deletionTimestamp === undefined && asString(getIn(pod, 'status', 'podIP')) !== ''

function deleteOrphanedEndpoints({ registry }: ReconcileContext): void {
  const resource = getResource('Endpoints')
  for (const endpoints of registry.store.list(resource)) {
    const { namespace = '', name, labels } = endpoints.metadata
    const isManaged = labels?.[managedByLabel] === controllerName
    if (isManaged && !registry.store.get(getResource('Service'), namespace, name))
      registry.delete({ resource, namespace, name })
  }
}

/** The pods' port behind a Service's port, which names it by number or by container port name. */
function resolveEndpointPort(port: Json, pod: KubernetesObject | undefined): JsonObject[] {
  const { name, protocol, targetPort } = asObject(port)
  const portNumber =
    typeof targetPort === 'number' ? targetPort : findContainerPort(pod, asString(targetPort))
  return portNumber === undefined ? [] : [{ name: name ?? '', port: portNumber, protocol }]
}

function findContainerPort(pod: KubernetesObject | undefined, name: string): Json | undefined {
  const ports = asArray(getIn(pod, 'spec', 'containers')).flatMap((container) =>
    asArray(getIn(container, 'ports')),
  )
  return getIn(
    ports.find((port) => getIn(port, 'name') === name),
    'containerPort',
  )
}

const buildTargetReference = (pod: KubernetesObject): JsonObject => ({
  kind: 'Pod',
  namespace: pod.metadata.namespace,
  name: pod.metadata.name,
  uid: pod.metadata.uid,
})

function updateEndpointSlice(
  context: ReconcileContext,
  service: KubernetesObject,
  pods: KubernetesObject[],
  ports: JsonObject[],
): void {
  const { name, namespace = '', labels } = service.metadata
  const existingSlice = context.registry.store
    .list(getResource('EndpointSlice'), namespace)
    .find(
      (each) =>
        each.metadata.labels?.['kubernetes.io/service-name'] === name &&
        each.metadata.labels[managedByLabel] === controllerName,
    )
  createOrUpdate(context, {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    addressType: 'IPv4',
    ports: pods.length > 0 ? ports : [],
    metadata: {
      name: existingSlice?.metadata.name ?? `${name}-${randomUUID().slice(0, 5)}`,
      namespace,
      ownerReferences: [buildControllerReference(service)],
      labels: { ...labels, 'kubernetes.io/service-name': name, [managedByLabel]: controllerName },
    },
    endpoints: pods.map((pod) => ({
      addresses: [asString(getIn(pod, 'status', 'podIP'))],
      conditions: { ready: isPodReady(pod), serving: isPodReady(pod), terminating: false },
      nodeName: 'simulator-node',
      zone: 'us-east-2a',
      targetRef: buildTargetReference(pod),
    })),
  })
}

function updateEndpoints(
  context: ReconcileContext,
  service: KubernetesObject,
  pods: KubernetesObject[],
  ports: JsonObject[],
): void {
  const { name, namespace = '', labels } = service.metadata
  const toEndpointAddress = (pod: KubernetesObject): JsonObject => ({
    ip: asString(getIn(pod, 'status', 'podIP')),
    nodeName: 'simulator-node',
    targetRef: buildTargetReference(pod),
  })
  const ready = pods.filter(isPodReady).map(toEndpointAddress)
  const unready = pods.filter((pod) => !isPodReady(pod)).map(toEndpointAddress)
  const subset: JsonObject = { ports }
  if (ready.length > 0) subset['addresses'] = ready
  if (unready.length > 0) subset['notReadyAddresses'] = unready
  createOrUpdate(context, {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { name, namespace, labels: { ...labels, [managedByLabel]: controllerName } },
    subsets: pods.length > 0 ? [subset] : [],
  })
}
