/** A call that HTTP/2 broke off: RST_STREAM for the call, GOAWAY for the connection, or neither. Source of the codes: RFC 9113, section 7. */
import { messageOf } from '../core/text.ts'
import { ProbeFailure, always } from './failures.ts'

/** How a call broke off; `code` is HTTP/2's. */
export class BrokenCall extends Error {
  override readonly name = 'BrokenCall'
  readonly frame: 'RST_STREAM' | 'GOAWAY'
  readonly code: number

  constructor(frame: 'RST_STREAM' | 'GOAWAY', code: number) {
    super(`${frame} ${meanings[code]?.name ?? `code ${code}`}`)
    this.frame = frame
    this.code = code
  }
}

const between = 'If it stays, check that no proxy between this runner and the ALB rewrites HTTP/2.'
const target = "If it stays, look into the log of Milvus' proxy, and check that the target group speaks GRPC."

interface Meaning {
  readonly name: string
  readonly means: string
  readonly remedy: string
  /** Whether a new connection can do better. */
  readonly retried: boolean
}

const meanings: Readonly<Record<number, Meaning>> = {
  // An ALB ends a connection so after 10,000 requests or at the end of its client keepalive. Source: AWS, "The load balancer sends a response code of 000".
  0: { name: 'NO_ERROR', means: 'the other side ended it in good order', remedy: between, retried: true },
  1: { name: 'PROTOCOL_ERROR', means: 'the other side found the HTTP/2 of this call wrong', remedy: between, retried: true },
  2: { name: 'INTERNAL_ERROR', means: 'the ALB or the target had a fault of its own', remedy: target, retried: true },
  3: { name: 'FLOW_CONTROL_ERROR', means: 'the other side found the HTTP/2 of this call wrong', remedy: between, retried: true },
  4: { name: 'SETTINGS_TIMEOUT', means: 'HTTP/2 was not agreed on in time', remedy: between, retried: true },
  5: { name: 'STREAM_CLOSED', means: 'the other side had ended the call already', remedy: between, retried: true },
  6: { name: 'FRAME_SIZE_ERROR', means: 'the other side found the HTTP/2 of this call wrong', remedy: between, retried: true },
  7: { name: 'REFUSED_STREAM', means: 'the call was not taken, and nothing was done', remedy: target, retried: true },
  8: { name: 'CANCEL', means: 'the ALB or the target gave the call up', remedy: target, retried: true },
  9: { name: 'COMPRESSION_ERROR', means: 'the other side could not read the headers', remedy: between, retried: true },
  11: { name: 'ENHANCE_YOUR_CALM', means: 'the other side found too much coming in', remedy: 'If it stays, look for a limit of calls or connections in a web ACL, a proxy in between, or Milvus.', retried: true },
  12: { name: 'INADEQUATE_SECURITY', means: 'the TLS of this connection is not good enough for HTTP/2', remedy: 'Choose an ssl-policy with TLS 1.2 or 1.3 and its modern ciphers, and check that nothing in between opens TLS.', retried: false },
  13: { name: 'HTTP_1_1_REQUIRED', means: 'the other side wants HTTP/1.1, over which there is no gRPC', remedy: 'Set the load balancer attribute routing.http2.enabled to true, and check that no proxy between this runner and the ALB takes HTTP/2 away.', retried: false },
}

/** The failure for a call that ended without an answer. */
export function brokenFailure(method: string, thrown: unknown): ProbeFailure {
  const meaning = thrown instanceof BrokenCall ? meanings[thrown.code] : undefined
  return new ProbeFailure({
    code: 'probe-http-error',
    problem: `The call of ${method} broke off: ${messageOf(thrown)}${meaning ? `, ${meaning.means}` : ''}.`,
    remedy: meaning?.remedy ?? 'If it stays, check that the target group speaks GRPC, and that no proxy between this runner and the ALB rewrites HTTP/2.',
    heals: meaning?.retried === false ? 0 : always,
    cause: thrown,
  })
}
