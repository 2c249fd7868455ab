/** Confirms an endpoint that has answered: over every address of the ALB, and with many calls. */
import type { TargetHealth } from '../../clients/aws/load-balancer-configuration.ts'
import { confirm, type Confirmation } from '../../clients/milvus/repeated-calls.ts'
import type { TimedEndpoint } from '../../clients/milvus/endpoint.ts'
import { combineErrors, type ActionError } from '../../failures/action-error.ts'
import { ProbeFailure, propagationWindow } from '../../failures/probe-failure.ts'
import {
  addressesFailed,
  callsFailed,
  describeEarlierFailure,
  describeUnreachableFamily,
} from '../../failures/probe-partial.ts'
import { probeNeverAttempted, probeTimedOut } from '../../failures/probe.ts'
import { pollInterval, throwIfCancelled, waitFor, type PollResult } from '../../util/polling.ts'
import type { EndpointRun } from '../run.ts'
import type { EarlyRound } from './early-round.ts'
import { progressLogger } from '../step.ts'
import {
  countTargets,
  describeConfirmation,
  toOutput,
  type ProbeOutput,
  type TargetCounts,
} from './statistics.ts'

/** Reads the targets of the ALB in ELB; undefined when they cannot be read. Never rejects. */
export type ReadTargets = () => Promise<readonly TargetHealth[] | undefined>

/** What is confirmed, and until when. */
export interface ConfirmedEndpoint {
  readonly endpoint: TimedEndpoint
  readonly earlyRound: EarlyRound
}

/** A round of calls, with the targets at that time. */
interface Round {
  readonly confirmation: Confirmation
  readonly targets: TargetCounts | undefined
}

/** The outcome of a confirmation. */
export interface ConfirmedCalls {
  readonly phrase: string
  readonly output: ProbeOutput
}

type ConfirmationRun = Pick<EndpointRun, 'context' | 'settings'>

/** Calls of a round, unless the targets are many. */
const callCount = 20
const callsPerTarget = 5
/** Also the calls of each round after a failed one: few calls may succeed by chance. */
const maxCallCount = 100
/**
 * Milliseconds to connect and to start calls, even in a round that begins just before the deadline:
 * DNS, TCP and TLS may take 13 s. The targets are read in the meantime.
 */
const minRoundTime = 15_000
/** Milliseconds after the deadline in which a round may begin, after a pause. */
const maxRoundDelay = 3_000

/**
 * Repeats the confirmation until nothing fails and no target is in its first health checks, or
 * until probe-timeout is over: a new address or target may still be coming up. With
 * `probe: lenient`, what works in part is repeated for 20 s only. Sets output probe.
 * @returns what output probe contains, and a phrase such as "3 of 3 addresses, 2 of 2 targets, 20
 *   of 20 calls"
 * @throws ActionError `probe-calls-failed` and `probe-address-failed`, which are warnings with
 *   `probe: lenient`; the failure of the endpoint when nothing works any more
 */
export async function confirmEndpoint(
  run: ConfirmationRun,
  confirmed: ConfirmedEndpoint,
): Promise<ConfirmedCalls> {
  const { context, settings } = run
  const { lastRound, firstFailure } = await repeatRounds(run, confirmed)
  const { confirmation, targets } = lastRound
  const output = toOutput(confirmation, targets)
  context.setOutput('probe', JSON.stringify(output))
  const phrase = describeConfirmation(confirmation, targets)
  context.log.info(`Confirmed: ${phrase}`)
  const failures = findFailures(confirmation, settings.timeouts.probe)
  if (failures.length > 0 && !settings.probe.isLenient) throw combineErrors(failures)
  for (const { message, remedy } of failures) context.log.warn(`${message} ${remedy}`)
  for (const { name, failures: reasons } of confirmation.unreachableFamilies)
    context.log.note(describeUnreachableFamily(name, reasons))
  if (firstFailure && failures.length === 0) context.log.note(describeEarlierFailure(firstFailure))
  return { phrase, output }
}

