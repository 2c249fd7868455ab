/** Waiting: a deadline, an AbortSignal, a clock, and the last status for the error message. */
import type { ActionError } from '../failures/action-error.ts'
import { jobCancelled } from '../failures/run.ts'

/** The time, injected so that tests control it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Resolves after `ms`, or at once when the signal is aborted; never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

/**
 * Polls often at first, then every two seconds: fast in the common case, and few requests in a long
 * wait. Milliseconds.
 */
export const pollInterval = (elapsed: number): number =>
  Math.min(2_000, Math.max(100, elapsed / 10))

/** The clock of the machine. */
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

/** The awaited value, or the current status as a phrase for people. */
export type PollResult<T> = { readonly done: T } | { readonly pending: string }

/** How to wait. Times are milliseconds. */
export interface WaitOptions<T> {
  /** Polls once. Throws when the awaited state can no longer be reached. */
  readonly poll: () => Promise<PollResult<T>>
  /** Maximum time between two polls, by the time waited so far. */
  readonly interval: (elapsed: number) => number
  readonly timeout: number
  readonly signal: AbortSignal
  readonly clock: Clock
  /** Called before each sleep. Resolves when the next poll should not wait for the interval. */
  readonly wakeUp?: (signal: AbortSignal) => Promise<void>
  /** Called with the time waited and the last status, about every 10 s. */
  readonly onProgress?: (elapsed: number, status: string) => void
  /** Creates the error to throw at the deadline. */
  readonly createTimeoutError: (status: string) => ActionError
}

/** The last status when no poll ever completed. */
export const noResponse = 'no response'

/** One line every 10 s keeps a log readable and shows that the job is alive. */
const progressInterval = 10_000

/**
 * Polls until the awaited value exists.
 * @throws what `poll` throws; `createTimeoutError(last status)` at the deadline; ActionError
 *   `cancelled` when the signal is aborted
 */
export async function waitFor<T>(options: WaitOptions<T>): Promise<T> {
  const { clock, signal, poll, interval, createTimeoutError, onProgress } = options
  const startedAt = clock.now()
  const deadline = startedAt + options.timeout
  let nextProgress = startedAt + progressInterval
  let status = noResponse
  for (;;) {
    throwIfCancelled(signal)
    const result = await withDeadline(poll(), deadline - clock.now() + gracePeriod)
    if (!result) throw createTimeoutError(status)
    if ('done' in result) return result.done
    status = result.pending
    const now = clock.now()
    if (now >= deadline) throw createTimeoutError(status)
    if (now >= nextProgress) {
      onProgress?.(now - startedAt, status)
      nextProgress = now + progressInterval
    }
    const untilProgress = Math.max(nextProgress - now, 1)
    const delay = Math.min(interval(now - startedAt), deadline - now, untilProgress)
    await sleepOrWake(options, delay)
  }
}

/**
 * How long a poll may outlast the deadline, in milliseconds. A poll that knows the deadline ends in
 * this time with a more precise error.
 */
const gracePeriod = 1_500

/** @returns undefined at the timeout: the server sends nothing, or never stops sending */
async function withDeadline<T>(pending: Promise<T>, timeout: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  // Real time, not the injected clock: what hangs is a connection.
  const deadlineReached = new Promise<undefined>(
    (resolve) => (timer = setTimeout(() => resolve(undefined), Math.max(timeout, gracePeriod))),
  )
  // A rejection after the deadline has no listener any more.
  pending.catch(() => undefined)
  try {
    return await Promise.race([pending, deadlineReached])
  } finally {
    clearTimeout(timer)
  }
}

/** Awaits work that reports no progress. Calls `onProgress` with the time waited, every 10 s. */
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

async function sleepOrWake<T>(
  { clock, signal: parentSignal, wakeUp }: WaitOptions<T>,
  ms: number,
): Promise<void> {
  const stop = new AbortController()
  const signal = AbortSignal.any([parentSignal, stop.signal])
  const sleep = clock.sleep(ms, signal)
  await (wakeUp ? Promise.race([sleep, wakeUp(signal)]) : sleep)
  stop.abort()
}

/** @throws ActionError `cancelled` when the signal is aborted */
export function throwIfCancelled(signal: AbortSignal): void {
  if (signal.aborted) throw jobCancelled()
}
