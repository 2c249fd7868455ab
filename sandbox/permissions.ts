/** The permissions that docs/permissions ships, as both worlds enforce them. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadAll } from 'js-yaml'
import type { Authorize } from './kubernetes/api.ts'
import { repository } from './world.ts'

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

const sets: Readonly<Record<PermissionSet, { readonly policy: string; readonly roles: string; readonly group: string }>> = {
  deploy: { policy: 'iam-policy.json', roles: 'rbac.yaml', group: 'milvus-alb-action' },
  check: { policy: 'iam-policy-check.json', roles: 'rbac-check.yaml', group: 'milvus-alb-action-check' },
}

/** The group that the roles of a set are bound to. */
export const groupOf = (set: PermissionSet): string => sets[set].group

const shipped = (name: string): string => readFileSync(join(repository, 'docs/permissions', name), 'utf8')

/** The policy of a set for an account, but for one action. @throws Error when it has come to use what is not evaluated here */
export function shippedPolicy(place: { region: string; account: string; cluster: string }, without = '', set: PermissionSet = 'deploy'): IamPolicy {
  const text = shipped(sets[set].policy).replaceAll('REGION', place.region).replaceAll('ACCOUNT', place.account).replaceAll('CLUSTER', place.cluster)
  const policy = JSON.parse(text) as IamPolicy
  for (const statement of policy.Statement) {
    const unknown = Object.keys(statement).filter((key) => !['Sid', 'Effect', 'Action', 'Resource'].includes(key))
    if (unknown.length > 0 || statement.Effect !== 'Allow') throw new Error(`${sets[set].policy}: ${statement.Sid ?? ''} has what nobody here evaluates: ${unknown.join(', ') || statement.Effect}`)
  }
  const statements = policy.Statement.map((statement) => ({ ...statement, Action: [statement.Action].flat().filter((action) => action !== without) }))
  return { ...policy, Statement: statements.filter(({ Action }) => Action.length > 0) }
}

/** Whether a policy allows an action on a resource (an ARN, or `*` for actions that know none). */
export function allows(policy: IamPolicy, action: string, resource: string): boolean {
  return policy.Statement.some(({ Action, Resource }) => [Action].flat().includes(action) && [Resource].flat().some((each) => pattern(each).test(resource)))
}

const pattern = (resource: string): RegExp => new RegExp(`^${resource.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`)

/** The roles of a set. @param without the `verb resource` to leave out; commas separate several */
export function shippedRoles(without = '', set: PermissionSet = 'deploy'): RbacObject[] {
  const removed = new Set(without.split(', '))
  const reduced = (rule: RbacRule): RbacRule[] => rule.resources.map((name) => ({ ...rule, resources: [name], verbs: rule.verbs.filter((verb) => !removed.has(`${verb} ${name}`)) }))
  return (loadAll(shipped(sets[set].roles)) as RbacObject[]).map((object) => ({
    ...object, ...(object.rules && { rules: object.rules.flatMap(reduced).filter(({ verbs }) => verbs.length > 0) }),
  }))
}

/** What those roles let a user do who is in their group; reviews of one's own access are everybody's. */
export function authorizer(objects: readonly RbacObject[]): Authorize {
  const grants = objects.flatMap(({ rules = [], metadata }) => rules.flatMap((rule) => rule.apiGroups.flatMap((group) => rule.resources.flatMap((resource) => rule.verbs.map((verb) => ({ group, resource, verb, names: rule.resourceNames, namespace: metadata.namespace ?? '' }))))))
  return (_identity, { verb, group, resource, namespace, name }) => group === 'authorization.k8s.io' || grants.some((grant) =>
    grant.verb === verb && grant.group === group && grant.resource === resource && (grant.namespace === '' || grant.namespace === namespace || resource === 'namespaces') && (!grant.names || grant.names.includes(name)))
}
