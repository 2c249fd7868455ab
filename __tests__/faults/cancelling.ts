/** Cancelled right before and right after every write: the run ends in time and says what it did, and the next one goes on. */
import { expect, test } from '@jest/globals'
import type { InstallationMode } from '../../sandbox/charts/modes.ts'
import { figure, sample } from './figures.ts'
import { nextRuns } from './next-runs.ts'
import { runCancelled } from './points.ts'
import { stateOf } from './state.ts'
import { labelOf, setStage, undisturbed, type Story } from './stories.ts'

/** GitHub kills everything 10 s after it cancelled. Milliseconds. */
const patience = 7_000

/** Defines the test of a story. A signal is heard between two requests, not between two writes to files that follow each other. */
export function cancelledAtEveryWrite(name: Story['name'], mode: InstallationMode = 'standalone'): void {
  const what = labelOf(name, mode)
  test(`${what}, cancelled at every write, and run once more`, async () => {
    const stage = await setStage(mode)
    const { world } = stage
    try {
      const calm = await undisturbed(stage, name)
      const { story, points } = calm
      const tried = sample(points.filter((point) => point.moment !== 'never' && !(point.kind === 'file' && point.isNext)), 100)
      let slowest = 0
      const next = nextRuns(world, calm)
      for (const point of tried) {
        await stage.begin(story)
        const cancelled = await runCancelled(world, story.inputs, point)
        // Late enough it is over anyway.
        const { 'failure-code': code, changes } = cancelled.outputs
        const ended = { exitCode: code === undefined ? 0 : 1, listed: changes !== undefined, summarized: cancelled.summary !== '', leftovers: cancelled.leftovers, inTime: cancelled.tookToEnd < patience }
        const { release } = stateOf(world)
        expect({ point, ...ended, code: code ?? 'cancelled', isPending: release?.status.startsWith('pending'), log: ended.listed ? '' : cancelled.log })
          .toEqual({ point, exitCode: cancelled.exitCode, listed: true, summarized: true, leftovers: [], inTime: true, code: story.again && code !== 'cancelled' ? code : 'cancelled', isPending: false, log: '' })
        slowest = Math.max(slowest, cancelled.tookToEnd)
        await next.after({ point })
      }
      figure('cancelled', { 'what runs': what, 'cancelled runs': tried.length, 'the slowest of them took to end, s': (slowest / 1_000).toFixed(1), 'states that they left': next.states(), 'from which the next run reached the state of an undisturbed one': next.states() })
    } finally {
      await world.close()
    }
  })
}
