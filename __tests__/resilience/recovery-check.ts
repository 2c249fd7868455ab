/**
 * The run after one with a fault: the same job once more, which must reach the same state as the
 * baseline.
 */
import { expect } from '@jest/globals'
import { runAction } from '../../testing/run-action.ts'
import type { Simulator } from '../../simulator/simulator.ts'
import { waitForIdleAndExpireLease } from './interrupted-runs.ts'
import { serializeState, addIfAbsent, captureState } from './state.ts'
import type { Baseline } from './workflows.ts'

/** The next runs of a workflow. */
export interface RecoveryCheck {
  /**
   * How many distinct states the runs with a fault left, which is how many next runs were needed.
   */
  stateCount(): number
  /**
   * Runs the workflow again half a minute later, unless another run with a fault left the same
   * state.
   * @param context the fault, for the message of a failure
   * @param options `disk` is what earlier runs left on the runner; the last run is always made,
   *   because it finds there what all of them left
   */
  expectRecovery(
    context: object,
    options?: { readonly disk?: string; readonly isLast?: boolean },
  ): Promise<void>
}

/** Starts with no known states. */
export function createRecoveryCheck(
  simulator: Simulator,
  { workflow, state }: Baseline,
): RecoveryCheck {
  const seenStates = new Set<string>()
  return {
    stateCount: () => seenStates.size,
    async expectRecovery(context, { disk, isLast = false } = {}) {
      await waitForIdleAndExpireLease(simulator)
      if (!addIfAbsent(seenStates, serializeState(simulator)) && !isLast) return
      const run = await runAction(
        simulator,
        { ...workflow.inputs, ...workflow.recoveryInputs },
        { ...(disk === undefined ? {} : { runnerDirectory: disk }) },
      )
      expect({
        ...context,
        exitCode: run.exitCode,
        remainingFiles: run.remainingFiles,
        state: captureState(simulator),
        log: run.exitCode === 0 ? '' : run.log,
      }).toEqual({ ...context, exitCode: 0, remainingFiles: [], state, log: '' })
    },
  }
}
