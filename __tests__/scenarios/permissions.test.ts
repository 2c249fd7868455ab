/** The permissions that docs ship are enough, and each of them is needed: as files, held against every request of a run. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from '@jest/globals'
import { loadAll } from 'js-yaml'
import { dispensablePermissions, neededPermissions } from '../../sandbox/permission-table.ts'
import { repository, type Sandbox } from '../../sandbox/world.ts'
import { expectFailure, expectSuccess, scenario } from './harness.ts'

interface Statement {
  readonly Action: string | string[]
  readonly Resource: string
}

interface Rule {
  readonly apiGroups: string[]
  readonly resources: string[]
  readonly resourceNames?: string[]
  readonly verbs: string[]
}

interface Role {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string }
  readonly rules?: Rule[]
}

const file = (name: string) => readFileSync(join(repository, 'docs/permissions', name), 'utf8')
const roles = (loadAll(file('rbac.yaml')) as Role[]).filter(({ rules }) => rules)

/** IAM's verdict: the actions that the policy allows, each with the pattern of its resources. */
function iamGrants(world: Sandbox): Map<string, RegExp> {
  const text = file('iam-policy.json').replaceAll('REGION', world.state.region).replaceAll('ACCOUNT', world.state.account).replaceAll('CLUSTER', world.cluster)
  const { Statement: statements } = JSON.parse(text) as { Statement: Statement[] }
  const pattern = (resource: string) => new RegExp(`^${resource.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`)
  return new Map(statements.flatMap(({ Action, Resource }) => [Action].flat().map((action) => [action, pattern(Resource)] as const)))
}

/** One permission of RBAC: a verb on a resource, in the namespace or in the cluster. */
const grantsOf = (role: Role) => (role.rules ?? []).flatMap(({ apiGroups, resources, resourceNames, verbs }) => apiGroups.flatMap((group) => resources.flatMap((resource) => verbs.map((verb) => ({ group, resource, verb, names: resourceNames, namespace: role.metadata.namespace ?? '' })))))

/**
 * Lets the action do exactly what docs say, but for `without`.
 * @param without an IAM action, or `verb resource` of RBAC
 */
function restrict(world: Sandbox, without = ''): void {
  const [principal] = world.aws.credentials
  if (!principal) throw new Error('no credentials')
  const role = { ...principal, accessKeyId: 'AKIAROLEOFTHEACTION0', secretAccessKey: 'canary-of-the-role-secret', principalArn: `arn:aws:iam::${world.state.account}:role/action` }
  world.aws.credentials.push(role)
  const iam = iamGrants(world)
  world.aws.authorize = (who, action, resource) => who !== role.principalArn || (action !== without && (iam.get(action)?.test(resource) ?? false))
  world.aws.accessEntries = new Map([[role.principalArn, { username: 'action', groups: ['milvus-alb-action'] }]])
  const rbac = roles.flatMap(grantsOf).filter(({ verb, resource }) => `${verb} ${resource}` !== without)
  world.kubernetes.options.authorize = ({ username }, { verb, group, resource, namespace, name }) =>
    username !== 'action' || group === 'authorization.k8s.io' || rbac.some((grant) => grant.verb === verb && grant.group === group && grant.resource === resource && (grant.namespace === '' || grant.namespace === namespace || resource === 'namespaces') && (!grant.names || grant.names.includes(name)))
}

const asRole = (world: Sandbox) => ({ environment: world.aws.environment(world.aws.credentials.at(-1)) })

scenario('exactly the permissions that docs ship are enough, for a first deployment and a converged run', async ({ world, run }) => {
  restrict(world)
  expectSuccess(await run({}, asRole(world)))
  expect((await run({}, asRole(world))).outputs['changed']).toBe('false')
})

for (const { permission, step, code, later } of neededPermissions) {
  scenario(`without ${permission}${later ? ', once there is a certificate' : ''}`, async ({ world, run }) => {
    if (later) expectSuccess(await run())
    restrict(world, permission)
    expectFailure(await run({}, asRole(world)), step, code)
  })
}

for (const { permission, note } of dispensablePermissions) {
  scenario(`without ${permission} it goes on`, async ({ world, run }) => {
    restrict(world, permission)
    const result = await run({}, asRole(world))
    expectSuccess(result)
    expect(result.summary).toContain(note)
  })
}
