/** What a disturbed run came to. */
import { expect } from '@jest/globals'
import type { ActionRun } from '../../sandbox/runner.ts'

/** As tables have it: its failure code, or success. */
export const outcomeOf = ({ exitCode, outputs }: ActionRun): string => outputs['failure-code'] ?? (exitCode === 0 ? 'success' : `exit code ${exitCode ?? 'none'}`)

/** @throws an error that shows the log, when the run came to something else */
export function expectOutcome(run: ActionRun, outcome = 'success'): void {
  const came = outcomeOf(run)
  expect({ outcome: came, log: came === outcome ? '' : run.log }).toEqual({ outcome, log: '' })
}
