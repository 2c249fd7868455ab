/** Where the time of the tests goes: lines of JSON in the file that PROFILE names, for `npm test -- --profile` and `npm run lab`. */
import { appendFileSync } from 'node:fs'

/**
 * What time is spent on. `world` and `close` start and end an environment, `start` brings it to where a scenario starts, and
 * `body` is the scenario itself. Of the body, `clients` are Milvus' own; `action` and `helm` are the processor's work for the
 * action and for the programs that it runs, and `waiting` is the rest of the time of its process: deadlines, and answers.
 */
export type Part = 'world' | 'start' | 'body' | 'clients' | 'close' | 'action' | 'helm' | 'waiting'

/** What one part of a test took. */
export interface ProfileLine {
  /** The test file, without its ending. */
  readonly subject: string
  readonly part: Part
  readonly seconds: number
}

const file = process.env['PROFILE'] ?? ''

/** Does it, and notes how long that took, also when it fails, if the tests are profiled. */
export async function timed<T>(subject: string, part: Part, work: () => Promise<T>): Promise<T> {
  const start = performance.now()
  try {
    return await work()
  } finally {
    if (file !== '') appendFileSync(file, `${JSON.stringify({ subject, part, seconds: (performance.now() - start) / 1000 } satisfies ProfileLine)}\n`)
  }
}

/** Seconds of each part, by what was noted in a file. */
export function sumsOf(lines: readonly ProfileLine[]): Readonly<Record<Part, number>> {
  const sums = { world: 0, start: 0, body: 0, clients: 0, close: 0, action: 0, helm: 0, waiting: 0 }
  for (const { part, seconds } of lines) sums[part] += seconds
  return sums
}

/** Reads what was noted. */
export const readProfile = (text: string): ProfileLine[] => text.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as ProfileLine)

/** Options of Node, and the environment that they need. */
interface Profiling {
  readonly nodeOptions: readonly string[]
  readonly environment: Readonly<Record<string, string>>
}

/** What has a process note its own time in a file. */
export const profilingInto = (path: string): Profiling => ({ nodeOptions: [`--import=${new URL('profile.mjs', import.meta.url).href}`], environment: { PROFILE: path } })

/** What all processes of the action get while the tests are profiled. */
export const profiling: Profiling = file === '' ? { nodeOptions: [], environment: {} } : profilingInto(file)
