/** dry-run: prints what a mode would change, step by step. */
import type { Change, Context } from '../steps/step.ts'
import { formatObjects } from '../util/text.ts'

/** Prints a log group per step, in order of execution. */
export async function printPlan(context: Context, changes: readonly Change[]): Promise<void> {
  for (const [step, stepChanges] of Map.groupBy(changes, (change) => change.step)) {
    await context.step(step, () => {
      stepChanges.forEach((change) => context.recordDifference(change))
      const summary = formatObjects(stepChanges, 'to change')
      return Promise.resolve({ summary, result: undefined })
    })
  }
}
