/**
 * controller-runtime's work queue: each key once, never twice at a time, failures with a backoff of 5 ms x 2^n up to 1000 s.
 */

/** What handling a key came to: done, or to be looked at again after so many milliseconds. It failed when it throws. */
export type Handle = (key: string) => Promise<number | undefined>

/** How long the nth failure in a row waits, from 0 (client-go's ItemExponentialFailureRateLimiter). */
export function backoff(failures: number): number {
  return Math.min(5 * 2 ** failures, 1_000_000)
}

/** The queue; keys are handled one after the other. */
export class Queue {
  private readonly handle: Handle
  private readonly waiting = new Set<string>()
  private readonly failures = new Map<string, number>()
  private readonly timers = new Set<NodeJS.Timeout>()
  private stopped = false
  private working: Promise<void> | undefined

  constructor(handle: Handle) {
    this.handle = handle
  }

  /** Adds a key, now or later. A failed key that changes is so handled at once, and again when its backoff is over. */
  add(key: string, after = 0): void {
    if (this.stopped) return
    if (after > 0) {
      const timer = setTimeout(() => {
        this.timers.delete(timer)
        this.add(key)
      }, after)
      this.timers.add(timer)
      return
    }
    this.waiting.add(key)
    this.working ??= this.work()
  }

  /** Drops what waits, and settles when what is handled is done. */
  async stop(): Promise<void> {
    this.stopped = true
    this.timers.forEach((timer) => clearTimeout(timer))
    this.timers.clear()
    this.waiting.clear()
    await this.working
  }

  private async work(): Promise<void> {
    // A turn of the loop first, so that what comes together is handled once.
    await Promise.resolve()
    for (const key of this.waiting) {
      this.waiting.delete(key)
      try {
        const again = await this.handle(key)
        this.failures.delete(key)
        if (again !== undefined) this.add(key, again)
      } catch {
        const failures = this.failures.get(key) ?? 0
        this.failures.set(key, failures + 1)
        this.add(key, backoff(failures))
      }
    }
    // Without a wait in between: what is added from here on starts a new round.
    this.working = undefined
  }
}
