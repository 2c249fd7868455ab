import { describe, expect, test } from '@jest/globals'
import { ActionError } from '../../src/failures/action-error.ts'
import {
  pollInterval,
  throwIfCancelled,
  waitFor,
  type PollResult,
  type WaitOptions,
} from '../../src/util/polling.ts'
import { captureError, captureActionError } from '../capture-error.ts'
import { FrozenClock, FakeClock } from './clock.ts'

const createTimeoutError = (lastObserved: string): ActionError =>
  new ActionError({
    code: 'load-balancer-timeout',
    problem: `last: ${lastObserved}`,
    remedy: 'wait',
  })

function createWait<T>(
  poll: () => Promise<PollResult<T>>,
  overrides: Partial<WaitOptions<T>> = {},
): WaitOptions<T> {
  return {
    poll,
    interval: () => 1000,
    timeout: 60_000,
    signal: new AbortController().signal,
    clock: new FakeClock(),
    createTimeoutError,
    ...overrides,
  }
}

/** A poll that is pending `pendingPolls` times, and then done. */
function createPoll(pendingPolls: number): {
  poll: () => Promise<PollResult<string>>
  count: () => number
} {
  let pollCount = 0
  return {
    poll: () =>
      Promise.resolve(
        ++pollCount > pendingPolls ? { done: 'there' } : { pending: `poll ${pollCount}` },
      ),
    count: () => pollCount,
  }
}

