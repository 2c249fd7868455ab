import { describe, expect, test } from '@jest/globals'
import { grpcFailure, httpFailure, isUnauthenticated } from '../../src/milvus/failures.ts'

describe('httpFailure: what an ALB answers itself', () => {
  test.each<[number, code: string, RegExp, heals: number]>([
    [400, 'probe-http-error', /HTTP 400.*malformed/, 0],
    [403, 'probe-http-error', /HTTP 403.*web ACL/, 0],
    [404, 'probe-not-routed', /HTTP 404.*no rule/, 20_000],
    [464, 'probe-protocol-mismatch', /HTTP 464.*protocol version/, 0],
    [502, 'probe-target-failed', /HTTP 502/, Infinity],
    [503, 'probe-no-targets', /HTTP 503/, Infinity],
    [504, 'probe-target-timeout', /HTTP 504/, Infinity],
    [500, 'probe-http-error', /HTTP 500.*did not pass the call on/, Infinity],
    [301, 'probe-http-error', /HTTP 301/, 0],
    [429, 'probe-http-error', /HTTP 429/, 0],
    [200, 'milvus-not-found', /HTTP 200 of type text\/html.*not a gRPC server/, 0],
  ])('%d', (status, code, problem, heals) => {
    const failure = httpFailure(status, 'text/html', 'awselb/2.0')
    expect([failure.code, failure.message, failure.heals]).toEqual([code, expect.stringMatching(problem), heals])
    expect(failure.message).toContain('(awselb/2.0)')
    expect(failure.remedy).toMatch(/\.$/)
  })

  test('a server without a name, an answer without a type', () => {
    expect(httpFailure(200, '', '').message).toBe("The ALB's answer is HTTP 200 of type unknown without a grpc-status: what answers is not a gRPC server.")
    expect(httpFailure(502, '', '').message).toMatch(/^The ALB answered HTTP 502: /)
  })
})

describe('grpcFailure', () => {
  test.each<[number, string, code: string, heals: number]>([
    [2, 'internal: Milvus Proxy is not ready yet. please wait', 'milvus-not-ready', Infinity],
    [14, 'internal: Milvus Proxy is not ready yet. please wait', 'milvus-not-ready', Infinity],
    [14, "node isn't healthy", 'milvus-not-ready', Infinity],
    [14, 'upstream connect error', 'probe-grpc-error', Infinity],
    [4, '', 'probe-grpc-error', Infinity],
    [8, 'too many requests', 'probe-grpc-error', Infinity],
    [12, 'unknown service milvus.proto.milvus.MilvusService', 'milvus-not-found', 0],
    [2, 'something else', 'probe-grpc-error', 0],
    [13, 'internal', 'probe-grpc-error', 0],
    [7, 'permission denied', 'probe-grpc-error', 0],
  ])('%d %j', (status, message, code, heals) => {
    const failure = grpcFailure('Connect', status, message)
    expect([failure.code, failure.heals]).toEqual([code, heals])
    expect(failure.message).toContain(message === '' ? `grpc-status ${status} to Connect` : `grpc-status ${status} (${message}) to Connect`)
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
