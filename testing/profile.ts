/**
 * Where the time of the tests goes: lines of JSON in the file that PROFILE names, for `npm test --
 * --profile` and `npm run lab`.
 */
import { appendFileSync } from 'node:fs'

/**
 * What time is spent on. `world` and `close` start and end an environment, `start` brings it to
 * where a scenario starts, and `body` is the scenario itself. Of the body, `clients` are Milvus'
 * own; `action` and `helm` are the processor's work for the action and for the programs that it
 * runs, and `waiting` is the rest of the time of its process: deadlines, and answers.
 */
export type ProfiledPhase =
  'world' | 'start' | 'body' | 'clients' | 'close' | 'action' | 'helm' | 'waiting'

/** What one part of a test took. */
export interface ProfileEntry {
  /** The test file, without its ending. */
  readonly subject: string
  readonly part: ProfiledPhase
  readonly seconds: number
}

const profilePath = process.env['PROFILE'] ?? ''

/** Does it, and notes how long that took, also when it fails, if the tests are profiled. */
export async function measurePhase<T>(
  subject: string,
  phase: ProfiledPhase,
  task: () => Promise<T>,
): Promise<T> {
  const start = performance.now()
  try {
    return await task()
  } finally {
    const seconds = (performance.now() - start) / 1000
    const entry: ProfileEntry = { subject, part: phase, seconds }
    if (profilePath !== '') appendFileSync(profilePath, `${JSON.stringify(entry)}\n`)
  }
}

/** Seconds of each part, by what was noted in a file. */
export function sumByPhase(
  lines: readonly ProfileEntry[],
): Readonly<Record<ProfiledPhase, number>> {
  const totals = {
    world: 0,
    start: 0,
    body: 0,
    clients: 0,
    close: 0,
    action: 0,
    helm: 0,
    waiting: 0,
  }
  for (const { part, seconds } of lines) totals[part] += seconds
  return totals
}

/** Reads what was noted. */
export const parseProfile = (text: string): ProfileEntry[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as ProfileEntry)

/** Options of Node, and the environment that they need. */
interface ProfilingOptions {
  readonly nodeOptions: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** What has a process note its own time in a file. */
export const profilingOptionsFor = (path: string): ProfilingOptions => ({
  nodeOptions: [`--import=${new URL('profile.mjs', import.meta.url).href}`],
  env: { PROFILE: path },
})

/** What all processes of the action get while the tests are profiled. */
export const profilingOptions: ProfilingOptions =
  profilePath === '' ? { nodeOptions: [], env: {} } : profilingOptionsFor(profilePath)
