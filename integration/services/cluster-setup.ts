/**
 * What an EKS cluster has beyond its control plane: nodes, the load balancer controller's kinds and
 * rights, and the cloud's service controller.
 */
import { Informer, KubernetesClient } from '../../simulator/alb-controller/kubernetes-client.ts'
import type { KubernetesObject, Service } from '../../simulator/alb-controller/objects.ts'
import type { Processes } from '../process.ts'
import { waitUntil } from '../process.ts'
import type { LabPrograms } from '../setup.ts'
import { controllerUser, type ControlPlaneAccess } from './control-plane.ts'
import { respondsWithOk, reserveFreePorts } from '../../testing/ports.ts'

/** Objects that are created, by the path of their collection. */
type Objects = readonly (readonly [path: string, object: object])[]

const nodes: Objects = ['a', 'b'].map((zone) => [
  '/api/v1/nodes',
  {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: `node-${zone}`,
      annotations: { 'kwok.x-k8s.io/node': 'fake' },
      labels: {
        'kubernetes.io/hostname': `node-${zone}`,
        'kubernetes.io/os': 'linux',
        'kubernetes.io/arch': 'amd64',
        'topology.kubernetes.io/region': 'us-east-2',
        'topology.kubernetes.io/zone': `us-east-2${zone}`,
        // A real controller then looks for no network interface of the node
        // (load-balancer-controller.md, section 3).
        'eks.amazonaws.com/compute-type': 'hybrid',
      },
    },
    spec: { providerID: `aws:///us-east-2${zone}/i-0${zone.repeat(16)}` },
    status: {
      capacity: { cpu: '32', memory: '256Gi', pods: '110' },
      allocatable: { cpu: '32', memory: '256Gi', pods: '110' },
    },
  },
])

/**
 * Nothing makes volumes here: the chart's claims, which name no class, bind to those that there
 * are. Fake nodes mount none of them.
 */
const volumes: Objects = Array.from({ length: 64 }, (_, index) => [
  '/api/v1/persistentvolumes',
  {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: `volume-${index}` },
    spec: {
      capacity: { storage: '1Ti' },
      accessModes: ['ReadWriteOnce'],
      persistentVolumeReclaimPolicy: 'Retain',
      hostPath: { path: `/volumes/${index}` },
    },
  },
])

/**
 * A custom kind, of the load balancer controller unless said otherwise. Its schema takes
 * everything: its controller checks it.
 */
const kind = (
  name: string,
  plural: string,
  scope: 'Namespaced' | 'Cluster',
  [group, version] = ['elbv2.k8s.aws', 'v1beta1'],
): Objects[number] => [
  '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
  {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope,
      names: { kind: name, listKind: `${name}List`, plural, singular: name.toLowerCase() },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          subresources: { status: {} },
          schema: {
            openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
          },
        },
      ],
    },
  },
]

/** The stand-in's needs, as simulator/alb-controller/kubernetes-client.ts lists them. */
const buildPolicyRule = (apiGroups: string[], resources: string[], verbs: string[]): object => ({
  apiGroups,
  resources,
  verbs,
})
const controllerRole: Objects = [
  [
    '/apis/rbac.authorization.k8s.io/v1/clusterroles',
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: 'aws-load-balancer-controller' },
      rules: [
        buildPolicyRule(
          ['networking.k8s.io'],
          ['ingresses', 'ingressclasses'],
          ['get', 'list', 'watch', 'patch', 'update'],
        ),
        buildPolicyRule(['networking.k8s.io'], ['ingresses/status'], ['patch', 'update']),
        buildPolicyRule(
          [''],
          ['services', 'pods', 'nodes', 'namespaces', 'endpoints', 'secrets', 'configmaps'],
          ['get', 'list', 'watch'],
        ),
        buildPolicyRule([''], ['services/status', 'pods/status'], ['patch', 'update']),
        buildPolicyRule(['', 'events.k8s.io'], ['events'], ['create', 'patch']),
        buildPolicyRule(['discovery.k8s.io'], ['endpointslices'], ['get', 'list', 'watch']),
        buildPolicyRule(['elbv2.k8s.aws'], ['*'], ['*']),
        buildPolicyRule(['coordination.k8s.io'], ['leases'], ['*']),
      ],
    },
  ],
  [
    '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: 'aws-load-balancer-controller' },
      roleRef: {
        apiGroup: 'rbac.authorization.k8s.io',
        kind: 'ClusterRole',
        name: 'aws-load-balancer-controller',
      },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: controllerUser }],
    },
  ],
]

/** A namespace of a cluster that is in use. */
export interface ClusterNamespace {
  /** As the administrator. */
  readonly client: KubernetesClient
  /** Stops whatever makes pods ready, until the function that it returns is called. */
  holdPods(): () => void
  close(): Promise<void>
}

const createAdminClient = ({ url, ca, adminToken }: ControlPlaneAccess): KubernetesClient =>
  new KubernetesClient({ url, ca, token: adminToken })

/**
 * Furnishes a cluster; settles when a pod would run and the controller's kinds are served.
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

async function createClusterObjects(client: KubernetesClient): Promise<void> {
  const clusterObjects: Objects = [
    ...nodes,
    ...volumes,
    kind('TargetGroupBinding', 'targetgroupbindings', 'Namespaced'),
    kind('IngressClassParams', 'ingressclassparams', 'Cluster'),
    kind('ServiceMonitor', 'servicemonitors', 'Namespaced', ['monitoring.coreos.com', 'v1']),
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
    // Made by the controller manager for each namespace that an API server begins with.
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
  await waitUntil(isReady, (last) => new Error(`the cluster is not ready: ${String(last)}`))
  await Promise.all(
    ['targetgroupbindings', 'ingressclassparams'].map((plural) =>
      backdateEstablished(client, `${plural}.elbv2.k8s.aws`),
    ),
  )
}

/**
 * Makes the namespace in a furnished cluster, unless it is there.
 * @param kwok process id
 */
export async function openNamespace(
  { control, kwok, isRestored }: { control: ControlPlaneAccess; kwok: number; isRestored: boolean },
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
      // The next lab of this worker has the same KWOK.
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
 * Makes a kind an hour old: for two seconds after one is established, an API server holds up each
 * creation of its objects (apiextensions-apiserver, customresource_handler.go, justCreated), which
 * no cluster with a controller in it ever shows.
 */
async function backdateEstablished(client: KubernetesClient, name: string): Promise<void> {
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
    // Not from 127.0.0.0/8: EndpointSlices refuse that.
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
 * A stand-in for the cloud's service controller: helm waits until a Service of type LoadBalancer
 * has an address.
 */
function startServiceController(client: KubernetesClient): Informer<LoadBalancerService> {
  return new Informer<LoadBalancerService>(client, '/api/v1/services', (service) => {
    if (!service) return
    const needsAddress = service.spec?.type === 'LoadBalancer'
    const hasAddress = (service.status?.loadBalancer?.ingress ?? []).length > 0
    if (needsAddress === hasAddress) return
    const { name, namespace = '' } = (service as KubernetesObject).metadata
    const loadBalancer = {
      ingress: needsAddress ? [{ hostname: `${name}-classic.us-east-2.elb.amazonaws.com` }] : null,
    }
    // Gone by now, or changed by somebody: the informer then tells of that.
    client
      .patch(
        `/api/v1/namespaces/${namespace}/services/${name}/status?fieldManager=cloud-controller-manager`,
        { status: { loadBalancer } },
      )
      .catch(() => undefined)
  })
}
