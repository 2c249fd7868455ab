/** How long the parts of a probe, which share probe-timeout, are repeated. */
import { expect, test } from '@jest/globals'
import { ProbeFailure, untilTimeout } from '../../../src/failures/probe-failure.ts'
import { retryProbe } from '../../../src/steps/probe/retry.ts'
import type { Context } from '../../../src/steps/step.ts'
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
