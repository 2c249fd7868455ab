/** Cancelled right before and right after every write: the run ends in time and says what it did, and the next one goes on. */
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { act } from '../../sandbox/act.ts'
import { figure, sample } from './figures.ts'
import { runCancelled } from './points.ts'
import { stateOf } from './state.ts'
import { played, setStage, undisturbed, type Stage } from './stories.ts'

let stage: Stage
beforeAll(async () => {
  stage = await setStage()
})
afterAll(() => stage.world.close())

/** GitHub kills everything 10 s after it cancelled. Milliseconds. */
const patience = 7_000

test.each(played())('%s, cancelled at every write, and run once more', async (name) => {
  const { world } = stage
  const { story, state, points } = await undisturbed(stage, name)
  const tried = sample(points.filter(({ moment }) => moment !== 'never'), 100)
  let slowest = 0
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
    const run = await act(world, { ...story.inputs, ...story.again })
    expect({ point, exitCode: run.exitCode, state: stateOf(world), log: run.exitCode === 0 ? '' : run.log }).toEqual({ point, exitCode: 0, state, log: '' })
  }
  figure('cancelled', { 'what runs': name, 'cancelled runs': tried.length, 'the slowest of them took to end, s': (slowest / 1_000).toFixed(1), 'runs after them that reached the state of an undisturbed run': tried.length })
})
