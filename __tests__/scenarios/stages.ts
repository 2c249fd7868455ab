/** What the stages of scenarios take, added to the file that STAGE_TIMES names: a line for each, which lab/main.ts sums up. */
import { appendFileSync } from 'node:fs'

/** From the start of a world to its end; the body has the action's runs and what clients then do in it. */
export type Stage = 'world' | 'start' | 'body' | 'action' | 'clients' | 'close'

/** Does the work, and adds what it took, also when it fails. */
export async function timed<T>(stage: Stage, work: () => Promise<T>): Promise<T> {
  const start = performance.now()
  try {
    return await work()
  } finally {
    const file = process.env['STAGE_TIMES'] ?? ''
    if (file !== '') appendFileSync(file, `${JSON.stringify({ stage, seconds: (performance.now() - start) / 1000 })}\n`)
  }
}
