/**
 * A temporary collection: created, filled, searched and dropped as clients do it, so that every
 * part of Milvus takes part. Its name shows later runs what a run that was killed left behind.
 */
import { randomBytes } from 'node:crypto'
import { isTransientStatus, milvusStarting } from '../../failures/milvus.ts'
import {
  deepCallRejected,
  deepInsertIncomplete,
  deepNeedsToken,
  deepNotFound,
  deepNotLoaded,
} from '../../failures/probe-deep.ts'
import type { ProbeFailure } from '../../failures/probe-failure.ts'
import type { Clock } from '../../util/polling.ts'
import { methodPath, type MilvusStatus } from './api.ts'
import * as api from './collection-api.ts'
import type { GrpcChannel } from './grpc-channel.ts'
import {
  grpcStatus,
  isStarting,
  isUnauthenticated,
  rejectedTokenFailure,
} from './grpc-responses.ts'
import { httpStatusFailure } from './http-responses.ts'
import { createMetadata, parseBody } from './grpc-calls.ts'

/** Where the calls go, and as whom. */
export interface MilvusClient {
  readonly channel: GrpcChannel
  readonly token: string | undefined
}

/** What the calls with a collection measured. Times are milliseconds. */
export interface CollectionResult {
  readonly vectorCount: number
  /** Bytes of the insert. */
  readonly requestBytes: number
  readonly insertTime: number
  readonly searchTime: number
}

const namePrefix = 'milvus_alb_action_probe_'

/** Only letters, digits and underscores. */
export const createCollectionName = (): string => namePrefix + randomBytes(6).toString('hex')

/** About 3 MB: longer than what any part of the route buffers as a whole. */
const vectorCount = 1_000
const dimension = 768

/**
 * Vectors with elements from 0 to 1. None equals another: the distance between two of them is about
 * 11.
 */
export const createVectors = (): api.Vectors => ({
  dimension,
  values: Float32Array.from({ length: vectorCount * dimension }, () => Math.random()),
})

/** Milliseconds between two reads of the loading progress. */
const loadingInterval = 100

/**
 * Bytes of an answer. A Milvus with the default limits has up to 65,536 collections, each of which
 * takes some 50 bytes of a list, or more with a long name. Source: Milvus, Limit Collection Counts.
 */
const maxBodyBytes = 32 * 1024 * 1024

/** The limits of work with a collection. */
export interface Limits {
  readonly clock: Clock
  readonly signal: AbortSignal
  /** Milliseconds since the epoch. */
  readonly deadline: number
}

/**
 * Creates a collection for vectors. One that an earlier attempt created is a success, too.
 * @throws ProbeFailure `probe-deep-failed` when Milvus rejects it, and those of a call
 */
export const createCollection = (client: MilvusClient, name: string): Promise<void> =>
  callForStatus(client, 'CreateCollection', api.encodeCreateCollection(name, dimension))

/**
 * Fills a collection, and searches for one of its vectors. Calls that an earlier attempt made
 * already succeed, too.
 * @throws ProbeFailure `probe-deep-failed`, and those of a call
 */
export async function exerciseCollection(
  client: MilvusClient,
  name: string,
  vectors: api.Vectors,
  limits: Limits,
): Promise<CollectionResult> {
  const count = api.countVectors(vectors)
  const insert = api.encodeInsert(name, vectors)
  const insertStart = performance.now()
  const { insertedCount } = await call(client, 'Insert', insert, api.parseInsertResult)
  const insertTime = performance.now() - insertStart
  if (insertedCount !== count) throw deepInsertIncomplete(insertedCount, count)
  await callForStatus(client, 'CreateIndex', api.encodeCreateIndex(name))
  await callForStatus(client, 'LoadCollection', api.encodeLoadCollection(name))
  await waitUntilLoaded(client, name, limits)
  const searchStart = performance.now()
  await searchVector(client, name, vectors)
  const searchTime = performance.now() - searchStart
  return { vectorCount: count, requestBytes: insert.length, insertTime, searchTime }
}

