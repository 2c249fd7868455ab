/**
 * What every part of the sandbox shares: a log of the requests that reached it, and faults that a scenario asks for.
 * A part calls `traffic.take(...)` once for each request, before it does anything else.
 */
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'

/** The parts that answer requests. */
export type Part = 'kubernetes' | 'acm' | 'sts' | 'eks' | 'ec2' | 'elbv2' | 'charts' | 'alb' | 'milvus'

/** One request that reached a part. */
export interface RecordedRequest {
  readonly part: Part
  /** `METHOD /path` (Kubernetes, charts, ALB), the AWS operation (`ImportCertificate`), or the gRPC method (`Connect`). */
  readonly operation: string
  /** Whether it asks for a change: what a second, converged run may not send. */
  readonly mutating: boolean
  /** The User-Agent, to tell helm's requests from the action's. */
  readonly client: string
  /** The query string with its `?`, or empty. */
  readonly query: string
  /** The body as text; empty when there is none. */
  readonly body: string
  /** Of HTTP; the gRPC server behind the load balancer does not show them. */
  readonly headers?: IncomingHttpHeaders
  /** Milliseconds since the epoch. */
  readonly at: number
}

/** What a part does to matching requests in place of, or before, its answer. */
export interface Fault {
  readonly part: Part
  /** Compared with `RecordedRequest.operation`: the whole of it, or a pattern. */
  readonly operation: string | RegExp
  /** Whose requests it meets, by their User-Agent; everybody's when absent. */
  readonly client?: RegExp
  /** How many requests it meets before it is used up; every one when absent. */
  readonly times?: number
  /** Milliseconds to wait before going on. */
  readonly delay?: number
  /** Wait until this settles before going on: a gate that the scenario opens. */
  readonly until?: Promise<void>
  /** Answer this error and do nothing. `code` is the AWS error code or the Kubernetes reason. */
  readonly error?: { readonly status: number; readonly code: string; readonly message: string }
  /** Close the connection without an answer: before anything is done, or after the work, so that only the answer is lost. */
  readonly reset?: true | 'after'
  /** Answers in the part's place, in any way that there is: of the sandbox's Kubernetes API and AWS. */
  readonly lie?: (response: ServerResponse) => void
}

/** The request log and fault table of one world. */
export class Traffic {
  readonly requests: RecordedRequest[] = []
  private readonly listeners = new Set<(request: RecordedRequest) => void>()
  private readonly answerListeners = new Set<(request: RecordedRequest) => void>()
  private faults: (Fault & { left: number })[] = []
  private readonly works = new Set<Promise<unknown>>()

  /** Adds a fault; the newest that matches wins. Returns a function that takes it away. */
  inject(fault: Fault): () => void {
    const entry = { ...fault, left: fault.times ?? Infinity }
    this.faults.unshift(entry)
    return () => {
      this.faults = this.faults.filter((other) => other !== entry)
    }
  }

  /** Calls back when a request was received, before anything is done, and when its answer is out. Returns a function that ends it. */
  observe({ received, answered }: { received?: (request: RecordedRequest) => void; answered?: (request: RecordedRequest) => void }): () => void {
    if (received) this.listeners.add(received)
    if (answered) this.answerListeners.add(answered)
    return () => {
      if (received) this.listeners.delete(received)
      if (answered) this.answerListeners.delete(answered)
    }
  }

  /** Remembers what a part does for a request that asks for a change, which it does also when the caller is dead. */
  work(promise: Promise<unknown>): void {
    this.works.add(promise)
    const forget = (): void => { this.works.delete(promise) }
    promise.then(forget, forget)
  }

  /** Settles when everything is done that was asked for so far. */
  async idle(): Promise<void> {
    while (this.works.size > 0) await Promise.allSettled(this.works)
  }

  /** The next request that matches. */
  next(matches: (request: RecordedRequest) => boolean): Promise<RecordedRequest> {
    return new Promise((resolve) => {
      const listener = (request: RecordedRequest) => {
        if (!matches(request)) return
        this.listeners.delete(listener)
        resolve(request)
      }
      this.listeners.add(listener)
    })
  }

  /**
   * Records a request and waits out the delay or gate of a matching fault.
   * @param response what its answer is written to
   * @returns the fault whose `error`, `reset` or `lie` the part must now carry out, or undefined to go on as usual
   */
  async take(request: Omit<RecordedRequest, 'at'>, response?: ServerResponse): Promise<Fault | undefined> {
    const recorded = { ...request, at: Date.now() }
    this.requests.push(recorded)
    response?.once('finish', () => this.answerListeners.forEach((listener) => listener(recorded)))
    this.listeners.forEach((listener) => listener(recorded))
    const fault = this.faults.find((entry) => entry.left > 0 && entry.part === request.part && matches(entry.operation, request.operation) && (entry.client?.test(request.client) ?? true))
    if (!fault) return undefined
    fault.left -= 1
    if (fault.delay !== undefined) await new Promise((resolve) => setTimeout(resolve, fault.delay))
    await fault.until
    return fault.error || fault.reset || fault.lie ? fault : undefined
  }
}

function matches(pattern: string | RegExp, operation: string): boolean {
  return typeof pattern === 'string' ? pattern === operation : pattern.test(operation)
}
