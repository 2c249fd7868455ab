/** The deep probe: works with a temporary collection, and drops it whatever happens. */
import type { TimedEndpoint } from '../../clients/milvus/endpoint.ts'
import { GrpcChannel } from '../../clients/milvus/grpc-channel.ts'
import {
  createCollectionName,
  createVectors,
  dropCollection,
  exerciseCollection,
  listTemporaryCollections,
  type CollectionResult,
  type MilvusClient,
} from '../../clients/milvus/temporary-collection.ts'
import {
  collectionNotDropped,
  collectionRemains,
  collectionRemainsRemedy,
} from '../../failures/probe-deep.ts'
import { captureProbeFailure, type ProbeFailure } from '../../failures/probe-failure.ts'
import type { EndpointRun } from '../run.ts'
import { retryProbe } from './retry.ts'
import type { DeepOutput } from './statistics.ts'

type DeepRun = Pick<EndpointRun, 'context' | 'settings'>

/** Milliseconds between two attempts: each one writes to Milvus. */
const attemptInterval = 2_000
/** Milliseconds for each attempt: loading a collection takes seconds. */
const minAttemptTime = 20_000
/** Milliseconds to connect and to drop the collection. */
const dropTimeout = 10_000
/** The same in a cancelled run, which the runner kills after 10 s. */
const cancelledDropTimeout = 2_000

/** The outcome of a deep probe. */
export interface DeepResult {
  readonly phrase: string
  readonly output: DeepOutput
}

/**
 * Creates a collection, inserts, searches and drops it through the ALB. Before that, it drops the
 * collections of runs that were killed. A run in parallel may lose its collection by that, and then
 * makes one more attempt, in which it drops none.
 * @throws ActionError `probe-deep-failed`, and those of a connection
 */
export async function probeDeep(run: DeepRun, endpoint: TimedEndpoint): Promise<DeepResult> {
  const { context } = run
  const name = createCollectionName()
  const vectors = createVectors()
  let mayExist = false
  const attempt = (deadline: number): Promise<CollectionResult> =>
    withClient(run, { ...endpoint, deadline }, context.signal, async (client) => {
      if (!mayExist) await dropLeftCollections(run, client)
      mayExist = true
      const limits = { clock: context.clock, signal: context.signal, deadline }
      return exerciseCollection(client, name, vectors, limits)
    })
  const interval = () => attemptInterval
  const attempts = { attempt, interval, deadline: endpoint.deadline, minAttemptTime }
  const result = await retryProbe(run, attempts).catch(async (thrown: unknown) => {
    const failure = mayExist ? await tryToDrop(run, endpoint, name) : undefined
    if (failure) warnOfCollection(run, name, failure)
    throw thrown
  })
  const failure = await tryToDrop(run, endpoint, name)
  if (failure) throw collectionNotDropped(name, failure)
  return describeResult(run, name, result)
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
async function dropLeftCollections(run: DeepRun, client: MilvusClient): Promise<void> {
  const { context } = run
  for (const name of await listTemporaryCollections(client)) {
    const failure = await captureProbeFailure(() => dropCollection(client, name))
    if (failure) warnOfCollection(run, name, failure)
    else context.log.note(`Dropped collection ${name}, which a stopped run left behind.`)
  }
}

/** Also in a cancelled run, whose signal is aborted. */
function tryToDrop(
  run: DeepRun,
  endpoint: TimedEndpoint,
  name: string,
): Promise<ProbeFailure | undefined> {
  const { clock, signal } = run.context
  const timeout = signal.aborted ? cancelledDropTimeout : dropTimeout
  const dropEndpoint = { ...endpoint, deadline: clock.now() + timeout }
  const uncancelled = new AbortController().signal
  return captureProbeFailure(() =>
    withClient(run, dropEndpoint, uncancelled, async (client) => {
      const names = await listTemporaryCollections(client)
      if (names.includes(name)) await dropCollection(client, name)
    }),
  )
}

const warnOfCollection = (
  { context }: DeepRun,
  name: string,
  { message, remedy }: ProbeFailure,
): void =>
  context.log.warn(`${collectionRemains(name, message)} ${collectionRemainsRemedy} ${remedy}`)

function describeResult(
  { context }: DeepRun,
  name: string,
  { vectorCount, requestBytes, insertTime, searchTime }: CollectionResult,
): DeepResult {
  const size = `${(requestBytes / 1e6).toFixed(1)} MB`
  const insert = Math.ceil(insertTime)
  const search = Math.ceil(searchTime)
  context.log.info(
    `Deep: created collection ${name}, inserted ${vectorCount} vectors (${size}, ${insert} ms), ` +
      `found one of them (${search} ms), and dropped the collection`,
  )
  return {
    phrase: `${size} inserted and searched`,
    output: { vectors: vectorCount, bytes: requestBytes, insert, search },
  }
}
