/** One attempt to reach Milvus as its clients do: connect, Connect, GetVersion, CheckHealth. */
import type { X509Certificate } from 'node:crypto'
import { connectPath, connectRequest, healthPath, readConnect, readHealth, readVersion, versionPath, type MilvusStatus } from './api.ts'
import { GrpcSession, type CallAnswer } from './call.ts'
import { connect, within, type Endpoint } from './connection.ts'
import { ProbeFailure, always, bodyFailure, grpcFailure, isUnauthenticated, tokenFailure } from './failures.ts'
import { httpFailure } from './http-answers.ts'
import { brokenFailure } from './http2-errors.ts'
import { messageOf, shortened } from '../core/text.ts'

/** What a successful attempt proved. */
export interface Proof {
  /** Milvus' version; empty when it asked for credentials and none were given. */
  readonly version: string
  /** False when Milvus asked for credentials and none were given: reached all the same. */
  readonly authenticated: boolean
  /** Whether Milvus answers without credentials: authorization is off, and whoever reaches the ALB may do everything. */
  readonly open: boolean
  /** What Milvus, though healthy, may not do for want of memory, disk or rate; empty when nothing. */
  readonly limits: string
  readonly certificate: X509Certificate
  /** What was seen, a line a stage. */
  readonly seen: readonly string[]
}

/** @throws ProbeFailure */
export async function probe(endpoint: Endpoint, token: string | undefined, signal: AbortSignal): Promise<Proof> {
  const secured = await connect(endpoint, signal)
  const session = new GrpcSession(secured.socket, endpoint.host)
  const stop = () => session.close()
  signal.addEventListener('abort', stop)
  try {
    return { certificate: secured.certificate, ...(await talk(session, endpoint, token, secured.seen)) }
  } finally {
    signal.removeEventListener('abort', stop)
    session.close()
  }
}

async function talk(session: GrpcSession, endpoint: Endpoint, token: string | undefined, seen: readonly string[]): Promise<Omit<Proof, 'certificate'>> {
  const metadata: Record<string, string> = { dbname: 'default', ...(token !== undefined && { authorization: Buffer.from(token).toString('base64') }) }
  const call = async (path: string, request: Buffer, headers = metadata) => {
    const method = path.split('/').at(-1) ?? path
    try {
      return { method, answer: await session.call({ authority: endpoint.host, path, request, metadata: headers, timeout: within(endpoint, endpoint.callTimeout) }) }
    } catch (thrown) {
      throw brokenFailure(method, thrown)
    }
  }

  const connected = await call(connectPath, connectRequest(new Date()))
  const reached = [...seen, `HTTP ${connected.answer.httpStatus}, grpc-status ${connected.answer.status ?? 'none'} to Connect`]
  if (asksForCredentials(connected.answer)) return withoutCredentials(connected.answer, token, reached)
  // Milvus before 2.2.9 has no Connect; GetVersion it has.
  const known = connected.answer.status === 12 ? undefined : read(connected, readConnect)
  if (known?.identifier) metadata['identifier'] = known.identifier
  const versioned = await call(versionPath, Buffer.alloc(0))
  if (asksForCredentials(versioned.answer)) return withoutCredentials(versioned.answer, token, reached)
  const version = shortened(read(versioned, readVersion).version, 100)
  // A token says nothing of whether one is needed.
  const bare = Object.fromEntries(Object.entries(metadata).filter(([name]) => name !== 'authorization'))
  const [health, without] = await Promise.all([call(healthPath, Buffer.alloc(0)), token === undefined ? versioned : call(versionPath, Buffer.alloc(0), bare)])
  const limits = health.answer.status === 12 ? '' : checkHealth(read(health, readHealth))
  return { version: version || (known?.version ?? ''), authenticated: true, open: without.answer.status === 0, limits, seen: [...reached, `Milvus ${version} says that it is healthy`] }
}

const asksForCredentials = ({ status, message }: CallAnswer): boolean => status !== undefined && isUnauthenticated(status, message)

function withoutCredentials(answer: CallAnswer, token: string | undefined, seen: readonly string[]): Omit<Proof, 'certificate'> {
  if (token === undefined) return { version: '', authenticated: false, open: false, limits: '', seen }
  throw tokenFailure(token, answer.status ?? 0, answer.message)
}

/** The message in an answer that is a success all the way down. */
function read<T extends { status: MilvusStatus }>({ method, answer }: { method: string; answer: CallAnswer }, parse: (body: Buffer) => T): T {
  if (answer.status === undefined) throw httpFailure(answer)
  if (answer.status !== 0) throw grpcFailure(method, answer.status, answer.message)
  const message = parsed(method, answer.body, parse)
  if (message.status.code === 0) return message
  throw bodyFailure(method, message.status.code, message.status.reason)
}

function parsed<T>(method: string, body: Buffer | undefined, parse: (body: Buffer) => T): T {
  try {
    if (!body) throw new RangeError('it is not one message that is whole and not compressed')
    return parse(body)
  } catch (thrown) {
    throw new ProbeFailure({
      code: 'milvus-not-found',
      problem: `The answer to ${method} is no message of Milvus (${messageOf(thrown)}).`,
      remedy: "Check that the Ingress' Service and port are those of Milvus' gRPC API (19530).",
      heals: 0,
      cause: thrown,
    })
  }
}

/** @returns its limits, as a phrase */
function checkHealth({ healthy, reasons, limits }: ReturnType<typeof readHealth>): string {
  if (healthy) return `${limits.join(', ')}${limits.length > 0 && reasons.length > 0 ? ` (${reasons.join('; ')})` : ''}`
  throw new ProbeFailure({
    code: 'milvus-unhealthy',
    problem: `Milvus says that it is not healthy: ${[...reasons, ...limits].join('; ') || 'no reason given'}.`,
    remedy: 'Look at the components that it names ("kubectl get pods"); give probe-timeout more time if they are still starting.',
    heals: always,
  })
}
