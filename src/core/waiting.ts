/** The one way to wait: a deadline, a way to be cancelled, a clock, and the last thing seen for the message. */
import { cancelled, type ActionError } from './errors.ts'

/** Time, so that tests can turn it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Resolves after `ms`, or at once when the signal is aborted; never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

/** Looks often at first and then every two seconds: quick in the common case, gentle to an API in a long wait. */
export const growing = (waited: number): number => Math.min(2_000, Math.max(100, waited / 10))

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
export type Seen<T> = { readonly done: T } | { readonly pending: string }

/** A wait. Times are milliseconds. */
export interface Wait<T> {
  /** Looks once. Throws when the awaited thing has said no: waiting on would not help. */
  readonly look: () => Promise<Seen<T>>
  /** At most this long between two looks, from the time waited so far: a wait that has lasted may look less often. */
  readonly interval: (waited: number) => number
  readonly timeout: number
  readonly signal: AbortSignal
  readonly clock: Clock
  /** Called before each sleep; resolves when a look is worth while before the interval is over. */
  readonly wakeUp?: (signal: AbortSignal) => Promise<void>
  /** Called with the time waited and the last thing seen, about every `progressEvery`. */
  readonly onProgress?: (waited: number, seen: string) => void
  /** What to throw when the time is over. */
  readonly timedOut: (seen: string) => ActionError
}

/** The last thing seen of what never answered. */
export const unanswered = 'nothing was answered in this time'

/** One line of progress every 10 s keeps a log readable and shows that the job lives. */
const progressEvery = 10_000

/**
 * Looks until the thing is there.
 * @throws what `look` throws; `timedOut(last thing seen)`; the `cancelled` error when the signal is aborted
 */
export async function waitFor<T>(wait: Wait<T>): Promise<T> {
  const start = wait.clock.now()
  let nextProgress = start + progressEvery
  let last = unanswered
  for (;;) {
    throwIfCancelled(wait.signal)
    const seen = await inTime(wait.look(), start + wait.timeout - wait.clock.now() + grace)
    if (!seen) throw wait.timedOut(last)
    if ('done' in seen) return seen.done
    last = seen.pending
    const now = wait.clock.now()
    const left = start + wait.timeout - now
    if (left <= 0) throw wait.timedOut(seen.pending)
    if (now >= nextProgress) {
      wait.onProgress?.(now - start, seen.pending)
      nextProgress = now + progressEvery
    }
    await pause(wait, Math.min(wait.interval(now - start), left, Math.max(nextProgress - now, 1)))
  }
}

/** How long after the deadline a look that began before it may still go on, in milliseconds: one that knows of the deadline ends by itself, in better words. */
const grace = 1_500

/** @returns undefined when the look takes longer than `time`: whoever answers it sends nothing, or never comes to an end */
async function inTime<T>(look: Promise<T>, time: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  // Real time, whatever the wait's clock: what hangs is a connection.
  const late = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), Math.max(time, grace))))
  // Nobody hears of it any more when it comes late.
  look.catch(() => undefined)
  try {
    return await Promise.race([look, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Awaits work that says nothing by itself, and calls `onProgress` with the time waited, about every `progressEvery`. */
export async function withProgress<T>(work: Promise<T>, clock: Clock, onProgress: (waited: number) => void): Promise<T> {
  const start = clock.now()
  const over = new AbortController()
  const tell = async () => {
    for (;;) {
      await clock.sleep(progressEvery, over.signal)
      if (over.signal.aborted) return
      onProgress(clock.now() - start)
    }
  }
  void tell()
  try {
    return await work
  } finally {
    over.abort()
  }
}

async function pause<T>(wait: Wait<T>, ms: number): Promise<void> {
  const over = new AbortController()
  const signal = AbortSignal.any([wait.signal, over.signal])
  await Promise.race([wait.clock.sleep(ms, signal), ...(wait.wakeUp ? [wait.wakeUp(signal)] : [])])
  over.abort()
}

/** @throws ActionError `cancelled` when the signal is aborted */
export function throwIfCancelled(signal: AbortSignal): void {
  if (signal.aborted) throw cancelled()
}
