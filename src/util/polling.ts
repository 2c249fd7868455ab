/**
 * The one way to wait: a deadline, a way to be cancelled, a clock, and the last thing seen for the
 * message.
 */
import type { ActionError } from '../failures/action-error.ts'
import { jobCancelled } from '../failures/run.ts'

/** Time, so that tests can turn it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Resolves after `ms`, or at once when the signal is aborted; never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

/**
 * Looks often at first and then every two seconds: quick in the common case, gentle to an API in a
 * long wait.
 */
export const pollInterval = (elapsed: number): number =>
  Math.min(2_000, Math.max(100, elapsed / 10))

/** The machine's time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        resolve()
      }
      const timer = setTimeout(done, ms)
      signal.addEventListener('abort', done)
      if (signal.aborted) done()
    }),
}

/** What a look found: the awaited thing, or what is there in its place (a phrase for people). */
export type PollResult<T> = { readonly done: T } | { readonly pending: string }

/** A wait. Times are milliseconds. */
export interface WaitOptions<T> {
  /** Looks once. Throws when the awaited thing has said no: waiting on would not help. */
  readonly poll: () => Promise<PollResult<T>>
  /**
   * At most this long between two looks, from the time waited so far: a wait that has lasted may
   * look less often.
   */
  readonly interval: (elapsed: number) => number
  readonly timeout: number
  readonly signal: AbortSignal
  readonly clock: Clock
  /** Called before each sleep; resolves when a look is worth while before the interval is over. */
  readonly wakeUp?: (signal: AbortSignal) => Promise<void>
  /** Called with the time waited and the last thing seen, about every `progressEvery`. */
  readonly onProgress?: (elapsed: number, status: string) => void
  /** What to throw when the time is over. */
  readonly createTimeoutError: (status: string) => ActionError
}

/** The last thing seen of what never answered. */
export const noResponse = 'nothing was answered in this time'

/** One line of progress every 10 s keeps a log readable and shows that the job lives. */
const progressInterval = 10_000

/**
 * Looks until the thing is there.
 * @throws what `look` throws; `timedOut(last thing seen)`; the `cancelled` error when the signal
 *   is aborted
 */
export async function waitFor<T>(wait: WaitOptions<T>): Promise<T> {
  const startedAt = wait.clock.now()
  let nextProgress = startedAt + progressInterval
  let lastStatus = noResponse
  for (;;) {
    throwIfCancelled(wait.signal)
    const pollResult = await withDeadline(
      wait.poll(),
      startedAt + wait.timeout - wait.clock.now() + gracePeriod,
    )
    if (!pollResult) throw wait.createTimeoutError(lastStatus)
    if ('done' in pollResult) return pollResult.done
    lastStatus = pollResult.pending
    const now = wait.clock.now()
    const remaining = startedAt + wait.timeout - now
    if (remaining <= 0) throw wait.createTimeoutError(pollResult.pending)
    if (now >= nextProgress) {
      wait.onProgress?.(now - startedAt, pollResult.pending)
      nextProgress = now + progressInterval
    }
    await sleepOrWake(
      wait,
      Math.min(wait.interval(now - startedAt), remaining, Math.max(nextProgress - now, 1)),
    )
  }
}

/**
 * How long after the deadline a look that began before it may still go on, in milliseconds: one
 * that knows of the deadline ends by itself, in better words.
 */
const gracePeriod = 1_500

/**
 * @returns undefined when the look takes longer than `time`: whoever answers it sends nothing, or
 *   never comes to an end
 */
async function withDeadline<T>(pending: Promise<T>, timeout: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  // Real time, whatever the wait's clock: what hangs is a connection.
  const deadlineReached = new Promise<undefined>(
    (resolve) => (timer = setTimeout(() => resolve(undefined), Math.max(timeout, gracePeriod))),
  )
  // Nobody hears of it any more when it comes late.
  pending.catch(() => undefined)
  try {
    return await Promise.race([pending, deadlineReached])
  } finally {
    clearTimeout(timer)
  }
}

/**
 * Awaits work that says nothing by itself, and calls `onProgress` with the time waited, about every
 * `progressEvery`.
 */
export async function withProgress<T>(
  promise: Promise<T>,
  clock: Clock,
  onProgress: (elapsed: number) => void,
): Promise<T> {
  const startedAt = clock.now()
  const stop = new AbortController()
  const reportProgress = async () => {
    for (;;) {
      await clock.sleep(progressInterval, stop.signal)
      if (stop.signal.aborted) return
      onProgress(clock.now() - startedAt)
    }
  }
  void reportProgress()
  try {
    return await promise
  } finally {
    stop.abort()
  }
}

async function sleepOrWake<T>(wait: WaitOptions<T>, ms: number): Promise<void> {
  const stop = new AbortController()
  const signal = AbortSignal.any([wait.signal, stop.signal])
  await Promise.race([wait.clock.sleep(ms, signal), ...(wait.wakeUp ? [wait.wakeUp(signal)] : [])])
  stop.abort()
}

/** @throws ActionError `cancelled` when the signal is aborted */
export function throwIfCancelled(signal: AbortSignal): void {
  if (signal.aborted) throw jobCancelled()
}
