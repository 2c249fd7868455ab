/**
 * How a run reports each missing permission of those that the docs ship. Both the simulator and the
 * lab verify this.
 */

/**
 * A permission, which is an IAM action or `verb resource` of Kubernetes, and the failure without
 * it.
 */
export interface RequiredPermission {
  readonly permission: string
  readonly step: string
  readonly code: string
}

/** Without these, a run fails before it changes anything. The order is irrelevant. */
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

/** Kinds, besides Services, that a Milvus cluster contains with every option of the chart. */
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
 * Permissions on the objects of the release that the first upgrade of a Milvus cluster needs: it
 * removes Jobs, restarts etcd and waits for it.
 */
export const requiredForCluster = {
  /** Needed by every upgrade. */
  read: expandPermissions(['get'], [...clusterKinds, 'jobs']),
  /**
   * Determined by the preview of the upgrade. Helm 4 applies every object of its own releases and
   * watches every kind while it waits; Helm 3 patches only what changes.
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

/** Needed only after an earlier run. */
export const requiredForRedeploy: readonly RequiredPermission[] = [
  { permission: 'acm:GetCertificate', step: 'certificate', code: 'aws-access-denied' },
  { permission: 'acm:ListTagsForCertificate', step: 'certificate', code: 'aws-access-denied' },
]

/** Needed by mode destroy when there is something to remove. */
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
 * Permissions that the action can do without, and the note that it then reports; empty if users do
 * not need to know.
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

/** Without these, a check fails. */
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
 * Without these, a check cannot tell whether everything is as it should be, and reports what it
 * could not read.
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

/** Like requiredForDriftDetection, for an IngressClass with parameters. */
export const requiredForClassParamsDrift: typeof requiredForDriftDetection = [
  { permission: 'get ingressclassparams', unreadable: 'IngressClassParams' },
]

/** Used only to explain failures. */
export const optionalForCheck: readonly string[] = [
  'list endpointslices',
  'list targetgroupbindings',
  'get deployments',
]
