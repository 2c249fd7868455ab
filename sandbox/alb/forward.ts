/**
 * Forwarding: HTTP/2 without TLS to the targets of GRPC and HTTP2 groups, both ways at once and with trailers, and
 * HTTP/1.1 to those of HTTP1 groups.
 */
import { connect, constants } from 'node:http2'
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import { request as httpRequest } from 'node:http'
import type { Readable, Writable } from 'node:stream'

/** Where a target listens in the sandbox. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** What is told the ALB when a target gives no answer: its own then. */
export type Failed = (status: 502 | 504) => void

/** Fields that belong to one connection, and pseudo-headers, which are set anew. */
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade', 'http2-settings', 'host'])

function passedOn(headers: IncomingHttpHeaders, also: OutgoingHttpHeaders): OutgoingHttpHeaders {
  const kept = Object.entries(headers).filter(([name]) => !name.startsWith(':') && !HOP_BY_HOP.has(name))
  return { ...Object.fromEntries(kept), ...also }
}

/** The ALB's connections to targets. */
export class Targets {
  private readonly sessions = new Map<string, ClientHttp2Session>()

  /** Forwards one HTTP/2 request; `idle` is the load balancer's idle timeout in milliseconds. */
  forward(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, target: Address, idle: number, failed: Failed): void {
    const bodiless = stream.endAfterHeaders
    const upstream = this.session(target).request(
      passedOn(headers, {
        ':method': headers[':method'],
        ':path': headers[':path'],
        ':scheme': 'http',
        ':authority': headers[':authority'] ?? headers.host,
        'x-forwarded-proto': 'https',
      }),
      { endStream: bodiless },
    )
    answerFrom(upstream, stream, failed)
    upstream.setTimeout(idle, () => {
      if (!stream.headersSent) failed(504)
      else stream.close(constants.NGHTTP2_INTERNAL_ERROR)
      upstream.close(constants.NGHTTP2_CANCEL)
    })
    stream.on('close', () => upstream.close(constants.NGHTTP2_CANCEL))
    stream.on('error', () => undefined)
    if (!bodiless) stream.pipe(upstream)
  }

  private session(target: Address): ClientHttp2Session {
    const key = `${target.host}:${target.port}`
    const open = this.sessions.get(key)
    if (open && !open.closed && !open.destroyed) return open
    const session = connect(`http://${key}`)
    this.sessions.set(key, session)
    const forget = (): void => {
      if (this.sessions.get(key) === session) this.sessions.delete(key)
    }
    session.on('error', forget).on('close', forget).on('goaway', forget)
    return session
  }

  close(): void {
    for (const session of this.sessions.values()) session.destroy()
    this.sessions.clear()
  }
}

function answerFrom(upstream: ClientHttp2Stream, stream: ServerHttp2Stream, failed: Failed): void {
  let trailers: IncomingHttpHeaders | undefined
  upstream.on('response', (answer, flags) => {
    if (stream.destroyed || stream.headersSent) return
    const headers = passedOn(answer, { ':status': answer[':status'] })
    const trailersOnly = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0
    stream.respond(headers, { endStream: trailersOnly, waitForTrailers: !trailersOnly })
    if (trailersOnly) return
    stream.on('wantTrailers', () => {
      // Only once the target is done are its trailers all there.
      const send = (): void => {
        if (!stream.destroyed) stream.sendTrailers(trailers ? passedOn(trailers, {}) : {})
      }
      if (trailers || upstream.closed) send()
      else upstream.once('close', send)
    })
    upstream.pipe(stream)
  })
  upstream.on('trailers', (received: IncomingHttpHeaders) => {
    trailers = received
  })
  upstream.on('error', () => {
    if (!stream.headersSent) failed(502)
    else if (!stream.destroyed) stream.close(constants.NGHTTP2_INTERNAL_ERROR)
  })
  upstream.on('close', () => {
    if (!stream.headersSent && !stream.destroyed) failed(502)
  })
}

/** Forwards one request to a target that speaks HTTP/1.1; `answer` begins the response and gives where its body goes. */
export function forwardHttp1(
  request: { method: string; path: string; headers: IncomingHttpHeaders; body: Readable },
  target: Address,
  idle: number,
  answer: (status: number, headers: OutgoingHttpHeaders) => Writable,
  failed: Failed,
): void {
  const host = request.headers[':authority'] ?? request.headers.host
  const headers = passedOn(request.headers, { ...(host === undefined ? {} : { host }), 'x-forwarded-proto': 'https' })
  const upstream = httpRequest({ ...target, method: request.method, path: request.path, headers, timeout: idle, agent: false })
  let answered = false
  const fail = (status: 502 | 504): void => {
    if (answered) return
    answered = true
    failed(status)
  }
  upstream.on('response', (response) => {
    answered = true
    response.pipe(answer(response.statusCode ?? 502, passedOn(response.headers, {})))
  })
  upstream.on('timeout', () => {
    fail(504)
    upstream.destroy()
  })
  upstream.on('error', () => fail(502))
  request.body.pipe(upstream)
}
