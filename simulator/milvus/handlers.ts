/**
 * What Milvus says: pure functions from its settings (and the collections it holds) to messages and
 * gRPC statuses.
 */
import { status as code } from '@grpc/grpc-js'
import type { status } from '@grpc/grpc-js'
import type { Message } from './protocol.ts'

/** Why a call ends without a message: a gRPC status. */
export interface GrpcStatus {
  readonly code: status
  readonly details: string
}

/** The credentials that Milvus takes when `common.security.authorizationEnabled` is true. */
export interface Authorization {
  readonly user: string
  readonly password: string
  /** A token without a colon; Milvus itself has none (its hook, as on Zilliz Cloud, does). */
  readonly apiKey?: string
}

/** What a scenario can set while Milvus runs. */
export interface MilvusSettings {
  /** `v2.6.15`: what Connect and GetVersion say, and which wording errors have. */
  version: string
  /** Undefined: authorization is off. */
  authorization: Authorization | undefined
  /** False: the proxy has no meta cache yet, so its interceptor refuses every call. */
  ready: boolean
  /**
   * The proxy's state code; anything but `Healthy` is refused in the body of the answer, with gRPC
   * status 0.
   */
  stateCode: 'Healthy' | 'Initializing' | 'Abnormal' | 'StandBy' | 'Stopping'
  /** What CheckHealth says. */
  healthy: boolean
  reasons: string[]
  /** Names of `milvus.QuotaState`: DenyToWrite, ... */
  quotaStates: string[]
  /** Milliseconds before each answer. */
  delay: number
}

/** A collection that a client made. */
export interface Collection {
  readonly id: string
  readonly name: string
  readonly database: string
  readonly createdAt: number
  readonly shards: number
}

const NOT_READY_MESSAGE = 'internal: Milvus Proxy is not ready yet. please wait'

/**
 * How a proxy that is not ready refuses, by version, newest first. Until 2.2 it is a gRPC status of
 * its own (milvus-io/milvus#16781, #20433); later a merr error, which grpc-go turns into UNKNOWN,
 * and whose wording moved.
 */
const NOT_READY_STATUSES: readonly (readonly [
  major: number,
  minor: number,
  refusal: GrpcStatus,
])[] = [
  [2, 4, { code: code.UNKNOWN, details: `service unavailable: ${NOT_READY_MESSAGE}` }],
  [2, 3, { code: code.UNKNOWN, details: `${NOT_READY_MESSAGE}: service unavailable` }],
  [2, 2, { code: code.UNAVAILABLE, details: NOT_READY_MESSAGE }],
  [0, 0, { code: code.UNKNOWN, details: NOT_READY_MESSAGE }],
]

/** How the interceptor of this version of Milvus refuses a call while the proxy is not ready. */
export function getNotReadyStatus(version: string): GrpcStatus {
  const notReadyEntry = NOT_READY_STATUSES.find(([major, minor]) =>
    isVersionAtLeast(version, major, minor),
  )
  return notReadyEntry?.[2] ?? { code: code.UNKNOWN, details: NOT_READY_MESSAGE }
}

/** True when a version such as `v2.6.15` is at least major.minor. */
export function isVersionAtLeast(version: string, major: number, minor: number): boolean {
  const [actualMajor = 0, actualMinor = 0] = version.replace(/^v/, '').split('.').map(Number)
  return actualMajor > major || (actualMajor === major && actualMinor >= minor)
}

/**
 * What Milvus's interceptor for unary calls says about the `authorization` metadata: undefined lets
 * the call through. Source: internal/proxy/authentication_interceptor.go, in the order of its
 * checks. Before 2.4 the same texts came as UNKNOWN (milvus-sdk-csharp#8).
 */
export function checkAuthorization(
  authorization: Authorization | undefined,
  header: string | undefined,
  version: string,
): GrpcStatus | undefined {
  if (!authorization) return undefined
  const reject = (details: string): GrpcStatus => ({
    code: isVersionAtLeast(version, 2, 4) ? code.UNAUTHENTICATED : code.UNKNOWN,
    details,
  })
  if (header === undefined) return reject('missing authorization in header')
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(header) || header.length % 4 !== 0)
    return reject('invalid token format')
  const token = Buffer.from(header, 'base64').toString()
  if (!token.includes(':')) {
    return token === authorization.apiKey
      ? undefined
      : reject('auth check failure, please check api key is correct')
  }
  return token === `${authorization.user}:${authorization.password}`
    ? undefined
    : reject('auth check failure, please check username and password are correct')
}

/** `common.Status` of an answer that worked. */
export const successStatus: Message = {
  error_code: 'Success',
  reason: '',
  code: 0,
  retriable: false,
  detail: '',
}

