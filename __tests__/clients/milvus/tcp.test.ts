import { describe, expect, test } from '@jest/globals'
import type { Endpoint } from '../../../src/clients/milvus/connection.ts'
import { dnsFailure } from '../../../src/clients/milvus/dns.ts'
import { unreachableFailure } from '../../../src/clients/milvus/tcp.ts'

const createError = (code: string, message = code): Error =>
  Object.assign(new Error(message), code === '' ? {} : { code })
const createAggregateError = (...codes: string[]): AggregateError =>
  new AggregateError(codes.map((code) => createError(code)))
const timeoutError = createError('', 'no answer within 3 s')
const address = { host: 'alb', port: 443 }
const listener: Endpoint['listener'] = {
  isInternal: false,
  restrictedBy: undefined,
  sslPolicy: 'ELBSecurityPolicy-TLS13-1-2-2021-06',
  group: undefined,
}
const narrowedListener = { restrictedBy: 'inbound-cidrs (10.0.0.0/8)' }

describe('unreachable: what no connection means', () => {
  test.each<[string, string[], Error, Partial<Endpoint['listener']>, RegExp, number]>([
    [
      'a dead ALB',
      ['203.0.113.1'],
      createError('ECONNREFUSED'),
      {},
      /^Nothing listens on port 443/,
      60_000,
    ],
    [
      'a dead ALB that is internal',
      ['10.0.0.7'],
      createError('ECONNREFUSED'),
      { isInternal: true },
      /^Nothing listens/,
      60_000,
    ],
    ['a firewall that resets', ['203.0.113.1'], createError('ECONNRESET'), {}, /firewall/, 60_000],
    [
      'one address refuses, one is silent',
      ['203.0.113.1', '203.0.113.2'],
      createAggregateError('ETIMEDOUT', 'ECONNREFUSED'),
      {},
      /^Nothing listens/,
      60_000,
    ],
    [
      'a private address',
      ['10.0.0.7', '10.0.1.8'],
      timeoutError,
      {},
      /^The addresses are private: run this job on a runner inside the VPC .*probe: off/,
      1,
    ],
    ['a private address of IPv6', ['fd00::7'], timeoutError, {}, /^The addresses are private/, 1],
    [
      'an internal ALB',
      ['203.0.113.1'],
      timeoutError,
      { isInternal: true },
      /^The addresses are private.*\.$/,
      1,
    ],
    [
      'an internal ALB that is narrowed',
      ['10.0.0.7'],
      timeoutError,
      { isInternal: true, ...narrowedListener },
      /inside already, let it in with inbound-cidrs \(10\.0\.0\.0\/8\)/,
      1,
    ],
    [
      'not every address is private',
      ['10.0.0.7', '203.0.113.1'],
      timeoutError,
      {},
      /internet gateway/,
      Infinity,
    ],
    [
      'a blocked source',
      ['203.0.113.1'],
      timeoutError,
      narrowedListener,
      /^Let this runner in on port 443 with inbound-cidrs \(10\.0\.0\.0\/8\)/,
      10_000,
    ],
    [
      'a blocked source, several addresses',
      ['203.0.113.1', '203.0.113.2'],
      createAggregateError('ETIMEDOUT', 'ETIMEDOUT'),
      narrowedListener,
      /^Let this runner in/,
      10_000,
    ],
    [
      'silence without a known reason',
      ['203.0.113.1'],
      timeoutError,
      {},
      /internet gateway/,
      Infinity,
    ],
    ['no route', ['203.0.113.1'], createError('ENETUNREACH'), {}, /^This runner has no route/, 1],
    [
      'no route to an internal ALB',
      ['10.0.0.7'],
      createError('EHOSTUNREACH'),
      { isInternal: true },
      /^This runner has no route/,
      1,
    ],
    [
      'IPv6 only, on a runner without',
      ['2001:db8::1', '2001:db8::2'],
      createAggregateError('ENETUNREACH', 'ENETUNREACH'),
      {},
      /only IPv6 addresses, and this runner no IPv6/,
      1,
    ],
    [
      'dual stack: no IPv6 here, and IPv4 is silent',
      ['2001:db8::1', '203.0.113.1'],
      createAggregateError('ENETUNREACH', 'ETIMEDOUT'),
      narrowedListener,
      /^Let this runner in/,
      10_000,
    ],
    [
      'dual stack: no IPv6 here, and IPv4 refuses',
      ['2001:db8::1', '203.0.113.1'],
      createAggregateError('ENETUNREACH', 'ECONNREFUSED'),
      {},
      /^Nothing listens/,
      60_000,
    ],
  ])('%s', (_, addresses, thrown, overrides, remedy, retryFor) => {
    const failure = unreachableFailure(
      { address, listener: { ...listener, ...overrides } },
      addresses,
      thrown,
    )
    expect([failure.code, failure.remedy, failure.retryFor]).toEqual([
      'probe-unreachable',
      expect.stringMatching(remedy),
      retryFor,
    ])
    expect(failure.message).toContain(`alb:443 (${addresses.join(', ')})`)
    expect(failure.remedy).not.toContain('undefined')
  })

  test('silence is said to be a refusal only where it is one', () => {
    const describeUnreachable = (overrides: Partial<Endpoint['listener']>, thrown: Error) =>
      unreachableFailure(
        { address, listener: { ...listener, ...overrides } },
        ['203.0.113.1'],
        thrown,
      ).message
    expect(describeUnreachable(narrowedListener, timeoutError)).toBe(
      'No TCP connection to alb:443 (203.0.113.1): no answer within 3 s, which is how an ALB refuses those whom inbound-cidrs (10.0.0.0/8) leaves out.',
    )
    expect(describeUnreachable(narrowedListener, createError('ECONNREFUSED'))).not.toContain(
      'leaves out',
    )
    expect(describeUnreachable({}, timeoutError)).not.toContain('leaves out')
  })
})

test.each([
  ['ENOTFOUND', /^alb has no address in this runner's DNS/, /keeps "no such name" for a minute/],
  ['ENODATA', /^alb has no address in this runner's DNS/, /keeps "no such name"/],
  [
    'EAI_AGAIN',
    /^This runner's DNS does not answer for alb/,
    /says nothing about the ALB.*probe-address/,
  ],
  ['EAI_FAIL', /^This runner's DNS does not answer for alb/, /resolv\.conf/],
])('dnsFailure: %s', (code, problem, remedy) => {
  const failure = dnsFailure('alb', createError(code))
  expect([failure.code, failure.message, failure.remedy, failure.retryFor]).toEqual([
    'probe-dns-failed',
    expect.stringMatching(problem),
    expect.stringMatching(remedy),
    Infinity,
  ])
})
