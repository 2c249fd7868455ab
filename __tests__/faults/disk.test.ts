/** The runner's disk is full, or read-only, from any write on: the run says so, and the next one goes on. */
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { act } from '../../sandbox/act.ts'
import { annotation } from '../scenarios/harness.ts'
import { figure, sample } from './figures.ts'
import { nextRuns } from './next-runs.ts'
import { numbering } from './points.ts'
import { setStage, undisturbed, type Stage } from './stories.ts'

let stage: Stage
beforeAll(async () => {
  stage = await setStage()
})
afterAll(() => stage.world.close())

/** A disk that becomes full does so at any write; one that is read-only mostly was so before. */
test.each([['ENOSPC', 1], ['EROFS', 6]])('a disk that fails by %s, from a write on', async (errno, step) => {
  const { world } = stage
  const calm = await undisturbed(stage, 'deploy')
  const { story, points } = calm
  const writes = points.filter(({ kind, moment }) => kind === 'file' && moment === 'before')
  const next = nextRuns(world, calm)
  const tried = sample(writes.filter((_write, index) => index % step === 0), Math.ceil(14 / step))
  for (const { n, what } of tried) {
    await stage.begin(story)
    const run = await act(world, story.inputs, { environment: { ...await numbering(world), FILE_FAILS: `${n} ${errno}` } })
    // The summary is the last thing that is written, and a nicety. A file that is only removed needs no room.
    const isHarmless = what.startsWith('appendFile summary') || (errno === 'ENOSPC' && what.startsWith('rm ') && writes.slice(n).every((later) => /^(rm|appendFile summary)/.test(later.what)))
    expect({ n, what, exitCode: run.exitCode, log: run.exitCode === (isHarmless ? 0 : 1) ? '' : run.log }).toEqual({ n, what, exitCode: isHarmless ? 0 : 1, log: '' })
    if (!isHarmless) expect({ n, what, says: annotation(run), title: run.log.match(/^::error.*runner-disk-failed in \S+/m)?.length }).toEqual({ n, what, says: expect.stringMatching(new RegExp(`The runner's disk failed: ${errno}.*What to do: `, 's')), title: 1 })
    expect(run.log).not.toMatch(/\n\s+at .+:\d+:\d+/)
    await next.after({ n, what })
  }
  figure('disk', { 'the disk fails by': errno, 'runs, from different writes on': tried.length, 'states that they left': next.states(), 'from which the next run reached the state of an undisturbed one': next.states() })
})

test('a RUNNER_TEMP that cannot be written to', async () => {
  const { world } = stage
  const [story] = stage.stories
  if (story) await stage.begin(story)
  const run = await act(world, {}, { environment: { RUNNER_TEMP: '/proc/self' } })
  expect({ exitCode: run.exitCode, code: run.outputs['failure-code'], log: run.outputs['failure-code'] === 'runner-disk-failed' ? '' : run.log }).toEqual({ exitCode: 1, code: 'runner-disk-failed', log: '' })
})
