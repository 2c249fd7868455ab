/** IAM roles that are allowed exactly what the shipped policies and RBAC roles allow. */
import { randomUUID } from 'node:crypto'
import type { Aws } from './aws/server.ts'
import type { AwsCredential } from './aws/service.ts'
import type { KubernetesApi } from './kubernetes/api.ts'
import {
  isAllowedByPolicy,
  createRbacAuthorizer,
  rbacGroupOf,
  loadIamPolicy,
  loadRbacObjects,
  type PermissionSet,
} from '../testing/shipped-permissions.ts'

/** Where the role is created. */
export interface RoleContext {
  readonly aws: Aws
  readonly kubernetes: KubernetesApi
  readonly cluster: string
}

/**
 * Creates a role and assumes it.
 * @param excludedPermissions permissions of the set that the role lacks
 */
export function assumeRole(
  { aws, kubernetes, cluster }: RoleContext,
  excludedPermissions?: string,
  permissionSet: PermissionSet = 'deploy',
): AwsCredential {
  const { account, region } = aws.state
  const roleName = `action-${aws.credentials.length}`
  const role: AwsCredential = {
    accessKeyId: `ASIA${String(aws.credentials.length).padStart(16, '0')}`,
    secretAccessKey: randomUUID(),
    sessionToken: randomUUID(),
    principalArn: `arn:aws:sts::${account}:assumed-role/${roleName}/run`,
  }
  aws.credentials.push(role)
  const policy = loadIamPolicy({ region, account, cluster }, excludedPermissions, permissionSet)
  const authorizeByIam = aws.authorize
  aws.authorize = (principal, action, resource, tags) =>
    principal === role.principalArn
      ? isAllowedByPolicy(policy, action, resource, tags)
      : authorizeByIam(principal, action, resource, tags)
  const authorizeByRbac = kubernetes.options.authorize
  const authorizeRole = createRbacAuthorizer(loadRbacObjects(excludedPermissions, permissionSet))
  kubernetes.options.authorize = (identity, attributes) => {
    const authorize = identity.username === roleName ? authorizeRole : authorizeByRbac
    return authorize(identity, attributes)
  }
  const accessEntry = { username: roleName, groups: [rbacGroupOf(permissionSet)] }
  aws.accessEntries = new Map([
    ...(aws.accessEntries ?? []),
    [`arn:aws:iam::${account}:role/${roleName}`, accessEntry],
  ])
  return role
}