/**
 * `common.Status` of one that did not; `code` is merr's (pkg/util/merr/errors.go), `error_code` the
 * deprecated one.
 */
export function createFailureStatus(
  merrCode: number,
  reason: string,
  errorCode = 'UnexpectedError',
): Message {
  return {
    error_code: errorCode,
    reason,
    code: merrCode,
    retriable: merrCode === 1,
    detail: reason,
  }
}

/**
 * `common.Status` of a proxy whose state code is not Healthy, or undefined. Source:
 * merr.CheckHealthy, WrapErrServiceNotReady.
 */
export function checkProxyHealth(settings: MilvusSettings): Message | undefined {
  if (settings.stateCode === 'Healthy') return undefined
  return createFailureStatus(
    1,
    `service not ready[proxy=1]: ${settings.stateCode}`,
    'NotReadyServe',
  )
}

/** What one method answers, given the request. */
export type MethodHandler = (request: Message, database: string) => Message

/** Milvus's methods that the simulator knows; every other one is refused with UNIMPLEMENTED. */
export function createHandlers(
  settings: MilvusSettings,
  collections: Map<string, Collection>,
): Record<string, MethodHandler> {
  let lastId = 453_000_000_000
  const getCollectionKey = (database: string, name: unknown): string =>
    `${database}/${String(name)}`
  const collectionNotFound = (database: string, name: unknown): Message =>
    createFailureStatus(
      100,
      `collection not found[database=${database}][collection=${String(name)}]`,
      'CollectionNotExists',
    )
  const findCollection = (request: Message, database: string): Collection | undefined =>
    collections.get(getCollectionKey(database, request['collection_name']))
  return {
    Connect: () => ({
      status: successStatus,
      server_info: {
        build_tags: settings.version,
        build_time: '',
        git_commit: '',
        go_version: '',
        deploy_mode: 'DISTRIBUTED',
        reserved: {},
      },
      identifier: String(++lastId),
    }),
    GetVersion: () => ({ status: successStatus, version: settings.version }),
    CheckHealth: () => ({
      status: successStatus,
      isHealthy: settings.healthy,
      reasons: settings.reasons,
      quota_states: settings.quotaStates,
    }),
    GetComponentStates: () => ({
      state: { nodeID: '1', role: 'proxy', state_code: settings.stateCode },
      subcomponent_states: [],
      status: successStatus,
    }),
    ListDatabases: () => ({
      status: successStatus,
      db_names: ['default'],
      created_timestamp: ['0'],
      db_ids: ['1'],
    }),
    DescribeDatabase: (request) => ({
      status: successStatus,
      db_name: request['db_name'],
      dbID: '1',
      created_timestamp: '0',
      properties: [],
    }),
    ShowCollections: (_request, database) => {
      const visibleCollections = [...collections.values()].filter(
        (collection) => collection.database === database,
      )
      return {
        status: successStatus,
        collection_names: visibleCollections.map(({ name }) => name),
        collection_ids: visibleCollections.map(({ id }) => id),
        created_timestamps: visibleCollections.map(({ createdAt }) => String(createdAt)),
        created_utc_timestamps: visibleCollections.map(({ createdAt }) => String(createdAt)),
        shards_num: visibleCollections.map(({ shards }) => shards),
      }
    },
    HasCollection: (request, database) => ({
      status: successStatus,
      value: findCollection(request, database) !== undefined,
    }),
    CreateCollection: (request, database) => {
      const name = String(request['collection_name'])
      const shards = Number(request['shards_num']) || 1
      collections.set(getCollectionKey(database, name), {
        id: String(++lastId),
        name,
        database,
        createdAt: Date.now(),
        shards,
      })
      return successStatus
    },
    DescribeCollection: (request, database) => {
      const collection = findCollection(request, database)
      if (!collection) return { status: collectionNotFound(database, request['collection_name']) }
      const createdAt = String(collection.createdAt)
      return {
        status: successStatus,
        schema: { name: collection.name, fields: [] },
        collectionID: collection.id,
        collection_name: collection.name,
        db_name: collection.database,
        shards_num: collection.shards,
        created_timestamp: createdAt,
        created_utc_timestamp: createdAt,
      }
    },
    // Dropping what is not there succeeds, as in Milvus since 2.3.
    DropCollection: (request, database) => {
      collections.delete(getCollectionKey(database, request['collection_name']))
      return successStatus
    },
    ClientHeartbeat: () => ({
      status: successStatus,
      server_timestamp: String(Date.now()),
      commands: [],
    }),
  }
}
