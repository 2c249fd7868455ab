/**
 * One port of the data plane: takes connections, speaks TLS and HTTP with the client, and routes
 * each request.
 */
import { createServer as createHttpServer, STATUS_CODES } from 'node:http'
import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http'
import { constants, performServerHandshake } from 'node:http2'
import type {
  IncomingHttpHeaders,
  OutgoingHttpHeaders,
  ServerHttp2Session,
  ServerHttp2Stream,
} from 'node:http2'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { createSecureContext, createServer as createTlsServer } from 'node:tls'
import type { Fault } from '../../testing/request-log.ts'
import type { AlbEndpoint, DataPlane } from './server.ts'
import { forwardHttp1 } from './forward.ts'
import type { Address } from './forward.ts'
import { chooseTarget, route } from './routing.ts'
import type { Request } from './routing.ts'
import { buildSecureContextOptions } from './tls.ts'

/** An open port. */
export interface OpenPort extends Address {
  close(): Promise<void>
}

/** Opens a port. `find` says who answers there at the moment. */
export async function openPort(
  dataPlane: DataPlane,
  findEndpoint: () => AlbEndpoint | undefined,
  host: string,
  port: number,
): Promise<OpenPort> {
  const sockets = new Set<Socket>()
  const http1Server = createHttpServer(
    (request, response) => void handleHttp1Request(dataPlane, findEndpoint(), request, response),
  )
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined)
    const endpoint = findEndpoint()
    if (dataPlane.overrides.unresponsive) return
    if (!endpoint) socket.destroy()
    else if (endpoint.listener.protocol === 'HTTPS')
      startTls(dataPlane, endpoint, socket, http1Server, findEndpoint)
    else http1Server.emit('connection', socket)
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
function startTls(
  dataPlane: DataPlane,
  { loadBalancer, listener }: AlbEndpoint,
  socket: Socket,
  http1Server: HttpServer,
  findEndpoint: () => AlbEndpoint | undefined,
): void {
  const overrideCertificate = dataPlane.overrides.servedCertificate
  const defaultCertificate =
    overrideCertificate ?? dataPlane.certificates.select(listener, undefined)
  if (!defaultCertificate) {
    socket.destroy()
    return
  }
  const isHttp2Enabled = loadBalancer.attributes.get('routing.http2.enabled') !== 'false'
  const alpn =
    dataPlane.overrides.alpnProtocols ?? (isHttp2Enabled ? ['h2', 'http/1.1'] : ['http/1.1'])
  // A server for each connection, which never listens: only so can each be served what is right at
  // its moment.
  const server = createTlsServer({
    ...buildSecureContextOptions(defaultCertificate, listener.sslPolicy),
    ...(alpn.length > 0 ? { ALPNProtocols: alpn } : {}),
    SNICallback: (servername, done) => {
      const certificate =
        overrideCertificate ??
        dataPlane.certificates.select(listener, servername) ??
        defaultCertificate
      done(null, createSecureContext(buildSecureContextOptions(certificate, listener.sslPolicy)))
    },
  })
  server.on('tlsClientError', () => socket.destroy())
  server.once('secureConnection', (tls) => {
    tls.on('error', () => socket.destroy())
    if (tls.alpnProtocol !== 'h2') {
      http1Server.emit('connection', tls)
      return
    }
    // 128 parallel requests: AWS, "Listeners for your Application Load Balancers".
    const session = performServerHandshake(tls, { settings: { maxConcurrentStreams: 128 } })
    session.on('error', () => undefined)
    session.on(
      'stream',
      (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) =>
        void handleHttp2Request(dataPlane, findEndpoint(), session, stream, headers),
    )
  })
  server.emit('connection', socket)
}

/** The part of a request that rules look at. */
function toRoutingRequest(
  version: 1 | 2,
  method: string,
  path: string,
  headers: IncomingHttpHeaders,
): Request {
  return {
    version,
    method,
    path,
    authority: headers[':authority'] ?? headers.host ?? '',
    contentType: headers['content-type'] ?? '',
  }
}

function recordRequest(
  dataPlane: DataPlane,
  request: Request,
  headers: IncomingHttpHeaders,
): Promise<Fault | undefined> {
  const [path = '', ...query] = request.path.split('?')
  return dataPlane.requestLog.recordRequest({
    service: 'alb',
    operation: `${request.method} ${path}`,
    isMutating: false,
    userAgent: headers['user-agent'] ?? '',
    query: query.length > 0 ? `?${query.join('?')}` : '',
    // Streamed through, so not kept.
    body: '',
    headers,
  })
}

