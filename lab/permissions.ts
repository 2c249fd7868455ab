/** The permissions that docs ship, each taken away in turn, enforced by the real API server and by moto's IAM. */
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { dump, loadAll } from 'js-yaml'
import { dispensablePermissions, neededPermissions } from '../sandbox/permission-table.ts'
import { repository } from '../sandbox/world.ts'
import type { IamPolicy } from './parts/moto.ts'
import { act } from './act.ts'
import type { Lab } from './world.ts'

interface Role {
  readonly kind: string
  readonly rules?: readonly { readonly resources: readonly string[]; readonly verbs: readonly string[] }[]
}

const shipped = (name: string): Promise<string> => readFile(join(repository, 'docs/permissions', name), 'utf8')

/** Binds the group of the action to the shipped roles, but for one `verb resource`. */
async function bindRoles(lab: Lab, without = ''): Promise<void> {
  const [verb, resource] = without.split(' ')
  const objects = (loadAll(await shipped('rbac.yaml')) as Role[]).map((object) => ({
    ...object,
    ...(object.rules && {
      rules: object.rules.flatMap((rule) => rule.resources.map((name) => ({ ...rule, resources: [name], verbs: rule.verbs.filter((held) => held !== verb || name !== resource) }))).filter(({ verbs }) => verbs.length > 0),
    }),
  }))
  const path = join(lab.directory, 'rbac.yaml')
  await writeFile(path, objects.map((object) => dump(object)).join('---\n'))
  await lab.kubectl('apply', '-f', path)
}

/** A session of a role with the shipped policy, but for one action, known to the cluster. @returns the environment of a run as that role */
async function assumeRole(lab: Lab, without = ''): Promise<Record<string, string>> {
  const policy = JSON.parse(await shipped('iam-policy.json')) as IamPolicy
  const name = `milvus-alb${without === '' ? '' : `-without-${without.replace(/\W/g, '-')}`}`
  const statements = policy.Statement.map((statement) => ({ ...statement, Action: [statement.Action].flat().filter((action) => action !== without) })).filter(({ Action }) => Action.length > 0)
  const credential = await lab.assumeRole(name, { ...policy, Statement: statements })
  lab.eks.accessEntries = new Map([...(lab.eks.accessEntries ?? []), [`arn:aws:iam::${lab.moto.account}:role/${name}`, { groups: ['milvus-alb-action'] }]])
  return lab.environment(credential)
}

const removals = neededPermissions.filter(({ unknownToMoto }) => !unknownToMoto)

/** Exactly the shipped permissions carry a first deployment and the run after it; without each of them the run says which. */
export async function permissions(lab: Lab): Promise<void> {
  lab.eks.accessEntries = new Map()
  const whole = await assumeRole(lab)
  const reduced = new Map<string, Record<string, string>>()
  // All sessions first: once moto enforces policies, nobody here may assume a role.
  for (const without of [...removals, ...dispensablePermissions].map(({ permission }) => permission).filter((permission) => permission.includes(':'))) reduced.set(without, await assumeRole(lab, without))
  await lab.moto.enforce()
  const attempt = async (without: string) => {
    const environment = reduced.get(without)
    await bindRoles(lab, environment ? '' : without)
    return act(lab, {}, { environment: environment ?? whole })
  }
  for (const { permission: without, step, code } of removals) {
    const { outputs, log } = await attempt(without)
    assert.deepEqual({ without, step: outputs['failed-step'], code: outputs['failure-code'] }, { without, step, code }, log)
  }
  for (const { permission: without } of dispensablePermissions) {
    const { exitCode, log } = await attempt(without)
    assert.deepEqual({ without, exitCode }, { without, exitCode: 0 }, log)
  }
  await bindRoles(lab)
  const converged = await act(lab, {}, { environment: whole })
  assert.deepEqual([converged.exitCode, converged.outputs['changed']], [0, 'false'], converged.log)
}
