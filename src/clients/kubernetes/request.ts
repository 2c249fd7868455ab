/**
 * One request to the Kubernetes API and its response on the wire, with limits on the duration and
 * size of each part.
 */
import https from 'node:https'
import type { IncomingMessage } from 'node:http'
import { truncate } from '../../util/text.ts'
import type { Connection } from './connection.ts'

/** Characters. An API server sends less; what answers in its place may not. */
const maxMessageLength = 16_384

/** The API's own error: a Status object. Source: meta/v1 Status. */
export class StatusError extends Error {
  override readonly name = 'StatusError'
  readonly status: number
  /** `NotFound`, `Conflict`, `Invalid`, `Forbidden`, ... */
  readonly reason: string
  readonly causes: readonly StatusCause[]
  /** The Retry-After of the response, in milliseconds; 0 without one. */
  readonly retryAfter: number

  constructor(
    status: number,
    body: { message?: unknown; reason?: string; details?: { causes?: StatusCause[] } | undefined },
    retryAfter = 0,
  ) {
    const message = typeof body.message === 'string' ? body.message : `HTTP ${status}`
    super(truncate(message, maxMessageLength))
    this.status = status
    this.reason = body.reason ?? ''
    this.retryAfter = retryAfter
    this.causes = Array.isArray(body.details?.causes) ? body.details.causes : []
  }
}

/** One cause in a Status. */
export interface StatusCause {
  readonly reason?: string
  readonly message?: string
  readonly field?: string
}

/** A request. */
export interface Request {
  readonly method: 'GET' | 'PATCH' | 'POST' | 'PUT' | 'DELETE'
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** The request for error messages, as an infinitive: `list Services in namespace milvus`. */
  readonly operation: string
}

/** Milliseconds until the response, or the next part of it, must arrive. */
const responseTimeout = 30_000
/** Milliseconds to connect: an endpoint that blocks this runner drops its packets. */
const connectTimeout = 10_000
/** Bytes. No response that we need is larger; a list is then requested in smaller pages. */
const maxBodyBytes = 2 * 1024 * 1024
/** The `reason` of our StatusError for a larger body; the API has no such reason. */
export const responseTooLarge = 'ResponseTooLarge'

/** A connection or a response did not arrive in time. */
export class RequestTimeoutError extends Error {}

/**
 * Between the last byte of a response and the end of its stream, Node has no error listener on the
 * socket: an abort at that moment would crash the process.
 */
const ignoreError = (): void => undefined

/**
 * Sends a request. Redirects are not followed: the credentials are only for this server.
 * @returns the response, of which only the headers have been received
 */
export async function sendRequest(
  connection: Connection,
  request: Request,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const url = new URL(connection.server.replace(/\/$/, '') + request.path)
  for (const [key, value] of Object.entries(request.query ?? {})) url.searchParams.set(key, value)
  const options = await connection.options()
  const headers = {
    Accept: 'application/json',
    'User-Agent': 'milvus-alb-action',
    ...(options.headers as Record<string, string>),
    ...request.headers,
  }
  return new Promise((resolve, reject) => {
    const clientRequest = https.request(
      url,
      { ...options, method: request.method, headers, signal },
      (response) => {
        clearTimeout(responseTimer)
        resolve(response)
      },
    )
    const responseTimer = setTimeout(
      () =>
        clientRequest.destroy(
          new RequestTimeoutError(`no response within ${responseTimeout / 1000} s`),
        ),
      responseTimeout,
    )
    const connectTimer = setTimeout(
      () =>
        clientRequest.destroy(
          new RequestTimeoutError(`no connection within ${connectTimeout / 1000} s`),
        ),
      connectTimeout,
    )
    clientRequest.on('socket', (socket) => {
      if (!socket.listeners('error').includes(ignoreError)) socket.on('error', ignoreError)
      if (socket.connecting) socket.once('connect', () => clearTimeout(connectTimer))
      else clearTimeout(connectTimer)
    })
    clientRequest.on('error', (error) => {
      clearTimeout(responseTimer)
      clearTimeout(connectTimer)
      reject(error)
    })
    clientRequest.end(request.body)
  })
}

/** The `reason` of our StatusError for a body that is not JSON; the API has no such reason. */
export const responseNotJson = 'ResponseNotJson'

/** @throws StatusError when the body is not JSON */
export function parseResponseJson(status: number, body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    throw new StatusError(status, {
      reason: responseNotJson,
      message: `the response is not JSON; it starts with ${JSON.stringify(body.slice(0, 80))}`,
    })
  }
}

/** The error in a response whose status is not 2xx. */
export function toStatusError(response: IncomingMessage, body: string): StatusError {
  const status = response.statusCode ?? 0
  // Seconds; the API never sends the date form. Source: apiserver, filters/maxinflight.go;
  // client-go, rest/with_retry.go.
  const retryAfter = (Number.parseInt(response.headers['retry-after'] ?? '') || 0) * 1000
  try {
    return new StatusError(
      status,
      JSON.parse(body) as ConstructorParameters<typeof StatusError>[1],
      retryAfter,
    )
  } catch {
    return new StatusError(status, { message: `HTTP ${status}: ${body.slice(0, 200)}` }, retryAfter)
  }
}

/**
 * Reads the whole body of a response.
 * @throws StatusError when it exceeds the limit
 */
export async function readBody(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  response.setTimeout(responseTimeout, () =>
    response.destroy(
      new RequestTimeoutError(`the response stalled for ${responseTimeout / 1000} s`),
    ),
  )
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxBodyBytes)
      throw new StatusError(response.statusCode ?? 0, {
        reason: responseTooLarge,
        message: `the response is larger than ${maxBodyBytes / 1024 / 1024} MiB`,
      })
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
