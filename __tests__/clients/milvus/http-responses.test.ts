import { expect, test } from '@jest/globals'
import { httpStatusFailure } from '../../../src/clients/milvus/http-responses.ts'

// Those of AWS, "Troubleshoot your Application Load Balancers", and those that a web ACL, a rule or
// something in between may add.
test.each<[number, code: string, RegExp, heals: number]>([
  [200, 'milvus-not-found', /HTTP 200 of type text\/html.*not a gRPC server/, 0],
  [301, 'probe-http-error', /redirects/, 0],
  [302, 'probe-http-error', /asks users to log in/, 0],
  [400, 'probe-http-error', /malformed/, 0],
  [401, 'probe-http-error', /authenticates users/, 0],
  [403, 'probe-http-error', /web ACL/, 0],
  [404, 'probe-not-routed', /no rule/, 20_000],
  [405, 'probe-http-error', /a call of gRPC is a POST/, 0],
  [408, 'probe-http-error', /idle timeout/, Infinity],
  [413, 'probe-http-error', /Lambda/, 0],
  [414, 'probe-http-error', /too long/, 0],
  [429, 'probe-http-error', /too many requests/, Infinity],
  [431, 'probe-http-error', /by itself never says that/, 0],
  [460, 'probe-http-error', /closed while the ALB waited/, Infinity],
  [461, 'probe-http-error', /by itself never says that/, 0],
  [463, 'probe-http-error', /more than 30 addresses/, 0],
  [464, 'probe-protocol-mismatch', /protocol version/, 0],
  [495, 'probe-http-error', /by itself never says that/, 0],
  [500, 'probe-http-error', /web ACL of AWS WAF failed/, Infinity],
  [501, 'probe-http-error', /Transfer-Encoding/, 0],
  [502, 'probe-target-failed', /refused the connection/, Infinity],
  [503, 'probe-no-targets', /no target is registered/, Infinity],
  [504, 'probe-target-timeout', /did not answer in time/, Infinity],
  [505, 'probe-http-error', /another HTTP version/, 0],
  [507, 'probe-http-error', /did not pass the call on/, Infinity],
  [561, 'probe-http-error', /identity provider/, 0],
])('HTTP %d', (httpStatus, code, problem, retryFor) => {
  const failure = httpStatusFailure({
    httpStatus,
    contentType: 'text/html',
    server: 'awselb/2.0',
    text: '<html>',
  })
  expect([failure.code, failure.message, failure.retryFor]).toEqual([
    code,
    expect.stringMatching(problem),
    retryFor,
  ])
  expect(failure.message).toContain(`HTTP ${httpStatus}`)
  expect(failure.message).toContain('(awselb/2.0)')
  expect(failure.remedy).toMatch(/\.$/)
})

test("503 with the controller's own words: the Service is gone", () => {
  const { code, message, retryFor } = httpStatusFailure({
    httpStatus: 503,
    contentType: 'text/plain',
    server: 'awselb/2.0',
    text: 'Backend service does not exist',
  })
  expect([code, message, retryFor]).toEqual([
    'probe-no-targets',
    'The ALB answered HTTP 503 (awselb/2.0): the Service that the Ingress names does not exist.',
    20_000,
  ])
})

test('a server without a name, an answer without a type', () => {
  expect(
    httpStatusFailure({ httpStatus: 200, contentType: '', server: '', text: '' }).message,
  ).toBe(
    "The ALB's answer is HTTP 200 of type unknown without a grpc-status: what answers is not a gRPC server.",
  )
  expect(
    httpStatusFailure({ httpStatus: 502, contentType: '', server: '', text: '' }).message,
  ).toMatch(/^The ALB answered HTTP 502: /)
})
