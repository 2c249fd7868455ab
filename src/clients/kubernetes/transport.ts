/**
 * Requests to the Kubernetes API with everything that surrounds one: retries, a deadline, renewed
 * credentials, and failures as ActionErrors.
 */
import { ActionError } from '../../failures/action-error.ts'
import {
  clusterForbidden,
  clusterRequestFailed,
  clusterUnauthorized,
  clusterUnreachable,
} from '../../failures/cluster.ts'
import type { Clock } from '../../util/polling.ts'
import { retry } from '../../util/retry.ts'
import { getErrorMessage } from '../../util/text.ts'
import { isObjectRejection, isWebhookError } from './api-errors.ts'
import type { Connection } from './connection.ts'
import {
  RequestTimeoutError,
  StatusError,
  parseResponseJson,
  readBody,
  responseNotJson,
  responseTooLarge,
  sendRequest,
  toStatusError,
  type Request,
} from './request.ts'

/**
 * Milliseconds for one call with all its retries, and for a list with all its pages: a response may
 * trickle in forever.
 */
const callTimeout = 60_000

/** What a transport needs from the run. */
export interface TransportOptions {
  readonly signal: AbortSignal
  readonly clock: Clock
  /** How far the API server's clock is ahead of ours, in milliseconds; absent until known. */
  readonly clockSkew?: number
}

/** Sends requests over one connection. */
export class Transport {
  readonly connection: Connection
  private readonly options: TransportOptions
  private clockSkew: number

  constructor(connection: Connection, options: TransportOptions) {
    this.connection = connection
    this.options = options
    this.clockSkew = options.clockSkew ?? 0
  }

  /** Cancels all requests. */
  get signal(): AbortSignal {
    return this.options.signal
  }

  /** The time on the API server's clock, to the second. Milliseconds since the epoch. */
  now(): number {
    return this.options.clock.now() + this.clockSkew
  }

  /** The options of the same transport, cancelled by another signal. */
  optionsWithSignal(signal: AbortSignal): TransportOptions {
    return { ...this.options, signal, clockSkew: this.clockSkew }
  }

  /** @returns the parsed body of the response */
  async send(request: Request): Promise<unknown> {
    return this.withDeadline(request, (signal) => this.sendWithRetries(request, signal))
  }

  /** Runs `work` within the deadline of one call, and translates its failure. */
  async withDeadline<T>(request: Request, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const deadlineSignal = AbortSignal.timeout(callTimeout)
    try {
      return await work(AbortSignal.any([this.options.signal, deadlineSignal]))
    } catch (thrown) {
      const hasTimedOut = deadlineSignal.aborted && !this.options.signal.aborted
      throw this.translateError(hasTimedOut ? incompleteResponse() : thrown, request)
    }
  }

  /**
   * Sends a request until it succeeds or retrying no longer helps.
   * @throws what `translateError` accepts
   */
  async sendWithRetries(request: Request, signal: AbortSignal): Promise<unknown> {
    let hasRenewedCredentials = false
    const attemptRequest = async (): Promise<unknown> => {
      const response = await sendRequest(this.connection, request, signal)
      this.recordClockSkew(response.headers.date)
      const body = await readBody(response)
      const status = response.statusCode ?? 0
      if (status === 401 && !hasRenewedCredentials && this.connection.invalidateCredentials()) {
        hasRenewedCredentials = true
        return attemptRequest()
      }
      if (status >= 200 && status < 300) return parseResponseJson(status, body)
      const { location } = response.headers
      if (location !== undefined) throw rejectedRedirect(status, location)
      throw toStatusError(response, body)
    }
    return retry(attemptRequest, {
      maxAttempts,
      retryAfter: (thrown) => (thrown instanceof StatusError ? thrown.retryAfter : 0),
      signal,
      clock: this.options.clock,
    })
  }

  private recordClockSkew(dateHeader: string | undefined): void {
    const serverTime = Date.parse(dateHeader ?? '')
    if (!Number.isNaN(serverTime)) this.clockSkew = serverTime - this.options.clock.now()
  }

  private translateError(thrown: unknown, request: Request): unknown {
    if (thrown instanceof ActionError) return thrown
    if (thrown instanceof StatusError) return translateStatusError(thrown, request)
    if (this.options.signal.aborted) return thrown
    return clusterUnreachable({
      server: this.connection.server,
      errorCode: errorCode(thrown),
      message: getErrorMessage(thrown),
      accessRestriction: this.connection.accessRestriction,
      cause: thrown,
    })
  }
}

const incompleteResponse = (): StatusError =>
  new StatusError(0, { message: `the response was incomplete after ${callTimeout / 1000} s` })

const rejectedRedirect = (status: number, location: string): StatusError =>
  new StatusError(status, {
    message: `the server redirects to ${location}, and the credentials are only for this server`,
  })

/** @returns the same error where its caller handles it */
function translateStatusError(
  error: StatusError,
  { method, operation }: Request,
): ActionError | StatusError {
  const { status, message } = error
  const rejectedRequest = { operation, message, cause: error }
  if (!isWebhookError(error)) {
    if (status === 401) return clusterUnauthorized(rejectedRequest)
    if (status === 403) return clusterForbidden(rejectedRequest)
  }
  const isClientError = status >= 400 && status < 500 && status !== 429
  const isRejectedWrite = method !== 'GET' && (isObjectRejection(error) || isClientError)
  if (status === 404 || isRejectedWrite) return error
  const isStatusInMessage = status === 0 || message.startsWith('HTTP ')
  return clusterRequestFailed({
    ...rejectedRequest,
    httpStatus: isStatusInMessage ? undefined : status,
  })
}

const transientStatuses: readonly number[] = [429, 500, 502, 503, 504]

/**
 * How often to attempt a request in all. Throttling, a failing server and a broken connection are
 * transient: a restarted API server is back within seconds. The failure of a webhook is not the
 * server's, and a server that does not respond has already cost much time.
 */
function maxAttempts(thrown: unknown): number {
  if (thrown instanceof ActionError || isTlsError(thrown)) return 1
  if (thrown instanceof RequestTimeoutError) return 2
  if (!(thrown instanceof StatusError)) return 6
  if (thrown.reason === responseTooLarge || isObjectRejection(thrown)) return 1
  return thrown.reason === responseNotJson || transientStatuses.includes(thrown.status) ? 6 : 1
}

const isTlsError = (thrown: unknown): boolean =>
  /CERT|ERR_TLS|SELF_SIGNED|UNABLE_TO/.test(errorCode(thrown))

/** The code of an error of Node or OpenSSL; empty without one. */
const errorCode = (thrown: unknown): string => (thrown as { code?: string }).code ?? ''
