/** The deep probe: works with a temporary collection, and drops it whatever happens. */
import type { TimedEndpoint } from '../../clients/milvus/endpoint.ts'
import { GrpcChannel } from '../../clients/milvus/grpc-channel.ts'
import {
  createCollection,
  createCollectionName,
  createVectors,
  dropCollection,
  exerciseCollection,
  listTemporaryCollections,
  type CollectionResult,
  type MilvusClient,
} from '../../clients/milvus/temporary-collection.ts'
import { collectionRemains } from '../../failures/probe-deep.ts'
import { captureProbeFailure, never, type ProbeFailure } from '../../failures/probe-failure.ts'
import type { EndpointRun } from '../run.ts'
import { retryProbe } from './retry.ts'
import type { DeepOutput } from './statistics.ts'

type DeepRun = Pick<EndpointRun, 'context' | 'settings'>

/** Milliseconds between two attempts: each one writes to Milvus. */
const attemptInterval = 2_000
/** Milliseconds for each attempt: loading a collection takes seconds. */
const minAttemptTime = 20_000
/** Milliseconds to connect and to drop the collection, with repeated attempts. */
const dropTimeout = 5_000
const dropInterval = 500
/** The same in a cancelled run, which the runner kills after 10 s. */
const cancelledDropTimeout = 2_000

/** The outcome of a deep probe. */
export interface DeepResult {
  readonly phrase: string
  readonly output: DeepOutput
}

/**
 * Creates a collection, inserts, searches and drops it through the ALB. Before that, it drops those
 * of other runs, because they may have been killed. A run in parallel loses its collection by that,
 * and makes one more attempt, in which it drops none. A collection that cannot be dropped is only a
 * warning: the next run drops it.
 * @throws ActionError `probe-deep-failed`, and those of a connection
 */
export async function probeDeep(run: DeepRun, endpoint: TimedEndpoint): Promise<DeepResult> {
  const { context } = run
  const name = createCollectionName()
  const vectors = createVectors()
  const state = { isFirstAttempt: true, mayExist: false }
  const attempt = (deadline: number): Promise<CollectionResult> =>
    withClient(run, { ...endpoint, deadline }, context.signal, async (client) => {
      if (state.isFirstAttempt) await dropOtherCollections(run, client)
      state.isFirstAttempt = false
      const failure = await captureProbeFailure(() => createCollection(client, name))
      // A call without an answer may have created it.
      if (failure?.code !== 'probe-deep-failed') state.mayExist = true
      if (failure) throw failure
      const limits = { clock: context.clock, signal: context.signal, deadline }
      return exerciseCollection(client, name, vectors, limits)
    })
  const interval = () => attemptInterval
  try {
    const { deadline } = endpoint
    const result = await retryProbe(run, { attempt, interval, deadline, minAttemptTime })
    return describeResult(run, name, result)
  } finally {
    const failure = state.mayExist ? await dropOwnCollection(run, endpoint, name) : undefined
    if (failure) warnOfCollection(run, name, failure)
  }
}

/** Opens a connection for `work`, and closes it. */
async function withClient<T>(
  { settings }: DeepRun,
  endpoint: TimedEndpoint,
  signal: AbortSignal,
  work: (client: MilvusClient) => Promise<T>,
): Promise<T> {
  const channel = await GrpcChannel.open(endpoint, signal)
  try {
    return await work({ channel, token: settings.probe.token })
  } finally {
    channel.close()
  }
}

/** What another user created cannot always be dropped, which is no failure of this run. */
async function dropOtherCollections(run: DeepRun, client: MilvusClient): Promise<void> {
  const { context } = run
  for (const name of await listTemporaryCollections(client)) {
    const failure = await captureProbeFailure(() => dropCollection(client, name))
    if (failure) warnOfCollection(run, name, failure)
    else context.log.note(`Dropped collection ${name}, which another run left behind.`)
  }
}

/** Also in a cancelled run, whose signal is aborted. Repeats a failure while there is time. */
async function dropOwnCollection(
  run: DeepRun,
  endpoint: TimedEndpoint,
  name: string,
): Promise<ProbeFailure | undefined> {
  const { clock, signal } = run.context
  const timeout = signal.aborted ? cancelledDropTimeout : dropTimeout
  const dropEndpoint = { ...endpoint, deadline: clock.now() + timeout }
  const uncancelled = new AbortController().signal
  for (;;) {
    const failure = await captureProbeFailure(() =>
      withClient(run, dropEndpoint, uncancelled, (client) => dropCollection(client, name)),
    )
    if (!failure || failure.retryFor === never) return failure
    if (clock.now() + dropInterval >= dropEndpoint.deadline) return failure
    await clock.sleep(dropInterval, uncancelled)
  }
}

const warnOfCollection = ({ context }: DeepRun, name: string, failure: ProbeFailure): void =>
  context.log.warn(collectionRemains(name, failure))

function describeResult(
  { context }: DeepRun,
  name: string,
  { vectorCount, requestBytes, insertTime, searchTime }: CollectionResult,
): DeepResult {
  const size = `${(requestBytes / 1e6).toFixed(1)} MB`
  const insert = Math.ceil(insertTime)
  const search = Math.ceil(searchTime)
  context.log.info(
    `Deep: created collection ${name}, inserted ${vectorCount} vectors (${size}, ${insert} ms) ` +
      `and found one of them (${search} ms)`,
  )
  return {
    phrase: `${size} inserted and searched`,
    output: { vectors: vectorCount, bytes: requestBytes, insert, search },
  }
}
