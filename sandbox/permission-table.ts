/** What a run says when one of the permissions that docs ship is missing: the sandbox and the lab both hold the action to it. */

/** One permission: an IAM action, or `verb resource` of Kubernetes. */
export interface NeededPermission {
  readonly permission: string
  readonly step: string
  readonly code: string
}

/** In an order in which they can be met in one world: what fails before anything is changed comes first. */
export const neededPermissions: readonly NeededPermission[] = [
  { permission: 'eks:DescribeCluster', step: 'preflight', code: 'aws-access-denied' },
  { permission: 'acm:ListCertificates', step: 'certificate', code: 'aws-access-denied' },
  { permission: 'get namespaces', step: 'preflight', code: 'cluster-forbidden' },
  { permission: 'list services', step: 'preflight', code: 'cluster-forbidden' },
  { permission: 'list events', step: 'preflight', code: 'cluster-forbidden' },
  { permission: 'list ingresses', step: 'preflight', code: 'cluster-forbidden' },
  { permission: 'list secrets', step: 'preflight', code: 'cluster-forbidden' },
  { permission: 'get secrets', step: 'preflight', code: 'cluster-forbidden' },
  { permission: 'acm:ImportCertificate', step: 'certificate', code: 'aws-access-denied' },
  { permission: 'acm:AddTagsToCertificate', step: 'certificate', code: 'aws-access-denied' },
  { permission: 'create secrets', step: 'release', code: 'helm-upgrade-failed' },
  { permission: 'get services', step: 'release', code: 'helm-upgrade-failed' },
  { permission: 'patch services', step: 'release', code: 'helm-upgrade-failed' },
  { permission: 'create ingresses', step: 'ingress', code: 'cluster-forbidden' },
  { permission: 'patch ingresses', step: 'ingress', code: 'cluster-forbidden' },
  { permission: 'get ingresses', step: 'load-balancer', code: 'cluster-forbidden' },
  { permission: 'acm:GetCertificate', step: 'certificate', code: 'aws-access-denied' },
  { permission: 'acm:ListTagsForCertificate', step: 'certificate', code: 'aws-access-denied' },
]

/** What the action can do without, with the note that it then leaves; empty where nobody has to know. */
export const dispensablePermissions: readonly { readonly permission: string; readonly note: string }[] = [
  { permission: 'elasticloadbalancing:DescribeLoadBalancers', note: 'may not describe load balancers' },
  { permission: 'get ingressclasses', note: 'may not read IngressClass alb' },
  { permission: 'watch events', note: '' },
  { permission: 'watch ingresses', note: '' },
]
