/** on-failure: rollback. A run that fails puts back what it changed, the last first; its failure stays the failure. */
import { ActionError, asActionError, type StepName } from '../core/errors.ts'
import type { Context } from '../core/step.ts'
import type { Settings } from '../settings/types.ts'

/** How something that is about to be changed is put back. */
export interface WayBack {
  readonly step: StepName
  /** As people call it. */
  readonly object: string
  /** The step that has to be put back before this can be. */
  readonly after?: StepName
  /** @returns what there is to show for it */
  readonly putBack: () => Promise<string>
}

/**
 * Runs `work`, which tells of each thing before it changes it.
 * @throws ActionError of `work`, and beside it `rollback-incomplete` when something could not be put back
 */
export async function orPutBack(context: Context, { onFailure }: Settings, work: (before: (way: WayBack) => void) => Promise<void>): Promise<void> {
  const ways: WayBack[] = []
  try {
    await work((way) => ways.unshift(way))
  } catch (thrown) {
    const failure = asActionError(thrown)
    if (onFailure === 'keep' || ways.length === 0) throw failure
    if (context.signal.aborted) {
      // The runner kills everything 10 s after it cancelled, and half a way back is worse than none.
      context.log.note(`A job that is cancelled has no time to put anything back: ${ways.map(({ object }) => object).join(', ')} may be changed. Running it again goes on from there.`)
      throw failure
    }
    throw await putBack(context, ways, failure)
  }
}

async function putBack(context: Context, ways: readonly WayBack[], failure: ActionError): Promise<ActionError> {
  const left: string[] = []
  const stuck = new Set<StepName>()
  for (const { step, object, after, putBack } of ways) {
    if (after !== undefined && stuck.has(after)) {
      stuck.add(step)
      left.push(`${object} stays, for that may still use it.`)
      continue
    }
    await context.step(step, async () => ({ verdict: `put back: ${await putBack()}`, result: undefined })).catch((thrown: unknown) => {
      const { message, remedy } = asActionError(thrown)
      stuck.add(step)
      left.push(`${object}: ${message.replace(/\.?$/, '.')} ${remedy}`)
    })
  }
  if (left.length === 0) return failure
  const incomplete = new ActionError({
    code: 'rollback-incomplete',
    problem: `Not everything that this run changed was put back. ${left.join(' ')}`,
    remedy: 'Do that by hand, or mend the failure and run the job again: it goes on from what is there.',
  })
  const { code, message, remedy, step, cause, also } = failure
  return new ActionError({ code, problem: message, remedy, cause, ...(step && { step }) }, [...also, incomplete])
}
