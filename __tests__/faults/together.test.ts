/** Two runs at the same instant. */
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { act } from '../../sandbox/act.ts'
import { figure, whole } from './figures.ts'
import { stateOf } from './state.ts'
import { setStage, undisturbed, type Stage } from './stories.ts'

let stage: Stage
beforeAll(async () => {
  stage = await setStage()
})
afterAll(() => stage.world.close())

/** About as long as a run: so that any of its writes may meet any of the other's. Milliseconds. */
const span = 1_500

test('two deployments of one target that begin at the same time: never two certificates, never a release left pending', async () => {
  const { world } = stage
  const { story, state } = await undisturbed(stage, 'deploy')
  const rounds = whole ? 50 : 2
  let waited = 0
  for (let round = 0; round < rounds; round += 1) {
    await stage.begin(story)
    const offset = Math.round(Math.random() * span)
    const second = new Promise((resolve) => setTimeout(resolve, offset)).then(() => act(world))
    const runs = await Promise.all([act(world), second])
    expect({ offset, exits: runs.map(({ exitCode }) => exitCode), state: stateOf(world), log: runs.map(({ exitCode, log }) => (exitCode === 0 ? '' : log)) }).toEqual({ offset, exits: [0, 0], state, log: ['', ''] })
    if (runs.some(({ log }) => log.includes('Another run works'))) waited += 1
  }
  figure('together', { 'pairs of runs': rounds, 'offset, ms': `0 to ${span}, at random`, 'pairs of which one waited for the other': waited, 'pairs that left two certificates, or a release pending': 0 })
})
