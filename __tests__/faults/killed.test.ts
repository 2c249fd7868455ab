/** Killed right before and right after every write: the next run reaches the state of an undisturbed one. */
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { act } from '../../sandbox/act.ts'
import { figure, sample } from './figures.ts'
import { letLeaseRunOut, pointsOf, record, runKilled, type Point } from './points.ts'
import { stateOf } from './state.ts'
import { setStage, type Stage, type Story } from './stories.ts'

let stage: Stage
beforeAll(async () => {
  stage = await setStage()
})
afterAll(() => stage.world.close())

/** The state that an undisturbed run leaves, and what it writes on the way. */
async function undisturbed(story: Story): Promise<{ state: object; points: Point[]; writes: string }> {
  const { world } = stage
  await stage.begin(story)
  const { run, writes } = await record(world, story.inputs)
  if (story.again) await act(world, story.again)
  else expect({ exitCode: run.exitCode, log: run.exitCode === 0 ? '' : run.log }).toEqual({ exitCode: 0, log: '' })
  return { state: stateOf(world), points: pointsOf(writes), writes: `${writes.requests.length} requests, ${writes.helm.length} calls of helm, ${writes.files.length} of files` }
}

test.each(['deploy', 'renewal', 'cutover: last', 'on-failure: rollback', 'destroy'])('%s, killed at every write, and run once more', async (name) => {
  const { world, stories } = stage
  const story = stories.find((each) => each.name === name)
  if (!story) throw new Error(`there is no story ${name}`)
  const { state, points, writes } = await undisturbed(story)
  const dying = points.map((point) => ({ point, helm: 'dies' as const }))
  const living = points.filter(({ kind, what }) => kind === 'request' && /\/(secrets|services|configmaps|deployments)(\/|$)/.test(what)).map((point) => ({ point, helm: 'lives' as const }))
  const tried = sample([...dying, ...living], 25)
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
