/** Repeats attempts of the probe. */
import type { ActionError } from '../../failures/action-error.ts'
import { ProbeFailure } from '../../failures/probe-failure.ts'
import { probeFailed, probeNeverAttempted, probeTimedOut } from '../../failures/probe.ts'
import { waitFor, type PollResult } from '../../util/polling.ts'
import type { EndpointRun } from '../run.ts'
import { progressLogger } from '../step.ts'

/** What is repeated, and until when. Times are milliseconds. */
export interface Attempts<T> {
  /** Receives its own deadline, since the epoch. */
  readonly attempt: (deadline: number) => Promise<T>
  /** The time until the next attempt, by the time since the first one. */
  readonly interval: (elapsed: number) => number
  /** Since the epoch. */
  readonly deadline: number
  /** For each attempt, even for one that begins just before the deadline; 1 s when absent. */
  readonly minAttemptTime?: number
}

/** Repeats an attempt while its failure is transient, until the deadline. */
export function retryProbe<T>(
  { context, settings: { timeouts } }: Pick<EndpointRun, 'context' | 'settings'>,
  { attempt, interval, deadline, minAttemptTime = 1_000 }: Attempts<T>,
): Promise<T> {
  const { clock } = context
  let lastFailure: ProbeFailure | undefined
  let failingSince = clock.now()
  const createTimeoutError = (): ActionError =>
    lastFailure ? probeTimedOut(lastFailure, timeouts.probe) : probeNeverAttempted()
  const poll = async (): Promise<PollResult<T>> => {
    try {
      return { done: await attempt(Math.max(deadline, clock.now() + minAttemptTime)) }
    } catch (thrown) {
      if (!(thrown instanceof ProbeFailure)) throw thrown
      const isSameFailure =
        thrown.code === lastFailure?.code && thrown.retryFor === lastFailure.retryFor
      if (!isSameFailure) failingSince = clock.now()
      lastFailure = thrown
      if (clock.now() - failingSince >= thrown.retryFor) throw probeFailed(thrown)
      if (clock.now() >= deadline) throw createTimeoutError()
      return { pending: thrown.message }
    }
  }
  return waitFor<T>({
    poll,
    // The last attempt begins at the deadline, and has its time.
    interval: (elapsed) => Math.min(interval(elapsed), Math.max(1, deadline - clock.now())),
    timeout: Math.max(0, deadline - clock.now()) + minAttemptTime,
    signal: context.signal,
    clock,
    onProgress: progressLogger(context.log, 'probe'),
    createTimeoutError,
  })
}