describe('waitFor', () => {
  test('does not sleep after a value on the first poll', async () => {
    const clock = new FakeClock()
    expect(await waitFor(createWait(createPoll(0).poll, { clock }))).toBe('there')
    expect(clock.sleeps).toEqual([])
  })

  test.each([
    ['undefined', undefined],
    ['false', false],
    ['null', null],
  ])('%s is a valid result', async (_, value) => {
    expect(await waitFor(createWait(() => Promise.resolve({ done: value })))).toBe(value)
  })

  test('polls at each interval', async () => {
    const clock = new FakeClock(5_000)
    const { poll, count } = createPoll(3)
    expect(await waitFor(createWait(poll, { clock, interval: (waited) => 100 + waited }))).toBe(
      'there',
    )
    expect([count(), clock.sleeps]).toEqual([4, [100, 200, 400]])
  })

  test('polls once more at the deadline and reports the last status', async () => {
    const clock = new FakeClock()
    const { poll, count } = createPoll(Infinity)
    const error = await captureActionError(() =>
      waitFor(createWait(poll, { clock, timeout: 2_500 })),
    )
    expect([error.code, error.message]).toEqual(['load-balancer-timeout', 'last: poll 4'])
    expect([count(), clock.sleeps]).toEqual([4, [1000, 1000, 500]])
  })

  test('accepts a value on the last poll', async () => {
    expect(await waitFor(createWait(createPoll(3).poll, { timeout: 2_500 }))).toBe('there')
  })

  test.each([0, -5_000])('polls once with a timeout of %d ms', async (timeout) => {
    const { poll, count } = createPoll(Infinity)
    expect((await captureActionError(() => waitFor(createWait(poll, { timeout })))).message).toBe(
      'last: poll 1',
    )
    expect(count()).toBe(1)
  })

  test('accepts a value from a poll that outlasts the deadline', async () => {
    const clock = new FakeClock()
    const poll = (): Promise<PollResult<string>> => {
      clock.time += 90_000
      return Promise.resolve({ done: 'late' })
    }
    expect(await waitFor(createWait(poll, { clock }))).toBe('late')
  })

  test('abandons a poll without a response soon after the deadline and reports the last status', async () => {
    let pollCount = 0
    const poll = (): Promise<PollResult<never>> =>
      pollCount++ === 0
        ? Promise.resolve({ pending: 'the first poll' })
        : new Promise(() => undefined)
    expect(
      (await captureActionError(() => waitFor(createWait(poll, { timeout: 500 })))).message,
    ).toBe('last: the first poll')
    expect(
      (await captureActionError(() => waitFor(createWait(poll, { timeout: 500 })))).message,
    ).toBe('last: no response')
  })

  test('reports progress every ten seconds', async () => {
    const progress: [number, string][] = []
    const { poll } = createPoll(Infinity)
    await captureActionError(() =>
      waitFor(
        createWait(poll, {
          timeout: 31_000,
          interval: () => 3_000,
          onProgress: (waited, lastObserved) => progress.push([waited, lastObserved]),
        }),
      ),
    )
    expect(progress.map(([waited]) => waited)).toEqual([10_000, 20_000, 30_000])
    expect(progress.every(([, lastObserved]) => /^poll \d+$/.test(lastObserved))).toBe(true)
  })

  test('does not report progress in bursts after a slow poll', async () => {
    const clock = new FakeClock()
    const progress: number[] = []
    const poll = (): Promise<PollResult<never>> => {
      clock.time += 35_000
      return Promise.resolve({ pending: 'slow' })
    }
    await captureActionError(() =>
      waitFor(
        createWait(poll, {
          clock,
          timeout: 110_000,
          onProgress: (waited) => progress.push(waited),
        }),
      ),
    )
    expect(progress.length).toBe(3)
  })

  test('fails immediately after an error of a poll', async () => {
    const clock = new FakeClock()
    const rejection = new ActionError({
      code: 'controller-refused',
      problem: 'no',
      remedy: 'fix it',
    })
    expect(
      await captureError(() => waitFor(createWait(() => Promise.reject(rejection), { clock }))),
    ).toBe(rejection)
    expect(clock.sleeps).toEqual([])
  })

  test('an aborted signal prevents the first poll', async () => {
    const { poll, count } = createPoll(0)
    expect(
      (await captureActionError(() => waitFor(createWait(poll, { signal: AbortSignal.abort() }))))
        .code,
    ).toBe('cancelled')
    expect(count()).toBe(0)
  })

  test('an abort during a sleep ends the wait immediately', async () => {
    const controller = new AbortController()
    const { poll, count } = createPoll(Infinity)
    const waitPromise = waitFor(
      createWait(poll, { clock: new FrozenClock(), signal: controller.signal }),
    )
    setImmediate(() => controller.abort())
    expect((await captureActionError(() => waitPromise)).code).toBe('cancelled')
    expect(count()).toBe(1)
  })

  test('a wake-up ends a sleep', async () => {
    const signals: AbortSignal[] = []
    const wakeUp = (signal: AbortSignal): Promise<void> => {
      signals.push(signal)
      return Promise.resolve()
    }
    expect(
      await waitFor(createWait(createPoll(2).poll, { clock: new FrozenClock(), wakeUp })),
    ).toBe('there')
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true])
  })

  test('a pending wake-up is aborted after the sleep', async () => {
    let pendingWakeUps = 0
    const wakeUp = (signal: AbortSignal): Promise<void> =>
      new Promise((resolve) => {
        pendingWakeUps += 1
        signal.addEventListener('abort', () => {
          pendingWakeUps -= 1
          resolve()
        })
      })
    expect(await waitFor(createWait(createPoll(3).poll, { wakeUp }))).toBe('there')
    expect(pendingWakeUps).toBe(0)
  })

  test('reports a failed wake-up', async () => {
    const workError = new Error('boom')
    expect(
      await captureError(() =>
        waitFor(
          createWait(createPoll(1).poll, {
            clock: new FrozenClock(),
            wakeUp: () => Promise.reject(workError),
          }),
        ),
      ),
    ).toBe(workError)
  })
})

test.each([
  [0, 100],
  [500, 100],
  [1_000, 100],
  [5_000, 500],
  [20_000, 2_000],
  [600_000, 2_000],
])('a growing interval after %d ms is %d ms', (waited, interval) => {
  expect(pollInterval(waited)).toBe(interval)
})

test('throwIfCancelled throws only after an abort', () => {
  expect(() => throwIfCancelled(AbortSignal.abort())).toThrow('The job was cancelled.')
  expect(() => throwIfCancelled(new AbortController().signal)).not.toThrow()
})
