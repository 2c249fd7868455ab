/**
 * A run that is lied to: what it came to, how long it took and the most memory that it had, against
 * what holds for every such run.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from '@jest/globals'
import { runAction } from '../../testing/run-action.ts'
import type { TestEnvironment } from '../../testing/environment.ts'
import { getErrorAnnotation } from '../scenarios/harness.ts'
import { recordResult } from './result-tables.ts'
import { expectOutcome, getOutcome } from './outcome.ts'

/** What a lie is expected to come to. */
export interface ExpectedOutcome {
  readonly inputs?: Readonly<Record<string, string>>
  /** A failure code, or success. */
  readonly outcome: string
  /** What the annotation, or the log of a success, says. */
  readonly messagePattern: RegExp
  /** Seconds that the inputs, or the action's own limits, give the wait that is lied to. */
  readonly deadlineSeconds: number
}

/** MB. */
const maxMemoryMb = 300
/**
 * Seconds for the process to start and end, and for all that is not lied to, where loading the
 * action takes `idleLoad`.
 */
const overheadSeconds = 4
/**
 * Seconds in which a machine that is not starved loads the action and refuses its inputs. On one
 * that is, all takes as much longer.
 */
const idleStartupSeconds = 0.5
/** Characters of an annotation: GitHub shows no more than a few thousand. */
const maxAnnotationLength = 4_000

let runCount = 0

/**
 * Runs against the lie that is set up, and checks.
 * @param label what it is, for the table of figures
 */
export async function expectHostileRun(
  environment: TestEnvironment,
  label: string,
  { inputs = {}, outcome, messagePattern, deadlineSeconds }: ExpectedOutcome,
): Promise<void> {
  const peakFile = join(environment.directory, `peak-${runCount++}`)
  const nodeOptions = `${environment.runnerEnv()['NODE_OPTIONS'] ?? ''} --import=${new URL('peak-memory.mjs', import.meta.url).href}`
  // The run of post, which comes after it, has the same environment: the first one counts.
  let memoryMb = NaN
  const run = await runAction(environment, inputs, {
    env: { NODE_OPTIONS: nodeOptions, PEAK_FILE: peakFile },
    timeoutMs: (deadlineSeconds + 60) * 1000,
    onStart: (child) =>
      child.once(
        'exit',
        () =>
          (memoryMb = existsSync(peakFile) ? Number(readFileSync(peakFile, 'utf8')) / 1024 : NaN),
      ),
  })
  const seconds = run.durationMs / 1000
  recordResult('lies', {
    response: label,
    outcome: getOutcome(run),
    seconds: seconds.toFixed(1),
    'memory, MB': Math.round(memoryMb),
  })
  expectOutcome(run, outcome)
  expect(outcome === 'success' ? run.log : getErrorAnnotation(run)).toMatch(messagePattern)
  expect(run.log).not.toMatch(/\n\s+at .+:\d+:\d+/)
  expect(getErrorAnnotation(run).length).toBeLessThan(maxAnnotationLength)
  expect(memoryMb).toBeLessThan(maxMemoryMb)
  expect(seconds).toBeLessThan(
    deadlineSeconds +
      overheadSeconds *
        (seconds < deadlineSeconds + overheadSeconds ? 1 : await measureSlowdown(environment)),
  )
}

/** How much longer than on an idle machine everything takes now. */
async function measureSlowdown(environment: TestEnvironment): Promise<number> {
  const { durationMs: took } = await runAction(environment, { host: '' })
  return Math.max(1, took / 1000 / idleStartupSeconds)
}
