/** Killed right before and right after every write: the next run reaches the state of an undisturbed one. */
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import type { InstallationMode } from '../../sandbox/charts/modes.ts'
import { figure, sample } from './figures.ts'
import { nextRuns } from './next-runs.ts'
import { runKilled } from './points.ts'
import { labelOf, setStage, undisturbed, type Story } from './stories.ts'

/** What only helm writes: the objects of a chart, and where it keeps releases. */
const writtenByHelm = /\/(secrets|services|configmaps|deployments|statefulsets|jobs|serviceaccounts|persistentvolumeclaims|roles|rolebindings)(\/|$)/

/** Defines the test of a story. @param mode of the Milvus that is there */
export function killedAtEveryWrite(name: Story['name'], mode: InstallationMode = 'standalone'): void {
  const what = labelOf(name, mode)
  // helm writes so many objects of a cluster that all of them would take most of an hour.
  const step = mode === 'cluster' ? 5 : 1
  test(`${what}, killed at every ${step === 1 ? '' : 'fifth '}write, and run once more`, async () => {
    const stage = await setStage(mode)
    const { world } = stage
    try {
      const calm = await undisturbed(stage, name)
      const { story, points, writes } = calm
      const dying = points.map((point) => ({ point, helm: 'dies' as const }))
      const living = points.filter(({ kind, what }) => kind === 'request' && writtenByHelm.test(what)).map((point) => ({ point, helm: 'lives' as const }))
      const tried = sample([...dying, ...living].filter((_each, index) => index % step === 0), 70)
      const disk = join(world.directory, 'disk')
      const next = nextRuns(world, calm)
      for (const [index, { point, helm }] of tried.entries()) {
        await stage.begin(story)
        const killed = await runKilled(world, story.inputs, point, disk, helm)
        expect({ point, exitCode: killed.exitCode, log: killed.exitCode === null ? '' : killed.log }).toEqual({ point, exitCode: null, log: '' })
        await next.after({ point, helm }, { disk, isLast: index === tried.length - 1 })
      }
      figure('killed', { 'what runs': what, writes, 'killed runs': tried.length, 'states that they left': next.states(), 'from which the next run reached the state of an undisturbed one': next.states() })
    } finally {
      await world.close()
    }
  })
}
