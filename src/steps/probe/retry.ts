/** Repeats attempts of the probe. */
import type { ActionError } from '../../failures/action-error.ts'
import { ProbeFailure } from '../../failures/probe-failure.ts'
import { probeFailed, probeNeverAttempted, probeTimedOut } from '../../failures/probe.ts'
import { waitFor, type PollResult } from '../../util/polling.ts'
import type { EndpointRun } from '../run.ts'
import { progressLogger } from '../step.ts'

/** Milliseconds for each attempt, even for one that begins just before the deadline. */
const minAttemptTime = 1_000

/**
 * Repeats an attempt while its failure is transient, until probe-timeout is over.
 * @param attempt receives its deadline, in milliseconds since the epoch
 * @param nextInterval milliseconds until the next attempt
 */
export function retryProbe<T>(
  { context, settings: { timeouts } }: Pick<EndpointRun, 'context' | 'settings'>,
  attempt: (deadline: number) => Promise<T>,
  nextInterval: (elapsed: number) => number,
): Promise<T> {
  const { clock } = context
  let lastFailure: ProbeFailure | undefined
  let failingSince = clock.now()
  const deadline = failingSince + timeouts.probe * 1000
  const poll = async (): Promise<PollResult<T>> => {
    try {
      return { done: await attempt(Math.max(deadline, clock.now() + minAttemptTime)) }
    } catch (thrown) {
      if (!(thrown instanceof ProbeFailure)) throw thrown
      if (thrown.code !== lastFailure?.code) failingSince = clock.now()
      lastFailure = thrown
      if (clock.now() - failingSince >= thrown.retryFor) throw probeFailed(thrown)
      return { pending: thrown.message }
    }
  }
  const createTimeoutError = (): ActionError =>
    lastFailure ? probeTimedOut(lastFailure, timeouts.probe) : probeNeverAttempted()
  return waitFor<T>({
    poll,
    interval: nextInterval,
    timeout: timeouts.probe * 1000,
    signal: context.signal,
    clock,
    onProgress: progressLogger(context.log, 'probe'),
    createTimeoutError,
  })
}
