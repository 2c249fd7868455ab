/** The documented permissions for each kind of object in a Milvus cluster. */
import { expect } from '@jest/globals'
import { requiredForCluster } from '../../testing/required-permissions.ts'
import { expectFailureWithoutWrites, expectSuccess, expectUnchanged } from './expectations.ts'
import { scenario } from './harness.ts'

/** Options of the chart that add kinds. */
const allKindsValues = {
  attu: { enabled: true },
  metrics: { serviceMonitor: { enabled: true } },
  proxy: { hpa: { enabled: true } },
  etcd: { pdb: { create: true } },
}

for (const helm of [4, 3] as const) {
  scenario(
    `Helm ${helm}: permissions for each kind in a Milvus cluster are checked before any write, and the documented ones suffice`,
    async (scenario) => {
      const { environment, run } = scenario
      await environment.useHelm(helm)
      await environment.installMilvus({ mode: 'cluster', values: allKindsValues })
      for (const permissions of [requiredForCluster.read, requiredForCluster.write[helm]]) {
        const text = await expectFailureWithoutWrites(
          scenario,
          {},
          'cluster-forbidden',
          await environment.assumeRole(permissions.join(', ')),
        )
        const [, named = ''] =
          /lacks permissions that this run needs in namespace milvus: ([^.]+)\./.exec(text) ?? []
        expect({ named: named.split(', ').sort(), text }).toEqual({
          named: [...permissions].sort(),
          text,
        })
      }
      expectSuccess(await run({}, { env: await environment.assumeRole() }))
      expectUnchanged(await run({}, { env: await environment.assumeRole() }))

      const checkRun = await run(
        { mode: 'check', 'private-key': '', values: '' },
        { env: await environment.assumeRole('', 'check') },
      )
      expect(expectSuccess(checkRun).outputs).toMatchObject({ drift: 'false', changed: 'false' })
    },
    { start: 'empty' },
  )
}
