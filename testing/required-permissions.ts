/**
 * What a run says when one of the permissions that docs ship is missing: the simulator and the lab
 * both hold the action to it.
 */

/** One permission: an IAM action, or `verb resource` of Kubernetes. */
export interface RequiredPermission {
  readonly permission: string
  readonly step: string
  readonly code: string
}

/** What fails before anything is changed, in any order. */
export const requiredPermissions: readonly RequiredPermission[] = [
  { permission: 'eks:DescribeCluster', step: 'preflight', code: 'aws-access-denied' },
  { permission: 'acm:ListCertificates', step: 'certificate', code: 'aws-access-denied' },
  ...[
    'get namespaces',
    'list services',
    'list events',
    'list ingresses',
    'list secrets',
    'get secrets',
    'create secrets',
    'update secrets',
    'get services',
    'patch services',
    'get deployments',
    'create ingresses',
    'patch ingresses',
    'get ingresses',
  ].map((permission) => ({ permission, step: 'preflight', code: 'cluster-forbidden' })),
  { permission: 'acm:ImportCertificate', step: 'certificate', code: 'aws-access-denied' },
  { permission: 'acm:AddTagsToCertificate', step: 'certificate', code: 'aws-access-denied' },
]

const expandPermissions = (verbs: readonly string[], resources: readonly string[]): string[] =>
  verbs.flatMap((verb) => resources.map((resource) => `${verb} ${resource}`))

/** Kinds that a Milvus cluster has, with every option of the chart, beside Services. */
const clusterKinds = [
  'configmaps',
  'serviceaccounts',
  'deployments',
  'statefulsets',
  'poddisruptionbudgets',
  'roles',
  'rolebindings',
  'horizontalpodautoscalers',
  'servicemonitors',
]

/**
 * What the first upgrade of a Milvus cluster needs of the objects of the release: it removes Jobs,
 * restarts etcd and waits for it.
 */
export const requiredForCluster = {
  /** Of every upgrade. */
  read: expandPermissions(['get'], [...clusterKinds, 'jobs']),
  /**
   * Found out by its preview. helm 4 applies every object of its own releases, and watches every
   * kind while it waits; helm 3 patches what changes.
   */
  write: {
    4: [
      'delete jobs',
      ...expandPermissions(['patch', 'list', 'watch'], [...clusterKinds, 'services']).filter(
        (permission) => permission !== 'list services',
      ),
      'list replicasets',
      'list pods',
    ],
    3: ['delete jobs', 'patch services', 'patch statefulsets', 'list replicasets'],
  },
} as const

/** What is needed only where an earlier run has been. */
export const requiredForRedeploy: readonly RequiredPermission[] = [
  { permission: 'acm:GetCertificate', step: 'certificate', code: 'aws-access-denied' },
  { permission: 'acm:ListTagsForCertificate', step: 'certificate', code: 'aws-access-denied' },
]

/** What mode destroy needs where there is something to remove. */
export const requiredForDestroy: readonly RequiredPermission[] = [
  ...['get namespaces', 'list ingresses', 'get ingresses', 'delete ingresses'].map(
    (permission) => ({ permission, step: 'preflight', code: 'cluster-forbidden' }),
  ),
  ...[
    'acm:ListCertificates',
    'acm:ListTagsForCertificate',
    'acm:GetCertificate',
    'acm:DeleteCertificate',
  ].map((permission) => ({ permission, step: 'certificate', code: 'aws-access-denied' })),
]

/**
 * What the action can do without, with the note that it then leaves; empty where nobody has to
 * know.
 */
export const optionalPermissions: readonly {
  readonly permission: string
  readonly note: string
}[] = [
  {
    permission: 'elasticloadbalancing:DescribeLoadBalancers',
    note: 'not allowed to describe load balancers',
  },
  { permission: 'ec2:DescribeSubnets', note: '' },
  ...[
    'DescribeListeners',
    'DescribeRules',
    'DescribeTargetGroups',
    'DescribeLoadBalancerAttributes',
  ].map((action) => ({
    permission: `elasticloadbalancing:${action}`,
    note: `elasticloadbalancing:${action}`,
  })),
  { permission: 'elasticloadbalancing:DescribeTargetHealth', note: '' },
  { permission: 'get ingressclasses', note: 'could not check IngressClass alb' },
  { permission: 'list endpointslices', note: '' },
  { permission: 'list targetgroupbindings', note: '' },
  ...['get leases', 'create leases', 'update leases'].map((permission) => ({
    permission,
    note: '',
  })),
  { permission: 'watch events', note: '' },
  { permission: 'watch ingresses', note: '' },
]

/** What a check does not go without. */
export const requiredForCheck: readonly RequiredPermission[] = [
  { permission: 'eks:DescribeCluster', step: 'preflight', code: 'aws-access-denied' },
  ...['acm:ListCertificates', 'acm:GetCertificate', 'acm:ListTagsForCertificate'].map(
    (permission) => ({ permission, step: 'certificate', code: 'aws-access-denied' }),
  ),
  ...['get namespaces', 'list services', 'list events', 'list ingresses'].map((permission) => ({
    permission,
    step: 'preflight',
    code: 'cluster-forbidden',
  })),
]

/**
 * Without these a check does not know whether all is as it should be, and says what it could not
 * see.
 */
export const requiredForDriftDetection: readonly {
  readonly permission: string
  readonly unreadable: string
}[] = [
  ...[
    'DescribeLoadBalancers',
    'DescribeListeners',
    'DescribeRules',
    'DescribeTargetGroups',
    'DescribeLoadBalancerAttributes',
    'DescribeTargetHealth',
  ].map((action) => ({
    permission: `elasticloadbalancing:${action}`,
    unreadable: `elasticloadbalancing:${action}`,
  })),
  { permission: 'acm:DescribeCertificate', unreadable: 'acm:DescribeCertificate' },
  { permission: 'get ingressclasses', unreadable: 'IngressClass alb' },
]

/** As these, when the class has parameters. */
export const requiredForClassParamsDrift: typeof requiredForDriftDetection = [
  { permission: 'get ingressclassparams', unreadable: 'IngressClassParams' },
]

/** What only explains failures. */
export const optionalForCheck: readonly string[] = [
  'list endpointslices',
  'list targetgroupbindings',
  'get deployments',
]
