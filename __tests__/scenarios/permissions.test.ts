/**
 * The documented permissions suffice, and each is needed. IAM and the cluster enforce the files in
 * docs/permissions.
 */
import { expect } from '@jest/globals'
import {
  optionalPermissions,
  requiredForRedeploy,
  requiredPermissions,
} from '../../testing/required-permissions.ts'
import { expectFailureWithoutWrites, expectSuccess, expectUnchanged } from './expectations.ts'
import { labScenario, scenario, setDefaultStart } from './harness.ts'
import { selectRevocablePermissions } from './revocable-permissions.ts'

setDefaultStart('cluster-ip')

scenario(
  'the documented permissions suffice for a first deployment and a converged run',
  async ({ environment, run }) => {
    const env = await environment.assumeRole()
    expectSuccess(await run({}, { env }))
    expectUnchanged(await run({}, { env }))
  },
)

scenario(
  'each documented permission is denied in turn, and the run names it',
  async ({ environment, run }) => {
    const expectEachRequired = async (table: typeof requiredPermissions): Promise<void> => {
      for (const { permission, step, code } of selectRevocablePermissions(environment, table)) {
        const { outputs, log } = await run({}, { env: await environment.assumeRole(permission) })
        expect({
          permission,
          step: outputs['failed-step'],
          code: outputs['failure-code'],
          log: outputs['failure-code'] === code ? '' : log,
        }).toEqual({ permission, step, code, log: '' })
        if (!permission.includes(':')) expect(log).toContain(permission)
      }
    }
    await expectEachRequired(requiredPermissions)
    expectSuccess(await run({}, { env: await environment.assumeRole() }))
    await expectEachRequired(requiredForRedeploy)
  },
  { start: 'installed' },
)

scenario('a denied optional permission is a note', async ({ environment, run }) => {
  for (const { permission, note } of selectRevocablePermissions(environment, optionalPermissions)) {
    const { exitCode, log, summary } = await run(
      {},
      { env: await environment.assumeRole(permission) },
    )
    expect({
      permission,
      exitCode,
      noted: summary.includes(note),
      log: exitCode === 0 ? '' : log,
    }).toEqual({ permission, exitCode: 0, noted: true, log: '' })
  }
})

labScenario(
  'a role without any permission in the cluster: one error names everything that is missing',
  'the simulator stores no roles',
  async (scenario) => {
    const { environment } = scenario
    const env = await environment.assumeRole()
    await environment.kubectl(
      'delete',
      'role/milvus-alb-action',
      'role/milvus-alb-action-helm',
      'clusterrole/milvus-alb-action',
    )
    const text = await expectFailureWithoutWrites(scenario, {}, 'cluster-forbidden', env)
    expect(text).toContain(
      'get namespaces, list services, list events, list ingresses, get ingresses, list secrets, get secrets, patch ingresses, create ingresses.',
    )
    expect(text.match(/What to do/g)).toHaveLength(1)
  },
)

scenario(
  'a role that can neither list Services nor write the Ingress gets both errors at once',
  async (scenario) => {
    const { environment } = scenario
    const text = await expectFailureWithoutWrites(
      scenario,
      {},
      'cluster-forbidden',
      await environment.assumeRole('list services'),
    )
    expect(text).toContain('that this run needs in namespace milvus: list services.')
    expect(text).toContain('docs/permissions/rbac.yaml')
  },
)

scenario(
  'a converged run checks no permission that it does not use',
  async ({ environment, run }) => {
    const env = await environment.assumeRole()
    expectSuccess(await run({}, { env }))
    expectUnchanged(await run({}, { env: await environment.assumeRole('patch ingresses') }))
    expectUnchanged(await run({}, { env: await environment.assumeRole('create secrets') }))
  },
)
