/**
 * After a killed or cancelled upgrade, the next run brings the release into the state that it has
 * without an interruption. In cluster mode, between two versions of the chart with different
 * objects. The scenarios of each version of Helm have their own file, so that they run in parallel.
 */
import { expect } from '@jest/globals'
import { takeSnapshot } from '../../simulator/snapshot.ts'
import type { HelmMajorVersion } from '../../testing/cli-tools.ts'
import { runAction } from '../../testing/run-action.ts'
import { isHelmRequest } from './awaited-requests.ts'
import { expectFailure, expectSuccess, listChanges } from './expectations.ts'
import { labScenario, simulatorScenario } from './harness.ts'
import { listHistory } from './helm-manual-operations.ts'
import { cancelWhen, killWhen } from './interruptions.ts'
import { expireLease, listNormalizedObjects } from './manual-operations.ts'
import { upgradeFault, upgradeInputs } from './release-upgrade.ts'
import { serviceOnlyInputs } from './run-inputs.ts'

/**
 * Right after the old load balancer is deleted; and when everything is applied, but nothing is
 * deleted yet.
 */
const interruptions = {
  'at the Service': isHelmRequest(/^PATCH .*\/services\/milvus-demo$/),
  'before Helm deletes': isHelmRequest(/^DELETE /),
}

/** Defines the scenarios for a version of Helm. */
export function defineRecoveryScenarios(helm: HelmMajorVersion): void {
  simulatorScenario(
    `Helm ${helm}: after a killed or cancelled upgrade, the next run reaches the state of an uninterrupted one`,
    'only the simulator can restore a snapshot of the cluster',
    async ({ environment, run }) => {
      await environment.useHelm(helm)
      await environment.installMilvus({ mode: 'cluster' })
      const restoreSnapshot = takeSnapshot(environment)
      const expected = new Map<object, Record<string, object>>()
      for (const inputs of [serviceOnlyInputs, upgradeInputs]) {
        expectSuccess(await run(inputs))
        expected.set(inputs, await listNormalizedObjects(environment))
        await restoreSnapshot()
      }
      for (const { ending, name, nextInputs } of [
        { ending: 'killed', name: 'at the Service', nextInputs: upgradeInputs },
        { ending: 'killed', name: 'before Helm deletes', nextInputs: serviceOnlyInputs },
        { ending: 'cancelled', name: 'at the Service', nextInputs: serviceOnlyInputs },
        { ending: 'cancelled', name: 'before Helm deletes', nextInputs: upgradeInputs },
      ] as const) {
        const interruptedRun = await runAction(
          environment,
          upgradeInputs,
          ending === 'killed'
            ? killWhen(environment.requestLog.nextRequest(interruptions[name]))
            : cancelWhen(environment.requestLog.nextRequest(interruptions[name])),
        )
        expect({ ending, name, code: interruptedRun.outputs['failure-code'] }).toEqual({
          ending,
          name,
          code: ending === 'killed' ? undefined : 'cancelled',
        })
        if (ending === 'killed') await expireLease(environment)
        const requestOffset = environment.requestLog.requests.length
        const result = expectSuccess(await run(nextInputs))
        expect(listChanges(result)).toContain('release status')
        expect({ ending, name, objects: await listNormalizedObjects(environment) }).toEqual({
          ending,
          name,
          objects: expected.get(nextInputs),
        })
        expect(await listHistory(environment)).toEqual([
          '1 superseded milvus-4.2.58',
          '2 failed milvus-5.0.19',
          `3 deployed milvus-${nextInputs === upgradeInputs ? '5.0.19' : '4.2.58'}`,
        ])
        // The old load balancer is not recreated.
        const services = environment.requestLog.requests
          .slice(requestOffset)
          .filter(isHelmRequest(/^(PATCH|PUT) .*\/services\/milvus-demo$/))
        if (name === 'at the Service')
          expect(services.filter(({ body }) => body.includes('"type":"LoadBalancer"'))).toEqual([])
        await restoreSnapshot()
      }
    },
    { start: 'empty' },
  )

  labScenario(
    `Helm ${helm}: on a real API server, a killed upgrade and a rolled back one leave nothing behind`,
    'the simulator runs more cases of it',
    async ({ environment, run }) => {
      await environment.useHelm(helm)
      await environment.installMilvus({ mode: 'cluster' })
      expectSuccess(await run(serviceOnlyInputs))
      const before = await listNormalizedObjects(environment)
      await runAction(
        environment,
        upgradeInputs,
        killWhen(environment.requestLog.nextRequest(interruptions['before Helm deletes'])),
      )
      await expireLease(environment)
      expect(listChanges(expectSuccess(await run(serviceOnlyInputs)))).toContain('release status')
      expect(await listNormalizedObjects(environment)).toEqual(before)
      environment.faults.inject(upgradeFault)
      expectFailure(
        await run({ ...upgradeInputs, 'on-failure': 'rollback' }),
        'release',
        'helm-upgrade-failed',
      )
      expect(await listNormalizedObjects(environment)).toEqual(before)
      expect((await listHistory(environment)).at(-1)).toMatch(/deployed milvus-4\.2\.58$/)
    },
    { start: 'empty' },
  )
}
