/** Killed right before and right after every write: the next run reaches the state of an undisturbed one. */
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { act } from '../../sandbox/act.ts'
import { figure, sample } from './figures.ts'
import { halfAMinuteLater, runKilled } from './points.ts'
import { everythingIn, isNew, stateOf } from './state.ts'
import { setStage, undisturbed, type Story } from './stories.ts'

/** Defines the test of a story. */
export function killedAtEveryWrite(name: Story['name']): void {
  test(`${name}, killed at every write, and run once more`, async () => {
    const stage = await setStage()
    const { world } = stage
    try {
      const { story, state, points, writes } = await undisturbed(stage, name)
      const dying = points.map((point) => ({ point, helm: 'dies' as const }))
      const living = points.filter(({ kind, what }) => kind === 'request' && /\/(secrets|services|configmaps|deployments)(\/|$)/.test(what)).map((point) => ({ point, helm: 'lives' as const }))
      const tried = sample([...dying, ...living], 70)
      const disk = join(world.directory, 'disk')
      const found = new Set<string>()
      for (const [index, { point, helm }] of tried.entries()) {
        await stage.begin(story)
        const killed = await runKilled(world, story.inputs, point, disk, helm)
        expect({ point, exitCode: killed.exitCode, log: killed.exitCode === null ? '' : killed.log }).toEqual({ point, exitCode: null, log: '' })
        await halfAMinuteLater(world)
        // From what another killed run left as well, the next one was run already; the disk keeps what all of them leave.
        if (!isNew(found, everythingIn(world)) && index < tried.length - 1) continue
        const run = await act(world, { ...story.inputs, ...story.again }, { disk })
        const seen = { exitCode: run.exitCode, leftovers: run.leftovers, state: stateOf(world), log: run.exitCode === 0 ? '' : run.log }
        expect({ point, helm, ...seen }).toEqual({ point, helm, exitCode: 0, leftovers: [], state, log: '' })
      }
      figure('killed', { 'what runs': name, writes, 'killed runs': tried.length, 'states that they left': found.size, 'from which the next run reached the state of an undisturbed one': found.size })
    } finally {
      await world.close()
    }
  })
}
