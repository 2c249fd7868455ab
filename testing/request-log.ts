/** A log of the requests that the services of a test environment receive. */
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'

/** The services that answer requests. */
export type ServiceName =
  | 'kubernetes'
  | 'acm'
  | 'sts'
  | 'eks'
  | 'ec2'
  | 'elbv2'
  | 'secretsmanager'
  | 'charts'
  | 'alb'
  | 'milvus'

/** A request received by a service. */
export interface RecordedRequest {
  readonly service: ServiceName
  /**
   * `METHOD /path` (Kubernetes, charts, ALB), the AWS operation (`ImportCertificate`), or the gRPC
   * method (`Connect`).
   */
  readonly operation: string
  /** Whether it requests a change, which a second run must not do once the first converged. */
  readonly isMutating: boolean
  /** The User-Agent, which distinguishes Helm's requests from the action's. */
  readonly userAgent: string
  /** The query string with its `?`, or empty. */
  readonly query: string
  /** The body as text; empty when there is none. */
  readonly body: string
  /** The HTTP headers; the gRPC server behind the load balancer does not expose them. */
  readonly headers?: IncomingHttpHeaders
  /** Milliseconds since the epoch. */
  readonly receivedAt: number
}

/** A request that a service has just received. */
export type ReceivedRequest = Omit<RecordedRequest, 'receivedAt'>

/** The requests of one test environment. */
export class RequestLog {
  readonly requests: RecordedRequest[] = []
  private readonly receivedListeners = new Set<(request: RecordedRequest) => void>()
  private readonly answerListeners = new Set<(request: RecordedRequest) => void>()
  private readonly pendingWork = new Set<Promise<unknown>>()

  /**
   * Calls back when a request is received, before it is processed, and when its answer has been
   * sent.
   * @returns a function that stops the callbacks
   */
  observe({
    received,
    answered,
  }: {
    received?: (request: RecordedRequest) => void
    answered?: (request: RecordedRequest) => void
  }): () => void {
    if (received) this.receivedListeners.add(received)
    if (answered) this.answerListeners.add(answered)
    return () => {
      if (received) this.receivedListeners.delete(received)
      if (answered) this.answerListeners.delete(answered)
    }
  }

  /** Tracks the processing of a mutating request, which continues even if the caller has died. */
  trackWork(promise: Promise<unknown>): void {
    this.pendingWork.add(promise)
    const removeWork = (): void => {
      this.pendingWork.delete(promise)
    }
    promise.then(removeWork, removeWork)
  }

  /** Settles when all tracked work is finished. */
  async waitUntilIdle(): Promise<void> {
    while (this.pendingWork.size > 0) await Promise.allSettled(this.pendingWork)
  }

  /** Resolves at the next request that matches. */
  nextRequest(isMatch: (request: RecordedRequest) => boolean): Promise<RecordedRequest> {
    return new Promise((resolve) => {
      const listener = (request: RecordedRequest) => {
        if (!isMatch(request)) return
        this.receivedListeners.delete(listener)
        resolve(request)
      }
      this.receivedListeners.add(listener)
    })
  }

  /**
   * Records a request. A service calls it once per request, before anything else.
   * @param response the response to the request, whose end `observe` reports
   */
  record(request: ReceivedRequest, response?: ServerResponse): void {
    const recorded = { ...request, receivedAt: Date.now() }
    this.requests.push(recorded)
    response?.once('finish', () => this.answerListeners.forEach((listener) => listener(recorded)))
    this.receivedListeners.forEach((listener) => listener(recorded))
  }
}
