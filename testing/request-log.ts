/**
 * What every part of the simulator shares: a log of the requests that reached it, and faults that a
 * scenario asks for. A part calls `traffic.take(...)` once for each request, before it does
 * anything else.
 */
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'

/** The parts that answer requests. */
export type ServiceName =
  'kubernetes' | 'acm' | 'sts' | 'eks' | 'ec2' | 'elbv2' | 'charts' | 'alb' | 'milvus'

/** One request that reached a part. */
export interface RecordedRequest {
  readonly service: ServiceName
  /**
   * `METHOD /path` (Kubernetes, charts, ALB), the AWS operation (`ImportCertificate`), or the gRPC
   * method (`Connect`).
   */
  readonly operation: string
  /** Whether it asks for a change: what a second, converged run may not send. */
  readonly isMutating: boolean
  /** The User-Agent, to tell helm's requests from the action's. */
  readonly userAgent: string
  /** The query string with its `?`, or empty. */
  readonly query: string
  /** The body as text; empty when there is none. */
  readonly body: string
  /** Of HTTP; the gRPC server behind the load balancer does not show them. */
  readonly headers?: IncomingHttpHeaders
  /** Milliseconds since the epoch. */
  readonly receivedAt: number
}

/** What a part does to matching requests in place of, or before, its answer. */
export interface Fault {
  readonly service: ServiceName
  /** Compared with `RecordedRequest.operation`: the whole of it, or a pattern. */
  readonly operation: string | RegExp
  /** Whose requests it meets, by their User-Agent; everybody's when absent. */
  readonly userAgent?: RegExp
  /** How many requests it meets before it is used up; every one when absent. */
  readonly times?: number
  /** Milliseconds to wait before going on. */
  readonly delay?: number
  /** Wait until this settles before going on: a gate that the scenario opens. */
  readonly gate?: Promise<void>
  /** Answer this error and do nothing. `code` is the AWS error code or the Kubernetes reason. */
  readonly error?: { readonly status: number; readonly code: string; readonly message: string }
  /**
   * Close the connection without an answer: before anything is done, or after the work, so that
   * only the answer is lost.
   */
  readonly reset?: true | 'after'
  /**
   * Answers in the part's place, in any way that there is: of the simulator's Kubernetes API and
   * AWS.
   */
  readonly respond?: (response: ServerResponse) => void
}

/** The request log and fault table of one world. */
export class RequestLog {
  readonly requests: RecordedRequest[] = []
  private readonly receivedListeners = new Set<(request: RecordedRequest) => void>()
  private readonly answerListeners = new Set<(request: RecordedRequest) => void>()
  private faults: (Fault & { remaining: number })[] = []
  private readonly pendingWork = new Set<Promise<unknown>>()

  /** Adds a fault; the newest that matches wins. Returns a function that takes it away. */
  injectFault(fault: Fault): () => void {
    const entry = { ...fault, remaining: fault.times ?? Infinity }
    this.faults.unshift(entry)
    return () => {
      this.faults = this.faults.filter((other) => other !== entry)
    }
  }

  /**
   * Calls back when a request was received, before anything is done, and when its answer is out.
   * Returns a function that ends it.
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

  /**
   * Remembers what a part does for a request that asks for a change, which it does also when the
   * caller is dead.
   */
  trackWork(promise: Promise<unknown>): void {
    this.pendingWork.add(promise)
    const removeWork = (): void => {
      this.pendingWork.delete(promise)
    }
    promise.then(removeWork, removeWork)
  }

  /** Settles when everything is done that was asked for so far. */
  async waitUntilIdle(): Promise<void> {
    while (this.pendingWork.size > 0) await Promise.allSettled(this.pendingWork)
  }

  /** The next request that matches. */
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
   * Records a request and waits out the delay or gate of a matching fault.
   * @param response what its answer is written to
   * @returns the fault whose `error`, `reset` or `lie` the part must now carry out, or undefined
   *   to go on as usual
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
