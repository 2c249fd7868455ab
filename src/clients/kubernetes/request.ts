/**
 * One request to the Kubernetes API and its answer, as they go over the wire: how long each part
 * may take, and how large it may be.
 */
import https from 'node:https'
import type { IncomingMessage } from 'node:http'
import type { Connection } from './connection.ts'

/** The API's own error: a Status object. Source: meta/v1 Status. */
export class StatusError extends Error {
  override readonly name = 'StatusError'
  readonly status: number
  /** `NotFound`, `Conflict`, `Invalid`, `Forbidden`, ... */
  readonly reason: string
  readonly causes: readonly StatusCause[]
  /** Milliseconds that the API asked to be left alone. */
  readonly retryAfter: number

  constructor(
    status: number,
    body: { message?: string; reason?: string; details?: { causes?: StatusCause[] } | undefined },
    retryAfter = 0,
  ) {
    super(body.message ?? `HTTP ${status}`)
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
  /** What to say that could not be done: `read the Services of namespace milvus`. */
  readonly operation: string
}

/** How long the API may stay silent before an answer, in milliseconds. */
const responseTimeout = 30_000
/** How long a connection may take: an endpoint that does not let this runner in stays silent. */
const connectTimeout = 10_000
/**
 * A body of more than this is no answer to anything we ask; a list is asked for in smaller pages
 * then. Bytes.
 */
const maxBodyBytes = 2 * 1024 * 1024
/** `reason` of a StatusError for such an answer: none of the API's own. */
export const responseTooLarge = 'AnswerTooLarge'

/** Nothing came in a time in which it should have. */
export class RequestTimeoutError extends Error {}

/**
 * Between the last byte of an answer and its reader's end Node has no listener on the socket: an
 * abort at that moment would end the process.
 */
const ignoreError = (): void => undefined

/**
 * Sends a request. A redirect is not followed: the credentials are for this server alone.
 * @returns the answer, of which only the headers are here yet
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
          new RequestTimeoutError(`no answer within ${responseTimeout / 1000} s`),
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

/** `reason` of a StatusError for an answer that is no JSON: none of the API's own. */
export const responseNotJson = 'AnswerNotJson'

/** @throws StatusError for what is no JSON */
export function parseJson(status: number, body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    throw new StatusError(status, {
      reason: responseNotJson,
      message: `the answer is no JSON but begins ${JSON.stringify(body.slice(0, 80))}`,
    })
  }
}

/** The error in an answer that is none of success. */
export function toStatusError(response: IncomingMessage, body: string): StatusError {
  const status = response.statusCode ?? 0
  // Seconds; the API never sends the other form, a date. Source: apiserver, filters/maxinflight.go
  // and client-go, rest/with_retry.go.
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
 * The whole of an answer.
 * @throws StatusError for more than anybody asked for
 */
export async function readBody(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  response.setTimeout(responseTimeout, () =>
    response.destroy(
      new RequestTimeoutError(`nothing more of the answer within ${responseTimeout / 1000} s`),
    ),
  )
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxBodyBytes)
      throw new StatusError(response.statusCode ?? 0, {
        reason: responseTooLarge,
        message: `its answer is of more than ${maxBodyBytes / 1024 / 1024} MiB`,
      })
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
