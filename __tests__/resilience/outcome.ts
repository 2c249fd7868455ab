/** The outcome of a run with a fault. */
import { expect } from '@jest/globals'
import type { RunResult } from '../../testing/runner.ts'

/** The outcome as shown in tables: the failure code, or `success`. */
export const getOutcome = ({ exitCode, outputs }: RunResult): string =>
  outputs['failure-code'] || (exitCode === 0 ? 'success' : `exit code ${exitCode ?? 'none'}`)

/** @throws an error with the log when the outcome of the run is a different one */
export function expectOutcome(run: RunResult, outcome = 'success'): void {
  const actualOutcome = getOutcome(run)
  expect({ outcome: actualOutcome, log: actualOutcome === outcome ? '' : run.log }).toEqual({
    outcome,
    log: '',
  })
}
