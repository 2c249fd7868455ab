/** What scenarios expect of a run. */
import { expect } from '@jest/globals'
import type { RunResult } from '../../testing/runner.ts'
import { recordFailureCode } from './record.ts'
import type { Scenario } from './scenario-run.ts'

/** Expects a run that succeeded. */
export function expectSuccess(run: RunResult): RunResult {
  expect({
    exitCode: run.exitCode,
    code: run.outputs['failure-code'],
    log: run.exitCode === 0 ? '' : run.log,
  }).toEqual({ exitCode: 0, code: '', log: '' })
  return run
}

/** Expects a run that found everything up to date. */
export function expectUnchanged(run: RunResult): void {
  expect(listChanges(expectSuccess(run))).toEqual([])
  expect(run.outputs['changed']).toBe('false')
}

/** Expects a run that failed in this step with this code, and reported it everywhere. */
export function expectFailure(run: RunResult, step: string, code: string): RunResult {
  const { 'failed-step': failedStep, 'failure-code': failureCode } = run.outputs
  const actual = { exitCode: run.exitCode, step: failedStep, code: failureCode }
  expect({ ...actual, log: failureCode === code ? '' : run.log }).toEqual({
    exitCode: 1,
    step,
    code,
    log: '',
  })
  expect(run.log).toContain(`${code} in ${step}`)
  expect(run.log).toContain('What to do: ')
  expect(run.summary).toContain(code)
  recordFailureCode(code)
  return run
}

/** Expects a further problem that a failed run reported in addition to its failure. */
export function expectAdditionalFailure(run: RunResult, code: string): void {
  expect(run.summary).toContain(code)
  recordFailureCode(code)
}

/**
 * Runs the action, and expects this failure without any write.
 * @returns the annotation
 */
export async function expectFailureWithoutWrites(
  { run, writes }: Scenario,
  inputs: Readonly<Record<string, string>>,
  code: string,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const result = expectFailure(await run(inputs, { env }), 'preflight', code)
  expect(writes()).toEqual([])
  expect(result.outputs).toMatchObject({ changed: 'false', changes: '[]' })
  return getErrorAnnotation(result)
}

/** The changes of a run as `step path`. */
export function listChanges(run: RunResult): string[] {
  return (JSON.parse(run.outputs['changes'] ?? '[]') as { step: string; path: string }[]).map(
    ({ step, path }) =>
      `${step} ${path.replace('metadata.annotations.', '').replace('alb.ingress.kubernetes.io/', '')}`,
  )
}

/** The text of the run's only error annotation. */
export const getErrorAnnotation = (run: RunResult): string =>
  decodeURIComponent(/^::error [^:]*::(.*)$/m.exec(run.log)?.[1] ?? '')

/** Expects that a text contains all of these. */
export function expectToContainAll(text: string, expectedTexts: readonly string[]): void {
  for (const expectedText of expectedTexts) expect(text).toContain(expectedText)
}

/** Expects that each of these texts is in a warning annotation of the run. */
export function expectWarnings({ log }: RunResult, expectedTexts: readonly string[]): void {
  const warnings = log.split('\n').filter((line) => line.startsWith('::warning'))
  for (const expectedText of expectedTexts)
    expect(warnings).toContainEqual(expect.stringContaining(expectedText))
}
