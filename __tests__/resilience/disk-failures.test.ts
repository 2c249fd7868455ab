/**
 * The runner's disk is full or read-only from some write on. The run reports it, and the next run
 * continues.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { runAction } from '../../testing/run-action.ts'
import { getErrorAnnotation } from '../scenarios/expectations.ts'
import { recordResult, sample } from './result-tables.ts'
import { createRecoveryCheck } from './recovery-check.ts'
import { prepareWriteNumbering } from './interrupted-runs.ts'
import { createFixture, recordBaseline, type Fixture } from './workflows.ts'

let fixture: Fixture
beforeAll(async () => {
  fixture = await createFixture()
})
afterAll(() => fixture.simulator.close())

/** A disk may become full at any write. A read-only disk usually was read-only from the start. */
test.each([
  ['ENOSPC', 1],
  ['EROFS', 6],
])('reports a disk that fails with %s from a write on', async (errno, step) => {
  const { simulator } = fixture
  const baseline = await recordBaseline(fixture, 'deploy')
  const { workflow, interruptionPoints } = baseline
  const writes = interruptionPoints.filter(
    ({ kind, moment }) => kind === 'file' && moment === 'before',
  )
  const recovery = createRecoveryCheck(simulator, baseline)
  const sampledWrites = sample(
    writes.filter((_write, index) => index % step === 0),
    Math.ceil(14 / step),
  )
  for (const { n, what } of sampledWrites) {
    await fixture.reset(workflow)
    const run = await runAction(simulator, workflow.inputs, {
      env: { ...(await prepareWriteNumbering(simulator)), FILE_FAILS: `${n} ${errno}` },
    })
    // The summary is written last, and a run succeeds without it. Removing a file needs no space.
    const isHarmless =
      what.startsWith('appendFile summary') ||
      (errno === 'ENOSPC' &&
        what.startsWith('rm ') &&
        writes.slice(n).every((laterWrite) => /^(rm|appendFile summary)/.test(laterWrite.what)))
    expect({
      n,
      what,
      exitCode: run.exitCode,
      log: run.exitCode === (isHarmless ? 0 : 1) ? '' : run.log,
    }).toEqual({ n, what, exitCode: isHarmless ? 0 : 1, log: '' })
    if (!isHarmless)
      expect({
        n,
        what,
        message: getErrorAnnotation(run),
        title: run.log.match(/^::error.*runner-disk-failed in \S+/m)?.length,
      }).toEqual({
        n,
        what,
        message: expect.stringMatching(new RegExp(`runner's? .* \\(${errno}: .*What to do: `, 's')),
        title: 1,
      })
    expect(run.log).not.toMatch(/\n\s+at .+:\d+:\d+/)
    await recovery.expectRecovery({ n, what })
  }
  recordResult('disk-failures', {
    'error of the disk': errno,
    'runs, each from another write on': sampledWrites.length,
    'resulting states': recovery.stateCount(),
    'recovered by the next run': recovery.stateCount(),
  })
})

test('reports a RUNNER_TEMP that is not writable', async () => {
  const { simulator } = fixture
  const [workflow] = fixture.workflows
  if (workflow) await fixture.reset(workflow)
  const run = await runAction(simulator, {}, { env: { RUNNER_TEMP: '/proc/self' } })
  expect({
    exitCode: run.exitCode,
    code: run.outputs['failure-code'],
    log: run.outputs['failure-code'] === 'runner-disk-failed' ? '' : run.log,
  }).toEqual({ exitCode: 1, code: 'runner-disk-failed', log: '' })
})
