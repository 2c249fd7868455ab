import { describe, expect, test } from '@jest/globals'
import { ActionError } from '../../src/core/errors.ts'
import { growing, systemClock, throwIfCancelled, waitFor, withProgress, type Seen, type Wait } from '../../src/core/waiting.ts'
import { caught, failureOf } from '../caught.ts'
import { FrozenClock, TurnedClock } from './clock.ts'

const timedOut = (seen: string): ActionError => new ActionError({ code: 'load-balancer-timeout', problem: `last: ${seen}`, remedy: 'wait' })

function wait<T>(look: () => Promise<Seen<T>>, more: Partial<Wait<T>> = {}): Wait<T> {
  return { look, interval: () => 1000, timeout: 60_000, signal: new AbortController().signal, clock: new TurnedClock(), timedOut, ...more }
}

/** Looks that say pending so many times, and then done. */
function after(times: number): { look: () => Promise<Seen<string>>; count: () => number } {
  let looks = 0
  return { look: () => Promise.resolve(++looks > times ? { done: 'there' } : { pending: `look ${looks}` }), count: () => looks }
}

describe('waitFor', () => {
  test('what is there at once is not slept for', async () => {
    const clock = new TurnedClock()
    expect(await waitFor(wait(after(0).look, { clock }))).toBe('there')
    expect(clock.sleeps).toEqual([])
  })

  test.each([['undefined', undefined], ['false', false], ['null', null]])('%s is an awaited thing too', async (_, value) => {
    expect(await waitFor(wait(() => Promise.resolve({ done: value })))).toBe(value)
  })

  test('looks at each interval', async () => {
    const clock = new TurnedClock(5_000)
    const { look, count } = after(3)
    expect(await waitFor(wait(look, { clock, interval: (waited) => 100 + waited }))).toBe('there')
    expect([count(), clock.sleeps]).toEqual([4, [100, 200, 400]])
  })

  test('looks a last time at the deadline, and says what it saw', async () => {
    const clock = new TurnedClock()
    const { look, count } = after(Infinity)
    const error = await failureOf(() => waitFor(wait(look, { clock, timeout: 2_500 })))
    expect([error.code, error.message]).toEqual(['load-balancer-timeout', 'last: look 4'])
    expect([count(), clock.sleeps]).toEqual([4, [1000, 1000, 500]])
  })

  test('what comes with the last look counts', async () => {
    expect(await waitFor(wait(after(3).look, { timeout: 2_500 }))).toBe('there')
  })

  test.each([0, -5_000])('a timeout of %d ms allows one look', async (timeout) => {
    const { look, count } = after(Infinity)
    expect((await failureOf(() => waitFor(wait(look, { timeout })))).message).toBe('last: look 1')
    expect(count()).toBe(1)
  })

  test('a look that lasts longer than the wait still counts', async () => {
    const clock = new TurnedClock()
    const look = (): Promise<Seen<string>> => {
      clock.time += 90_000
      return Promise.resolve({ done: 'late' })
    }
    expect(await waitFor(wait(look, { clock }))).toBe('late')
  })

  test('a look that is never answered is left soon after the deadline, and the last thing seen is told', async () => {
    let looks = 0
    const look = (): Promise<Seen<never>> => (looks++ === 0 ? Promise.resolve({ pending: 'the first look' }) : new Promise(() => undefined))
    expect((await failureOf(() => waitFor(wait(look, { timeout: 500 })))).message).toBe('last: the first look')
    expect((await failureOf(() => waitFor(wait(look, { timeout: 500 })))).message).toBe('last: nothing was answered in this time')
  })

  test('tells of progress every ten seconds, and of nothing before', async () => {
    const progress: [number, string][] = []
    const { look } = after(Infinity)
    await failureOf(() => waitFor(wait(look, { timeout: 31_000, interval: () => 3_000, onProgress: (waited, seen) => progress.push([waited, seen]) })))
    expect(progress.map(([waited]) => waited)).toEqual([10_000, 20_000, 30_000])
    expect(progress.every(([, seen]) => /^look \d+$/.test(seen))).toBe(true)
  })

  test('a slow look does not make progress come in bursts', async () => {
    const clock = new TurnedClock()
    const progress: number[] = []
    const look = (): Promise<Seen<never>> => {
      clock.time += 35_000
      return Promise.resolve({ pending: 'slow' })
    }
    await failureOf(() => waitFor(wait(look, { clock, timeout: 110_000, onProgress: (waited) => progress.push(waited) })))
    expect(progress.length).toBe(3)
  })

  test('a refusal ends it at once', async () => {
    const clock = new TurnedClock()
    const refusal = new ActionError({ code: 'controller-refused', problem: 'no', remedy: 'mend' })
    expect(await caught(() => waitFor(wait(() => Promise.reject(refusal), { clock })))).toBe(refusal)
    expect(clock.sleeps).toEqual([])
  })

  test('a signal that is aborted before: no look', async () => {
    const { look, count } = after(0)
    expect((await failureOf(() => waitFor(wait(look, { signal: AbortSignal.abort() })))).code).toBe('cancelled')
    expect(count()).toBe(0)
  })

  test('a signal that is aborted in a sleep ends it at once', async () => {
    const controller = new AbortController()
    const { look, count } = after(Infinity)
    const waiting = waitFor(wait(look, { clock: new FrozenClock(), signal: controller.signal }))
    setImmediate(() => controller.abort())
    expect((await failureOf(() => waiting)).code).toBe('cancelled')
    expect(count()).toBe(1)
  })

  test('a wake-up ends a sleep', async () => {
    const signals: AbortSignal[] = []
    const wakeUp = (signal: AbortSignal): Promise<void> => {
      signals.push(signal)
      return Promise.resolve()
    }
    expect(await waitFor(wait(after(2).look, { clock: new FrozenClock(), wakeUp }))).toBe('there')
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true])
  })

  test('a wake-up that never comes is told when the sleep is over', async () => {
    let left = 0
    const wakeUp = (signal: AbortSignal): Promise<void> => new Promise((resolve) => {
      left += 1
      signal.addEventListener('abort', () => {
        left -= 1
        resolve()
      })
    })
    expect(await waitFor(wait(after(3).look, { wakeUp }))).toBe('there')
    expect(left).toBe(0)
  })

  test('a wake-up that fails is not lost', async () => {
    const boom = new Error('boom')
    expect(await caught(() => waitFor(wait(after(1).look, { clock: new FrozenClock(), wakeUp: () => Promise.reject(boom) })))).toBe(boom)
  })
})