/** @throws ActionError when no round could be made */
async function repeatRounds(
  run: ConfirmationRun,
  confirmed: ConfirmedEndpoint,
): Promise<{ lastRound: Round; firstFailure: ProbeFailure | undefined }> {
  const { context, settings } = run
  const { clock, signal } = context
  const { deadline, callTimeout } = confirmed.endpoint
  let firstFailure: ProbeFailure | undefined
  let lastFailure: ProbeFailure | undefined
  const recordFailure = (failure: ProbeFailure | undefined): void => {
    firstFailure ??= failure
    lastFailure = failure ?? lastFailure
  }
  const repeatUntil = settings.probe.isLenient
    ? Math.min(deadline, clock.now() + propagationWindow)
    : deadline
  const createTimeoutError = (): ActionError =>
    describeTimeout(lastFailure, settings.timeouts.probe)
  const poll = async (): Promise<PollResult<Round>> => {
    try {
      const isRepeated = firstFailure !== undefined
      const round = await makeRound(run, confirmed, isRepeated)
      throwIfCancelled(signal)
      const { confirmation, targets } = round
      const [failure] = [...confirmation.callFailures, ...confirmation.addressFailures]
      recordFailure(failure)
      const isAnswered = confirmation.calls.answered > 0
      const isSettled = isAnswered && !failure && !targets?.initial
      // What works in part may be accepted early, what does not work at all may not.
      if (isSettled || clock.now() >= (isAnswered ? repeatUntil : deadline)) return { done: round }
      return { pending: describeConfirmation(confirmation, targets) }
    } catch (thrown) {
      if (!(thrown instanceof ProbeFailure)) throw thrown
      recordFailure(thrown)
      if (clock.now() >= deadline) throw createTimeoutError()
      return { pending: thrown.message }
    }
  }
  const lastRound = await waitFor({
    poll,
    interval: pollInterval,
    timeout: Math.max(0, deadline - clock.now()) + maxRoundDelay + minRoundTime + callTimeout,
    signal,
    clock,
    onProgress: progressLogger(context.log, 'probe'),
    createTimeoutError,
  })
  return { lastRound, firstFailure }
}

const describeTimeout = (failure: ProbeFailure | undefined, seconds: number): ActionError =>
  failure ? probeTimedOut(failure, seconds) : probeNeverAttempted()

async function makeRound(
  { context, settings }: ConfirmationRun,
  { endpoint, earlyRound }: ConfirmedEndpoint,
  isRepeated: boolean,
): Promise<Round> {
  const { connections, targets } = earlyRound.take()
  const reading = targets.then((targetHealth) => countTargets(targetHealth ?? []))
  const callCountOf = (targets: TargetCounts | undefined): number => {
    const desiredCount = isRepeated ? maxCallCount : (targets?.total ?? 0) * callsPerTarget
    return Math.min(maxCallCount, Math.max(callCount, desiredCount))
  }
  const roundDeadline = Math.max(endpoint.deadline, context.clock.now() + minRoundTime)
  const confirmation = await confirm(
    { ...endpoint, deadline: roundDeadline },
    {
      token: settings.probe.token,
      callCount: reading.then(callCountOf),
      connections,
    },
    context.signal,
  )
  return { confirmation, targets: await reading }
}

/** The failures of a part of the endpoint; that of the whole when nothing of it works. */
function findFailures(confirmation: Confirmation, seconds: number): ActionError[] {
  const { addresses, addressFailures, calls, callFailures } = confirmation
  const [failure] = [...callFailures, ...addressFailures]
  if (calls.answered === 0) throw describeTimeout(failure, seconds)
  const failures: ActionError[] = []
  if (callFailures.length > 0) failures.push(callsFailed(callFailures, calls.total))
  if (addressFailures.length > 0) failures.push(addressesFailed(addressFailures, addresses?.total))
  return failures
}
