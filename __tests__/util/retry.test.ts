import { describe, expect, test } from '@jest/globals'
import { backoff, retry } from '../../src/util/retry.ts'
import { captureError } from '../capture-error.ts'
import { FakeClock } from './clock.ts'

test.each([
  { attempt: 0, random: 0, ms: 100 },
  { attempt: 0, random: 0.999, ms: 199.9 },
  { attempt: 1, random: 0, ms: 200 },
  { attempt: 3, random: 0.5, ms: 1200 },
  { attempt: 10, random: 0, ms: 2_500 },
  { attempt: 2_000, random: 0.999, ms: 4_997.5 },
])('backoff($attempt) with random $random is $ms ms', ({ attempt, random, ms }) => {
  expect(backoff(attempt, { random: () => random })).toBeCloseTo(ms, 5)
})

describe('retry', () => {
  const workError = new Error('boom')
  interface Case {
    readonly name: string
    /** How often the operation fails before it succeeds. */
    readonly failures: number
    readonly maxAttempts: number
    readonly calls: number
    readonly outcome: 'done' | Error
  }
  test.each<Case>([
    {
      name: 'returns the result of the first attempt',
      failures: 0,
      maxAttempts: 3,
      calls: 1,
      outcome: 'done',
    },
    {
      name: 'returns the result of the last attempt',
      failures: 2,
      maxAttempts: 3,
      calls: 3,
      outcome: 'done',
    },
    {
      name: 'throws the error after the last attempt',
      failures: 9,
      maxAttempts: 3,
      calls: 3,
      outcome: workError,
    },
    {
      name: 'throws a permanent error without another attempt',
      failures: 9,
      maxAttempts: 1,
      calls: 1,
      outcome: workError,
    },
  ])('$name', async ({ failures, maxAttempts, calls, outcome }) => {
    const clock = new FakeClock()
    let callCount = 0
    const work = (): Promise<string> =>
      ++callCount > failures ? Promise.resolve('done') : Promise.reject(workError)
    const options = {
      maxAttempts: () => maxAttempts,
      signal: new AbortController().signal,
      clock,
    }
    if (outcome === 'done') expect(await retry(work, options)).toBe('done')
    else expect(await captureError(() => retry(work, options))).toBe(outcome)
    expect([callCount, clock.sleeps.length]).toEqual([calls, calls - 1])
  })

  test.each([
    { retryAfter: 0, minSeconds: 0.1, maxSeconds: 0.2 },
    { retryAfter: 3_000, minSeconds: 3.02, maxSeconds: 3.05 },
  ])(
    'waits for a Retry-After of $retryAfter ms with jitter',
    async ({ retryAfter, minSeconds, maxSeconds }) => {
      const clock = new FakeClock()
      let callCount = 0
      const work = (): Promise<string> =>
        ++callCount > 1 ? Promise.resolve('done') : Promise.reject(workError)
      await retry(work, {
        maxAttempts: () => 2,
        retryAfter: () => retryAfter,
        signal: new AbortController().signal,
        clock,
      })
      expect(clock.sleeps).toHaveLength(1)
      expect(clock.sleeps[0]).toBeGreaterThanOrEqual(minSeconds * 1000)
      expect(clock.sleeps[0]).toBeLessThanOrEqual(maxSeconds * 1000)
    },
  )

  test('does not retry in a cancelled job', async () => {
    const controller = new AbortController()
    let callCount = 0
    const work = (): Promise<never> => {
      callCount += 1
      controller.abort()
      return Promise.reject(workError)
    }
    expect(
      await captureError(() =>
        retry(work, { maxAttempts: () => 5, signal: controller.signal, clock: new FakeClock() }),
      ),
    ).toBe(workError)
    expect(callCount).toBe(1)
  })
})
