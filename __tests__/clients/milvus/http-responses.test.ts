import { describe, expect, test } from '@jest/globals'
import { httpStatusFailure } from '../../../src/clients/milvus/http-responses.ts'

/** What statuses have in common that the ALB itself, a web ACL or a rule sends. */
const httpError = 'probe-http-error'
const notFromAlb = /an ALB never sends this status itself/

// The statuses of AWS, "Troubleshoot your Application Load Balancers", and others that a web ACL, a
// rule or something in between may send.
describe('httpStatusFailure', () => {
  test.each<{ status: number; code: string; problem: RegExp; retryFor: number }>([
    { status: 200, code: 'milvus-not-found', problem: /does not speak gRPC/, retryFor: 0 },
    { status: 301, code: httpError, problem: /redirects/, retryFor: 0 },
    { status: 302, code: httpError, problem: /requires users to log in/, retryFor: 0 },
    { status: 400, code: httpError, problem: /malformed/, retryFor: 0 },
    { status: 401, code: httpError, problem: /authenticates users/, retryFor: 0 },
    { status: 403, code: httpError, problem: /web ACL/, retryFor: 0 },
    { status: 404, code: 'probe-not-routed', problem: /no listener rule/, retryFor: 20_000 },
    { status: 405, code: httpError, problem: /gRPC uses POST/, retryFor: 0 },
    { status: 408, code: httpError, problem: /idle timeout/, retryFor: Infinity },
    { status: 413, code: httpError, problem: /Lambda/, retryFor: 0 },
    { status: 414, code: httpError, problem: /too long/, retryFor: 0 },
    { status: 429, code: httpError, problem: /too many requests/, retryFor: Infinity },
    { status: 431, code: httpError, problem: notFromAlb, retryFor: 0 },
    { status: 460, code: httpError, problem: /closed while the ALB waited/, retryFor: Infinity },
    { status: 461, code: httpError, problem: notFromAlb, retryFor: 0 },
    { status: 463, code: httpError, problem: /more than 30 addresses/, retryFor: 0 },
    { status: 464, code: 'probe-protocol-mismatch', problem: /protocol version/, retryFor: 0 },
    { status: 495, code: httpError, problem: notFromAlb, retryFor: 0 },
    { status: 500, code: httpError, problem: /AWS WAF web ACL failed/, retryFor: Infinity },
    { status: 501, code: httpError, problem: /Transfer-Encoding/, retryFor: 0 },
    { status: 502, code: 'probe-target-failed', problem: /refused/, retryFor: Infinity },
    { status: 503, code: 'probe-no-targets', problem: /no target is reg/, retryFor: Infinity },
    {
      status: 504,
      code: 'probe-target-timeout',
      problem: /not answer in time/,
      retryFor: Infinity,
    },
    { status: 505, code: httpError, problem: /another HTTP version/, retryFor: 0 },
    { status: 507, code: httpError, problem: /did not forward the call/, retryFor: Infinity },
    { status: 561, code: httpError, problem: /identity provider/, retryFor: 0 },
  ])('HTTP $status', ({ status, code, problem, retryFor }) => {
    const failure = httpStatusFailure({
      httpStatus: status,
      contentType: 'text/html',
      server: 'awselb/2.0',
      text: '<html>',
    })
    expect([failure.code, failure.message, failure.retryFor]).toEqual([
      code,
      expect.stringMatching(problem),
      retryFor,
    ])
    expect(failure.message).toContain(`HTTP ${status}`)
    expect(failure.message).toContain('(awselb/2.0)')
    expect(failure.remedy).toMatch(/\.$/)
  })

  test("reports a missing Service for a 503 with the controller's text", () => {
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

  test('describes a response without a server name and a content type', () => {
    const unnamed = { contentType: '', server: '', text: '' }
    expect(httpStatusFailure({ httpStatus: 200, ...unnamed }).message).toBe(
      'The server behind the ALB does not speak gRPC: it answered HTTP 200 with content type unknown instead of application/grpc.',
    )
    expect(httpStatusFailure({ httpStatus: 502, ...unnamed }).message).toMatch(
      /^The ALB answered HTTP 502: /,
    )
  })
})
