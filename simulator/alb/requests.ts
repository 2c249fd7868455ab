/** Handles requests at a port: the ALB answers them itself, or forwards them to a target. */
import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http'
import {
  constants,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import { recordRequest, type Fault } from '../../testing/fault-injector.ts'
import type { AlbEndpoint, AlbOverrides, DataPlane } from './server.ts'
import { forwardHttp1, type ForwardOptions, type StartResponse } from './forward.ts'
import { chooseTarget, route, type DirectResponse, type AlbRequest } from './routing.ts'

/** A request over HTTP/2 with its connection. */
export interface Http2Exchange {
  readonly session: ServerHttp2Session
  readonly stream: ServerHttp2Stream
  readonly headers: IncomingHttpHeaders
}

/** Handles a request over HTTP/2. */
export async function handleHttp2Request(
  dataPlane: DataPlane,
  endpoint: AlbEndpoint | undefined,
  exchange: Http2Exchange,
): Promise<void> {
  const { session, stream, headers } = exchange
  stream.on('error', () => undefined)
  const request: AlbRequest = {
    version: 2,
    method: headers[':method'] ?? '',
    path: headers[':path'] ?? '',
    ...matchedHeaders(headers),
  }
  const fault = await recordAlbRequest(dataPlane, request, headers)
  if (fault?.reset) {
    session.destroy()
    return
  }
  if (rejectOnPurpose(dataPlane.overrides, exchange)) return
  const startResponse: StartResponse = (status, fields) => {
    stream.respond({ ':status': status, ...fields })
    return stream
  }
  dispatchRequest(dataPlane, endpoint, request, {
    fault,
    respondDirectly: (response) => respondOverHttp2(stream, response),
    forward: (options, isHttp1) => {
      const { method, path } = request
      if (isHttp1) forwardHttp1({ method, path, headers, body: stream }, startResponse, options)
      else dataPlane.targets.forward(stream, headers, options)
    },
  })
}

/** Ends a request with GOAWAY or RST_STREAM if an override says so. */
function rejectOnPurpose(overrides: AlbOverrides, { session, stream }: Http2Exchange): boolean {
  const { goawayCount = 0, goawayErrorCode, resetErrorCode } = overrides
  if (goawayCount > 0) {
    overrides.goawayCount = goawayCount - 1
    if (goawayErrorCode === undefined) stream.close(constants.NGHTTP2_REFUSED_STREAM)
    session.goaway(goawayErrorCode ?? constants.NGHTTP2_NO_ERROR)
    session.close()
    return true
  }
  if (resetErrorCode === undefined) return false
  stream.close(resetErrorCode)
  return true
}

function respondOverHttp2(stream: ServerHttp2Stream, response: DirectResponse): void {
  if (stream.destroyed || stream.headersSent) return
  const { headers, body } = renderDirectResponse(response)
  stream.respond({ ':status': response.status, ...headers })
  stream.end(body)
  // An ALB does not wait for a client that is still sending.
  stream.resume()
}

/** Handles a request over HTTP/1.1. */
export async function handleHttp1Request(
  dataPlane: DataPlane,
  endpoint: AlbEndpoint | undefined,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const request: AlbRequest = {
    version: 1,
    method: message.method ?? '',
    path: message.url ?? '',
    ...matchedHeaders(message.headers),
  }
  const fault = await recordAlbRequest(dataPlane, request, message.headers)
  if (fault?.reset) {
    message.socket.destroy()
    return
  }
  dispatchRequest(dataPlane, endpoint, request, {
    fault,
    respondDirectly: (directResponse) => {
      const { headers, body } = renderDirectResponse(directResponse)
      response.writeHead(directResponse.status, headers).end(body)
    },
    forward: (options) => {
      const { method, path } = request
      forwardHttp1(
        { method, path, headers: message.headers, body: message },
        (status, fields) => response.writeHead(status, fields),
        options,
      )
    },
  })
}

/** The headers that rules match. */
function matchedHeaders(
  headers: IncomingHttpHeaders,
): Pick<AlbRequest, 'authority' | 'contentType'> {
  return {
    authority: headers[':authority'] ?? headers.host ?? '',
    contentType: headers['content-type'] ?? '',
  }
}

function recordAlbRequest(
  { recording }: DataPlane,
  request: AlbRequest,
  headers: IncomingHttpHeaders,
): Promise<Fault | undefined> {
  const [path = '', ...query] = request.path.split('?')
  return recordRequest(recording, {
    service: 'alb',
    operation: `${request.method} ${path}`,
    isMutating: false,
    userAgent: headers['user-agent'] ?? '',
    query: query.length > 0 ? `?${query.join('?')}` : '',
    // The body is streamed to the target, and not kept.
    body: '',
    headers,
  })
}

interface DispatchOptions {
  readonly fault: Fault | undefined
  readonly respondDirectly: (response: DirectResponse) => void
  readonly forward: (options: ForwardOptions, isHttp1: boolean) => void
}

/** Routes a request. */
function dispatchRequest(
  dataPlane: DataPlane,
  endpoint: AlbEndpoint | undefined,
  request: AlbRequest,
  { fault, respondDirectly, forward }: DispatchOptions,
): void {
  const { overrides } = dataPlane
  const forcedStatus = fault?.error?.status ?? dataPlane.nextFixedStatus()
  if (forcedStatus !== undefined) {
    respondDirectly({ status: forcedStatus })
    return
  }
  if (!endpoint) {
    respondDirectly({ status: 503 })
    return
  }
  const matchedRoute = route(dataPlane.state, endpoint.listener, request)
  if (matchedRoute.kind === 'answer') {
    respondDirectly(matchedRoute)
    return
  }
  const { group } = matchedRoute
  const chosen = chooseTarget(group, dataPlane.nextRoundRobinIndex(group.arn), Date.now())
  const target = chosen && dataPlane.resolveTarget(chosen.id, chosen.port)
  if (!target) {
    // An ALB waits 10 s for a connection to a target.
    const timeout = overrides.connectTimeoutMs ?? 10_000
    setTimeout(() => respondDirectly({ status: 504 }), timeout).unref()
    return
  }
  const idleTimeout = getIdleTimeout(dataPlane, endpoint)
  const onFailure: ForwardOptions['onFailure'] = (status) => respondDirectly({ status })
  forward({ target, idleTimeout, onFailure }, group.protocolVersion === 'HTTP1')
}

function getIdleTimeout({ overrides }: DataPlane, { loadBalancer }: AlbEndpoint): number {
  const seconds = Number(loadBalancer.attributes.get('idle_timeout.timeout_seconds') ?? 60)
  return overrides.idleTimeoutMs ?? seconds * 1000
}

interface RenderedResponse {
  readonly headers: Record<string, string>
  readonly body: string
}

/** By default an ALB answers with a small HTML page; a 464 has no body. */
function renderDirectResponse(response: DirectResponse): RenderedResponse {
  const server = 'awselb/2.0'
  if (response.status === 464) return { headers: { server, 'content-length': '0' }, body: '' }
  const body = response.body ?? renderStatusPage(response.status)
  const headers: Record<string, string> = {
    server,
    'content-type': response.contentType ?? 'text/html',
    'content-length': String(Buffer.byteLength(body)),
  }
  if (response.location !== undefined) headers['location'] = response.location
  return { headers, body }
}

function renderStatusPage(status: number): string {
  const title = `${status} ${reasonPhrases[status] ?? STATUS_CODES[status] ?? ''}`.trimEnd()
  return [
    '<html>',
    `<head><title>${title}</title></head>`,
    '<body>',
    `<center><h1>${title}</h1></center>`,
    '</body>',
    '</html>',
    '',
  ].join('\r\n')
}

/** The reason phrases that differ from those of the HTTP registry. */
const reasonPhrases: Readonly<Record<number, string>> = {
  503: 'Service Temporarily Unavailable',
  504: 'Gateway Time-out',
}
