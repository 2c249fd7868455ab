/**
 * on-failure: rollback. A run that fails puts back what it changed, the last first; its failure
 * stays the failure.
 */
import { ActionError } from '../failures/action-error.ts'
import { toActionError } from '../failures/thrown.ts'
import { type StepName } from '../failures/codes.ts'
import type { Context } from '../steps/step.ts'
import type { Settings } from '../inputs/types.ts'

/** How something that is about to be changed is put back. */
export interface RollbackAction {
  readonly step: StepName
  /** As people call it. */
  readonly object: string
  /** The step that has to be put back before this can be. */
  readonly dependsOn?: StepName
  /** @returns what there is to show for it */
  readonly rollBack: () => Promise<string>
}

/**
 * Runs `work`, which tells of each thing before it changes it.
 * @throws ActionError of `work`, and beside it `rollback-incomplete` when something could not be
 *   put back
 */
export async function withRollback(
  context: Context,
  { onFailure }: Settings,
  work: (registerRollback: (action: RollbackAction) => void) => Promise<void>,
): Promise<void> {
  const actions: RollbackAction[] = []
  try {
    await work((action) => actions.unshift(action))
  } catch (thrown) {
    const failure = toActionError(thrown)
    if (onFailure === 'keep' || actions.length === 0) throw failure
    if (context.signal.aborted) {
      // The runner kills everything 10 s after it cancelled, and half a way back is worse than
      // none.
      context.log.note(
        `A job that is cancelled has no time to put anything back: ${actions.map(({ object }) => object).join(', ')} may be changed. Running it again goes on from there.`,
      )
      throw failure
    }
    throw await rollBackAll(context, actions, failure)
  }
}

async function rollBackAll(
  context: Context,
  actions: readonly RollbackAction[],
  failure: ActionError,
): Promise<ActionError> {
  const failedRollbacks: string[] = []
  const failedSteps = new Set<StepName>()
  for (const { step, object, dependsOn, rollBack: rollBackAll } of actions) {
    if (dependsOn !== undefined && failedSteps.has(dependsOn)) {
      failedSteps.add(step)
      failedRollbacks.push(`${object} stays, for that may still use it.`)
      continue
    }
    await context
      .step(step, async () => ({ summary: `put back: ${await rollBackAll()}`, result: undefined }))
      .catch((thrown: unknown) => {
        const { message, remedy } = toActionError(thrown)
        failedSteps.add(step)
        failedRollbacks.push(`${object}: ${message.replace(/\.?$/, '.')} ${remedy}`)
      })
  }
  if (failedRollbacks.length === 0) return failure
  const incomplete = new ActionError({
    code: 'rollback-incomplete',
    problem: `Not everything that this run changed was put back. ${failedRollbacks.join(' ')}`,
    remedy:
      'Do that by hand, or mend the failure and run the job again: it goes on from what is there.',
  })
  const { code, message, remedy, step, cause, otherErrors: also } = failure
  return new ActionError({ code, problem: message, remedy, cause, ...(step && { step }) }, [
    ...also,
    incomplete,
  ])
}
