/** dry-run: what a mode would change, step by step, in place of changing it. */
import type { Change, Context } from '../core/step.ts'
import { count } from './look.ts'

/** Shows the changes as groups of the log, in the order in which they would be made. */
export async function rehearse(context: Context, changes: readonly Change[]): Promise<void> {
  for (const step of new Set(changes.map((change) => change.step))) {
    const own = changes.filter((change) => change.step === step)
    await context.step(step, () => {
      own.forEach((change) => context.differs(change))
      return Promise.resolve({ verdict: `${count(own)} would be made`, result: undefined })
    })
  }
}
