/** The objects that an EKS cluster contains in addition to those of its control plane. */
import { controllerUser } from './control-plane.ts'

/** Objects to create, with the paths of their collections. */
export type Objects = readonly (readonly [path: string, object: object])[]

export const nodes: Objects = ['a', 'b'].map((zone) => [
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
        // A real controller does not look up the network interface of such a node.
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
 * Volumes for the chart's claims, which specify no class. Nothing provisions volumes here, and fake
 * nodes do not mount them.
 */
export const volumes: Objects = Array.from({ length: 64 }, (_, index) => [
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

/** The definition of a custom kind, by default one of the load balancer controller. */
export const customKind = (
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

const buildPolicyRule = (apiGroups: string[], resources: string[], verbs: string[]): object => ({
  apiGroups,
  resources,
  verbs,
})
/** The permissions of the controller as listed in simulator/alb-controller/controller.ts. */
export const controllerRole: Objects = [
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
