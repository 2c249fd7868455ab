/** Retries transient failures a bounded number of times. */
import type { Clock } from './polling.ts'

/**
 * Doubles from `base` up to `cap` milliseconds. The jitter keeps many runners from retrying at the
 * same time.
 */
export function backoff(
  attempt: number,
  { base = 200, cap = 5_000, random = Math.random } = {},
): number {
  return Math.min(cap, base * 2 ** attempt) * (0.5 + random() / 2)
}

/** How often to try, and how long to wait in between. */
export interface RetryOptions {
  /** Total number of attempts for an error: 1 for a permanent one. */
  readonly maxAttempts: (thrown: unknown) => number
  /** Minimum delay that the server asked for (Retry-After), in milliseconds. Jitter is added. */
  readonly retryAfter?: (thrown: unknown) => number
  readonly signal: AbortSignal
  readonly clock: Clock
}

/**
 * Calls `operation` until it succeeds, at most `maxAttempts` times.
 * @throws its last error
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
