import { setImmediate } from 'node:timers/promises'
import { expect, test } from '@jest/globals'
import { CallPacer } from '../../../src/clients/aws/call-pacer.ts'
import type { Clock } from '../../../src/util/polling.ts'

/** A clock that the test moves. Like timers after a stall, all sleeps that are due end together. */
class ManualClock implements Clock {
  private time = 0
  private sleeps: { due: number; end: () => void }[] = []

  now(): number {
    return this.time
  }

  sleep(ms: number): Promise<void> {
    return new Promise((end) => {
      this.sleeps.push({ due: this.time + ms, end })
    })
  }

  async advance(ms: number): Promise<void> {
    this.time += ms
    const due = this.sleeps.filter((sleep) => sleep.due <= this.time)
    this.sleeps = this.sleeps.filter((sleep) => sleep.due > this.time)
    for (const { end } of due) end()
    await setImmediate()
  }
}

test('ten calls never start within a second, even after the process stood still', async () => {
  const clock = new ManualClock()
  const pacer = new CallPacer({ clock, signal: new AbortController().signal })
  const starts: number[] = []
  const calls = Promise.all(
    Array.from({ length: 30 }, () =>
      pacer.call(() => {
        starts.push(clock.now())
        return Promise.resolve()
      }),
    ),
  )
  for (let step = 0; starts.length < 30; step += 1) await clock.advance(step === 50 ? 900 : 25)
  await calls
  expect(starts).toHaveLength(30)
  const windows = starts.slice(10).map((start, index) => start - (starts[index] ?? NaN))
  expect(Math.min(...windows)).toBeGreaterThan(1_000)
})

test('a call that is cancelled while it waits for its turn does not start', async () => {
  const clock = new ManualClock()
  const controller = new AbortController()
  const pacer = new CallPacer({ clock, signal: controller.signal })
  let starts = 0
  const call = () =>
    pacer.call(() => {
      starts += 1
      return Promise.resolve()
    })
  await call()
  const waiting = expect(call()).rejects.toMatchObject({ code: 'cancelled' })
  controller.abort()
  await clock.advance(125)
  await waiting
  expect(starts).toBe(1)
})

test('a clock that is set back delays a call by one interval only', async () => {
  const clock = new ManualClock()
  const pacer = new CallPacer({ clock, signal: new AbortController().signal })
  const call = () => pacer.call(() => Promise.resolve('called'))
  await call()
  await clock.advance(-600_000)
  const waiting = call()
  await setImmediate()
  await clock.advance(125)
  expect(await waiting).toBe('called')
}, 1_000)
