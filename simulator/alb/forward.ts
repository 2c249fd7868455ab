/**
 * Forwards requests: as HTTP/2 without TLS to targets of GRPC and HTTP2 groups, with bidirectional
 * streaming and trailers, and as HTTP/1.1 to targets of HTTP1 groups.
 */
import {
  connect,
  constants,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2'
import { request as httpRequest } from 'node:http'
import type { Readable, Writable } from 'node:stream'

/** A socket address in the simulator. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** Called when a target does not answer, with the status that the ALB answers itself. */
export type OnFailure = (status: 502 | 504) => void

/** How to forward a request. */
export interface ForwardOptions {
  readonly target: Address
  /** Milliseconds. */
  readonly idleTimeout: number
  readonly onFailure: OnFailure
}

/** Headers of a single connection, which are not forwarded. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'host',
])

function filterHeaders(
  headers: IncomingHttpHeaders,
  overrides: OutgoingHttpHeaders,
): OutgoingHttpHeaders {
  const kept = Object.entries(headers).filter(
    ([name]) => !name.startsWith(':') && !HOP_BY_HOP.has(name),
  )
  return { ...Object.fromEntries(kept), ...overrides }
}

/** The ALB's connections to targets. */
export class TargetConnections {
  private readonly sessions = new Map<string, ClientHttp2Session>()

  /** Forwards one request over HTTP/2. */
  forward(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    { target, idleTimeout, onFailure }: ForwardOptions,
  ): void {
    const hasNoBody = stream.endAfterHeaders
    const upstream = this.session(target).request(
      filterHeaders(headers, {
        ':method': headers[':method'],
        ':path': headers[':path'],
        ':scheme': 'http',
        ':authority': headers[':authority'] ?? headers.host,
        'x-forwarded-proto': 'https',
      }),
      { endStream: hasNoBody },
    )
    pipeResponse(upstream, stream, onFailure)
    upstream.setTimeout(idleTimeout, () => {
      if (!stream.headersSent) onFailure(504)
      else stream.close(constants.NGHTTP2_INTERNAL_ERROR)
      upstream.close(constants.NGHTTP2_CANCEL)
    })
    stream.on('close', () => upstream.close(constants.NGHTTP2_CANCEL))
    stream.on('error', () => undefined)
    if (!hasNoBody) stream.pipe(upstream)
  }

  private session(target: Address): ClientHttp2Session {
    const key = `${target.host}:${target.port}`
    const existing = this.sessions.get(key)
    if (existing && !existing.closed && !existing.destroyed) return existing
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

function pipeResponse(
  upstream: ClientHttp2Stream,
  stream: ServerHttp2Stream,
  onFailure: OnFailure,
): void {
  let trailers: IncomingHttpHeaders | undefined
  upstream.on('response', (responseHeaders, flags) => {
    if (stream.destroyed || stream.headersSent) return
    const headers = filterHeaders(responseHeaders, { ':status': responseHeaders[':status'] })
    const isTrailersOnly = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0
    stream.respond(headers, { endStream: isTrailersOnly, waitForTrailers: !isTrailersOnly })
    if (isTrailersOnly) return
    stream.on('wantTrailers', () => {
      // The trailers are complete only when the target's stream is closed.
      const send = (): void => {
        if (!stream.destroyed) stream.sendTrailers(trailers ? filterHeaders(trailers, {}) : {})
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
    if (!stream.headersSent) onFailure(502)
    else if (!stream.destroyed) stream.close(constants.NGHTTP2_INTERNAL_ERROR)
  })
  upstream.on('close', () => {
    if (!stream.headersSent && !stream.destroyed) onFailure(502)
  })
}

/** A request with its body. */
export interface ForwardedRequest {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: Readable
}

/** Sends the headers of a response, and returns the stream for its body. */
export type StartResponse = (status: number, headers: OutgoingHttpHeaders) => Writable

/** Forwards one request over HTTP/1.1. */
export function forwardHttp1(
  request: ForwardedRequest,
  startResponse: StartResponse,
  { target, idleTimeout, onFailure }: ForwardOptions,
): void {
  const host = request.headers[':authority'] ?? request.headers.host
  const headers = filterHeaders(request.headers, { 'x-forwarded-proto': 'https' })
  if (host !== undefined) headers['host'] = host
  const upstream = httpRequest({
    ...target,
    method: request.method,
    path: request.path,
    headers,
    timeout: idleTimeout,
    agent: false,
  })
  let hasResponded = false
  const fail = (status: 502 | 504): void => {
    if (hasResponded) return
    hasResponded = true
    onFailure(status)
  }
  upstream.on('response', (response) => {
    hasResponded = true
    response.pipe(startResponse(response.statusCode ?? 502, filterHeaders(response.headers, {})))
  })
  upstream.on('timeout', () => {
    fail(504)
    upstream.destroy()
  })
  upstream.on('error', () => fail(502))
  request.body.pipe(upstream)
}
