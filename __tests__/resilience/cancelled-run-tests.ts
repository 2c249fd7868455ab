/**
 * Cancels a run right before and right after every write: the run ends in time and reports what it
 * did, and the next run continues.
 */
import { expect, test } from '@jest/globals'
import type { InstallationMode } from '../../simulator/charts/installation-modes.ts'
import { recordResult, sample } from './result-tables.ts'
import { createRecoveryCheck } from './recovery-check.ts'
import { runAndCancel } from './interrupted-runs.ts'
import { captureState } from './state.ts'
import { describeWorkflow, createFixture, recordBaseline, type Workflow } from './workflows.ts'

/** In milliseconds. GitHub kills every process 10 s after the cancellation. */
const maxShutdownMs = 7_000

/**
 * Defines the test of a workflow. A signal is handled between two requests, not between two
 * consecutive writes to files.
 */
export function testCancelledAtEveryWrite(
  name: Workflow['name'],
  mode: InstallationMode = 'standalone',
): void {
  const description = describeWorkflow(name, mode)
  test(`${description}, cancelled at every write, and run once more`, async () => {
    const fixture = await createFixture(mode)
    const { simulator } = fixture
    try {
      const baseline = await recordBaseline(fixture, name)
      const { workflow, interruptionPoints } = baseline
      const sampledPoints = sample(
        interruptionPoints.filter(
          (point) => point.moment !== 'never' && !(point.kind === 'file' && point.isNext),
        ),
        100,
      )
      let slowestShutdownMs = 0
      const recovery = createRecoveryCheck(simulator, baseline)
      for (const point of sampledPoints) {
        await fixture.reset(workflow)
        const cancelled = await runAndCancel(simulator, workflow.inputs, point)
        // A run that is cancelled late enough ends by itself.
        const { 'failure-code': code = '', changes } = cancelled.outputs
        const observed = {
          exitCode: code === '' ? 0 : 1,
          listed: changes !== undefined,
          summarized: cancelled.summary !== '',
          remainingFiles: cancelled.remainingFiles,
          inTime: cancelled.shutdownMs < maxShutdownMs,
        }
        const { release } = captureState(simulator)
        expect({
          point,
          ...observed,
          code: code || 'cancelled',
          isPending: release?.status.startsWith('pending'),
          log: observed.listed ? '' : cancelled.log,
        }).toEqual({
          point,
          exitCode: cancelled.exitCode,
          listed: true,
          summarized: true,
          remainingFiles: [],
          inTime: true,
          code: workflow.recoveryInputs && code !== 'cancelled' ? code : 'cancelled',
          isPending: false,
          log: '',
        })
        slowestShutdownMs = Math.max(slowestShutdownMs, cancelled.shutdownMs)
        await recovery.expectRecovery({ point })
      }
      recordResult('cancelled', {
        workflow: description,
        'cancelled runs': sampledPoints.length,
        'slowest end, s': (slowestShutdownMs / 1_000).toFixed(1),
        'resulting states': recovery.stateCount(),
        'recovered by the next run': recovery.stateCount(),
      })
    } finally {
      await simulator.close()
    }
  })
}
