/** Retrying what time can heal, a bounded number of times. */
import type { Clock } from './polling.ts'

/**
 * Doubles from `base` up to `cap` milliseconds, with full jitter, so that many runners do not knock
 * in step.
 */
export function backoff(
  attempt: number,
  { base = 200, cap = 5_000, random = Math.random } = {},
): number {
  return Math.min(cap, base * 2 ** attempt) * (0.5 + random() / 2)
}

/** How often to try, and what to wait for. */
export interface RetryOptions {
  /**
   * How often to try in all what failed so: 1 for what time cannot heal, which is thrown at once.
   */
  readonly maxAttempts: (thrown: unknown) => number
  /**
   * Milliseconds that the other side asked to be left alone, as a Retry-After does; they too get
   * some jitter.
   */
  readonly retryAfter?: (thrown: unknown) => number
  readonly signal: AbortSignal
  readonly clock: Clock
}

/**
 * Calls `work` until it succeeds, or as often as `attempts` says.
 * @throws what it threw last
 */
export async function retry<T>(
  operation: () => Promise<T>,
  { maxAttempts, retryAfter, signal, clock }: RetryOptions,
): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await operation()
    } catch (thrown) {
      if (attempt + 1 >= maxAttempts(thrown) || signal.aborted) throw thrown
      const delay = backoff(attempt)
      await clock.sleep(Math.max(delay, (retryAfter?.(thrown) ?? 0) + delay / 4), signal)
    }
  }
}
