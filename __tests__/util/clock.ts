/** A clock that a test turns: sleeping moves it on at once. */
import type { Clock } from '../../src/util/polling.ts'

export class FakeClock implements Clock {
  time: number
  readonly sleeps: number[] = []

  constructor(time = 0) {
    this.time = time
  }

  now(): number {
    return this.time
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    this.sleeps.push(ms)
    if (!signal.aborted) this.time += ms
    return Promise.resolve()
  }
}

/** A clock that stands still in a sleep, so that only a wake-up or a cancellation ends it. */
export class FrozenClock implements Clock {
  now(): number {
    return 0
  }

  sleep(_ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) resolve()
      signal.addEventListener('abort', () => resolve())
    })
  }
}
