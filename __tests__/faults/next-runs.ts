/** What comes after a run that was disturbed: the same job once more, which has to reach the state of an undisturbed one. */
import { expect } from '@jest/globals'
import { act } from '../../sandbox/act.ts'
import type { Sandbox } from '../../sandbox/sandbox.ts'
import { halfAMinuteLater } from './points.ts'
import { everythingIn, isNew, stateOf } from './state.ts'
import type { Undisturbed } from './stories.ts'

/** The next runs of a story. */
export interface NextRuns {
  /** How many states the disturbed runs left that differ, and so how many next runs there were. */
  states(): number
  /**
   * Runs it half a minute later, unless another disturbed run left the same.
   * @param what the disturbance, for the message of a failure
   * @param options `disk` is what earlier runs left on the runner; the last run of all is made in any case, to find there what all of them left
   */
  after(what: object, options?: { readonly disk?: string; readonly isLast?: boolean }): Promise<void>
}

/** None has been yet. */
export function nextRuns(world: Sandbox, { story, state }: Undisturbed): NextRuns {
  const found = new Set<string>()
  return {
    states: () => found.size,
    async after(what, { disk, isLast = false } = {}) {
      await halfAMinuteLater(world)
      if (!isNew(found, everythingIn(world)) && !isLast) return
      const run = await act(world, { ...story.inputs, ...story.again }, { ...(disk === undefined ? {} : { disk }) })
      expect({ ...what, exitCode: run.exitCode, leftovers: run.leftovers, state: stateOf(world), log: run.exitCode === 0 ? '' : run.log }).toEqual({ ...what, exitCode: 0, leftovers: [], state, log: '' })
    },
  }
}
