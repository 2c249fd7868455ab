/**
 * One port of the data plane: takes connections, speaks TLS and HTTP with the client, and routes each request.
 */
import { createServer as createHttpServer, STATUS_CODES } from 'node:http'
import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http'
import { constants, performServerHandshake } from 'node:http2'
import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { createSecureContext, createServer as createTlsServer } from 'node:tls'
import type { Fault } from '../traffic.ts'
import type { Endpoint, Plane } from '../alb.ts'
import { forwardHttp1 } from './forward.ts'
import type { Address } from './forward.ts'
import { chooseTarget, route } from './routing.ts'
import type { Request } from './routing.ts'
import { contextOptions } from './tls.ts'

/** An open port. */
export interface Port extends Address {
  close(): Promise<void>
}

/** Opens a port. `find` says who answers there at the moment. */
export async function openPort(plane: Plane, find: () => Endpoint | undefined, host: string, port: number): Promise<Port> {
  const sockets = new Set<Socket>()
  const http1 = createHttpServer((request, response) => void answerHttp1(plane, find(), request, response))
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined)
    const endpoint = find()
    if (plane.overrides.silent) return
    if (!endpoint) socket.destroy()
    else if (endpoint.listener.protocol === 'HTTPS') secure(plane, endpoint, socket, http1, find)
    else http1.emit('connection', socket)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  return {
    host,
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      sockets.forEach((socket) => socket.destroy())
      await closed
    },
  }
}

/** The TLS handshake, with what is served at this moment; then HTTP by what ALPN agreed. */
function secure(plane: Plane, { loadBalancer, listener }: Endpoint, socket: Socket, http1: HttpServer, find: () => Endpoint | undefined): void {
  const fixed = plane.overrides.serve
  const standard = fixed ?? plane.certificates.choose(listener, undefined)
  if (!standard) {
    socket.destroy()
    return
  }
  const http2 = loadBalancer.attributes.get('routing.http2.enabled') !== 'false'
  const alpn = plane.overrides.alpn ?? (http2 ? ['h2', 'http/1.1'] : ['http/1.1'])
  // A server for each connection, which never listens: only so can each be served what is right at its moment.
  const server = createTlsServer({
    ...contextOptions(standard, listener.sslPolicy),
    ...(alpn.length > 0 ? { ALPNProtocols: alpn } : {}),
    SNICallback: (servername, done) => {
      const material = fixed ?? plane.certificates.choose(listener, servername) ?? standard
      done(null, createSecureContext(contextOptions(material, listener.sslPolicy)))
    },
  })
  server.on('tlsClientError', () => socket.destroy())
  server.once('secureConnection', (tls) => {
    tls.on('error', () => socket.destroy())
    if (tls.alpnProtocol !== 'h2') {
      http1.emit('connection', tls)
      return
    }
    // 128 parallel requests: AWS, "Listeners for your Application Load Balancers".
    const session = performServerHandshake(tls, { settings: { maxConcurrentStreams: 128 } })
    session.on('error', () => undefined)
    session.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void answerHttp2(plane, find(), session, stream, headers))
  })
  server.emit('connection', socket)
}

/** The part of a request that rules look at. */
function requestOf(version: 1 | 2, method: string, path: string, headers: IncomingHttpHeaders): Request {
  return { version, method, path, authority: headers[':authority'] ?? headers.host ?? '', contentType: headers['content-type'] ?? '' }
}

function record(plane: Plane, request: Request, headers: IncomingHttpHeaders): Promise<Fault | undefined> {
  const [path = '', ...query] = request.path.split('?')
  return plane.traffic.take({
    part: 'alb',
    operation: `${request.method} ${path}`,
    mutating: false,
    client: headers['user-agent'] ?? '',
    query: query.length > 0 ? `?${query.join('?')}` : '',
    // Streamed through, so not kept.
    body: '',
    headers,
  })
}

