import { connect } from 'node:http2'
import type { ClientHttp2Session, IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2'

/**
 * The result of a raw HTTP/2 request: its merged headers and trailers, its body, or the error of
 * the stream or session.
 */
export interface RawResponse {
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  readonly error: string
}

/** Connects. Errors of the session are reported by its requests. */
export function openSession(
  url: string,
  options: { ca?: string; servername?: string; ALPNProtocols?: string[] } = {},
): ClientHttp2Session {
  const session = connect(url, options)
  session.on('error', () => undefined)
  return session
}

/** Sends a request; `body` defaults to an empty gRPC message. */
export function sendRequest(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  body = Buffer.alloc(5),
): Promise<RawResponse> {
  return new Promise((resolve) => {
    const stream = session.request({
      ':method': 'POST',
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    })
    const result: { headers: IncomingHttpHeaders; chunks: Buffer[]; error: string } = {
      headers: {},
      chunks: [],
      error: '',
    }
    stream.on('response', (received) => Object.assign(result.headers, received))
    stream.on('trailers', (received: IncomingHttpHeaders) =>
      Object.assign(result.headers, received),
    )
    stream.on('data', (chunk: Buffer) => result.chunks.push(chunk))
    stream.on('error', (error: Error) => {
      result.error = error.message
    })
    stream.on('close', () =>
      resolve({ headers: result.headers, body: Buffer.concat(result.chunks), error: result.error }),
    )
    stream.end(headers[':method'] === 'GET' ? undefined : body)
  })
}

/** The path of a Milvus method. */
export const getMilvusPath = (method: string): string =>
  `/milvus.proto.milvus.MilvusService/${method}`
