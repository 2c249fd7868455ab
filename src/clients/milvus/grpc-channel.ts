/**
 * gRPC calls to an endpoint. The peer may end a connection gracefully after any answer, as an ALB
 * does after 10,000 requests; the next call then opens another, as clients do.
 */
import type { X509Certificate } from 'node:crypto'
import type { ProbeFailure } from '../../failures/probe-failure.ts'
import { connect } from './connection.ts'
import { remainingTime, type Endpoint } from './endpoint.ts'
import { GrpcSession, type GrpcCall, type GrpcResponse } from './grpc-session.ts'
import { callFailure } from './http2-errors.ts'
import { alertFailure, lateHandshakeFailure, type TlsConnection } from './tls.ts'

/** A call that was answered. */
export interface AnsweredCall {
  readonly method: string
  readonly response: GrpcResponse
}

/** The part of a call that the endpoint does not decide. */
export type MethodCall = Pick<GrpcCall, 'path' | 'request' | 'metadata' | 'maxBodyBytes'>

/** Connections on which a peer rejects a call, and answers no other one, until it is given up. */
const maxConnections = 3

/** Opens a connection to the endpoint. */
type Connect = (endpoint: Endpoint, signal: AbortSignal) => Promise<TlsConnection>

/** A sequence of connections to an endpoint. The caller closes it. */
export class GrpcChannel {
  readonly certificate: X509Certificate
  /** One line per stage of the first connection, for the log. */
  readonly trace: readonly string[]
  private readonly endpoint: Endpoint
  private readonly reconnect: () => Promise<TlsConnection>
  private readonly sessions: GrpcSession[] = []
  private readonly onAbort = (): void => this.close()
  private readonly signal: AbortSignal
  private currentSession: Promise<GrpcSession>
  private isClosed = false
  /** Of calls. Once there is one, the peer accepts the client certificate. */
  private answerCount = 0

  private constructor(
    connection: TlsConnection,
    endpoint: Endpoint,
    signal: AbortSignal,
    reconnect: () => Promise<TlsConnection>,
  ) {
    this.certificate = connection.certificate
    this.trace = connection.trace
    this.endpoint = endpoint
    this.signal = signal
    this.reconnect = reconnect
    this.currentSession = Promise.resolve(this.startSession(connection))
    signal.addEventListener('abort', this.onAbort)
  }

  /** @throws ProbeFailure of the stage that failed */
  static async open(
    endpoint: Endpoint,
    signal: AbortSignal,
    connectEndpoint: Connect = connect,
  ): Promise<GrpcChannel> {
    const openConnection = () => connectEndpoint(endpoint, signal)
    return new GrpcChannel(await openConnection(), endpoint, signal, openConnection)
  }

  /** @throws ProbeFailure */
  async call(call: MethodCall): Promise<AnsweredCall> {
    const method = call.path.split('/').at(-1) ?? call.path
    let answersBefore = this.answerCount
    let attempts = 0
    for (;;) {
      const session = await this.getOpenSession()
      const timeout = remainingTime(this.endpoint, this.endpoint.callTimeout)
      try {
        const authority = this.endpoint.host
        const response = await session.call({ ...call, authority, timeout })
        this.answerCount += 1
        return { method, response }
      } catch (thrown) {
        // A peer that answers one call per connection answers each of several concurrent ones.
        attempts = this.answerCount > answersBefore ? 1 : attempts + 1
        answersBefore = this.answerCount
        const isRepeatable = session.hasEndedGracefully && !this.isClosed
        if (!isRepeatable || attempts >= maxConnections) throw this.toFailure(method, thrown)
      }
    }
  }

  private toFailure(method: string, thrown: unknown): ProbeFailure {
    const tlsFailure =
      this.answerCount > 0
        ? alertFailure(this.endpoint, thrown)
        : lateHandshakeFailure(this.endpoint, thrown)
    return tlsFailure ?? callFailure(method, thrown)
  }

  /** Calls in progress fail, and later ones too. */
  close(): void {
    this.isClosed = true
    this.signal.removeEventListener('abort', this.onAbort)
    for (const session of this.sessions) session.close()
  }

  /** Concurrent calls share the next connection. After a failed one, the next call tries again. */
  private getOpenSession(): Promise<GrpcSession> {
    const current = this.currentSession
    const next = current.then(async (session) =>
      session.isOpen || this.isClosed ? session : this.startSession(await this.reconnect()),
    )
    this.currentSession = next.catch(() => current)
    return next
  }

  private startSession({ socket }: TlsConnection): GrpcSession {
    const session = new GrpcSession(socket, this.endpoint.host)
    this.sessions.push(session)
    if (this.isClosed) session.close()
    return session
  }
}
