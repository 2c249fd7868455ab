/** on-failure: rollback of an upgrade restores every object, with both versions of Helm. */
import { expect } from '@jest/globals'
import { takeSnapshot } from '../../simulator/snapshot.ts'
import { expectFailure, expectSuccess, getErrorAnnotation, listChanges } from './expectations.ts'
import { setDefaultStart, simulatorScenario } from './harness.ts'
import { listHistory, upgradeRelease } from './helm-manual-operations.ts'
import { listNormalizedObjects } from './manual-operations.ts'
import { upgradeFault, upgradeInputs } from './release-upgrade.ts'
import { shortProbe } from './run-inputs.ts'

setDefaultStart('empty')

for (const helm of [3, 4] as const) {
  simulatorScenario(
    `Helm ${helm}: on-failure: rollback of an upgrade that failed before Helm deleted anything, or after Helm finished`,
    'only the simulator can restore a snapshot of the cluster',
    async ({ environment, run }) => {
      await environment.useHelm(helm)
      await environment.installMilvus({ mode: 'cluster' })
      const restoreSnapshot = takeSnapshot(environment)
      expectSuccess(await run(upgradeInputs))
      const deployed = await listNormalizedObjects(environment)
      await restoreSnapshot()
      // The differences that any upgrade makes to an installation.
      await upgradeRelease(environment, { flags: ['--wait'] })
      const before = await listNormalizedObjects(environment)
      await restoreSnapshot()
      const rollback = { ...upgradeInputs, 'on-failure': 'rollback', ...shortProbe }
      const objects = Array.from({ length: 4 }, () => 'release object')
      for (const { step, code } of [
        { step: 'release', code: 'helm-upgrade-failed' },
        { step: 'probe', code: 'probe-target-failed' },
      ] as const) {
        const removeFault =
          step === 'release' ? environment.faults.inject(upgradeFault) : () => undefined
        await environment.overrideAlb({ fixedStatus: step === 'probe' ? 502 : undefined })
        const result = expectFailure(await run(rollback), step, code)
        removeFault()
        await environment.overrideAlb({ fixedStatus: undefined })
        expect(getErrorAnnotation(result)).not.toContain('rollback is incomplete')
        // Beside what Helm reverts: an object that only the failed revision contains and, if Helm
        // applies client-side, a field.
        const cleared = listChanges(result)
          .filter((change) => /^release (object|metadata)/.test(change))
          .sort()
        const orphanedFields = helm === 3 ? ['release metadata.labels.team'] : []
        expect({ step, cleared }).toEqual({
          step,
          cleared: step === 'probe' ? [] : [...orphanedFields, ...objects],
        })
        expect({ step, objects: await listNormalizedObjects(environment) }).toEqual({
          step,
          objects: before,
        })
        expect((await listHistory(environment)).at(-1)).toBe('3 deployed milvus-4.2.58')
        expect(result.outputs['release-revision']).toBe('3')
        if (step === 'release') {
          expectSuccess(await run(upgradeInputs))
          expect(await listNormalizedObjects(environment)).toEqual(deployed)
        }
        await restoreSnapshot()
      }
    },
  )
}
