/** The permissions shipped in docs/permissions, as both test environments enforce them. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadAll } from 'js-yaml'
import type { Authorize } from '../simulator/kubernetes/api.ts'
import { repositoryRoot } from './environment.ts'

/** An IAM policy document. */
export interface IamPolicy {
  readonly Version: string
  readonly Statement: readonly IamStatement[]
}

/** A statement of a policy. The shipped ones have no conditions. */
export interface IamStatement {
  readonly Sid?: string
  readonly Effect: string
  readonly Action: string | readonly string[]
  readonly Resource: string | readonly string[]
}

/** An object of rbac.yaml; only roles have rules. */
export interface RbacObject {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string }
  readonly rules?: readonly RbacRule[]
}

interface RbacRule {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly resourceNames?: readonly string[]
  readonly verbs: readonly string[]
}

/** The shipped permission sets: for a deployment, and for a check. */
export type PermissionSet = 'deploy' | 'check'

const permissionFiles: Readonly<
  Record<PermissionSet, { readonly policy: string; readonly rbac: string; readonly group: string }>
> = {
  deploy: { policy: 'iam-policy.json', rbac: 'rbac.yaml', group: 'milvus-alb-action' },
  check: {
    policy: 'iam-policy-check.json',
    rbac: 'rbac-check.yaml',
    group: 'milvus-alb-action-check',
  },
}

/** The group to which the roles of a permission set are bound. */
export const rbacGroupOf = (permissionSet: PermissionSet): string =>
  permissionFiles[permissionSet].group

const readShippedFile = (name: string): string =>
  readFileSync(join(repositoryRoot, 'docs/permissions', name), 'utf8')

/**
 * Loads the IAM policy of a permission set for an account.
 * @param excluded an action to leave out
 * @throws Error when the policy uses a feature that is not evaluated here
 */
export function loadIamPolicy(
  location: { region: string; account: string; cluster: string },
  excluded = '',
  permissionSet: PermissionSet = 'deploy',
): IamPolicy {
  const text = readShippedFile(permissionFiles[permissionSet].policy)
    .replaceAll('REGION', location.region)
    .replaceAll('ACCOUNT', location.account)
    .replaceAll('CLUSTER', location.cluster)
  const policy = JSON.parse(text) as IamPolicy
  for (const statement of policy.Statement) {
    const unsupportedKeys = Object.keys(statement).filter(
      (key) => !['Sid', 'Effect', 'Action', 'Resource'].includes(key),
    )
    const unsupported = unsupportedKeys.join(', ') || statement.Effect
    if (unsupported !== 'Allow')
      throw new Error(
        `${permissionFiles[permissionSet].policy}: statement ${statement.Sid ?? ''} ` +
          `uses ${unsupported}, which the test environments do not evaluate.`,
      )
  }
  const statements = policy.Statement.map((statement) => ({
    ...statement,
    Action: [statement.Action].flat().filter((action) => action !== excluded),
  }))
  return { ...policy, Statement: statements.filter(({ Action }) => Action.length > 0) }
}

/**
 * Whether a policy allows an action on a resource (an ARN, or `*` for actions without
 * resource-level permissions).
 */
export function isAllowedByPolicy(policy: IamPolicy, action: string, resource: string): boolean {
  return policy.Statement.some(
    ({ Action, Resource }) =>
      [Action].flat().includes(action) &&
      [Resource].flat().some((each) => toResourcePattern(each).test(resource)),
  )
}

const toResourcePattern = (resource: string): RegExp =>
  new RegExp(
    `^${resource
      .split('*')
      .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
      .join('.*')}$`,
  )

/**
 * Loads the RBAC objects of a permission set.
 * @param excluded the `verb resource` to leave out; commas separate several
 */
export function loadRbacObjects(
  excluded = '',
  permissionSet: PermissionSet = 'deploy',
): RbacObject[] {
  const excludedPermissions = new Set(excluded.split(', '))
  const reduceRule = (rule: RbacRule): RbacRule[] =>
    rule.resources.map((name) => ({
      ...rule,
      resources: [name],
      verbs: rule.verbs.filter((verb) => !excludedPermissions.has(`${verb} ${name}`)),
    }))
  return (loadAll(readShippedFile(permissionFiles[permissionSet].rbac)) as RbacObject[]).map(
    (object) => ({
      ...object,
      ...(object.rules && {
        rules: object.rules.flatMap(reduceRule).filter(({ verbs }) => verbs.length > 0),
      }),
    }),
  )
}

/**
 * Authorizes what the roles allow to a user of their group. Any user may review their own access.
 */
export function createRbacAuthorizer(objects: readonly RbacObject[]): Authorize {
  const grants = objects.flatMap(({ rules = [], metadata }) =>
    rules.flatMap((rule) =>
      rule.apiGroups.flatMap((group) =>
        rule.resources.flatMap((resource) =>
          rule.verbs.map((verb) => ({
            group,
            resource,
            verb,
            names: rule.resourceNames,
            namespace: metadata.namespace ?? '',
          })),
        ),
      ),
    ),
  )
  return (_identity, { verb, group, resource, namespace, name }) =>
    group === 'authorization.k8s.io' ||
    grants.some(
      (grant) =>
        grant.verb === verb &&
        grant.group === group &&
        grant.resource === resource &&
        (grant.namespace === '' || grant.namespace === namespace || resource === 'namespaces') &&
        (!grant.names || grant.names.includes(name)),
    )
}
