import { describe, expect, test } from '@jest/globals'
import {
  grpcStatusFailure,
  isUnauthenticated,
  milvusStatusFailure,
  rejectedTokenFailure,
} from '../../../src/clients/milvus/grpc-responses.ts'

describe('grpcStatusFailure', () => {
  interface Case {
    /** The versions of Milvus, and its source. */
    readonly source?: string
    readonly status: number
    readonly message: string
    readonly code: string
    readonly retryFor: number
  }
  test.each<Case>([
    {
      source: 'grpc-go, server.go',
      status: 12,
      message: 'unknown method GetVersion for service milvus.proto.milvus.MilvusService',
      code: 'probe-grpc-error',
      retryFor: 0,
    },
    {
      source: 'grpc-go, server.go',
      status: 12,
      message: 'unknown service milvus.proto.milvus.MilvusService',
      code: 'milvus-not-found',
      retryFor: 0,
    },
    {
      source: '2.1: milvus#17680, #16781',
      status: 2,
      message: 'internal: Milvus Proxy is not ready yet. please wait',
      code: 'milvus-not-ready',
      retryFor: Infinity,
    },
    {
      source: '2.2: milvus#18462, #21256',
      status: 14,
      message: 'internal: Milvus Proxy is not ready yet. please wait',
      code: 'milvus-not-ready',
      retryFor: Infinity,
    },
    {
      source: '2.3: merr.WrapErrServiceUnavailable',
      status: 2,
      message: 'internal: Milvus Proxy is not ready yet. please wait: service unavailable',
      code: 'milvus-not-ready',
      retryFor: Infinity,
    },
    {
      source: '2.4 to 2.6: merr.WrapErrServiceUnavailable, in the other order',
      status: 2,
      message: 'service unavailable: internal: Milvus Proxy is not ready yet. please wait',
      code: 'milvus-not-ready',
      retryFor: Infinity,
    },
    {
      status: 2,
      message: 'service not ready[proxy=1]: Initializing',
      code: 'milvus-not-ready',
      retryFor: Infinity,
    },
    {
      status: 2,
      message: 'proxy 1 is unhealthy',
      code: 'milvus-not-ready',
      retryFor: Infinity,
    },
    {
      status: 14,
      message: "node isn't healthy",
      code: 'milvus-not-ready',
      retryFor: Infinity,
    },
    {
      status: 14,
      message: 'upstream connect error',
      code: 'probe-grpc-error',
      retryFor: Infinity,
    },
    {
      status: 4,
      message: '',
      code: 'probe-grpc-error',
      retryFor: Infinity,
    },
    {
      status: 8,
      message: 'too many requests',
      code: 'probe-grpc-error',
      retryFor: Infinity,
    },
    {
      status: 12,
      message: 'unknown service milvus.proto.milvus.MilvusService',
      code: 'milvus-not-found',
      retryFor: 0,
    },
    {
      status: 2,
      message: 'something else',
      code: 'probe-grpc-error',
      retryFor: 0,
    },
    {
      status: 13,
      message: 'internal',
      code: 'probe-grpc-error',
      retryFor: 0,
    },
    {
      status: 7,
      message: 'PrivilegeGetVersion: permission deny to reader',
      code: 'probe-grpc-error',
      retryFor: 0,
    },
  ])('$status "$message"', ({ status, message, code, retryFor }) => {
    const failure = grpcStatusFailure('Connect', status, message)
    expect([failure.code, failure.retryFor]).toEqual([code, retryFor])
    const quotedMessage = message === '' ? '' : ` (${message})`
    expect(failure.message).toContain(`answered Connect with grpc-status ${status}${quotedMessage}`)
  })

  test.each([
    {
      status: 8,
      message: 'rate limit',
      text: /: it is overloaded, or one of its limits is reached\.$/,
    },
    { status: 13, message: 'internal', text: /\(internal\)\.$/ },
    { status: 12, message: 'unknown', text: /: it speaks gRPC but is not Milvus\.$/ },
    { status: 14, message: 'not ready', text: /: it is still starting\.$/ },
  ])('explains status $status', ({ status, message, text }) => {
    expect(grpcStatusFailure('Connect', status, message).message).toMatch(text)
  })
})

describe('isUnauthenticated: status 2 before Milvus 2.4, 16 since then', () => {
  const missing = 'missing authorization in header'
  const wrong = 'auth check failure, please check username and password are correct'
  test.each([
    { status: 16, message: '', expected: true },
    { status: 16, message: missing, expected: true },
    { status: 16, message: wrong, expected: true },
    { status: 2, message: missing, expected: true },
    { status: 2, message: wrong, expected: true },
    { status: 2, message: 'something else', expected: false },
    { status: 7, message: missing, expected: false },
    { status: 0, message: '', expected: false },
  ])('$status "$message"', ({ status, message, expected }) => {
    expect(isUnauthenticated(status, message)).toBe(expected)
  })
})

describe('milvusStatusFailure', () => {
  test.each([
    {
      code: 1,
      reason: 'service not ready[proxy=1]: Initializing',
      failure: 'milvus-not-ready',
      retryFor: Infinity,
      message: /: it is still starting\.$/,
    },
    {
      code: 2,
      reason: 'service unavailable',
      failure: 'milvus-not-ready',
      retryFor: Infinity,
      message: /: it is still starting\.$/,
    },
    {
      code: 56,
      reason: 'NotReadyServe',
      failure: 'milvus-not-ready',
      retryFor: Infinity,
      message: /^Milvus answered Connect with error code 56 \(NotReadyServe\)/,
    },
    {
      code: 5,
      reason: 'something else',
      failure: 'milvus-not-ready',
      retryFor: Infinity,
      message: /error code 5 \(something else\)\.$/,
    },
    {
      code: 9,
      reason: '',
      failure: 'milvus-not-ready',
      retryFor: Infinity,
      message: /\(no reason given\)\.$/,
    },
    {
      code: 800,
      reason: 'database not found[database=default]',
      failure: 'probe-grpc-error',
      retryFor: 20_000,
      message: /: database "default", which every Milvus has, is missing\.$/,
    },
  ])('$code "$reason"', ({ code, reason, failure: failureCode, retryFor, message }) => {
    const failure = milvusStatusFailure('Connect', code, reason)
    expect([failure.code, failure.retryFor, failure.message]).toEqual([
      failureCode,
      retryFor,
      expect.stringMatching(message),
    ])
  })
})

describe('rejectedTokenFailure', () => {
  test.each([
    {
      token: 'root:wrong',
      message: 'auth check failure, please check username and password are correct',
      problem: /^Milvus rejects milvus-token: auth check failure/,
      remedy: /^Store user:password of a Milvus user, or an API key/,
    },
    {
      token: 'a-key',
      message: 'auth check failure, please check api key is correct',
      problem: /no colon and is treated as an API key/,
      remedy: /Milvus itself has no API keys/,
    },
  ])('reports the rejection of $token', ({ token, message, problem, remedy }) => {
    const failure = rejectedTokenFailure(token, 16, message)
    expect([failure.code, failure.retryFor, failure.message, failure.remedy]).toEqual([
      'milvus-unauthenticated',
      0,
      expect.stringMatching(problem),
      expect.stringMatching(remedy),
    ])
    expect(failure.message).not.toContain(token)
  })
})
