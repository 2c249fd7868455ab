/** One request over HTTP/1.1 and TLS, as plain clients such as curl make it. */
import http from 'node:http'
import { restUnanswered } from '../../failures/probe-rest.ts'
import { formatSeconds } from '../../util/text.ts'
import { connect } from './connection.ts'
import { remainingTime, type Endpoint } from './endpoint.ts'
import { describeNetworkError } from './network-errors.ts'
import { alertFailure } from './tls.ts'

export interface Http1Request {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface Http1Response {
  readonly status: number
  /** The `server` header; empty when absent. */
  readonly server: string
  readonly body: string
  /** Whether the body is longer, and its rest was not read. */
  readonly isTruncated: boolean
}

/** Characters of a body that are read. */
const maxBodyLength = 1024 * 1024

/** @throws ProbeFailure of the stage that failed */
export async function requestOverHttp1(
  endpoint: Endpoint,
  request: Http1Request,
  signal: AbortSignal,
): Promise<Http1Response> {
  const { socket } = await connect({ ...endpoint, protocol: 'http/1.1' }, signal)
  const timeout = remainingTime(endpoint, endpoint.callTimeout)
  try {
    return await send(socket, endpoint.host, request, timeout)
  } catch (thrown) {
    const operation = `${request.method} ${request.path}`
    throw alertFailure(endpoint, thrown) ?? restUnanswered(operation, describeNetworkError(thrown))
  } finally {
    socket.destroy()
  }
}

function send(
  socket: NonNullable<http.ClientRequest['socket']>,
  host: string,
  { method, path, headers, body }: Http1Request,
  timeout: number,
): Promise<Http1Response> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      request.destroy(new Error(`no complete answer within ${formatSeconds(timeout)}`))
    }, timeout)
    const request = http.request({
      createConnection: () => socket,
      method,
      path,
      headers: {
        host,
        'user-agent': 'milvus-alb-action',
        'content-length': String(Buffer.byteLength(body)),
        ...headers,
      },
    })
    request.on('error', reject)
    request.on('close', () => clearTimeout(timer))
    request.on('response', (response) => {
      readBody(response).then(resolve, reject)
    })
    request.end(body)
  })
}

async function readBody(response: http.IncomingMessage): Promise<Http1Response> {
  const { statusCode: status = 0, headers } = response
  let body = ''
  response.setEncoding('utf8')
  for await (const chunk of response as AsyncIterable<string>) {
    body += chunk
    if (body.length > maxBodyLength) break
  }
  const server = String(headers.server ?? '')
  const isTruncated = body.length > maxBodyLength
  return { status, server, body: body.slice(0, maxBodyLength), isTruncated }
}
