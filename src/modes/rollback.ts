/**
 * on-failure: rollback. A run that fails undoes its changes, the latest first. Its error stays the
 * error of the run.
 */
import type { ActionError } from '../failures/action-error.ts'
import type { StepName } from '../failures/codes.ts'
import { rollbackIncomplete } from '../failures/run.ts'
import { toActionError } from '../failures/thrown.ts'
import type { Context } from '../steps/step.ts'
import type { Settings } from '../inputs/types.ts'

/** How to undo a change that is about to be made. */
export interface RollbackAction {
  readonly step: StepName
  /** The changed object, for people. */
  readonly object: string
  /** An object that has to be rolled back before this one may be. */
  readonly dependsOn?: string
  /** Whether it waits for others to notice what was rolled back: it runs after everything else. */
  readonly isCleanup?: boolean
  /** @returns a phrase for the log */
  readonly rollBack: () => Promise<string>
}

/**
 * Runs `work`, which registers each change before it makes it.
 * @throws ActionError of `work`, together with `rollback-incomplete` when a change could not be
 *   undone
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
      // The runner kills the process 10 s after the cancellation, and half a rollback is worse than
      // none.
      const objects = actions.map(({ object }) => object).join(', ')
      context.log.note(
        `A cancelled job has no time for a rollback. These may be changed: ${objects}. ` +
          'Run the job again to continue from the current state.',
      )
      throw failure
    }
    throw await rollBackAll(context, actions, failure)
  }
}

/** @returns `failure`, with `rollback-incomplete` beside it when an action failed */
async function rollBackAll(
  context: Context,
  actions: readonly RollbackAction[],
  failure: ActionError,
): Promise<ActionError> {
  const incidents: string[] = []
  const failedObjects = new Set<string>()
  for (const action of sortByExecution(actions)) {
    const { object, dependsOn } = action
    if (dependsOn !== undefined && failedObjects.has(dependsOn)) {
      failedObjects.add(object)
      incidents.push(`${object} was kept, because ${dependsOn} was not rolled back.`)
      continue
    }
    try {
      await rollBack(context, action)
    } catch (thrown) {
      const { message, remedy } = toActionError(thrown)
      failedObjects.add(object)
      incidents.push(`${object}: ${message.replace(/\.?$/, '.')} ${remedy}`)
    }
  }
  if (incidents.length === 0) return failure
  return failure.withOtherErrors([...failure.otherErrors, rollbackIncomplete(incidents)])
}

const sortByExecution = (actions: readonly RollbackAction[]): RollbackAction[] => [
  ...actions.filter(({ isCleanup = false }) => !isCleanup),
  ...actions.filter(({ isCleanup = false }) => isCleanup),
]

const rollBack = (context: Context, action: RollbackAction): Promise<void> =>
  context.step(action.step, async () => ({
    summary: `rolled back: ${await action.rollBack()}`,
    result: undefined,
  }))
