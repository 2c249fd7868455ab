/** The permissions that docs ship are enough, and each of them is needed: as files, enforced in IAM and in the cluster. */
import { expect } from '@jest/globals'
import { dispensablePermissions, neededForCluster, neededOnceDeployed, neededPermissions } from '../../sandbox/permission-table.ts'
import { takenAway } from './hands.ts'
import { expectRefusal, expectSuccess, expectUnchanged, scenario, scenariosStart } from './harness.ts'

scenariosStart('cluster-ip')

scenario('exactly the permissions that docs ship are enough, for a first deployment and a converged run', async ({ world, run }) => {
  const environment = await world.assumeRole()
  expectSuccess(await run({}, { environment }))
  expectUnchanged(await run({}, { environment }))
})

scenario('each permission that docs ship is taken away in turn, and the run says which', async ({ world, run }) => {
  const expectEach = async (table: typeof neededPermissions): Promise<void> => {
    for (const { permission, step, code } of takenAway(world, table)) {
      const { outputs, log } = await run({}, { environment: await world.assumeRole(permission) })
      expect({ permission, step: outputs['failed-step'], code: outputs['failure-code'], log: outputs['failure-code'] === code ? '' : log }).toEqual({ permission, step, code, log: '' })
      if (!permission.includes(':')) expect(log).toContain(permission)
    }
  }
  await expectEach(neededPermissions)
  expectSuccess(await run({}, { environment: await world.assumeRole() }))
  await expectEach(neededOnceDeployed)
}, { start: 'installed' })

scenario('what the action can do without is a note', async ({ world, run }) => {
  for (const { permission, note } of takenAway(world, dispensablePermissions)) {
    const { exitCode, log, summary } = await run({}, { environment: await world.assumeRole(permission) })
    expect({ permission, exitCode, noted: summary.includes(note), log: exitCode === 0 ? '' : log }).toEqual({ permission, exitCode: 0, noted: true, log: '' })
  }
})

/** Options of the chart that add kinds. */
const everyKind = { attu: { enabled: true }, metrics: { serviceMonitor: { enabled: true } }, proxy: { hpa: { enabled: true } }, etcd: { pdb: { create: true } } }

for (const helm of [4, 3] as const) {
  scenario(`helm ${helm}: of a Milvus cluster, what helm needs for each of its kinds is asked before any write, and the permissions that docs ship are enough`, async (scenario) => {
    const { world, run } = scenario
    await world.useHelm(helm)
    await world.installMilvus({ mode: 'cluster', values: everyKind })
    for (const permissions of [neededForCluster.read, neededForCluster.write[helm]]) {
      const text = await expectRefusal(scenario, {}, 'cluster-forbidden', await world.assumeRole(permissions.join(', ')))
      const [, named = ''] = /may not do in namespace milvus what this run needs: ([^.]+)\./.exec(text) ?? []
      expect({ named: named.split(', ').sort(), text }).toEqual({ named: [...permissions].sort(), text })
    }
    expectSuccess(await run({}, { environment: await world.assumeRole() }))
    expectUnchanged(await run({}, { environment: await world.assumeRole() }))

    const check = await run({ mode: 'check', 'private-key': '', values: '' }, { environment: await world.assumeRole('', 'check') })
    expect(expectSuccess(check).outputs).toMatchObject({ drift: 'false', changed: 'false' })
  }, { start: 'empty' })
}
