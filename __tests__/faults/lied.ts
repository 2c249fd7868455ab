/** A run that is lied to: what it came to, how long it took and the most memory that it had, against what holds for every such run. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from '@jest/globals'
import { act } from '../../sandbox/act.ts'
import type { World } from '../../sandbox/world.ts'
import { annotation } from '../scenarios/harness.ts'
import { figure } from './figures.ts'
import { expectOutcome, outcomeOf } from './outcome.ts'

/** What a lie is expected to come to. */
export interface Expected {
  readonly inputs?: Readonly<Record<string, string>>
  /** A failure code, or success. */
  readonly outcome: string
  /** What the annotation, or the log of a success, says. */
  readonly says: RegExp
  /** Seconds that the inputs, or the action's own limits, give the wait that is lied to. */
  readonly deadline: number
}

/** MB. */
const mostMemory = 300
/** Seconds for the process to start and end, and for all that is not lied to, where loading the action takes `idleLoad`. */
const margin = 4
/** Seconds in which a machine that is not starved loads the action and refuses its inputs. On one that is, all takes as much longer. */
const idleLoad = 0.5
/** Characters of an annotation: GitHub shows no more than a few thousand. */
const longest = 4_000

let runs = 0

/** Runs against the lie that is set up, and checks. @param lie what it is, for the table of figures */
export async function lied(world: World, lie: string, { inputs = {}, outcome, says, deadline }: Expected): Promise<void> {
  const peak = join(world.directory, `peak-${runs++}`)
  const preload = `${world.environment()['NODE_OPTIONS'] ?? ''} --import=${new URL('peak.mjs', import.meta.url).href}`
  // The run of post, which comes after it, has the same environment: the first one counts.
  let memory = NaN
  const run = await act(world, inputs, {
    environment: { NODE_OPTIONS: preload, PEAK_FILE: peak },
    timeout: (deadline + 60) * 1000,
    onStart: (child) => child.once('exit', () => (memory = existsSync(peak) ? Number(readFileSync(peak, 'utf8')) / 1024 : NaN)),
  })
  const seconds = run.took / 1000
  figure('lies', { lie, outcome: outcomeOf(run), seconds: seconds.toFixed(1), 'memory MB': Math.round(memory) })
  expectOutcome(run, outcome)
  expect(outcome === 'success' ? run.log : annotation(run)).toMatch(says)
  expect(run.log).not.toMatch(/\n\s+at .+:\d+:\d+/)
  expect(annotation(run).length).toBeLessThan(longest)
  expect(memory).toBeLessThan(mostMemory)
  expect(seconds).toBeLessThan(deadline + margin * (seconds < deadline + margin ? 1 : await slowness(world)))
}

/** How much longer than on an idle machine everything takes now. */
async function slowness(world: World): Promise<number> {
  const { took } = await act(world, { host: '' })
  return Math.max(1, took / 1000 / idleLoad)
}
