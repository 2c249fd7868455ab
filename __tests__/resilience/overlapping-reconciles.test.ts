/** Runs that apply an Ingress while reconciles of the one before it fail, retry and report late. */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { runAction } from '../../testing/run-action.ts'
import { getErrorAnnotation } from '../scenarios/expectations.ts'
import { isIngressApply } from './mid-run-fixture.ts'
import { isFullRun, recordResult } from './result-tables.ts'
import { createFixture, recordBaseline, type Fixture } from './workflows.ts'

let fixture: Fixture
beforeAll(async () => {
  fixture = await createFixture()
})
afterEach(() => {
  const { options } = fixture.simulator.controller
  options.beforeReport = () => Promise.resolve()
  options.errors = []
  options.unknownIds = []
})
afterAll(() => fixture.simulator.close())

/** Milliseconds: a run that changes the Ingress reads for about one second. */
const maxOffset = 1_500
/** Milliseconds between the work of a reconcile and its report. */
const maxReportDelay = 1_500
/** Changes of the Service, each of which starts a reconcile. */
const touchCount = 4
const acceptedInputs = { tags: 'team=search' }
const oldMessage = 'ingress: milvus/milvus-demo: unknown scheme: public'

const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds))
const random = (maximum: number): number => Math.round(Math.random() * maximum)

/** Reconciles of the deployed Ingress that fail until it is applied again. */
async function failUntilApplied(): Promise<void> {
  const { controller, requestLog } = fixture.simulator
  controller.options.errors = Array.from({ length: random(touchCount) }, () => ({
    reason: 'FailedBuildModel' as const,
    message: oldMessage,
  }))
  await requestLog.nextRequest(isIngressApply)
  controller.options.errors = []
}

async function touchServiceAt(offsets: readonly number[]): Promise<void> {
  await Promise.all(
    offsets.map(async (offset, index) => {
      await pause(offset)
      await fixture.simulator.kubectl(
        ...['annotate', 'service', 'milvus-demo', '--overwrite'],
        `example.com/touched=${index}-${offset}`,
      )
    }),
  )
}

/**
 * One run with reconciles at random moments.
 * @returns milliseconds that it took
 */
async function runWithOverlaps(isRejected: boolean): Promise<number> {
  const { controller } = fixture.simulator
  const delays: number[] = []
  controller.options.beforeReport = () => {
    const delay = random(maxReportDelay)
    delays.push(delay)
    return pause(delay)
  }
  controller.options.unknownIds = ['sg-00000000']
  const offsets = Array.from({ length: touchCount }, () => random(maxOffset))
  const [run] = await Promise.all([
    runAction(
      fixture.simulator,
      isRejected ? { 'security-groups': 'sg-00000000' } : acceptedInputs,
    ),
    touchServiceAt(offsets),
    failUntilApplied(),
  ])
  const verdict = { code: run.outputs['failure-code'], message: getErrorAnnotation(run) }
  expect({ offsets, delays, ...verdict, log: run.log }).toEqual({
    offsets,
    delays,
    code: isRejected ? 'controller-refused' : '',
    message: isRejected ? expect.stringContaining('sg-00000000') : '',
    log: isRejected ? run.log : expect.not.stringContaining(oldMessage),
  })
  return run.durationMs
}

test('the verdict on the applied Ingress is that of its own reconcile, whenever others report', async () => {
  const { workflow } = await recordBaseline(fixture, 'renewal')
  const runCount = isFullRun ? 40 : 4
  const durations: number[] = []
  for (let index = 0; index < runCount; index += 1) {
    await fixture.reset(workflow)
    durations.push(await runWithOverlaps(index % 2 === 1))
  }
  recordResult('overlapping-reconciles', {
    runs: runCount,
    'reconciles that something else starts in each': touchCount,
    'report delay, ms': `0 to ${maxReportDelay}, at random`,
    'wrong verdicts': 0,
    'slowest run, s': (Math.max(...durations) / 1000).toFixed(1),
  })
})
