/** Injects errors, delays and lost responses into requests to a test environment. */
import type { ServerResponse } from 'node:http'
import type { ReceivedRequest, RequestLog, ServiceName } from './request-log.ts'

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
   * Closes the connection without an answer, before or after the request is processed. After it,
   * only the answer is lost.
   */
  readonly reset?: 'before' | 'after'
  /**
   * Writes an arbitrary response, such as a malformed one, instead of the service's own. Supported
   * by the simulator's Kubernetes API and AWS.
   */
  readonly respond?: (response: ServerResponse) => void
}

/** The faults of one test environment. */
export class FaultInjector {
  private faults: (Fault & { remaining: number })[] = []

  /**
   * Adds a fault. The newest matching fault applies.
   * @returns a function that removes it
   */
  inject(fault: Fault): () => void {
    const entry = { ...fault, remaining: fault.times ?? Infinity }
    this.faults.unshift(entry)
    return () => {
      this.faults = this.faults.filter((other) => other !== entry)
    }
  }

  /**
   * Waits for the delay and the gate of the fault that matches a request.
   * @returns the fault whose `error`, `reset` or `respond` the service must apply; undefined to
   *   continue normally
   */
  async apply(
    request: Pick<ReceivedRequest, 'service' | 'operation' | 'userAgent'>,
  ): Promise<Fault | undefined> {
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

/** What a service needs to record its requests and to inject faults into them. */
export interface RequestRecording {
  readonly requestLog: RequestLog
  /** No faults are injected when absent. */
  readonly faults?: FaultInjector | undefined
}

/**
 * Records a request, then applies the fault that matches it. A service calls it once per request,
 * before anything else.
 * @returns see FaultInjector.apply
 */
export async function recordRequest(
  { requestLog, faults }: RequestRecording,
  request: ReceivedRequest,
  response?: ServerResponse,
): Promise<Fault | undefined> {
  requestLog.record(request, response)
  return faults?.apply(request)
}
