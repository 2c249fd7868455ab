/**
 * A call that ended without an answer: RST_STREAM for the call, GOAWAY for the connection, or
 * neither. Source of the codes: RFC 9113, section 7.
 */
import { ProbeFailure, never, untilTimeout } from './probe-failure.ts'

interface Http2Error {
  readonly name: string
  readonly explanation: string
  readonly remedy: string
  readonly retryFor: number
}

const checkProxyRemedy =
  'If the failure persists, check that no proxy between this runner and the ALB rewrites HTTP/2.'
const checkTargetRemedy =
  "If the failure persists, check the log of the Milvus proxy, and check that the target group's protocol version is GRPC."

const http2Errors: Readonly<Record<number, Http2Error>> = {
  // An ALB ends a connection like this after 10,000 requests, or at the end of its client
  // keepalive. Source: AWS, "The load balancer sends a response code of 000".
  0: {
    name: 'NO_ERROR',
    explanation: 'the peer closed the connection gracefully',
    remedy: checkProxyRemedy,
    retryFor: untilTimeout,
  },
  1: {
    name: 'PROTOCOL_ERROR',
    explanation: 'the peer rejected the HTTP/2 frames of this call',
    remedy: checkProxyRemedy,
    retryFor: untilTimeout,
  },
  2: {
    name: 'INTERNAL_ERROR',
    explanation: 'the ALB or the target had an internal error',
    remedy: checkTargetRemedy,
    retryFor: untilTimeout,
  },
  3: {
    name: 'FLOW_CONTROL_ERROR',
    explanation: 'the peer rejected the HTTP/2 flow control of this call',
    remedy: checkProxyRemedy,
    retryFor: untilTimeout,
  },
  4: {
    name: 'SETTINGS_TIMEOUT',
    explanation: 'the HTTP/2 settings were not acknowledged in time',
    remedy: checkProxyRemedy,
    retryFor: untilTimeout,
  },
  5: {
    name: 'STREAM_CLOSED',
    explanation: 'the peer had already ended the call',
    remedy: checkProxyRemedy,
    retryFor: untilTimeout,
  },
  6: {
    name: 'FRAME_SIZE_ERROR',
    explanation: 'the peer rejected the HTTP/2 frame size of this call',
    remedy: checkProxyRemedy,
    retryFor: untilTimeout,
  },
  7: {
    name: 'REFUSED_STREAM',
    explanation: 'the peer refused the call without processing it',
    remedy: checkTargetRemedy,
    retryFor: untilTimeout,
  },
  8: {
    name: 'CANCEL',
    explanation: 'the ALB or the target cancelled the call',
    remedy: checkTargetRemedy,
    retryFor: untilTimeout,
  },
  9: {
    name: 'COMPRESSION_ERROR',
    explanation: 'the peer could not decompress the headers',
    remedy: checkProxyRemedy,
    retryFor: untilTimeout,
  },
  11: {
    name: 'ENHANCE_YOUR_CALM',
    explanation: 'the peer considers the traffic excessive',
    remedy:
      'If the failure persists, look for a limit of calls or connections in a web ACL, a proxy in between, or Milvus.',
    retryFor: untilTimeout,
  },
  12: {
    name: 'INADEQUATE_SECURITY',
    explanation: 'the TLS settings of this connection are too weak for HTTP/2',
    remedy:
      'Choose an ssl-policy with TLS 1.2 or 1.3 and modern ciphers, and check that nothing in between terminates TLS.',
    retryFor: never,
  },
  13: {
    name: 'HTTP_1_1_REQUIRED',
    explanation: 'the peer requires HTTP/1.1, which gRPC does not support',
    remedy:
      'Set the load balancer attribute routing.http2.enabled to true, and check that no proxy between this runner and the ALB downgrades HTTP/2.',
    retryFor: never,
  },
}

const otherHttp2Error = {
  explanation: 'the peer ended it with an unknown error',
  remedy: checkProxyRemedy,
  retryFor: untilTimeout,
}

/** The name of an HTTP/2 error code, such as "CANCEL"; "code 99" for an unknown one. */
export const getHttp2ErrorName = (code: number): string => http2Errors[code]?.name ?? `code ${code}`

/** A call that ended without an answer. */
export interface FailedCall {
  /** The gRPC method. */
  readonly method: string
  readonly cause: unknown
}

/**
 * @param frame such as "RST_STREAM CANCEL"
 * @param code HTTP/2's
 */
export function callReset(call: FailedCall, frame: string, code: number): ProbeFailure {
  const { explanation, remedy, retryFor } = http2Errors[code] ?? otherHttp2Error
  return new ProbeFailure({
    code: 'probe-http-error',
    problem: `Call ${call.method} failed: ${explanation} (${frame}).`,
    remedy,
    retryFor,
    cause: call.cause,
  })
}

/** @param reason a phrase such as "no complete answer within 15 s" */
export function callUnanswered(call: FailedCall, reason: string): ProbeFailure {
  return new ProbeFailure({
    code: 'probe-http-error',
    problem: `Call ${call.method} failed: ${reason}.`,
    remedy:
      "If the failure persists, check that the target group's protocol version is GRPC, and that no proxy between this runner and the ALB rewrites HTTP/2.",
    retryFor: untilTimeout,
    cause: call.cause,
  })
}
