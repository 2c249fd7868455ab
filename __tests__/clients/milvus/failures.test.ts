import { describe, expect, test } from '@jest/globals'
import {
  milvusStatusFailure,
  grpcStatusFailure,
  isUnauthenticated,
  rejectedTokenFailure,
} from '../../../src/clients/milvus/failures.ts'

describe('grpcFailure', () => {
  test.each<[number, string, code: string, heals: number]>([
    // 2.1: milvus#17680, #16781
    [2, 'internal: Milvus Proxy is not ready yet. please wait', 'milvus-not-ready', Infinity],
    // 2.2: milvus#18462, #21256
    [14, 'internal: Milvus Proxy is not ready yet. please wait', 'milvus-not-ready', Infinity],
    [
      2,
      'internal: Milvus Proxy is not ready yet. please wait: service unavailable',
      'milvus-not-ready',
      Infinity,
    ], // 2.3: merr.WrapErrServiceUnavailable
    [
      2,
      'service unavailable: internal: Milvus Proxy is not ready yet. please wait',
      'milvus-not-ready',
      Infinity,
    ], // 2.4 to 2.6: the same, its words the other way round
    [2, 'service not ready[proxy=1]: Initializing', 'milvus-not-ready', Infinity],
    [2, 'proxy 1 is unhealthy', 'milvus-not-ready', Infinity],
    [14, "node isn't healthy", 'milvus-not-ready', Infinity],
    [14, 'upstream connect error', 'probe-grpc-error', Infinity],
    [4, '', 'probe-grpc-error', Infinity],
    [8, 'too many requests', 'probe-grpc-error', Infinity],
    [12, 'unknown service milvus.proto.milvus.MilvusService', 'milvus-not-found', 0],
    [2, 'something else', 'probe-grpc-error', 0],
    [13, 'internal', 'probe-grpc-error', 0],
    [7, 'PrivilegeGetVersion: permission deny to reader', 'probe-grpc-error', 0],
  ])('%d %j', (status, message, code, retryFor) => {
    const failure = grpcStatusFailure('Connect', status, message)
    expect([failure.code, failure.retryFor]).toEqual([code, retryFor])
    expect(failure.message).toContain(
      message === ''
        ? `grpc-status ${status} to Connect`
        : `grpc-status ${status} (${message}) to Connect`,
    )
  })
})

test.each<[number, string, boolean]>([
  [16, '', true],
  [16, 'missing authorization in header', true],
  [16, 'auth check failure, please check username and password are correct', true],
  [2, 'missing authorization in header', true],
  [2, 'auth check failure, please check username and password are correct', true],
  [2, 'something else', false],
  [7, 'missing authorization in header', false],
  [0, '', false],
])('isUnauthenticated(%d, %j): old Milvus says 2, later ones 16', (status, message, expected) => {
  expect(isUnauthenticated(status, message)).toBe(expected)
})

test.each<[number, string, code: string, heals: number, RegExp]>([
  [1, 'service not ready[proxy=1]: Initializing', 'milvus-not-ready', Infinity, /still starting/],
  [2, 'service unavailable', 'milvus-not-ready', Infinity, /still starting/],
  [56, 'NotReadyServe', 'milvus-not-ready', Infinity, /own code 56/],
  [5, 'something else', 'milvus-not-ready', Infinity, /own code 5 \(something else\)\.$/],
  [9, '', 'milvus-not-ready', Infinity, /no reason given/],
  [
    800,
    'database not found[database=default]',
    'probe-grpc-error',
    20_000,
    /no database "default", which every Milvus has/,
  ],
])('bodyFailure(%d, %j)', (status, reason, code, retryFor, problem) => {
  const failure = milvusStatusFailure('Connect', status, reason)
  expect([failure.code, failure.retryFor, failure.message]).toEqual([
    code,
    retryFor,
    expect.stringMatching(problem),
  ])
})

test.each([
  [
    'root:wrong',
    'auth check failure, please check username and password are correct',
    /^Milvus does not accept milvus-token: auth check failure/,
    /^Give user:password of a Milvus user, or an API key/,
  ],
  [
    'a-key',
    'auth check failure, please check api key is correct',
    /no colon and is taken for an API key/,
    /knows no API keys/,
  ],
])('tokenFailure(%j)', (token, message, problem, remedy) => {
  const failure = rejectedTokenFailure(token, 16, message)
  expect([failure.code, failure.retryFor, failure.message, failure.remedy]).toEqual([
    'milvus-unauthenticated',
    0,
    expect.stringMatching(problem),
    expect.stringMatching(remedy),
  ])
  expect(failure.message).not.toContain(token)
})
