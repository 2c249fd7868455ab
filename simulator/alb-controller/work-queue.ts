/**
 * The work queue of controller-runtime: each key is queued once and handled by one worker at a
 * time. Failed keys are retried with a backoff of 5 ms x 2^n up to 1000 s.
 */

/**
 * Handles a key.
 * @returns milliseconds after which to handle it again, or undefined
 * @throws to retry with backoff
 */
export type ReconcileHandler = (key: string) => Promise<number | undefined>

/**
 * Milliseconds before the retry after n earlier failures in a row (client-go's
 * ItemExponentialFailureRateLimiter).
 */
export function computeBackoff(failures: number): number {
  return Math.min(5 * 2 ** failures, 1_000_000)
}

/** A queue that handles one key at a time. */
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
   * Adds a key, after a delay if one is given. A failed key that is added again is handled at once,
   * and again after its backoff.
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

  /** Drops all queued keys, and waits for the current one. */
  async stop(): Promise<void> {
    this.isStopped = true
    this.timers.forEach((timer) => clearTimeout(timer))
    this.timers.clear()
    this.pending.clear()
    await this.processing
  }

  private async processPending(): Promise<void> {
    // Wait for one turn, so that keys that are added together are handled once.
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
    // No await between the loop and this line: keys that are added later start a new round.
    this.processing = undefined
  }
}
