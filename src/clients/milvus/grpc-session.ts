/**
 * A unary gRPC call on node:http2, kept so low that every way in which it can fail stays visible.
 * Source: grpc.io, gRPC over HTTP/2.
 */
import http2 from 'node:http2'
import type tls from 'node:tls'
import { Http2CallError } from './http2-errors.ts'
import { formatSeconds } from '../../util/text.ts'

/**
 * What came back. `status` and `message` are gRPC's; undefined when whoever answered does not speak
 * gRPC.
 */
export interface GrpcResponse {
  readonly httpStatus: number
  readonly contentType: string
  readonly server: string
  readonly status: number | undefined
  readonly message: string
  /** The one message in it; undefined when there is not exactly one, whole and plain. */
  readonly body: Buffer | undefined
  /** How the body begins, as text: what an ALB or a proxy writes. */
  readonly text: string
}

/** One call. `path` begins with a slash: an ALB answers 400 to one without. */
export interface GrpcCall {
  readonly authority: string
  readonly path: string
  readonly request: Buffer
  readonly metadata: Readonly<Record<string, string>>
  /** Milliseconds for the whole call. */
  readonly timeout: number
}

/** No answer to our calls is longer; what sends more is not Milvus. Bytes. */
const maxBodyBytes = 1024 * 1024

/** Interim answers (1xx) to one call. An ALB sends none. */
const maxInterimResponses = 20

/** An HTTP/2 session on a TLS connection that is already made and checked. */
export class GrpcSession {
  private readonly session: http2.ClientHttp2Session
  private readonly socket: tls.TLSSocket
  private connectionError: Error | undefined
  /** What tells why a call was not taken that came after it. */
  private goaway: Error | undefined

  constructor(socket: tls.TLSSocket, authority: string) {
    this.socket = socket
    this.session = http2.connect(`https://${authority}`, { createConnection: () => socket })
    this.session.on('error', (error: Error) => this.recordFailure(error))
    this.session.on('goaway', (code: number) => {
      // NO_ERROR only says that no further calls are welcome: those that were taken are still
      // answered.
      if (code === 0) this.goaway = new Http2CallError('GOAWAY', code)
      else this.recordFailure(new Http2CallError('GOAWAY', code))
    })
  }

  /** @throws BrokenCall, or Error about the connection or the deadline */
  call(call: GrpcCall): Promise<GrpcResponse> {
    return new Promise((resolve, reject) => {
      if (this.goaway) throw this.goaway
      const stream = this.session.request({
        ':method': 'POST',
        ':path': call.path,
        ':authority': call.authority,
        // Milvus up to 2.4 sends anything but exactly this content type to its REST server.
        'content-type': 'application/grpc',
        te: 'trailers',
        'grpc-timeout': `${Math.ceil(call.timeout)}m`,
        'user-agent': 'milvus-alb-action',
        ...call.metadata,
      })
      const timer = setTimeout(
        () => stream.destroy(new Error(`no complete answer within ${formatSeconds(call.timeout)}`)),
        call.timeout,
      )
      let headers: http2.IncomingHttpHeaders = {}
      let trailers: http2.IncomingHttpHeaders = {}
      const chunks: Buffer[] = []
      let size = 0
      let interimCount = 0
      stream.on('headers', () => {
        if ((interimCount += 1) > maxInterimResponses)
          stream.destroy(
            new Error(
              `more than ${maxInterimResponses} interim answers (HTTP 1xx) before the answer`,
            ),
          )
      })
      stream.on('response', (received: http2.IncomingHttpHeaders) => (headers = received))
      stream.on('trailers', (received: http2.IncomingHttpHeaders) => (trailers = received))
      stream.on('data', (chunk: Buffer) => {
        size += chunk.length
        chunks.push(chunk)
        if (size > maxBodyBytes)
          stream.destroy(new Error(`an answer of more than ${maxBodyBytes} bytes`))
      })
      stream.on('error', (error: NodeJS.ErrnoException) => {
        // of those the frame says more, below
        if (error.code !== 'ERR_HTTP2_STREAM_ERROR') this.recordFailure(error)
      })
      stream.on('close', () => {
        clearTimeout(timer)
        const httpStatus = Number(headers[':status'] ?? 0)
        // A gRPC answer ends with its status: without one it was broken off, however the stream was
        // closed.
        const isGrpc = headers['content-type']?.startsWith('application/grpc') ?? false
        const isIncomplete =
          httpStatus === 0 ||
          (isGrpc && (trailers['grpc-status'] ?? headers['grpc-status']) === undefined)
        if (isIncomplete || this.connectionError)
          reject(this.connectionError ?? this.goaway ?? this.createCallError(stream, httpStatus))
        else resolve(buildResponse(httpStatus, headers, trailers, Buffer.concat(chunks)))
      })
      stream.end(frameMessage(call.request))
    })
  }

  /** How a call ended that has no whole answer. */
  private createCallError({ rstCode }: http2.ClientHttp2Stream, httpStatus: number): Error {
    if (this.socket.destroyed) return new Error('the connection was closed')
    return httpStatus !== 0 && rstCode === 0
      ? new Error('its answer has no grpc-status, with which gRPC ends every answer')
      : new Http2CallError('RST_STREAM', rstCode)
  }

  close(): void {
    this.session.destroy()
  }

  private recordFailure(error: Error): void {
    this.connectionError ??= error
  }
}

function buildResponse(
  httpStatus: number,
  headers: http2.IncomingHttpHeaders,
  trailers: http2.IncomingHttpHeaders,
  body: Buffer,
): GrpcResponse {
  const status = trailers['grpc-status'] ?? headers['grpc-status']
  const hasValidStatus = status === undefined || /^\d{1,9}$/.test(String(status))
  const message = decodeGrpcMessage(
    String(trailers['grpc-message'] ?? headers['grpc-message'] ?? ''),
  )
  return {
    httpStatus,
    contentType: headers['content-type'] ?? '',
    server: String(headers.server ?? ''),
    // One that is no number is UNKNOWN. Source: grpc.io, Status codes.
    status: status === undefined ? undefined : hasValidStatus ? Number(status) : 2,
    message: hasValidStatus
      ? message
      : `${message}${message ? '; ' : ''}it wrote the status as ${JSON.stringify(status)}`,
    body: unframeMessage(body),
    text: body.toString('utf8', 0, 200),
  }
}

/** grpc-message is percent-encoded. */
function decodeGrpcMessage(message: string): string {
  try {
    return decodeURIComponent(message)
  } catch {
    return message
  }
}

/** One byte that says "not compressed", four of length, the message. */
function frameMessage(message: Buffer): Buffer {
  const header = Buffer.alloc(5)
  header.writeUInt32BE(message.length, 1)
  return Buffer.concat([header, message])
}

function unframeMessage(body: Buffer): Buffer | undefined {
  const isSingleMessage =
    body.length >= 5 && body[0] === 0 && body.length === 5 + body.readUInt32BE(1)
  return isSingleMessage ? body.subarray(5) : undefined
}
