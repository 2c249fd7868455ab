/** The answers of Milvus: messages and gRPC statuses, from its settings and collections. */
import { status as code, type status } from '@grpc/grpc-js'
import { createCollectionHandlers, type Collection } from './collections.ts'
import type { Handlers, Message } from './protocol.ts'
import { createFailureStatus, successStatus } from './statuses.ts'

/** The gRPC status of a call that ends without a message. */
export interface GrpcStatus {
  readonly code: status
  readonly details: string
}

/** The credentials that Milvus accepts when `common.security.authorizationEnabled` is true. */
export interface Authorization {
  readonly user: string
  readonly password: string
  /** A token without a colon. Only a hook, as on Zilliz Cloud, accepts these; Milvus does not. */
  readonly apiKey?: string
}

/** Settings that a scenario can change while Milvus runs. */
export interface MilvusSettings {
  /** Such as `v2.6.15`. It determines the wording of errors. */
  version: string
  /** Undefined disables authorization. */
  authorization: Authorization | undefined
  /** False while the proxy has no meta cache: its interceptor then rejects every call. */
  ready: boolean
  /**
   * The state code of the proxy. Unless it is `Healthy`, calls fail in the body of the answer, with
   * gRPC status 0.
   */
  stateCode: 'Healthy' | 'Initializing' | 'Abnormal' | 'StandBy' | 'Stopping'
  /** The answer of CheckHealth. */
  healthy: boolean
  reasons: string[]
  /** Names of `milvus.QuotaState`: DenyToWrite, ... */
  quotaStates: string[]
  /**
   * `off` closes every connection over HTTP/1.1, as `proxy.http.enabled: false` does; `open`
   * ignores authorization.
   */
  restApi: 'on' | 'off' | 'open'
  /** Milliseconds before each answer. */
  delay: number
}

const NOT_READY_MESSAGE = 'internal: Milvus Proxy is not ready yet. please wait'

/**
 * The status of calls to a proxy that is not ready, by version, newest first. Until 2.2 it is a
 * gRPC status (milvus-io/milvus#16781, #20433), since then a merr error, which grpc-go converts to
 * UNKNOWN, and whose wording changed.
 */
const NOT_READY_STATUSES: readonly (readonly [major: number, minor: number, status: GrpcStatus])[] =
  [
    [2, 4, { code: code.UNKNOWN, details: `service unavailable: ${NOT_READY_MESSAGE}` }],
    [2, 3, { code: code.UNKNOWN, details: `${NOT_READY_MESSAGE}: service unavailable` }],
    [2, 2, { code: code.UNAVAILABLE, details: NOT_READY_MESSAGE }],
    [0, 0, { code: code.UNKNOWN, details: NOT_READY_MESSAGE }],
  ]

/** The status with which a version's interceptor rejects calls while the proxy is not ready. */
export function getNotReadyStatus(version: string): GrpcStatus {
  const notReadyEntry = NOT_READY_STATUSES.find(([major, minor]) =>
    isVersionAtLeast(version, major, minor),
  )
  return notReadyEntry?.[2] ?? { code: code.UNKNOWN, details: NOT_READY_MESSAGE }
}

/** Whether a version such as `v2.6.15` is at least major.minor. */
export function isVersionAtLeast(version: string, major: number, minor: number): boolean {
  const [actualMajor = 0, actualMinor = 0] = version.replace(/^v/, '').split('.').map(Number)
  return actualMajor > major || (actualMajor === major && actualMinor >= minor)
}

/**
 * Checks the `authorization` metadata as Milvus's interceptor for unary calls does; undefined
 * accepts the call. Source: internal/proxy/authentication_interceptor.go, in the order of its
 * checks. Before 2.4, the same messages have status UNKNOWN (milvus-sdk-csharp#8).
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

/**
 * `common.Status` of a proxy that is not Healthy; undefined for one that is. Source:
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

/** The methods that the simulator implements. All others fail with UNIMPLEMENTED. */
export function createHandlers(
  settings: MilvusSettings,
  collections: Map<string, Collection>,
): Handlers {
  let lastId = 453_000_000_000
  const nextId = (): string => String(++lastId)
  const isWriteDenied = (): boolean => settings.quotaStates.includes('DenyToWrite')
  return {
    ...createServerHandlers(settings, nextId),
    ...createCollectionHandlers(collections, { nextId, isWriteDenied }),
  }
}

function createServerHandlers(settings: MilvusSettings, nextId: () => string): Handlers {
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
      identifier: nextId(),
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
    ClientHeartbeat: () => ({
      status: successStatus,
      server_timestamp: String(Date.now()),
      commands: [],
    }),
  }
}
