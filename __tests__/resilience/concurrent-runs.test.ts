/** Two concurrent runs against one target. */
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { runAction } from '../../testing/run-action.ts'
import { recordResult, isFullRun } from './result-tables.ts'
import { captureState } from './state.ts'
import { createFixture, recordBaseline, type Fixture } from './workflows.ts'

let fixture: Fixture
beforeAll(async () => {
  fixture = await createFixture()
})
afterAll(() => fixture.simulator.close())

/** The duration of a run in milliseconds: any write of one may meet any write of the other. */
const maxOffsetMs = 1_500

test('two concurrent deployments of one target both succeed, with one certificate and no pending release', async () => {
  const { simulator } = fixture
  const { workflow, state } = await recordBaseline(fixture, 'deploy')
  const roundCount = isFullRun ? 50 : 2
  let waitedCount = 0
  for (let round = 0; round < roundCount; round += 1) {
    await fixture.reset(workflow)
    const offset = Math.round(Math.random() * maxOffsetMs)
    const secondRun = new Promise((resolve) => setTimeout(resolve, offset)).then(() =>
      runAction(simulator),
    )
    const runs = await Promise.all([runAction(simulator), secondRun])
    expect({
      offset,
      exits: runs.map(({ exitCode }) => exitCode),
      state: captureState(simulator),
      log: runs.map(({ exitCode, log }) => (exitCode === 0 ? '' : log)),
    }).toEqual({ offset, exits: [0, 0], state, log: ['', ''] })
    if (runs.some(({ log }) => log.includes('Another run is working'))) waitedCount += 1
  }
  recordResult('concurrent-runs', {
    'pairs of runs': roundCount,
    'offset, ms': `0 to ${maxOffsetMs}, at random`,
    'pairs in which one run waited': waitedCount,
    'pairs with two certificates or a pending release': 0,
  })
})
