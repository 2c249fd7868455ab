/** Confirms an endpoint that has answered once: over every address, and with many calls. */
import { captureProbeFailure, type ProbeFailure } from '../../failures/probe-failure.ts'
import { connectAddresses, type Connections } from './addresses.ts'
import type { Endpoint } from './endpoint.ts'
import type { GrpcChannel } from './grpc-channel.ts'
import { callVersion } from './grpc-calls.ts'

/** What a confirmation found. */
export interface Confirmation {
  readonly addresses: Connections['addresses']
  readonly addressFailures: readonly ProbeFailure[]
  readonly unreachableFamilies: Connections['unreachableFamilies']
  readonly calls: { readonly answered: number; readonly total: number }
  readonly callFailures: readonly ProbeFailure[]
  /** Milliseconds of each call that was answered. */
  readonly durations: readonly number[]
}

/** How an endpoint is confirmed. */
export interface ConfirmationOptions {
  readonly token: string | undefined
  /** Becomes known while the connections are opened. */
  readonly callCount: Promise<number>
  /** Opened earlier; undefined to open new ones. */
  readonly connections: Promise<Connections> | undefined
}

interface CallOptions {
  readonly token: string | undefined
  readonly callCount: number
  /** Milliseconds since the epoch. */
  readonly deadline: number
}

/** Calls that are made even if they take longer than `callingTime`, but not after the deadline. */
const minCalls = 10
/** Milliseconds in which calls are started. */
const callingTime = 5_000
/** Calls at a time on each connection, so that the round trips to a distant ALB do not add up. */
const concurrentCalls = 10

/**
 * Starts no call after the deadline. One that has started has all of its time: a call that is cut
 * off says nothing about the endpoint.
 * @throws ProbeFailure `probe-dns-failed`
 */
export async function confirm(
  endpoint: Endpoint,
  options: ConfirmationOptions,
  signal: AbortSignal,
): Promise<Confirmation> {
  const { deadline = Infinity, callTimeout } = endpoint
  const connectionEndpoint = { ...endpoint, deadline: deadline + callTimeout }
  const { channels, failures, ...findings } = await (options.connections ??
    connectAddresses(connectionEndpoint, signal))
  try {
    const callCount = await options.callCount
    const calls = await callRepeatedly(channels, { ...options, callCount, deadline }, signal)
    return { ...findings, addressFailures: failures, ...calls }
  } finally {
    channels.forEach((channel) => channel.close())
  }
}

/** Distributes the calls over the channels. */
async function callRepeatedly(
  channels: readonly GrpcChannel[],
  { token, callCount, deadline }: CallOptions,
  signal: AbortSignal,
): Promise<Pick<Confirmation, 'calls' | 'callFailures' | 'durations'>> {
  const stopAt = performance.now() + callingTime
  const durations: number[] = []
  const callFailures: ProbeFailure[] = []
  let total = 0
  const isCallDue = (): boolean =>
    !signal.aborted &&
    total < callCount &&
    Date.now() < deadline &&
    (total < minCalls || performance.now() < stopAt)
  const callInTurn = async (channel: GrpcChannel): Promise<void> => {
    while (isCallDue()) {
      total += 1
      const startedAt = performance.now()
      const failure = await captureProbeFailure(() => callVersion(channel, token))
      if (failure) callFailures.push(failure)
      else durations.push(performance.now() - startedAt)
    }
  }
  const callers = channels.flatMap((channel) =>
    Array.from({ length: concurrentCalls }, () => callInTurn(channel)),
  )
  await Promise.all(callers)
  return { calls: { answered: durations.length, total }, callFailures, durations }
}
