/** Confirms an endpoint that has answered: over every address of the ALB, and with many calls. */
import type { TargetHealth } from '../../clients/aws/load-balancer-configuration.ts'
import { confirm, type Confirmation } from '../../clients/milvus/confirmation.ts'
import type { Endpoint } from '../../clients/milvus/endpoint.ts'
import { combineErrors, type ActionError } from '../../failures/action-error.ts'
import { ProbeFailure, propagationWindow } from '../../failures/probe-failure.ts'
import {
  addressesFailed,
  callsFailed,
  describeEarlierFailure,
  describeUnreachableFamily,
} from '../../failures/probe-partial.ts'
import { probeNeverAttempted, probeTimedOut } from '../../failures/probe.ts'
import { pollInterval, waitFor, type PollResult } from '../../util/polling.ts'
import type { EndpointRun } from '../run.ts'
import { progressLogger } from '../step.ts'
import { countTargets, describeConfirmation, toOutput, type TargetCounts } from './statistics.ts'

/** Reads the targets of the ALB in ELB; undefined when they are not known. */
export type ReadTargets = () => Promise<readonly TargetHealth[] | undefined>

/** What is confirmed, and until when. */
export interface ConfirmedEndpoint {
  readonly endpoint: Endpoint
  readonly readTargets: ReadTargets
  /** Milliseconds since the epoch. */
  readonly deadline: number
}

/** A round of calls, with the targets at that time. */
interface Round {
  readonly confirmation: Confirmation
  readonly targets: TargetCounts | undefined
}

type ConfirmationRun = Pick<EndpointRun, 'context' | 'settings'>

/** Calls of a round, unless the targets are many. */
const callCount = 20
const callsPerTarget = 5
/** Also the calls of each round after a failed one: few calls may succeed by chance. */
const maxCallCount = 100
/** Milliseconds for a round, even for one that begins just before the deadline. */
const minRoundTime = 5_000

/**
 * Repeats the confirmation until nothing fails and no target is in its first health checks, or
 * until probe-timeout is over: a new address or target may still be coming up. Sets output probe.
 * @returns a phrase such as "3 of 3 addresses, 2 of 2 targets, 20 of 20 calls"
 * @throws ActionError `probe-calls-failed` and `probe-address-failed`, which are warnings with
 *   `probe: lenient`; the failure of the endpoint when nothing works any more
 */
export async function confirmEndpoint(
  run: ConfirmationRun,
  confirmed: ConfirmedEndpoint,
): Promise<string> {
  const { context, settings } = run
  const { lastRound, firstFailure } = await repeatRounds(run, confirmed)
  const { confirmation, targets } = lastRound
  context.setOutput('probe', JSON.stringify(toOutput(confirmation, targets)))
  const phrase = describeConfirmation(confirmation, targets)
  context.log.info(`Confirmed: ${phrase}`)
  const failures = findFailures(confirmation, settings.timeouts.probe)
  if (failures.length > 0 && !settings.probe.isLenient) throw combineErrors(failures)
  for (const { message, remedy } of failures) context.log.warn(`${message} ${remedy}`)
  for (const { name, failures: reasons } of confirmation.unreachableFamilies)
    context.log.note(describeUnreachableFamily(name, reasons))
  if (firstFailure && failures.length === 0) context.log.note(describeEarlierFailure(firstFailure))
  return phrase
}

/** @throws ActionError when no round could be made */
async function repeatRounds(
  run: ConfirmationRun,
  { endpoint, readTargets, deadline }: ConfirmedEndpoint,
): Promise<{ lastRound: Round; firstFailure: ProbeFailure | undefined }> {
  const { context, settings } = run
  const { clock, signal } = context
  let firstFailure: ProbeFailure | undefined
  const repeatUntil = settings.probe.isLenient
    ? Math.min(deadline, clock.now() + propagationWindow)
    : deadline
  const poll = async (): Promise<PollResult<Round>> => {
    try {
      const round = await makeRound(
        run,
        { ...endpoint, deadline: Math.max(deadline, clock.now() + minRoundTime) },
        { readTargets, isRepeated: firstFailure !== undefined },
      )
      const { confirmation, targets } = round
      const [failure] = [...confirmation.callFailures, ...confirmation.addressFailures]
      firstFailure ??= failure
      const isSettled = !failure && !targets?.initial
      if (isSettled || clock.now() >= repeatUntil) return { done: round }
      return { pending: describeConfirmation(confirmation, targets) }
    } catch (thrown) {
      if (!(thrown instanceof ProbeFailure)) throw thrown
      firstFailure ??= thrown
      return { pending: thrown.message }
    }
  }
  const createTimeoutError = (): ActionError =>
    firstFailure ? probeTimedOut(firstFailure, settings.timeouts.probe) : probeNeverAttempted()
  const lastRound = await waitFor({
    poll,
    interval: pollInterval,
    timeout: Math.max(0, deadline - clock.now()) + minRoundTime,
    signal,
    clock,
    onProgress: progressLogger(context.log, 'probe'),
    createTimeoutError,
  })
  return { lastRound, firstFailure }
}

async function makeRound(
  { context, settings }: ConfirmationRun,
  endpoint: Endpoint,
  { readTargets, isRepeated }: { readTargets: ReadTargets; isRepeated: boolean },
): Promise<Round> {
  const targets = countTargets((await readTargets()) ?? [])
  const desiredCount = isRepeated ? maxCallCount : (targets?.total ?? 0) * callsPerTarget
  const options = {
    token: settings.probe.token,
    callCount: Math.min(maxCallCount, Math.max(callCount, desiredCount)),
  }
  return { confirmation: await confirm(endpoint, options, context.signal), targets }
}

/** The failures of a part of the endpoint; that of the whole when nothing of it works. */
function findFailures(confirmation: Confirmation, seconds: number): ActionError[] {
  const { addresses, addressFailures, calls, callFailures } = confirmation
  const [failure] = [...callFailures, ...addressFailures]
  if (failure && calls.answered === 0) throw probeTimedOut(failure, seconds)
  const failures: ActionError[] = []
  if (callFailures.length > 0) failures.push(callsFailed(callFailures, calls.total))
  if (addressFailures.length > 0) failures.push(addressesFailed(addressFailures, addresses?.total))
  return failures
}
