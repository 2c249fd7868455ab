/** What scenarios of mode check pass and expect. */
import { expect } from '@jest/globals'
import type { RunResult } from '../../testing/runner.ts'
import { expectSuccess, getErrorAnnotation, listChanges } from './expectations.ts'
import type { Scenario } from './scenario-run.ts'

export const checkInputs = { mode: 'check', 'probe-timeout': '1s' }
/** Without the values that only a role with access to Secrets can compare. */
export const checkInputsWithoutValues = { ...checkInputs, 'private-key': '', values: '' }

/** A check that read everything and found no drift. */
export function expectClean(run: RunResult): RunResult {
  expect(expectSuccess(run).outputs).toMatchObject({
    drift: 'false',
    changed: 'false',
    changes: '[]',
  })
  return run
}

/** A check that found these differences, as `step path`. */
export function expectDrift(run: RunResult, differences: readonly string[]): RunResult {
  expect({
    differences: listChanges(run),
    drift: run.outputs['drift'],
    changed: run.outputs['changed'],
    log: run.outputs['drift'] === 'true' ? '' : run.log,
  }).toEqual({ differences, drift: 'true', changed: 'false', log: '' })
  expect(run.exitCode).toBe(1)
  expect(getErrorAnnotation(run)).toMatch(/The deployment differs from the inputs in \d+ objects?/)
  return run
}

/** Checks, deploys with the same inputs, and checks again. */
export async function expectFixedByDeploy(
  run: Scenario['run'],
  differences: readonly string[],
  inputs: Readonly<Record<string, string>> = {},
): Promise<RunResult> {
  const driftRun = expectDrift(
    await run({ ...inputs, ...checkInputs, 'private-key': '' }),
    differences,
  )
  expectSuccess(await run(inputs))
  expectClean(await run({ ...inputs, ...checkInputs }))
  return driftRun
}
