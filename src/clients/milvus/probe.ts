/** One attempt to reach Milvus as its clients do: connect, Connect, GetVersion, CheckHealth. */
import type { X509Certificate } from 'node:crypto'
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
import { GrpcSession, type GrpcResponse } from './grpc-session.ts'
import { connect, remainingTime, type Endpoint } from './connection.ts'
import {
  ProbeFailure,
  untilTimeout,
  milvusStatusFailure,
  grpcStatusFailure,
  isUnauthenticated,
  rejectedTokenFailure,
} from './failures.ts'
import { httpStatusFailure } from './http-responses.ts'
import { brokenCallFailure } from './http2-errors.ts'
import { getErrorMessage, truncate } from '../../util/text.ts'

/** What a successful attempt proved. */
export interface ProbeResult {
  /** Milvus' version; empty when it asked for credentials and none were given. */
  readonly version: string
  /** False when Milvus asked for credentials and none were given: reached all the same. */
  readonly isAuthenticated: boolean
  /**
   * Whether Milvus answers without credentials: authorization is off, and whoever reaches the ALB
   * may do everything.
   */
  readonly allowsUnauthenticatedAccess: boolean
  /**
   * What Milvus, though healthy, may not do for want of memory, disk or rate; empty when nothing.
   */
  readonly limits: string
  readonly certificate: X509Certificate
  /** What was seen, a line a stage. */
  readonly trace: readonly string[]
}

/** @throws ProbeFailure */
export async function probe(
  endpoint: Endpoint,
  token: string | undefined,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const connection = await connect(endpoint, signal)
  const session = new GrpcSession(connection.socket, endpoint.host)
  const onAbort = () => session.close()
  signal.addEventListener('abort', onAbort)
  try {
    return {
      certificate: connection.certificate,
      ...(await runCalls(session, endpoint, token, connection.trace)),
    }
  } finally {
    signal.removeEventListener('abort', onAbort)
    session.close()
  }
}

async function runCalls(
  session: GrpcSession,
  endpoint: Endpoint,
  token: string | undefined,
  trace: readonly string[],
): Promise<Omit<ProbeResult, 'certificate'>> {
  const metadata: Record<string, string> = {
    dbname: 'default',
    ...(token !== undefined && { authorization: Buffer.from(token).toString('base64') }),
  }
  const call = async (path: string, request: Buffer, headers = metadata) => {
    const method = path.split('/').at(-1) ?? path
    try {
      return {
        method,
        answer: await session.call({
          authority: endpoint.host,
          path,
          request,
          metadata: headers,
          timeout: remainingTime(endpoint, endpoint.callTimeout),
        }),
      }
    } catch (thrown) {
      throw brokenCallFailure(method, thrown)
    }
  }

  const connectCall = await call(connectPath, encodeConnectRequest(new Date()))
  const traceToConnect = [
    ...trace,
    `HTTP ${connectCall.answer.httpStatus}, grpc-status ${connectCall.answer.status ?? 'none'} to Connect`,
  ]
  if (requiresCredentials(connectCall.answer))
    return unauthenticatedResult(connectCall.answer, token, traceToConnect)
  // Milvus before 2.2.9 has no Connect; GetVersion it has.
  const connectResponse =
    connectCall.answer.status === 12 ? undefined : parseSuccess(connectCall, parseConnectResponse)
  if (connectResponse?.identifier) metadata['identifier'] = connectResponse.identifier
  const versionCall = await call(versionPath, Buffer.alloc(0))
  if (requiresCredentials(versionCall.answer))
    return unauthenticatedResult(versionCall.answer, token, traceToConnect)
  const version = truncate(parseSuccess(versionCall, parseVersionResponse).version, 100)
  // A token says nothing of whether one is needed.
  const anonymousMetadata = Object.fromEntries(
    Object.entries(metadata).filter(([name]) => name !== 'authorization'),
  )
  const [healthCall, anonymousCall] = await Promise.all([
    call(healthPath, Buffer.alloc(0)),
    token === undefined ? versionCall : call(versionPath, Buffer.alloc(0), anonymousMetadata),
  ])
  const limits =
    healthCall.answer.status === 12
      ? ''
      : checkHealth(parseSuccess(healthCall, parseHealthResponse))
  return {
    version: version || (connectResponse?.version ?? ''),
    isAuthenticated: true,
    allowsUnauthenticatedAccess: anonymousCall.answer.status === 0,
    limits,
    trace: [...traceToConnect, `Milvus ${version} says that it is healthy`],
  }
}

const requiresCredentials = ({ status, message }: GrpcResponse): boolean =>
  status !== undefined && isUnauthenticated(status, message)

function unauthenticatedResult(
  answer: GrpcResponse,
  token: string | undefined,
  trace: readonly string[],
): Omit<ProbeResult, 'certificate'> {
  if (token === undefined)
    return {
      version: '',
      isAuthenticated: false,
      allowsUnauthenticatedAccess: false,
      limits: '',
      trace,
    }
  throw rejectedTokenFailure(token, answer.status ?? 0, answer.message)
}

/** The message in an answer that is a success all the way down. */
function parseSuccess<T extends { status: MilvusStatus }>(
  { method, answer }: { method: string; answer: GrpcResponse },
  parse: (body: Buffer) => T,
): T {
  if (answer.status === undefined) throw httpStatusFailure(answer)
  if (answer.status !== 0) throw grpcStatusFailure(method, answer.status, answer.message)
  const message = parseBody(method, answer.body, parse)
  if (message.status.code === 0) return message
  throw milvusStatusFailure(method, message.status.code, message.status.reason)
}

function parseBody<T>(method: string, body: Buffer | undefined, parse: (body: Buffer) => T): T {
  try {
    if (!body) throw new RangeError('it is not one message that is whole and not compressed')
    return parse(body)
  } catch (thrown) {
    throw new ProbeFailure({
      code: 'milvus-not-found',
      problem: `The answer to ${method} is no message of Milvus (${getErrorMessage(thrown)}).`,
      remedy: "Check that the Ingress' Service and port are those of Milvus' gRPC API (19530).",
      retryFor: 0,
      cause: thrown,
    })
  }
}

/** @returns its limits, as a phrase */
function checkHealth({
  isHealthy,
  reasons,
  limits,
}: ReturnType<typeof parseHealthResponse>): string {
  if (isHealthy)
    return `${limits.join(', ')}${limits.length > 0 && reasons.length > 0 ? ` (${reasons.join('; ')})` : ''}`
  throw new ProbeFailure({
    code: 'milvus-unhealthy',
    problem: `Milvus says that it is not healthy: ${[...reasons, ...limits].join('; ') || 'no reason given'}.`,
    remedy:
      'Look at the components that it names ("kubectl get pods"); give probe-timeout more time if they are still starting.',
    retryFor: untilTimeout,
  })
}
