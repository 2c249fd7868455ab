/**
 * Unary gRPC calls on node:http2. A gRPC library would hide how a call failed; here every failure
 * stays visible. Source: grpc.io, gRPC over HTTP/2.
 */
import http2 from 'node:http2'
import type tls from 'node:tls'
import { formatSeconds } from '../../util/text.ts'
import { grpcStatus } from './grpc-responses.ts'
import { Http2CallError } from './http2-errors.ts'
import { ConnectionClosedError } from './network-errors.ts'

/** The answer to a call. */
export interface GrpcResponse {
  readonly httpStatus: number
  readonly contentType: string
  readonly server: string
  /** grpc-status; undefined when the server does not speak gRPC. */
  readonly status: number | undefined
  /** grpc-message; empty when absent. */
  readonly message: string
  /** The message in the body; undefined when it is not exactly one, complete and uncompressed. */
  readonly body: Buffer | undefined
  /** The start of the body as text: what an ALB or a proxy writes. */
  readonly text: string
}

export interface GrpcCall {
  readonly authority: string
  /** Begins with a slash: without one an ALB answers 400. */
  readonly path: string
  readonly request: Buffer
  readonly metadata: Readonly<Record<string, string>>
  /** Milliseconds for the whole call. */
  readonly timeout: number
  /** 1 MiB when absent. */
  readonly maxBodyBytes?: number
}

const defaultMaxBodyBytes = 1024 * 1024

/** Interim answers (1xx) to one call. An ALB sends none. */
const maxInterimResponses = 20

/** Received parts of an answer; they grow while it arrives. */
interface PartialResponse {
  headers: http2.IncomingHttpHeaders
  trailers: http2.IncomingHttpHeaders
  readonly chunks: Buffer[]
}

/** An HTTP/2 session on a verified TLS connection. */
export class GrpcSession {
  private readonly session: http2.ClientHttp2Session
  private readonly socket: tls.TLSSocket
  private connectionError: Error | undefined
  /** Why later calls are not accepted. */
  private goaway: Error | undefined

  constructor(socket: tls.TLSSocket, authority: string) {
    this.socket = socket
    this.session = http2.connect(`https://${authority}`, {
      createConnection: () => socket,
      settings: { enablePush: false },
    })
    this.session.on('error', (error: Error) => this.recordConnectionError(error))
    this.session.on('stream', (pushed) => this.rejectPush(pushed))
    this.session.on('goaway', (code: number) => {
      const error = new Http2CallError('GOAWAY', code)
      // NO_ERROR only rejects later calls: accepted ones are still answered.
      if (code === http2.constants.NGHTTP2_NO_ERROR) this.goaway = error
      else this.recordConnectionError(error)
    })
  }

  /** @throws Http2CallError, or Error about the connection or the timeout */
  call(call: GrpcCall): Promise<GrpcResponse> {
    return new Promise((resolve, reject) => {
      if (this.goaway) throw this.goaway
      const stream = this.session.request(createHeaders(call))
      let limitError: Error | undefined
      const giveUp = (problem: string): void => {
        limitError = new Error(problem)
        stream.destroy(limitError)
      }
      const timeoutProblem = `no complete answer within ${formatSeconds(call.timeout)}`
      const timer = setTimeout(() => giveUp(timeoutProblem), call.timeout)
      const response = receiveResponse(stream, call.maxBodyBytes ?? defaultMaxBodyBytes, giveUp)
      stream.on('error', (error: NodeJS.ErrnoException) => {
        // An ERR_HTTP2_STREAM_ERROR contains less than the frame, which findCallError reads.
        const isOfCall = error === limitError || error.code === 'ERR_HTTP2_STREAM_ERROR'
        if (!isOfCall) this.recordConnectionError(error)
      })
      stream.on('close', () => {
        clearTimeout(timer)
        const error = limitError ?? this.findCallError(stream, response)
        if (error) reject(error)
        else resolve(createResponse(response))
      })
      stream.end(frameMessage(call.request))
    })
  }

  /** Whether it accepts another call. */
  get isOpen(): boolean {
    return !this.hasEndedGracefully && !this.session.closed && !this.session.destroyed
  }

  /** Whether the peer rejects later calls, though nothing went wrong. */
  get hasEndedGracefully(): boolean {
    return this.goaway !== undefined && this.connectionError === undefined
  }

  close(): void {
    this.session.destroy()
  }

  /** A peer may push until it has acknowledged the settings. The pushed stream may then fail. */
  private rejectPush(pushed: http2.ClientHttp2Stream): void {
    pushed.on('error', () => undefined)
    pushed.close(http2.constants.NGHTTP2_REFUSED_STREAM)
  }

  private recordConnectionError(error: Error): void {
    this.connectionError ??= error
  }

  /** Why a call that ended has no complete answer; undefined when it has. */
  private findCallError(
    { rstCode }: http2.ClientHttp2Stream,
    response: PartialResponse,
  ): Error | undefined {
    if (isComplete(response)) return undefined
    if (this.connectionError) return this.connectionError
    if (this.goaway) return this.goaway
    if (this.socket.destroyed) return new ConnectionClosedError()
    if (getHttpStatus(response) === 0 || rstCode !== http2.constants.NGHTTP2_NO_ERROR)
      return new Http2CallError('RST_STREAM', rstCode)
    return new Error('the answer has no grpc-status, which every gRPC answer ends with')
  }
}

