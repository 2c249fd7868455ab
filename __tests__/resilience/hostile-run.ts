/**
 * A run against malformed responses: its outcome, duration and peak memory, compared with the
 * limits for every such run.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from '@jest/globals'
import { runAction } from '../../testing/run-action.ts'
import type { TestEnvironment } from '../../testing/environment.ts'
import { getErrorAnnotation } from '../scenarios/expectations.ts'
import { recordResult } from './result-tables.ts'
import { expectOutcome, getOutcome } from './outcome.ts'

/** The expected outcome of a malformed response. */
export interface ExpectedOutcome {
  readonly inputs?: Readonly<Record<string, string>>
  /** A failure code, or `success`. */
  readonly outcome: string
  /** Matches the annotation, or the log of a successful run. */
  readonly messagePattern: RegExp
  /**
   * Time limit in seconds, from the inputs or the action's own limits, of the wait that gets the
   * malformed response.
   */
  readonly deadlineSeconds: number
}

/** In MB. */
const maxMemoryMb = 300
/**
 * Seconds for the process to start and end, and for everything that is not affected by the
 * malformed response, on a machine that starts up within `idleStartupSeconds`.
 */
const overheadSeconds = 4
/**
 * Seconds in which an idle machine loads the action and rejects its inputs. On a busy machine,
 * everything takes proportionally longer.
 */
const idleStartupSeconds = 0.5
/** In characters: GitHub shows no more than a few thousand of an annotation. */
const maxAnnotationLength = 4_000

let runCount = 0

/**
 * Runs the action against the malformed response that is set up, and checks the run.
 * @param label describes the response in the table of results
 */
export async function expectHostileRun(
  environment: TestEnvironment,
  label: string,
  { inputs = {}, outcome, messagePattern, deadlineSeconds }: ExpectedOutcome,
): Promise<void> {
  const peakFile = join(environment.directory, `peak-${runCount++}`)
  const nodeOptions = `${environment.runnerEnv()['NODE_OPTIONS'] ?? ''} --import=${new URL('peak-memory.mjs', import.meta.url).href}`
  // The post step runs later in the same environment: only the first exit counts.
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
  recordResult('hostile-responses', {
    response: label,
    outcome: getOutcome(run),
    seconds: seconds.toFixed(1),
    'memory, MB': Math.round(memoryMb),
  })
  expectOutcome(run, outcome)
  expect(outcome === 'success' ? run.log : getErrorAnnotation(run)).toMatch(messagePattern)
  expect(run.log).not.toMatch(/\n\s+at .+:\d+:\d+/)
  for (const annotation of run.log.match(/^::(?:error|warning|notice) .*$/gm) ?? [])
    expect(annotation.length).toBeLessThan(2 * maxAnnotationLength)
  expect(getErrorAnnotation(run).length).toBeLessThan(maxAnnotationLength)
  expect(run.log.length + run.summary.length).toBeLessThan(100_000)
  expect(memoryMb).toBeLessThan(maxMemoryMb)
  expect(seconds).toBeLessThan(
    deadlineSeconds +
      overheadSeconds *
        (seconds < deadlineSeconds + overheadSeconds ? 1 : await measureSlowdown(environment)),
  )
}

/** How many times longer everything takes now than on an idle machine. */
async function measureSlowdown(environment: TestEnvironment): Promise<number> {
  const { durationMs: took } = await runAction(environment, { host: '' })
  return Math.max(1, took / 1000 / idleStartupSeconds)
}
