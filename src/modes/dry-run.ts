/** dry-run: what a mode would change, step by step, in place of changing it. */
import type { Change, Context } from '../steps/step.ts'
import { formatChangeCount } from './plan.ts'

/** Shows the changes as groups of the log, in the order in which they would be made. */
export async function printPlan(context: Context, changes: readonly Change[]): Promise<void> {
  for (const step of new Set(changes.map((change) => change.step))) {
    const stepChanges = changes.filter((change) => change.step === step)
    await context.step(step, () => {
      stepChanges.forEach((change) => context.recordDifference(change))
      return Promise.resolve({
        summary: `${formatChangeCount(stepChanges)} would be made`,
        result: undefined,
      })
    })
  }
}
