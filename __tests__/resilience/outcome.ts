/** What a disturbed run came to. */
import { expect } from '@jest/globals'
import type { RunResult } from '../../testing/runner.ts'

/** As tables have it: its failure code, or success. */
export const getOutcome = ({ exitCode, outputs }: RunResult): string =>
  outputs['failure-code'] ?? (exitCode === 0 ? 'success' : `exit code ${exitCode ?? 'none'}`)

/** @throws an error that shows the log, when the run came to something else */
export function expectOutcome(run: RunResult, outcome = 'success'): void {
  const actualOutcome = getOutcome(run)
  expect({ outcome: actualOutcome, log: actualOutcome === outcome ? '' : run.log }).toEqual({
    outcome,
    log: '',
  })
}
