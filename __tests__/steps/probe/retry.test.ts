/** How long the parts of a probe, which share probe-timeout, are repeated. */
import { expect, test } from '@jest/globals'
import { ProbeFailure, once, untilTimeout } from '../../../src/failures/probe-failure.ts'
import { retryProbe } from '../../../src/steps/probe/retry.ts'
import type { Context } from '../../../src/steps/step.ts'
import { systemClock } from '../../../src/util/polling.ts'
import { captureActionError } from '../../capture-error.ts'
import { FakeClock } from '../../util/clock.ts'
import { createSettings } from '../fixtures.ts'

const startedAt = 1_000_000

test.each<{ name: string; timeLeft: number; timesPerAttempt: readonly number[] }>([
  {
    name: 'until the deadline, with a second for the last attempt',
    timeLeft: 2_500,
    timesPerAttempt: [2_500, 1_500, 1_000, 1_000],
  },
  { name: 'once after the deadline', timeLeft: -3_000, timesPerAttempt: [1_000] },
])('an attempt is made $name', async ({ timeLeft, timesPerAttempt }) => {
  const clock = new FakeClock(startedAt)
  const { signal } = new AbortController()
  const context = { log: {}, clock, signal } as unknown as Context
  const times: number[] = []
  const failure = new ProbeFailure({
    code: 'probe-rest-failed',
    problem: 'No answer.',
    remedy: 'Wait.',
    retryFor: untilTimeout,
  })
  const { message } = await captureActionError(() =>
    retryProbe(
      { context, settings: createSettings() },
      {
        deadline: startedAt + timeLeft,
        attempt: (deadline) => {
          times.push(deadline - clock.now())
          return Promise.reject(failure)
        },
        interval: () => 1_000,
      },
    ),
  )
  expect(times).toEqual(timesPerAttempt)
  expect(message).toBe('No answer. Tried until probe-timeout (300 s) was over.')
})

const fail = (retryFor: number): ProbeFailure =>
  new ProbeFailure({ code: 'probe-deep-failed', problem: 'No.', remedy: 'Wait.', retryFor })

test('a failure that deserves one more attempt gets it after another one of the same code', async () => {
  const clock = new FakeClock(startedAt)
  const { signal } = new AbortController()
  const context = { log: {}, clock, signal } as unknown as Context
  const failures = [fail(untilTimeout), fail(once)]
  const attempt = () => {
    const failure = failures.shift()
    return failure ? Promise.reject(failure) : Promise.resolve('answered')
  }
  expect(
    await retryProbe(
      { context, settings: createSettings() },
      { attempt, interval: () => 1_000, deadline: startedAt + 60_000 },
    ),
  ).toBe('answered')
})

test('an attempt that begins at the deadline has its time', async () => {
  const { signal } = new AbortController()
  const context = { log: {}, clock: systemClock, signal } as unknown as Context
  let attemptCount = 0
  const attempt = async () => {
    attemptCount += 1
    if (attemptCount === 1) throw fail(untilTimeout)
    await systemClock.sleep(2_000, signal)
    return 'answered'
  }
  const deadline = systemClock.now() + 100
  expect(
    await retryProbe(
      { context, settings: createSettings() },
      { attempt, interval: () => 1_000, deadline, minAttemptTime: 5_000 },
    ),
  ).toBe('answered')
})
