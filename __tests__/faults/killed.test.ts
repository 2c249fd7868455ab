/** Killed right before and right after every write: the next run reaches the state of an undisturbed one. */
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { act } from '../../sandbox/act.ts'
import { figure, sample } from './figures.ts'
import { letLeaseRunOut, runKilled } from './points.ts'
import { stateOf } from './state.ts'
import { played, setStage, undisturbed, type Stage } from './stories.ts'

let stage: Stage
beforeAll(async () => {
  stage = await setStage()
})
afterAll(() => stage.world.close())

test.each(played('destroy'))('%s, killed at every write, and run once more', async (name) => {
  const { world } = stage
  const { story, state, points, writes } = await undisturbed(stage, name)
  const dying = points.map((point) => ({ point, helm: 'dies' as const }))
  const living = points.filter(({ kind, what }) => kind === 'request' && /\/(secrets|services|configmaps|deployments)(\/|$)/.test(what)).map((point) => ({ point, helm: 'lives' as const }))
  const tried = sample([...dying, ...living], 70)
  for (const { point, helm } of tried) {
    const disk = join(world.directory, `disk-${point.kind}-${point.n}-${point.moment}-${helm}`)
    await stage.begin(story)
    const killed = await runKilled(world, story.inputs, point, disk, helm)
    letLeaseRunOut(world)
    const run = await act(world, { ...story.inputs, ...story.again }, { disk })
    const seen = { exitCode: run.exitCode, leftovers: run.leftovers, state: stateOf(world), log: run.exitCode === 0 ? '' : run.log }
    expect({ point, helm, wasKilled: killed.exitCode === null, ...seen }).toEqual({ point, helm, wasKilled: true, exitCode: 0, leftovers: [], state, log: '' })
  }
  figure('killed', { 'what runs': name, writes, 'killed runs': tried.length, 'runs after them that reached the state of an undisturbed run': tried.length })
})
