/** One attempt to reach Milvus as its clients do: Connect, GetVersion and CheckHealth over TLS. */
import type { X509Certificate } from 'node:crypto'
import { milvusUnhealthy, notMilvusMessage } from '../../failures/milvus.ts'
import { getErrorMessage, truncate } from '../../util/text.ts'
import {
  connectPath,
  encodeConnectRequest,
  healthPath,
  parseConnectResponse,
  parseHealthResponse,
  parseVersionResponse,
  versionPath,
  type MilvusStatus,
} from './api.ts'
import type { Endpoint } from './endpoint.ts'
import { GrpcChannel, type AnsweredCall } from './grpc-channel.ts'
import {
  grpcStatus,
  grpcStatusFailure,
  isUnauthenticated,
  milvusStatusFailure,
  rejectedTokenFailure,
} from './grpc-responses.ts'
import { httpStatusFailure } from './http-responses.ts'

/** What a successful attempt found. */
export type ProbeResult = CallResult & {
  readonly certificate: X509Certificate
  /**
   * Whether a Milvus that requires credentials accepts root with its default password; false when
   * that was not tried.
   */
  readonly acceptsDefaultPassword: boolean
}

type CallResult = AuthenticatedResult | UnauthenticatedResult

interface AuthenticatedResult {
  readonly isAuthenticated: true
  /** Milvus' version; undefined when it does not report one. */
  readonly version: string | undefined
  /**
   * Whether Milvus answers calls without credentials: its authorization is off, and anyone who
   * reaches the ALB has full access.
   */
  readonly allowsUnauthenticatedAccess: boolean
  /**
   * What a healthy Milvus rejects for lack of memory or disk, or to limit a rate, as a phrase;
   * undefined when nothing.
   */
  readonly limits: string | undefined
  /** One line per stage, for the log. */
  readonly trace: readonly string[]
}

/** Milvus requires credentials and there is no token: it was reached all the same. */
interface UnauthenticatedResult {
  readonly isAuthenticated: false
  readonly trace: readonly string[]
}

/** How the probe logs in. */
export interface ProbeCredentials {
  readonly token: string | undefined
  /** Whether to try root's default password, too; false when absent. */
  readonly triesDefaultPassword?: boolean
}

/** Source: milvus, pkg/util, UserRoot and DefaultRootPassword. */
const defaultToken = 'root:Milvus'

/** @throws ProbeFailure */
export async function probe(
  endpoint: Endpoint,
  { token, triesDefaultPassword = false }: ProbeCredentials,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const channel = await GrpcChannel.open(endpoint, signal)
  try {
    const result = await runCalls(channel, token)
    const isOpen = result.isAuthenticated && result.allowsUnauthenticatedAccess
    // Tried last, so that failed attempts do not repeat it: many logins look like an attack.
    const acceptsDefaultPassword =
      triesDefaultPassword &&
      !isOpen &&
      (token === defaultToken || (await acceptsToken(channel, defaultToken)))
    return { certificate: channel.certificate, acceptsDefaultPassword, ...result }
  } finally {
    channel.close()
  }
}

/** GetVersion and CheckHealth have no fields to set. */
const emptyMessage: Buffer = Buffer.alloc(0)

/**
 * The metadata of a call to the default database.
 * Source: milvus, authentication_interceptor.go.
 */
export const createMetadata = (token: string | undefined): Record<string, string> => ({
  dbname: 'default',
  ...(token !== undefined && { authorization: Buffer.from(token).toString('base64') }),
})

/**
 * One more call to a Milvus that has answered.
 * @throws ProbeFailure
 */
export async function callVersion(channel: GrpcChannel, token: string | undefined): Promise<void> {
  const call = await getVersion(channel, token)
  if (requiresCredentials(call)) unauthenticatedResult(call, token, channel.trace)
  else parseSuccess(call, parseVersionResponse)
}

/**
 * Whether Milvus accepts a token.
 * @throws ProbeFailure when it does not answer
 */
async function acceptsToken(channel: GrpcChannel, token: string): Promise<boolean> {
  const call = await getVersion(channel, token)
  if (requiresCredentials(call)) return false
  parseSuccess(call, parseVersionResponse)
  return true
}

const getVersion = (channel: GrpcChannel, token: string | undefined): Promise<AnsweredCall> =>
  channel.call({
    path: versionPath,
    request: emptyMessage,
    metadata: createMetadata(token),
  })

/**
 * All calls start at once, so that their round trips do not add up. Their responses are judged in
 * the order in which a client would make the calls.
 */