function createHeaders(call: GrpcCall): http2.OutgoingHttpHeaders {
  return {
    ':method': 'POST',
    ':path': call.path,
    ':authority': call.authority,
    // Milvus up to 2.4 routes any other content type to its REST server.
    'content-type': 'application/grpc',
    te: 'trailers',
    'grpc-timeout': `${Math.ceil(call.timeout)}m`,
    'user-agent': 'milvus-alb-action',
    ...call.metadata,
  }
}

/** Collects the answer, and gives up when it exceeds a limit. */
function receiveResponse(
  stream: http2.ClientHttp2Stream,
  maxBodyBytes: number,
  giveUp: (problem: string) => void,
): PartialResponse {
  const response: PartialResponse = { headers: {}, trailers: {}, chunks: [] }
  let size = 0
  let interimCount = 0
  stream.on('headers', () => {
    interimCount += 1
    if (interimCount > maxInterimResponses)
      giveUp(`more than ${maxInterimResponses} interim answers (HTTP 1xx)`)
  })
  stream.on('response', (headers: http2.IncomingHttpHeaders) => (response.headers = headers))
  stream.on('trailers', (trailers: http2.IncomingHttpHeaders) => (response.trailers = trailers))
  stream.on('data', (chunk: Buffer) => {
    response.chunks.push(chunk)
    size += chunk.length
    if (size > maxBodyBytes) giveUp(`the answer has more than ${maxBodyBytes} bytes`)
  })
  return response
}

const getHttpStatus = ({ headers }: PartialResponse): number => Number(headers[':status'] ?? 0)

/** grpc-status as sent; in the headers when there is no body. */
const getRawStatus = ({ headers, trailers }: PartialResponse): string | string[] | undefined =>
  trailers['grpc-status'] ?? headers['grpc-status']

/** A gRPC answer without a grpc-status is incomplete, even if its stream was closed properly. */
function isComplete(response: PartialResponse): boolean {
  if (getHttpStatus(response) === 0) return false
  return !isGrpc(response) || getRawStatus(response) !== undefined
}

/** `application/grpc`, also with a suffix or parameters; `application/grpc-web` is not gRPC. */
const isGrpc = ({ headers }: PartialResponse): boolean =>
  /^application\/grpc(?:[+;]|$)/.test(headers['content-type'] ?? '')

/** Without HTTP 200 and the content type of gRPC, `grpc-status: 0` is no success. */
const isSuccessPossible = (response: PartialResponse): boolean =>
  getHttpStatus(response) === http2.constants.HTTP_STATUS_OK && isGrpc(response)

function createResponse(response: PartialResponse): GrpcResponse {
  const { headers, chunks } = response
  const body = Buffer.concat(chunks)
  return {
    httpStatus: getHttpStatus(response),
    contentType: headers['content-type'] ?? '',
    server: String(headers.server ?? ''),
    ...parseStatus(response),
    body: unframeMessage(body),
    text: body.toString('utf8', 0, 200),
  }
}

function parseStatus(response: PartialResponse): Pick<GrpcResponse, 'status' | 'message'> {
  const { headers, trailers } = response
  const rawMessage = String(trailers['grpc-message'] ?? headers['grpc-message'] ?? '')
  const message = decodeGrpcMessage(rawMessage)
  const rawStatus = getRawStatus(response)
  if (rawStatus === undefined) return { status: undefined, message }
  if (Number(rawStatus) === grpcStatus.ok && !isSuccessPossible(response))
    return { status: undefined, message }
  if (/^\d{1,9}$/.test(String(rawStatus))) return { status: Number(rawStatus), message }
  // Source: grpc.io, Status codes: a status that is not a number is UNKNOWN.
  const note = `the status was sent as ${JSON.stringify(rawStatus)}`
  return { status: grpcStatus.unknown, message: message ? `${message}; ${note}` : note }
}

/** Parts that are not percent-encoded stay as they are. Source: grpc.io, gRPC over HTTP/2. */
const decodeGrpcMessage = (message: string): string =>
  message.replace(/(?:%[0-9a-f]{2})+/gi, (encoded) => {
    try {
      return decodeURIComponent(encoded)
    } catch {
      return encoded
    }
  })

/** One byte for "not compressed", four for the length, then the message. */
const frameHeaderBytes = 5

function frameMessage(message: Buffer): Buffer {
  const header = Buffer.alloc(frameHeaderBytes)
  header.writeUInt32BE(message.length, 1)
  return Buffer.concat([header, message])
}

function unframeMessage(body: Buffer): Buffer | undefined {
  const isUncompressed = body.length >= frameHeaderBytes && body[0] === 0
  if (!isUncompressed || body.length !== frameHeaderBytes + body.readUInt32BE(1)) return undefined
  return body.subarray(frameHeaderBytes)
}
