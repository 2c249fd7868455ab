/** The permissions that docs/permissions ships, as both worlds enforce them. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadAll } from 'js-yaml'
import type { Authorize } from '../simulator/kubernetes/api.ts'
import { repositoryRoot } from './environment.ts'

/** A policy document of IAM. */
export interface IamPolicy {
  readonly Version: string
  readonly Statement: readonly IamStatement[]
}

/** One statement of it, without conditions: docs ship none. */
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

/** The shipped sets: for a run that deploys, and for a check. */
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

/** The group that the roles of a set are bound to. */
export const rbacGroupOf = (permissionSet: PermissionSet): string =>
  permissionFiles[permissionSet].group

const readShippedFile = (name: string): string =>
  readFileSync(join(repositoryRoot, 'docs/permissions', name), 'utf8')

/**
 * The policy of a set for an account, but for one action.
 * @throws Error when it has come to use what is not evaluated here
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

/** Whether a policy allows an action on a resource (an ARN, or `*` for actions that know none). */
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
 * The roles of a set.
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
 * What those roles let a user do who is in their group; reviews of one's own access are
 * everybody's.
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
