/**
 * Measures where the tests spend their time. Entries are lines of JSON in the file named by
 * PROFILE, for `npm test -- --profile` and `npm run lab`.
 */
import { appendFileSync } from 'node:fs'

/**
 * The phases of a test. `startup` and `close` start and stop an environment, `fixture` prepares the
 * initial state of the scenario, and `body` is the scenario itself. Of the body, `clients` is the
 * time of Milvus' own clients; `action` and `helm` are the CPU time of the action and of the
 * programs that it runs, and `waiting` is the remaining time of its process, such as timeouts and
 * responses.
 */
export type ProfiledPhase =
  'startup' | 'fixture' | 'body' | 'clients' | 'close' | 'action' | 'helm' | 'waiting'

/** The duration of one phase of a test. */
export interface ProfileEntry {
  /** The test file, without its extension. */
  readonly subject: string
  readonly phase: ProfiledPhase
  readonly seconds: number
}

const profilePath = process.env['PROFILE'] ?? ''

/** Runs a task and, if the tests are profiled, records its duration, even if it fails. */
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
    const entry: ProfileEntry = { subject, phase, seconds }
    if (profilePath !== '') appendFileSync(profilePath, `${JSON.stringify(entry)}\n`)
  }
}

/** Sums the seconds of each phase. */
export function sumByPhase(
  lines: readonly ProfileEntry[],
): Readonly<Record<ProfiledPhase, number>> {
  const totals = {
    startup: 0,
    fixture: 0,
    body: 0,
    clients: 0,
    close: 0,
    action: 0,
    helm: 0,
    waiting: 0,
  }
  for (const { phase, seconds } of lines) totals[phase] += seconds
  return totals
}

/** Parses the contents of a profile file. */
export const parseProfile = (text: string): ProfileEntry[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as ProfileEntry)

/** Node options and the environment variables that they need. */
interface ProfilingOptions {
  readonly nodeOptions: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** Options that make a process record its own time in a file. */
export const profilingOptionsFor = (path: string): ProfilingOptions => ({
  nodeOptions: [`--import=${new URL('profile.mjs', import.meta.url).href}`],
  env: { PROFILE: path },
})

/** Options for all processes of the action; empty unless the tests are profiled. */
export const profilingOptions: ProfilingOptions =
  profilePath === '' ? { nodeOptions: [], env: {} } : profilingOptionsFor(profilePath)