test.each([[0, 100], [500, 100], [1_000, 100], [5_000, 500], [20_000, 2_000], [600_000, 2_000]])('growing: after %d ms every %d', (waited, interval) => {
  expect(growing(waited)).toBe(interval)
})

describe('systemClock', () => {
  test('sleeps as long as it is told', async () => {
    const start = performance.now()
    await systemClock.sleep(30, new AbortController().signal)
    expect(performance.now() - start).toBeGreaterThanOrEqual(28)
  })

  test.each(['before', 'in'])('an abort %s the sleep ends it without an error', async (when) => {
    const controller = new AbortController()
    if (when === 'before') controller.abort()
    else setImmediate(() => controller.abort())
    const start = performance.now()
    await systemClock.sleep(60_000, controller.signal)
    expect(performance.now() - start).toBeLessThan(5_000)
  })
})

test('throwIfCancelled', () => {
  expect(() => throwIfCancelled(AbortSignal.abort())).toThrow('The job was cancelled.')
  expect(() => throwIfCancelled(new AbortController().signal)).not.toThrow()
})

describe('withProgress', () => {
  /** A clock whose sleeps take a turn of the event loop. */
  class TurningClock extends TurnedClock {
    override async sleep(ms: number, signal: AbortSignal): Promise<void> {
      await new Promise((resolve) => setImmediate(resolve))
      await super.sleep(ms, signal)
    }
  }

  test('tells every ten seconds until the work is done, and then no more', async () => {
    const told: number[] = []
    let finish: (value: string) => void = () => undefined
    const work = new Promise<string>((resolve) => (finish = resolve))
    const value = await withProgress(work, new TurningClock(1_000), (waited) => {
      told.push(waited)
      if (waited === 30_000) finish('done')
    })
    expect(value).toBe('done')
    const count = told.length
    await new Promise((resolve) => setImmediate(() => setImmediate(() => setImmediate(resolve))))
    expect([told.slice(0, 3), told.length]).toEqual([[10_000, 20_000, 30_000], count])
  })

  test('work that fails is not told of', async () => {
    const boom = new Error('boom')
    const told: number[] = []
    expect(await caught(() => withProgress(Promise.reject(boom), new TurningClock(), (waited) => told.push(waited)))).toBe(boom)
    expect(told).toEqual([])
  })
})
