/** Which failure a call without an answer is. */
import type { ProbeFailure } from '../../failures/probe-failure.ts'
import { callReset, callUnanswered, getHttp2ErrorName } from '../../failures/probe-http2.ts'
import { describeNetworkError } from './network-errors.ts'

/** A call that HTTP/2 ended: RST_STREAM for the call alone, GOAWAY for the connection. */
export class Http2CallError extends Error {
  override readonly name = 'Http2CallError'
  /** HTTP/2's. */
  readonly code: number

  constructor(frame: 'RST_STREAM' | 'GOAWAY', code: number) {
    super(`${frame} ${getHttp2ErrorName(code)}`)
    this.code = code
  }
}

/** The failure for a call that ended without an answer. */
export function callFailure(method: string, thrown: unknown): ProbeFailure {
  const call = { method, cause: thrown }
  if (thrown instanceof Http2CallError) return callReset(call, thrown.message, thrown.code)
  return callUnanswered(call, describeNetworkError(thrown))
}
