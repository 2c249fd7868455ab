/** A failed attempt to reach Milvus through the ALB. */
import { truncate } from '../util/text.ts'
import type { FailureCode } from './codes.ts'

/** Characters. A problem may quote Milvus at any length, and known facts are appended to it. */
const maxProblemLength = 1_000

/** What is known about a failed attempt. */
export interface ProbeFailureOptions {
  readonly code: FailureCode
  readonly problem: string
  readonly remedy: string
  readonly retryFor: number
  readonly cause?: unknown
}

/** A failed attempt. It becomes an ActionError when it is not retried any longer. */
export class ProbeFailure extends Error {
  override readonly name = 'ProbeFailure'
  readonly code: FailureCode
  readonly remedy: string
  /** For how many milliseconds a retry may still succeed; 0 when it cannot. */
  readonly retryFor: number

  constructor(failure: ProbeFailureOptions) {
    super(truncate(failure.problem, maxProblemLength), { cause: failure.cause })
    this.code = failure.code
    this.remedy = failure.remedy
    this.retryFor = failure.retryFor
  }
}

/** The failure with which an attempt ends; undefined when it succeeds. */
export async function captureProbeFailure(
  attempt: () => Promise<void>,
): Promise<ProbeFailure | undefined> {
  try {
    await attempt()
    return undefined
  } catch (thrown) {
    if (thrown instanceof ProbeFailure) return thrown
    throw thrown
  }
}

/** `retryFor` of a transient failure: until probe-timeout is over. */
export const untilTimeout = Infinity

/** `retryFor` of an answer that an ALB may give for seconds, while a change reaches its nodes. */
export const propagationWindow = 20_000

/** `retryFor` of a failure that retries cannot fix. */
export const never = 0

/** `retryFor` of a failure that deserves exactly one more attempt. */
export const once = 1
