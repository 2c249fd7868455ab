/** Where the time of the tests goes, for `npm test -- --profile`: lines of JSON in the file that PROFILE names. */
import { appendFileSync } from 'node:fs'

/** Seconds of one part of a test, by what they were spent on. */
export interface ProfileLine {
  /** The test file, without its ending. */
  readonly subject: string
  /** Starting and ending the environment, with helm's installation of Milvus. */
  readonly environment?: number
  /** The processor's work for the action itself, and for the helm that it runs. */
  readonly action?: number
  readonly helm?: number
  /** The rest of the action's time: deadlines, and answers. */
  readonly waiting?: number
}

const file = process.env['PROFILE'] ?? ''

/** Does it, and notes how long that took, if the tests are profiled. */
export async function timed<T>(subject: string, work: () => Promise<T>): Promise<T> {
  const start = performance.now()
  try {
    return await work()
  } finally {
    if (file !== '') appendFileSync(file, `${JSON.stringify({ subject, environment: (performance.now() - start) / 1000 } satisfies ProfileLine)}\n`)
  }
}

/** Options of Node, and the environment that they need. */
interface Profiling {
  readonly nodeOptions: readonly string[]
  readonly environment: Readonly<Record<string, string>>
}

/** What has a process note its own time in a file, as a `ProfileLine`. */
export const profilingInto = (path: string): Profiling => ({ nodeOptions: [`--import=${new URL('profile.mjs', import.meta.url).href}`], environment: { PROFILE: path } })

/** What all processes of the action get while the tests are profiled. */
export const profiling: Profiling = file === '' ? { nodeOptions: [], environment: {} } : profilingInto(file)