async function waitUntilLoaded(
  client: MilvusClient,
  name: string,
  { clock, signal, deadline }: Limits,
): Promise<void> {
  const request = api.encodeLoadingProgress(name)
  for (;;) {
    const { progress } = await call(client, 'GetLoadingProgress', request, api.parseLoadingProgress)
    if (progress >= 100) return
    if (clock.now() + loadingInterval >= deadline) throw deepNotLoaded(progress)
    await clock.sleep(loadingInterval, signal)
  }
}

async function searchVector(
  client: MilvusClient,
  name: string,
  { dimension: length, values }: api.Vectors,
): Promise<void> {
  const index = Math.floor(values.length / length / 2)
  const vector = values.subarray(index * length, (index + 1) * length)
  const request = api.encodeSearch(name, vector)
  const { ids } = await call(client, 'Search', request, api.parseSearchResults)
  if (ids[0] !== index + 1) throw deepNotFound(index + 1, ids[0])
}

/**
 * The names of the temporary collections of all runs.
 * @throws ProbeFailure
 */
export async function listTemporaryCollections(client: MilvusClient): Promise<string[]> {
  const request = Buffer.alloc(0)
  const { names } = await call(client, 'ShowCollections', request, api.parseCollectionNames)
  return names.filter((name) => name.startsWith(namePrefix))
}

/**
 * A collection that does not exist counts as dropped, which Milvus before 2.3 rejects.
 * @throws ProbeFailure
 */
export async function dropCollection(client: MilvusClient, name: string): Promise<void> {
  const method = 'DropCollection'
  const request = api.encodeDropCollection(name)
  const { status } = await send(client, method, request, api.parseBareStatus)
  if (status.code !== 0 && !isCollectionMissing(status)) throw rejectedFailure(method, status)
}

/** merr.ErrCollectionNotFound, and its text before 2.3. Source: milvus, pkg/util/merr/errors.go. */
const isCollectionMissing = ({ code, reason }: MilvusStatus): boolean =>
  code === 100 || /can't find collection/.test(reason)

async function callForStatus(client: MilvusClient, method: string, request: Buffer): Promise<void> {
  await call(client, method, request, api.parseBareStatus)
}

/** @returns the message of an answer that is a success for HTTP, gRPC and Milvus */
async function call<T extends { status: MilvusStatus }>(
  client: MilvusClient,
  method: string,
  request: Buffer,
  parse: (bytes: Buffer) => T,
): Promise<T> {
  const answer = await send(client, method, request, parse)
  if (answer.status.code === 0) return answer
  throw rejectedFailure(method, answer.status)
}

/** @returns the message of an answer that is a success for HTTP and gRPC */
async function send<T>(
  { channel, token }: MilvusClient,
  method: string,
  request: Buffer,
  parse: (bytes: Buffer) => T,
): Promise<T> {
  const metadata = createMetadata(token)
  const path = methodPath(method)
  const { response } = await channel.call({ path, request, metadata, maxBodyBytes })
  const { status, message } = response
  if (status === undefined) throw httpStatusFailure(response)
  if (status !== grpcStatus.ok) throw grpcFailure(method, { status, message }, token)
  return parseBody(method, response.body, parse)
}

function grpcFailure(
  method: string,
  { status, message }: { readonly status: number; readonly message: string },
  token: string | undefined,
): ProbeFailure {
  if (isUnauthenticated(status, message))
    return token === undefined ? deepNeedsToken() : rejectedTokenFailure(token, status, message)
  const error = { method, status, message }
  return isStarting(message)
    ? milvusStarting(error)
    : deepCallRejected(error, isTransientStatus(status))
}

function rejectedFailure(
  method: string,
  { code, reason, isRetriable }: MilvusStatus,
): ProbeFailure {
  const error = { method, code, reason }
  return isStarting(reason) ? milvusStarting(error) : deepCallRejected(error, isRetriable)
}
