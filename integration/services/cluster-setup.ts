/**
 * Adds to a control plane what an EKS cluster has: nodes, the kinds and permissions of the load
 * balancer controller, and the cloud provider's service controller.
 */
import { Informer } from '../../simulator/alb-controller/informer.ts'
import type { KubernetesObject, Service } from '../../simulator/alb-controller/objects.ts'
import type { Processes } from '../process.ts'
import { MinimalKubernetesClient } from '../../testing/kubernetes-client.ts'
import { waitUntil } from '../../testing/wait.ts'
import type { LabPrograms } from '../setup.ts'
import { controllerRole, customKind, nodes, volumes, type Objects } from './cluster-objects.ts'
import type { ControlPlaneAccess } from './control-plane.ts'
import type { RunningCluster } from '../shared-cluster.ts'
import { respondsWithOk, reserveFreePorts } from '../../testing/ports.ts'

/** The namespace of a lab. */
export interface ClusterNamespace {
  /** With the permissions of the administrator. */
  readonly client: MinimalKubernetesClient
  /** Keeps pods unready until the returned function is called. */
  holdPods(): () => void
  close(): Promise<void>
}

const createAdminClient = ({ url, ca, adminToken }: ControlPlaneAccess): MinimalKubernetesClient =>
  new MinimalKubernetesClient({ url, ca, token: adminToken })

/**
 * Provisions a cluster. Resolves when pods can run and the controller's kinds are served.
 * @returns the process id of KWOK
 */
export async function provisionCluster(
  control: ControlPlaneAccess,
  settings: { programs: LabPrograms; processes: Processes },
): Promise<number> {
  const client = createAdminClient(control)
  try {
    const kwok = await startKwok(control, settings)
    await createClusterObjects(client)
    return kwok
  } finally {
    client.close()
  }
}

async function createClusterObjects(client: MinimalKubernetesClient): Promise<void> {
  const clusterObjects: Objects = [
    ...nodes,
    ...volumes,
    customKind('TargetGroupBinding', 'targetgroupbindings', 'Namespaced'),
    customKind('IngressClassParams', 'ingressclassparams', 'Cluster'),
    customKind('ServiceMonitor', 'servicemonitors', 'Namespaced', ['monitoring.coreos.com', 'v1']),
    ...controllerRole,
    [
      '/apis/networking.k8s.io/v1/ingressclasses',
      {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'IngressClass',
        metadata: { name: 'alb' },
        spec: { controller: 'ingress.k8s.aws/alb' },
      },
    ],
  ]
  await Promise.all(clusterObjects.map(([path, object]) => client.create(path, object)))
  const isReady = async (): Promise<boolean> => {
    await Promise.all(
      ['targetgroupbindings', 'ingressclassparams'].map((plural) =>
        client.get(`/apis/elbv2.k8s.aws/v1beta1/${plural}`),
      ),
    )
    await client.get('/apis/monitoring.coreos.com/v1/servicemonitors')
    const { items } = await client.get<{
      items: { status?: { conditions?: { type: string; status: string }[] } }[]
    }>('/api/v1/nodes')
    // The controller manager creates one in each initial namespace.
    const serviceAccounts = await client.get<{ items: unknown[] }>(
      '/api/v1/serviceaccounts?fieldSelector=metadata.name%3Ddefault',
    )
    return (
      serviceAccounts.items.length === 4 &&
      items.every(({ status }) =>
        status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True'),
      )
    )
  }
  await waitUntil(isReady, {
    createError: (last) => new Error(`The cluster is not ready: ${String(last)}`),
  })
  await Promise.all(
    ['targetgroupbindings', 'ingressclassparams'].map((plural) =>
      backdateEstablished(client, `${plural}.elbv2.k8s.aws`),
    ),
  )
}

/** Creates the namespace, unless it was restored. */
export async function openNamespace(
  { control, kwok, isRestored }: RunningCluster & { isRestored: boolean },
  name: string,
): Promise<ClusterNamespace> {
  const client = createAdminClient(control)
  if (!isRestored)
    await client.create('/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name },
    })
  const serviceInformer = startServiceController(client)
  await serviceInformer.ready
  let isPaused = false
  const resumePods = (): void => {
    if (isPaused) process.kill(kwok, 'SIGCONT')
    isPaused = false
  }
  return {
    client,
    holdPods: () => {
      process.kill(kwok, 'SIGSTOP')
      isPaused = true
      return resumePods
    },
    close: async () => {
      // The next lab of this worker uses the same KWOK process.
      resumePods()
      await serviceInformer.stop()
      client.close()
    },
  }
}

interface CustomResourceDefinition extends KubernetesObject {
  readonly status?: { readonly conditions?: readonly { readonly type: string }[] }
}

/**
 * Makes a kind one hour old. For two seconds after a kind is established, an API server delays the
 * creation of its objects (apiextensions-apiserver, customresource_handler.go, justCreated); in a
 * real cluster this time has long passed.
 */
async function backdateEstablished(client: MinimalKubernetesClient, name: string): Promise<void> {
  const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${name}`
  const { status } = await client.get<CustomResourceDefinition>(path)
  const lastTransitionTime = new Date(Date.now() - 3_600_000).toISOString().replace(/\.\d+/, '')
  await client.patch(`${path}/status`, {
    status: {
      conditions: (status?.conditions ?? []).map((condition) => ({
        ...condition,
        lastTransitionTime,
      })),
    },
  })
}

async function startKwok(
  control: ControlPlaneAccess,
  { programs, processes }: { programs: LabPrograms; processes: Processes },
): Promise<number> {
  const [port = 0] = await reserveFreePorts(1)
  const { pid } = await processes.start({
    name: 'kwok',
    command: programs.kwok,
    isReady: () => respondsWithOk(`http://127.0.0.1:${port}/healthz`),
    // EndpointSlices reject addresses in 127.0.0.0/8.
    args: [
      '--kubeconfig',
      control.kubeconfig,
      '--manage-all-nodes=true',
      '--cidr',
      '10.244.0.1/24',
      '--node-ip',
      '10.244.0.1',
      '--server-address',
      `127.0.0.1:${port}`,
      '--config',
      programs.kwokStages,
    ],
  })
  return pid
}

interface LoadBalancerService extends Service {
  readonly status?: { readonly loadBalancer?: { readonly ingress?: readonly unknown[] } }
}

/**
 * A substitute for the cloud provider's service controller: Helm waits until a Service of type
 * LoadBalancer has an address.
 */
function startServiceController(client: MinimalKubernetesClient): Informer<LoadBalancerService> {
  return new Informer<LoadBalancerService>(client, '/api/v1/services', (service) => {
    if (!service) return
    const needsAddress = service.spec?.type === 'LoadBalancer'
    const hasAddress = (service.status?.loadBalancer?.ingress ?? []).length > 0
    if (needsAddress === hasAddress) return
    const { name, namespace = '' } = (service as KubernetesObject).metadata
    const loadBalancer = {
      ingress: needsAddress ? [{ hostname: `${name}-classic.us-east-2.elb.amazonaws.com` }] : null,
    }
    const path = `/api/v1/namespaces/${namespace}/services/${name}/status`
    // If the Service was changed or deleted in the meantime, the informer reports it.
    client
      .patch(`${path}?fieldManager=cloud-controller-manager`, { status: { loadBalancer } })
      .catch(() => undefined)
  })
}