async function answerHttp2(plane: Plane, endpoint: Endpoint | undefined, session: ServerHttp2Session, stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
  stream.on('error', () => undefined)
  const request = requestOf(2, headers[':method'] ?? '', headers[':path'] ?? '', headers)
  const fault = await record(plane, request, headers)
  if (fault?.reset) {
    session.destroy()
    return
  }
  if ((plane.overrides.goaway ?? 0) > 0) {
    plane.overrides.goaway = (plane.overrides.goaway ?? 0) - 1
    if (plane.overrides.goawayCode === undefined) stream.close(constants.NGHTTP2_REFUSED_STREAM)
    session.goaway(plane.overrides.goawayCode ?? constants.NGHTTP2_NO_ERROR)
    session.close()
    return
  }
  if (plane.overrides.reset !== undefined) {
    stream.close(plane.overrides.reset)
    return
  }
  const own = (status: number, contentType?: string, body?: string, location?: string): void => {
    if (stream.destroyed || stream.headersSent) return
    const answer = ownAnswer(status, contentType, body, location)
    stream.respond({ ':status': status, ...answer.headers })
    stream.end(answer.body)
    // A client may still be sending; an ALB does not wait for it.
    stream.resume()
  }
  handle(plane, endpoint, request, fault, own, (target, idle, http1) => {
    if (!http1) plane.targets.forward(stream, headers, target, idle, own)
    else {
      const begin = (status: number, fields: OutgoingHttpHeaders): ServerHttp2Stream => {
        stream.respond({ ':status': status, ...fields })
        return stream
      }
      forwardHttp1({ method: request.method, path: request.path, headers, body: stream }, target, idle, begin, own)
    }
  })
}

async function answerHttp1(plane: Plane, endpoint: Endpoint | undefined, message: IncomingMessage, response: ServerResponse): Promise<void> {
  const request = requestOf(1, message.method ?? '', message.url ?? '', message.headers)
  const fault = await record(plane, request, message.headers)
  if (fault?.reset) {
    message.socket.destroy()
    return
  }
  const own = (status: number, contentType?: string, body?: string, location?: string): void => {
    const answer = ownAnswer(status, contentType, body, location)
    response.writeHead(status, answer.headers).end(answer.body)
  }
  handle(plane, endpoint, request, fault, own, (target, idle) => {
    const begin = (status: number, fields: OutgoingHttpHeaders): ServerResponse => response.writeHead(status, fields)
    forwardHttp1({ method: request.method, path: request.path, headers: message.headers, body: message }, target, idle, begin, own)
  })
}

/** Routes a request: either the ALB's own answer, or forwarded to a target. */
function handle(
  plane: Plane,
  endpoint: Endpoint | undefined,
  request: Request,
  fault: Fault | undefined,
  own: (status: number, contentType?: string, body?: string, location?: string) => void,
  forward: (target: Address, idle: number, http1: boolean) => void,
): void {
  const { overrides } = plane
  if (fault?.error) own(fault.error.status)
  else if (overrides.respond !== undefined) own(overrides.respond)
  else if (!endpoint) own(503)
  else {
    const way = route(plane.state, endpoint.listener, request)
    if (way.kind === 'answer') {
      own(way.status, way.contentType, way.body, way.location)
      return
    }
    const target = chooseTarget(way.group, plane.turn(way.group.arn), Date.now())
    const address = target && plane.resolveTarget(target.id, target.port)
    if (address) forward(address, idleTimeout(plane, endpoint), way.group.protocolVersion === 'HTTP1')
    // 10 s: how long an ALB waits for a connection to a target.
    else setTimeout(() => own(504), overrides.connectTimeout ?? 10_000).unref()
  }
}

function idleTimeout(plane: Plane, { loadBalancer }: Endpoint): number {
  return plane.overrides.idleTimeout ?? Number(loadBalancer.attributes.get('idle_timeout.timeout_seconds') ?? 60) * 1000
}

/** What an ALB's own answers look like: a small HTML page, but nothing at all with a 464. */
function ownAnswer(status: number, contentType?: string, body?: string, location?: string): { headers: OutgoingHttpHeaders; body: string } {
  const server = 'awselb/2.0'
  if (status === 464) return { headers: { server, 'content-length': '0' }, body: '' }
  const title = `${status} ${TITLES[status] ?? STATUS_CODES[status] ?? ''}`.trimEnd()
  const page = body ?? `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n</body>\r\n</html>\r\n`
  const type = contentType ?? 'text/html'
  const headers = { server, 'content-type': type, 'content-length': String(Buffer.byteLength(page)), ...(location === undefined ? {} : { location }) }
  return { headers, body: page }
}

// The titles that differ from those of HTTP's registry.
const TITLES: Record<number, string> = { 503: 'Service Temporarily Unavailable', 504: 'Gateway Time-out' }
