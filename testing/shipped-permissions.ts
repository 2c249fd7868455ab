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

/** A statement of a policy. */
export interface IamStatement {
  readonly Sid?: string
  readonly Effect: string
  readonly Action: string | readonly string[]
  readonly Resource: string | readonly string[]
  readonly Condition?: IamCondition
}

/** Values by condition key, by operator. All of them must be met. */
type IamCondition = Readonly<Record<string, Readonly<Record<string, string>>>>

/** Tags, by key, on which conditions depend. */
export interface AuthorizationTags {
  /** Those that the request sets. */
  readonly request: ReadonlyMap<string, string>
  /** Those of the resource; empty for a new one. */
  readonly resource: ReadonlyMap<string, string>
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

/**
 * The shipped permission sets: for a deployment, the same with conditions, and for a check. The
 * last two have the addition for input certificate-secret.
 */
export type PermissionSet =
  'deploy' | 'hardened' | 'check' | 'deploy-with-secret' | 'check-with-secret'

interface PermissionFiles {
  readonly policy: string
  readonly rbac: string
  readonly group: string
  readonly addition?: { readonly policy: string; readonly rbac: string }
}

const secretAddition = {
  policy: 'iam-policy-certificate-secret.json',
  rbac: 'rbac-certificate-secret.yaml',
}

/** The secret in the policy, with the six random characters at the end of its ARN. */
const secretPattern = 'milvus/tls-??????'

const deployFiles: PermissionFiles = {
  policy: 'iam-policy.json',
  rbac: 'rbac.yaml',
  group: 'milvus-alb-action',
}
const checkFiles: PermissionFiles = {
  policy: 'iam-policy-check.json',
  rbac: 'rbac-check.yaml',
  group: 'milvus-alb-action-check',
}

const permissionFiles: Readonly<Record<PermissionSet, PermissionFiles>> = {
  deploy: deployFiles,
  hardened: { ...deployFiles, policy: 'iam-policy-hardened.json' },
  check: checkFiles,
  'deploy-with-secret': { ...deployFiles, addition: secretAddition },
  'check-with-secret': { ...checkFiles, addition: secretAddition },
}

/** The group to which the roles of a permission set are bound. */
export const rbacGroupOf = (permissionSet: PermissionSet): string =>
  permissionFiles[permissionSet].group

const readShippedFile = (name: string): string =>
  readFileSync(join(repositoryRoot, 'docs/permissions', name), 'utf8')

/** The tag that certificates of others carry, in the hardened policy. */
export const otherTag = 'team'

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
  const { policy: file, addition } = permissionFiles[permissionSet]
  const policy = readPolicy(file, location)
  const additionalStatements = addition ? readPolicy(addition.policy, location).Statement : []
  const allStatements = [...policy.Statement, ...additionalStatements]
  for (const statement of allStatements) {
    const unsupportedKeys = Object.keys(statement).filter(
      (key) => !['Sid', 'Effect', 'Action', 'Resource', 'Condition'].includes(key),
    )
    const unsupported = unsupportedKeys.join(', ') || statement.Effect
    if (unsupported !== 'Allow')
      throw new Error(
        `${file}: statement ${statement.Sid ?? ''} ` +
          `uses ${unsupported}, which the test environments do not evaluate.`,
      )
  }
  const statements = allStatements.map((statement) => ({
    ...statement,
    Action: [statement.Action].flat().filter((action) => action !== excluded),
  }))
  return { ...policy, Statement: statements.filter(({ Action }) => Action.length > 0) }
}

function readPolicy(
  file: string,
  location: { region: string; account: string; cluster: string },
): IamPolicy {
  const text = readShippedFile(file)
    .replaceAll('PARTITION', 'aws')
    .replaceAll('OTHER_TAG', otherTag)
    .replaceAll('REGION', location.region)
    .replaceAll('ACCOUNT', location.account)
    .replaceAll('CLUSTER', location.cluster)
    .replaceAll('SECRET', secretPattern)
  return JSON.parse(text) as IamPolicy
}

/**
 * Whether a policy allows an action on a resource (an ARN, or `*` for actions without
 * resource-level permissions).
 */
export function isAllowedByPolicy(
  policy: IamPolicy,
  action: string,
  resource: string,
  tags: AuthorizationTags,
): boolean {
  return policy.Statement.some(
    ({ Action, Resource, Condition }) =>
      [Action].flat().includes(action) &&
      [Resource].flat().some((each) => toPattern(each).test(resource)) &&
      isConditionMet(Condition, tags),
  )
}

const toPattern = (text: string): RegExp =>
  new RegExp(
    `^${text
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
  )

/** The operators of the shipped policies. */
const conditionOperators: Readonly<
  Record<string, (value: string | undefined, expected: string) => boolean>
> = {
  StringLike: (value, expected) => value !== undefined && toPattern(expected).test(value),
  Null: (value, expected) => (value === undefined) === (expected === 'true'),
}

/** @throws Error for an operator or a key that is not evaluated here */
function isConditionMet(condition: IamCondition = {}, tags: AuthorizationTags): boolean {
  return Object.entries(condition).every(([name, expectations]) =>
    Object.entries(expectations).every(([key, expected]) => {
      const [, source, tag = ''] = /^aws:(Request|Resource)Tag\/(.+)$/.exec(key) ?? []
      const operator = conditionOperators[name]
      if (!operator || source === undefined)
        throw new Error(`The test environments do not evaluate ${name} of ${key}.`)
      return operator((source === 'Request' ? tags.request : tags.resource).get(tag), expected)
    }),
  )
}

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
  const { rbac, addition } = permissionFiles[permissionSet]
  const objects = [rbac, ...(addition ? [addition.rbac] : [])].flatMap(
    (file) => loadAll(readShippedFile(file)) as RbacObject[],
  )
  return objects.map((object) => ({
    ...object,
    ...(object.rules && {
      rules: object.rules.flatMap(reduceRule).filter(({ verbs }) => verbs.length > 0),
    }),
  }))
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
