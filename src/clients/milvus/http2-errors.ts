/**
 * A call that HTTP/2 broke off: RST_STREAM for the call, GOAWAY for the connection, or neither.
 * Source of the codes: RFC 9113, section 7.
 */
import { getErrorMessage } from '../../util/text.ts'
import { ProbeFailure, untilTimeout } from './failures.ts'

/** How a call broke off; `code` is HTTP/2's. */
export class Http2CallError extends Error {
  override readonly name = 'BrokenCall'
  readonly frame: 'RST_STREAM' | 'GOAWAY'
  readonly code: number

  constructor(frame: 'RST_STREAM' | 'GOAWAY', code: number) {
    super(`${frame} ${http2ErrorCodes[code]?.name ?? `code ${code}`}`)
    this.frame = frame
    this.code = code
  }
}

const checkProxyRemedy =
  'If it stays, check that no proxy between this runner and the ALB rewrites HTTP/2.'
const checkTargetRemedy =
  "If it stays, look into the log of Milvus' proxy, and check that the target group speaks GRPC."

interface Http2ErrorCode {
  readonly name: string
  readonly explanation: string
  readonly remedy: string
  /** Whether a new connection can do better. */
  readonly isRetryable: boolean
}

const http2ErrorCodes: Readonly<Record<number, Http2ErrorCode>> = {
  // An ALB ends a connection so after 10,000 requests or at the end of its client keepalive.
  // Source: AWS, "The load balancer sends a response code of 000".
  0: {
    name: 'NO_ERROR',
    explanation: 'the other side ended it in good order',
    remedy: checkProxyRemedy,
    isRetryable: true,
  },
  1: {
    name: 'PROTOCOL_ERROR',
    explanation: 'the other side found the HTTP/2 of this call wrong',
    remedy: checkProxyRemedy,
    isRetryable: true,
  },
  2: {
    name: 'INTERNAL_ERROR',
    explanation: 'the ALB or the target had a fault of its own',
    remedy: checkTargetRemedy,
    isRetryable: true,
  },
  3: {
    name: 'FLOW_CONTROL_ERROR',
    explanation: 'the other side found the HTTP/2 of this call wrong',
    remedy: checkProxyRemedy,
    isRetryable: true,
  },
  4: {
    name: 'SETTINGS_TIMEOUT',
    explanation: 'HTTP/2 was not agreed on in time',
    remedy: checkProxyRemedy,
    isRetryable: true,
  },
  5: {
    name: 'STREAM_CLOSED',
    explanation: 'the other side had ended the call already',
    remedy: checkProxyRemedy,
    isRetryable: true,
  },
  6: {
    name: 'FRAME_SIZE_ERROR',
    explanation: 'the other side found the HTTP/2 of this call wrong',
    remedy: checkProxyRemedy,
    isRetryable: true,
  },
  7: {
    name: 'REFUSED_STREAM',
    explanation: 'the call was not taken, and nothing was done',
    remedy: checkTargetRemedy,
    isRetryable: true,
  },
  8: {
    name: 'CANCEL',
    explanation: 'the ALB or the target gave the call up',
    remedy: checkTargetRemedy,
    isRetryable: true,
  },
  9: {
    name: 'COMPRESSION_ERROR',
    explanation: 'the other side could not read the headers',
    remedy: checkProxyRemedy,
    isRetryable: true,
  },
  11: {
    name: 'ENHANCE_YOUR_CALM',
    explanation: 'the other side found too much coming in',
    remedy:
      'If it stays, look for a limit of calls or connections in a web ACL, a proxy in between, or Milvus.',
    isRetryable: true,
  },
  12: {
    name: 'INADEQUATE_SECURITY',
    explanation: 'the TLS of this connection is not good enough for HTTP/2',
    remedy:
      'Choose an ssl-policy with TLS 1.2 or 1.3 and its modern ciphers, and check that nothing in between opens TLS.',
    isRetryable: false,
  },
  13: {
    name: 'HTTP_1_1_REQUIRED',
    explanation: 'the other side wants HTTP/1.1, over which there is no gRPC',
    remedy:
      'Set the load balancer attribute routing.http2.enabled to true, and check that no proxy between this runner and the ALB takes HTTP/2 away.',
    isRetryable: false,
  },
}

/** The failure for a call that ended without an answer. */
export function brokenCallFailure(method: string, thrown: unknown): ProbeFailure {
  const knownError = thrown instanceof Http2CallError ? http2ErrorCodes[thrown.code] : undefined
  return new ProbeFailure({
    code: 'probe-http-error',
    problem: `The call of ${method} broke off: ${getErrorMessage(thrown)}${knownError ? `, ${knownError.explanation}` : ''}.`,
    remedy:
      knownError?.remedy ??
      'If it stays, check that the target group speaks GRPC, and that no proxy between this runner and the ALB rewrites HTTP/2.',
    retryFor: knownError?.isRetryable === false ? 0 : untilTimeout,
    cause: thrown,
  })
}
