/**
 * controller-runtime's work queue: each key once, never twice at a time, failures with a backoff of
 * 5 ms x 2^n up to 1000 s.
 */

/**
 * What handling a key came to: done, or to be looked at again after so many milliseconds. It failed
 * when it throws.
 */
export type ReconcileHandler = (key: string) => Promise<number | undefined>

/**
 * How long the nth failure in a row waits, from 0 (client-go's ItemExponentialFailureRateLimiter).
 */
export function computeBackoff(failures: number): number {
  return Math.min(5 * 2 ** failures, 1_000_000)
}

/** The queue; keys are handled one after the other. */
export class WorkQueue {
  private readonly handler: ReconcileHandler
  private readonly pending = new Set<string>()
  private readonly failures = new Map<string, number>()
  private readonly timers = new Set<NodeJS.Timeout>()
  private isStopped = false
  private processing: Promise<void> | undefined

  constructor(handler: ReconcileHandler) {
    this.handler = handler
  }

  /**
   * Adds a key, now or later. A failed key that changes is so handled at once, and again when its
   * backoff is over.
   */
  add(key: string, delay = 0): void {
    if (this.isStopped) return
    if (delay > 0) {
      const timer = setTimeout(() => {
        this.timers.delete(timer)
        this.add(key)
      }, delay)
      this.timers.add(timer)
      return
    }
    this.pending.add(key)
    this.processing ??= this.processPending()
  }

  /** Drops what waits, and settles when what is handled is done. */
  async stop(): Promise<void> {
    this.isStopped = true
    this.timers.forEach((timer) => clearTimeout(timer))
    this.timers.clear()
    this.pending.clear()
    await this.processing
  }

  private async processPending(): Promise<void> {
    // A turn of the loop first, so that what comes together is handled once.
    await Promise.resolve()
    for (const key of this.pending) {
      this.pending.delete(key)
      try {
        const requeueAfter = await this.handler(key)
        this.failures.delete(key)
        if (requeueAfter !== undefined) this.add(key, requeueAfter)
      } catch {
        const failures = this.failures.get(key) ?? 0
        this.failures.set(key, failures + 1)
        this.add(key, computeBackoff(failures))
      }
    }
    // Without a wait in between: what is added from here on starts a new round.
    this.processing = undefined
  }
}
