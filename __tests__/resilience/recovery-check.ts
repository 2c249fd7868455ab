/**
 * What comes after a run that was disturbed: the same job once more, which has to reach the state
 * of an undisturbed one.
 */
import { expect } from '@jest/globals'
import { runAction } from '../../testing/run-action.ts'
import type { Simulator } from '../../simulator/simulator.ts'
import { waitForIdleAndExpireLease } from './interruption-points.ts'
import { serializeState, addIfAbsent, captureState } from './state.ts'
import type { Baseline } from './workflows.ts'

/** The next runs of a story. */
export interface RecoveryCheck {
  /** How many states the disturbed runs left that differ, and so how many next runs there were. */
  stateCount(): number
  /**
   * Runs it half a minute later, unless another disturbed run left the same.
   * @param context the disturbance, for the message of a failure
   * @param options `disk` is what earlier runs left on the runner; the last run of all is made in
   *   any case, to find there what all of them left
   */
  expectRecovery(
    context: object,
    options?: { readonly disk?: string; readonly isLast?: boolean },
  ): Promise<void>
}

/** None has been yet. */
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
        leftovers: run.remainingFiles,
        state: captureState(simulator),
        log: run.exitCode === 0 ? '' : run.log,
      }).toEqual({ ...context, exitCode: 0, leftovers: [], state, log: '' })
    },
  }
}
