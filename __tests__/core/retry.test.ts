import { describe, expect, test } from '@jest/globals'
import { backoff, retry } from '../../src/core/retry.ts'
import { caught } from '../caught.ts'
import { TurnedClock } from './clock.ts'

test.each([
  [0, 0, 100], [0, 0.999, 199.9], [1, 0, 200], [3, 0.5, 1200], [10, 0, 2_500], [2_000, 0.999, 4_997.5],
])('backoff(%d) with random %d', (attempt, random, ms) => {
  expect(backoff(attempt, { random: () => random })).toBeCloseTo(ms, 5)
})

describe('retry', () => {
  const boom = new Error('boom')
  test.each<[string, failures: number, attempts: number, healable: boolean, calls: number, outcome: 'done' | Error]>([
    ['success at once', 0, 3, true, 1, 'done'],
    ['success in the end', 2, 3, true, 3, 'done'],
    ['no more than its attempts', 9, 3, true, 3, boom],
    ['what time cannot heal is thrown at once', 9, 3, false, 1, boom],
    ['one attempt', 9, 1, true, 1, boom],
  ])('%s', async (_, failures, attempts, healable, calls, outcome) => {
    const clock = new TurnedClock()
    let called = 0
    const work = (): Promise<string> => (++called > failures ? Promise.resolve('done') : Promise.reject(boom))
    const options = { attempts: () => (healable ? attempts : 1), signal: new AbortController().signal, clock }
    if (outcome === 'done') expect(await retry(work, options)).toBe('done')
    else expect(await caught(() => retry(work, options))).toBe(outcome)
    expect([called, clock.sleeps.length]).toEqual([calls, calls - 1])
  })

  test.each([[0, 0.1, 0.2], [3_000, 3.02, 3.05]])('rests %d ms when it was asked to, and never in step with others', async (rest, least, most) => {
    const clock = new TurnedClock()
    let called = 0
    const work = (): Promise<string> => (++called > 1 ? Promise.resolve('done') : Promise.reject(boom))
    await retry(work, { attempts: () => 2, rest: () => rest, signal: new AbortController().signal, clock })
    expect(clock.sleeps).toHaveLength(1)
    expect(clock.sleeps[0]).toBeGreaterThanOrEqual(least * 1000)
    expect(clock.sleeps[0]).toBeLessThanOrEqual(most * 1000)
  })

  test('a cancelled job tries nothing again', async () => {
    const controller = new AbortController()
    let called = 0
    const work = (): Promise<never> => {
      called += 1
      controller.abort()
      return Promise.reject(boom)
    }
    expect(await caught(() => retry(work, { attempts: () => 5, signal: controller.signal, clock: new TurnedClock() }))).toBe(boom)
    expect(called).toBe(1)
  })
})
