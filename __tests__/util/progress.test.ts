import { describe, expect, test } from '@jest/globals'
import { withProgress } from '../../src/util/polling.ts'
import { captureError } from '../capture-error.ts'
import { FakeClock } from './clock.ts'

describe('withProgress', () => {
  /** A clock whose sleeps take a turn of the event loop. */
  class AsyncFakeClock extends FakeClock {
    override async sleep(ms: number, signal: AbortSignal): Promise<void> {
      await new Promise((resolve) => setImmediate(resolve))
      await super.sleep(ms, signal)
    }
  }

  test('reports progress every ten seconds until the work is done', async () => {
    const reported: number[] = []
    let finish: (value: string) => void = () => undefined
    const work = new Promise<string>((resolve) => (finish = resolve))
    const value = await withProgress(work, new AsyncFakeClock(1_000), (waited) => {
      reported.push(waited)
      if (waited === 30_000) finish('done')
    })
    expect(value).toBe('done')
    const count = reported.length
    await new Promise((resolve) => setImmediate(() => setImmediate(() => setImmediate(resolve))))
    expect([reported.slice(0, 3), reported.length]).toEqual([[10_000, 20_000, 30_000], count])
  })

  test('stops the reports after failed work', async () => {
    const workError = new Error('boom')
    const reported: number[] = []
    expect(
      await captureError(() =>
        withProgress(Promise.reject(workError), new AsyncFakeClock(), (waited) =>
          reported.push(waited),
        ),
      ),
    ).toBe(workError)
    expect(reported).toEqual([])
  })
})
