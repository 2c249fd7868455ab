import { expect, test } from '@jest/globals'
import { Http2CallError, callFailure } from '../../../src/clients/milvus/http2-errors.ts'

test.each<{ frame: 'RST_STREAM' | 'GOAWAY'; code: number; problem: string; retryFor: number }>([
  {
    frame: 'RST_STREAM',
    code: 1,
    problem: 'the peer rejected the HTTP/2 frames of this call (RST_STREAM PROTOCOL_ERROR)',
    retryFor: Infinity,
  },
  {
    frame: 'RST_STREAM',
    code: 2,
    problem: 'the ALB or the target had an internal error (RST_STREAM INTERNAL_ERROR)',
    retryFor: Infinity,
  },
  {
    frame: 'RST_STREAM',
    code: 7,
    problem: 'the peer refused the call without processing it (RST_STREAM REFUSED_STREAM)',
    retryFor: Infinity,
  },
  {
    frame: 'RST_STREAM',
    code: 8,
    problem: 'the ALB or the target cancelled the call (RST_STREAM CANCEL)',
    retryFor: Infinity,
  },
  {
    frame: 'GOAWAY',
    code: 0,
    problem: 'the peer closed the connection gracefully (GOAWAY NO_ERROR)',
    retryFor: Infinity,
  },
  {
    frame: 'GOAWAY',
    code: 11,
    problem: 'the peer considers the traffic excessive (GOAWAY ENHANCE_YOUR_CALM)',
    retryFor: Infinity,
  },
  {
    frame: 'GOAWAY',
    code: 12,
    problem:
      'the TLS settings of this connection are too weak for HTTP/2 (GOAWAY INADEQUATE_SECURITY)',
    retryFor: 0,
  },
  {
    frame: 'RST_STREAM',
    code: 13,
    problem:
      'the peer requires HTTP/1.1, which gRPC does not support (RST_STREAM HTTP_1_1_REQUIRED)',
    retryFor: 0,
  },
  {
    frame: 'RST_STREAM',
    code: 99,
    problem: 'the peer ended it with an unknown error (RST_STREAM code 99)',
    retryFor: Infinity,
  },
])('callFailure: $frame $code', ({ frame, code, problem, retryFor }) => {
  const failure = callFailure('Connect', new Http2CallError(frame, code))
  expect([failure.code, failure.message, failure.retryFor]).toEqual([
    'probe-http-error',
    `Call Connect failed: ${problem}.`,
    retryFor,
  ])
})

test('callFailure: a call without a response', () => {
  const failure = callFailure('Connect', new Error('no complete answer within 15 s'))
  expect([failure.code, failure.message, failure.retryFor]).toEqual([
    'probe-http-error',
    'Call Connect failed: no complete answer within 15 s.',
    Infinity,
  ])
})
