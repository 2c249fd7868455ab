/**
 * Kills a run right before and right after every write: the next run reaches the same state as the
 * baseline.
 */
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import type { InstallationMode } from '../../simulator/charts/installation-modes.ts'
import { recordResult, sample } from './result-tables.ts'
import { createRecoveryCheck } from './recovery-check.ts'
import { runAndKill } from './interrupted-runs.ts'
import { describeWorkflow, createFixture, recordBaseline, type Workflow } from './workflows.ts'

/** Paths that only Helm writes: the objects of a chart, and the storage of releases. */
const helmObjectPath =
  /\/(secrets|services|configmaps|deployments|statefulsets|jobs|serviceaccounts|persistentvolumeclaims|roles|rolebindings)(\/|$)/

/** How a workflow is tested. */
interface KilledRunOptions {
  /** Of the installed Milvus. */
  readonly mode?: InstallationMode
  /** A sample contains every so many cases. */
  readonly sampleStep?: number
}

/** Defines the test of a workflow. */
export function testKilledAtEveryWrite(
  name: Workflow['name'],
  { mode = 'standalone', sampleStep = 70 }: KilledRunOptions = {},
): void {
  const description = describeWorkflow(name, mode)
  // For a cluster, Helm writes so many objects that testing all of them would take most of an hour.
  const step = mode === 'cluster' ? 5 : 1
  test(`${description}, killed at every ${step === 1 ? '' : 'fifth '}write, and run once more`, async () => {
    const fixture = await createFixture(mode)
    const { simulator } = fixture
    try {
      const baseline = await recordBaseline(fixture, name)
      const { workflow, interruptionPoints, writeSummary } = baseline
      const killedWithHelm = interruptionPoints.map((point) => ({ point, helm: 'killed' as const }))
      const helmSurviving = interruptionPoints
        .filter(
          ({ kind, what: description }) => kind === 'request' && helmObjectPath.test(description),
        )
        .map((point) => ({ point, helm: 'survives' as const }))
      const sampledCases = sample(
        [...killedWithHelm, ...helmSurviving].filter((_each, index) => index % step === 0),
        sampleStep,
      )
      const disk = join(simulator.directory, 'disk')
      const recovery = createRecoveryCheck(simulator, baseline)
      for (const [index, { point, helm }] of sampledCases.entries()) {
        await fixture.reset(workflow)
        const killed = await runAndKill(simulator, workflow.inputs, point, { disk, helm })
        expect({
          point,
          exitCode: killed.exitCode,
          log: killed.exitCode === null ? '' : killed.log,
        }).toEqual({ point, exitCode: null, log: '' })
        await recovery.expectRecovery(
          { point, helm },
          { disk, isLast: index === sampledCases.length - 1 },
        )
      }
      recordResult('killed', {
        workflow: description,
        writes: writeSummary,
        'killed runs': sampledCases.length,
        'resulting states': recovery.stateCount(),
        'recovered by the next run': recovery.stateCount(),
      })
    } finally {
      await simulator.close()
    }
  })
}
