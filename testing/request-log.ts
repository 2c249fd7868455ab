/**
 * Shared by all services of the simulator: a log of the requests they receive, and the faults that
 * a scenario injects. A service calls `recordRequest` once per request, before anything else.
 */
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'

/** The services that answer requests. */
export type ServiceName =
  'kubernetes' | 'acm' | 'sts' | 'eks' | 'ec2' | 'elbv2' | 'charts' | 'alb' | 'milvus'

/** A request received by a service. */
export interface RecordedRequest {
  readonly service: ServiceName
  /**
   * `METHOD /path` (Kubernetes, charts, ALB), the AWS operation (`ImportCertificate`), or the gRPC
   * method (`Connect`).
   */
  readonly operation: string
  /** Whether it asks for a change, which a second run must not do once the first has converged. */
  readonly isMutating: boolean
  /** The User-Agent, which distinguishes helm's requests from the action's. */
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

/** What a service does with matching requests before or instead of answering. */
export interface Fault {
  readonly service: ServiceName
  /** Matched against `RecordedRequest.operation`: the whole string, or a pattern. */
  readonly operation: string | RegExp
  /** Limits the fault to clients whose User-Agent matches; all clients when absent. */
  readonly userAgent?: RegExp
  /** How many requests the fault applies to; unlimited when absent. */
  readonly times?: number
  /** Milliseconds to wait before continuing. */
  readonly delay?: number
  /** Waits until this settles before continuing: a gate that the scenario opens. */
  readonly gate?: Promise<void>
  /**
   * Answers with this error and does nothing else. `code` is the AWS error code or the Kubernetes
   * reason.
   */
  readonly error?: { readonly status: number; readonly code: string; readonly message: string }
  /**
   * Closes the connection without an answer: `true` before the request is processed, `after`
   * afterwards, so that only the answer is lost.
   */
  readonly reset?: true | 'after'
  /**
   * Writes an arbitrary response, such as a malformed one, instead of the service's own. Supported
   * by the simulator's Kubernetes API and AWS.
   */
  readonly respond?: (response: ServerResponse) => void
}

/** The requests and faults of one test environment. */
export class RequestLog {
  readonly requests: RecordedRequest[] = []
  private readonly receivedListeners = new Set<(request: RecordedRequest) => void>()
  private readonly answerListeners = new Set<(request: RecordedRequest) => void>()
  private faults: (Fault & { remaining: number })[] = []
  private readonly pendingWork = new Set<Promise<unknown>>()

  /**
   * Adds a fault. The newest matching fault applies.
   * @returns a function that removes it
   */
  injectFault(fault: Fault): () => void {
    const entry = { ...fault, remaining: fault.times ?? Infinity }
    this.faults.unshift(entry)
    return () => {
      this.faults = this.faults.filter((other) => other !== entry)
    }
  }

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
  nextRequest(matchesOperation: (request: RecordedRequest) => boolean): Promise<RecordedRequest> {
    return new Promise((resolve) => {
      const listener = (request: RecordedRequest) => {
        if (!matchesOperation(request)) return
        this.receivedListeners.delete(listener)
        resolve(request)
      }
      this.receivedListeners.add(listener)
    })
  }

  /**
   * Records a request and waits for the delay or gate of a matching fault.
   * @param response the response to the request
   * @returns the fault whose `error`, `reset` or `respond` the service must apply; undefined to
   *   continue normally
   */
  async recordRequest(
    request: Omit<RecordedRequest, 'receivedAt'>,
    response?: ServerResponse,
  ): Promise<Fault | undefined> {
    const recorded = { ...request, receivedAt: Date.now() }
    this.requests.push(recorded)
    response?.once('finish', () => this.answerListeners.forEach((listener) => listener(recorded)))
    this.receivedListeners.forEach((listener) => listener(recorded))
    const fault = this.faults.find(
      (entry) =>
        entry.remaining > 0 &&
        entry.service === request.service &&
        matchesOperation(entry.operation, request.operation) &&
        (entry.userAgent?.test(request.userAgent) ?? true),
    )
    if (!fault) return undefined
    fault.remaining -= 1
    if (fault.delay !== undefined) await new Promise((resolve) => setTimeout(resolve, fault.delay))
    await fault.gate
    return fault.error || fault.reset || fault.respond ? fault : undefined
  }
}

function matchesOperation(pattern: string | RegExp, operation: string): boolean {
  return typeof pattern === 'string' ? pattern === operation : pattern.test(operation)
}
