/** Repeats attempts of the probe. */
import type { Endpoint } from '../../clients/milvus/endpoint.ts'
import type { ActionError } from '../../failures/action-error.ts'
import { ProbeFailure } from '../../failures/probe-failure.ts'
import { probeFailed, probeNeverAttempted, probeTimedOut } from '../../failures/probe.ts'
import { waitFor, type PollResult } from '../../util/polling.ts'
import type { EndpointRun } from '../run.ts'
import { progressLogger } from '../step.ts'

/** Milliseconds for each attempt, even for one that begins just before the deadline. */
const minAttemptTime = 1_000

/** An endpoint with the deadline of one attempt. */
export type TimedEndpoint = Endpoint & { readonly deadline: number }

/** An endpoint, and until when it is probed: all parts of a probe share probe-timeout. */
export interface ProbedEndpoint {
  readonly endpoint: Endpoint
  /** Milliseconds since the epoch. */
  readonly deadline: number
}

/**
 * Repeats an attempt while its failure is transient, until the deadline. There is one even after
 * it.
 * @param attempt receives the endpoint with its own deadline
 * @param nextInterval milliseconds until the next attempt
 */
export function retryProbe<T>(
  { context, settings: { timeouts } }: Pick<EndpointRun, 'context' | 'settings'>,
  { endpoint, deadline }: ProbedEndpoint,
  attempt: (endpoint: TimedEndpoint) => Promise<T>,
  nextInterval: (elapsed: number) => number,
): Promise<T> {
  const { clock } = context
  let lastFailure: ProbeFailure | undefined
  let failingSince = clock.now()
  const poll = async (): Promise<PollResult<T>> => {
    try {
      const attemptDeadline = Math.max(deadline, clock.now() + minAttemptTime)
      return { done: await attempt({ ...endpoint, deadline: attemptDeadline }) }
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
    timeout: deadline - clock.now(),
    signal: context.signal,
    clock,
    onProgress: progressLogger(context.log, 'probe'),
    createTimeoutError,
  })
}