async function handleHttp2Request(
  dataPlane: DataPlane,
  endpoint: AlbEndpoint | undefined,
  session: ServerHttp2Session,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
): Promise<void> {
  stream.on('error', () => undefined)
  const request = toRoutingRequest(2, headers[':method'] ?? '', headers[':path'] ?? '', headers)
  const fault = await recordRequest(dataPlane, request, headers)
  if (fault?.reset) {
    session.destroy()
    return
  }
  if ((dataPlane.overrides.goawayCount ?? 0) > 0) {
    dataPlane.overrides.goawayCount = (dataPlane.overrides.goawayCount ?? 0) - 1
    if (dataPlane.overrides.goawayErrorCode === undefined)
      stream.close(constants.NGHTTP2_REFUSED_STREAM)
    session.goaway(dataPlane.overrides.goawayErrorCode ?? constants.NGHTTP2_NO_ERROR)
    session.close()
    return
  }
  if (dataPlane.overrides.resetErrorCode !== undefined) {
    stream.close(dataPlane.overrides.resetErrorCode)
    return
  }
  const respondDirectly = (
    status: number,
    contentType?: string,
    body?: string,
    location?: string,
  ): void => {
    if (stream.destroyed || stream.headersSent) return
    const directResponse = buildDirectResponse(status, contentType, body, location)
    stream.respond({ ':status': status, ...directResponse.headers })
    stream.end(directResponse.body)
    // A client may still be sending; an ALB does not wait for it.
    stream.resume()
  }
  dispatchRequest(
    dataPlane,
    endpoint,
    request,
    fault,
    respondDirectly,
    (target, idleTimeoutMs, isHttp1) => {
      if (!isHttp1)
        dataPlane.targets.forward(stream, headers, target, idleTimeoutMs, respondDirectly)
      else {
        const startResponse = (status: number, fields: OutgoingHttpHeaders): ServerHttp2Stream => {
          stream.respond({ ':status': status, ...fields })
          return stream
        }
        forwardHttp1(
          { method: request.method, path: request.path, headers, body: stream },
          target,
          idleTimeoutMs,
          startResponse,
          respondDirectly,
        )
      }
    },
  )
}

async function handleHttp1Request(
  dataPlane: DataPlane,
  endpoint: AlbEndpoint | undefined,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const request = toRoutingRequest(1, message.method ?? '', message.url ?? '', message.headers)
  const fault = await recordRequest(dataPlane, request, message.headers)
  if (fault?.reset) {
    message.socket.destroy()
    return
  }
  const respondDirectly = (
    status: number,
    contentType?: string,
    body?: string,
    location?: string,
  ): void => {
    const directResponse = buildDirectResponse(status, contentType, body, location)
    response.writeHead(status, directResponse.headers).end(directResponse.body)
  }
  dispatchRequest(dataPlane, endpoint, request, fault, respondDirectly, (target, idleTimeoutMs) => {
    const startResponse = (status: number, fields: OutgoingHttpHeaders): ServerResponse =>
      response.writeHead(status, fields)
    forwardHttp1(
      { method: request.method, path: request.path, headers: message.headers, body: message },
      target,
      idleTimeoutMs,
      startResponse,
      respondDirectly,
    )
  })
}

/** Routes a request: either the ALB's own answer, or forwarded to a target. */
function dispatchRequest(
  dataPlane: DataPlane,
  endpoint: AlbEndpoint | undefined,
  request: Request,
  fault: Fault | undefined,
  respondDirectly: (status: number, contentType?: string, body?: string, location?: string) => void,
  forward: (target: Address, idleTimeoutMs: number, isHttp1: boolean) => void,
): void {
  const { overrides } = dataPlane
  if (fault?.error) respondDirectly(fault.error.status)
  else if (overrides.fixedStatus !== undefined) respondDirectly(overrides.fixedStatus)
  else if (!endpoint) respondDirectly(503)
  else {
    const matchedRoute = route(dataPlane.state, endpoint.listener, request)
    if (matchedRoute.kind === 'answer') {
      respondDirectly(
        matchedRoute.status,
        matchedRoute.contentType,
        matchedRoute.body,
        matchedRoute.location,
      )
      return
    }
    const target = chooseTarget(
      matchedRoute.group,
      dataPlane.nextRoundRobinIndex(matchedRoute.group.arn),
      Date.now(),
    )
    const address = target && dataPlane.resolveTarget(target.id, target.port)
    if (address)
      forward(
        address,
        getIdleTimeout(dataPlane, endpoint),
        matchedRoute.group.protocolVersion === 'HTTP1',
      )
    // 10 s: how long an ALB waits for a connection to a target.
    else setTimeout(() => respondDirectly(504), overrides.connectTimeoutMs ?? 10_000).unref()
  }
}

function getIdleTimeout(dataPlane: DataPlane, { loadBalancer }: AlbEndpoint): number {
  return (
    dataPlane.overrides.idleTimeoutMs ??
    Number(loadBalancer.attributes.get('idle_timeout.timeout_seconds') ?? 60) * 1000
  )
}

/** What an ALB's own answers look like: a small HTML page, but nothing at all with a 464. */
function buildDirectResponse(
  status: number,
  contentType?: string,
  body?: string,
  location?: string,
): { headers: OutgoingHttpHeaders; body: string } {
  const server = 'awselb/2.0'
  if (status === 464) return { headers: { server, 'content-length': '0' }, body: '' }
  const statusLine = `${status} ${reasonPhrases[status] ?? STATUS_CODES[status] ?? ''}`.trimEnd()
  const page =
    body ??
    `<html>\r\n<head><title>${statusLine}</title></head>\r\n<body>\r\n<center><h1>${statusLine}</h1></center>\r\n</body>\r\n</html>\r\n`
  const type = contentType ?? 'text/html'
  const headers = {
    server,
    'content-type': type,
    'content-length': String(Buffer.byteLength(page)),
    ...(location === undefined ? {} : { location }),
  }
  return { headers, body: page }
}

// The titles that differ from those of HTTP's registry.
const reasonPhrases: Record<number, string> = {
  503: 'Service Temporarily Unavailable',
  504: 'Gateway Time-out',
}