async function runCalls(channel: GrpcChannel, token: string | undefined): Promise<CallResult> {
  const ownMetadata = createMetadata(token)
  const call = (path: string, request = emptyMessage, metadata = ownMetadata) => {
    const answer = channel.call({ path, request, metadata })
    // It counts only when an earlier call has not decided.
    answer.catch(() => undefined)
    return answer
  }
  const calls = {
    connect: call(connectPath, encodeConnectRequest(new Date())),
    version: call(versionPath),
    health: call(healthPath),
    // With a token, only a call without it shows whether Milvus requires one.
    anonymous:
      token === undefined ? undefined : call(versionPath, emptyMessage, createMetadata(undefined)),
  }

  const connectCall = await calls.connect
  const connectTrace = [...channel.trace, formatTrace(connectCall)]
  if (requiresCredentials(connectCall))
    return unauthenticatedResult(connectCall, token, connectTrace)
  // Milvus before 2.2.9 has no Connect, but it has GetVersion.
  const connectResponse = parseIfImplemented(connectCall, parseConnectResponse)

  const versionCall = await calls.version
  if (requiresCredentials(versionCall))
    return unauthenticatedResult(versionCall, token, connectTrace)
  const reportedVersion = parseSuccess(versionCall, parseVersionResponse).version
  const version = acceptVersion(reportedVersion) ?? acceptVersion(connectResponse?.version ?? '')

  const health = parseIfImplemented(await calls.health, parseHealthResponse)
  const anonymousCall = (await calls.anonymous) ?? versionCall
  return {
    isAuthenticated: true,
    version,
    allowsUnauthenticatedAccess: anonymousCall.response.status === grpcStatus.ok,
    limits: health && checkHealth(health),
    // Since its coordinators are one (2.6), Milvus asks only the root coordinator. Source: its
    // internal/coordinator/mix_coord.go, CheckHealth.
    trace: [
      ...connectTrace,
      `${nameMilvus(version)} reports that it is healthy, as its coordinator sees it`,
    ],
  }
}

/** The server decides about this text, and workflows may interpolate it into scripts. */
const acceptVersion = (text: string): string | undefined =>
  /^v?[0-9A-Za-z][0-9A-Za-z._+-]{0,63}$/.test(text) ? text : undefined

const formatTrace = ({ method, response }: AnsweredCall): string =>
  `gRPC: HTTP ${response.httpStatus}, grpc-status ${response.status ?? 'none'} to ${method}`

const requiresCredentials = ({ response: { status, message } }: AnsweredCall): boolean =>
  status !== undefined && isUnauthenticated(status, message)

function unauthenticatedResult(
  { response }: AnsweredCall,
  token: string | undefined,
  trace: readonly string[],
): UnauthenticatedResult {
  if (token !== undefined)
    throw rejectedTokenFailure(token, response.status ?? grpcStatus.unknown, response.message)
  return { isAuthenticated: false, trace }
}

type ResponseParser<T> = (body: Buffer) => T

/** The message of a successful answer; undefined when this Milvus does not have the method. */
function parseIfImplemented<T extends { status: MilvusStatus }>(
  call: AnsweredCall,
  parse: ResponseParser<T>,
): T | undefined {
  if (call.response.status === grpcStatus.unimplemented) return undefined
  return parseSuccess(call, parse)
}

/** The message of an answer that is a success for HTTP, gRPC and Milvus. */
function parseSuccess<T extends { status: MilvusStatus }>(
  { method, response }: AnsweredCall,
  parse: ResponseParser<T>,
): T {
  if (response.status === undefined) throw httpStatusFailure(response)
  if (response.status !== grpcStatus.ok)
    throw grpcStatusFailure(method, response.status, response.message)
  const message = parseBody(method, response.body, parse)
  if (message.status.code === 0) return message
  throw milvusStatusFailure(method, message.status.code, message.status.reason)
}

/** @throws ProbeFailure `milvus-not-found` */
export function parseBody<T>(
  method: string,
  body: Buffer | undefined,
  parse: ResponseParser<T>,
): T {
  try {
    if (!body) throw new RangeError('it is not exactly one complete and uncompressed message')
    return parse(body)
  } catch (thrown) {
    throw notMilvusMessage(method, getErrorMessage(thrown), thrown)
  }
}

/** @param version undefined when Milvus does not report one */
export const nameMilvus = (version: string | undefined): string =>
  version === undefined ? 'Milvus' : `Milvus ${version}`

/** Characters of the limits, and of the reasons for them. */
const maxLimitsLength = 500

/**
 * The limits of a healthy Milvus, as a phrase; undefined without limits.
 * @throws ProbeFailure when it is not healthy
 */
function checkHealth(health: ReturnType<typeof parseHealthResponse>): string | undefined {
  const { isHealthy, reasons, limits } = health
  if (!isHealthy) throw milvusUnhealthy([...reasons, ...limits])
  if (limits.length === 0) return undefined
  const limitsText = truncate(limits.join(', '), maxLimitsLength)
  if (reasons.length === 0) return limitsText
  return `${limitsText} (${truncate(reasons.join('; '), maxLimitsLength)})`
}
