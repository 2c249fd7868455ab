/** Retrying what time can heal, a bounded number of times. */
import type { Clock } from './waiting.ts'

/** Doubles from `base` up to `cap` milliseconds, with full jitter, so that many runners do not knock in step. */
export function backoff(attempt: number, { base = 200, cap = 5_000, random = Math.random } = {}): number {
  return Math.min(cap, base * 2 ** attempt) * (0.5 + random() / 2)
}

/**
 * Calls `work` up to `attempts` times.
 * @param healable whether time could heal what was thrown; anything else is thrown at once
 */
export async function retry<T>(
  work: () => Promise<T>,
  options: { attempts: number; healable: (thrown: unknown) => boolean; signal: AbortSignal; clock: Clock },
): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await work()
    } catch (thrown) {
      if (attempt + 1 >= options.attempts || options.signal.aborted || !options.healable(thrown)) throw thrown
      await options.clock.sleep(backoff(attempt), options.signal)
    }
  }
}
