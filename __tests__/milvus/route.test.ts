import { describe, expect, test } from '@jest/globals'
import type { Endpoint } from '../../src/milvus/connection.ts'
import { dnsFailure } from '../../src/milvus/names.ts'
import { unreachable } from '../../src/milvus/route.ts'

const error = (code: string, message = code): Error => Object.assign(new Error(message), code === '' ? {} : { code })
const several = (...codes: string[]): AggregateError => new AggregateError(codes.map((code) => error(code)))
const silence = error('', 'no answer within 3 s')
const address = { host: 'alb', port: 443 }
const listener: Endpoint['listener'] = { internal: false, narrowedBy: undefined, sslPolicy: 'ELBSecurityPolicy-TLS13-1-2-2021-06', group: undefined }
const cidrs = { narrowedBy: 'inbound-cidrs (10.0.0.0/8)' }

describe('unreachable: what no connection means', () => {
  test.each<[string, string[], Error, Partial<Endpoint['listener']>, RegExp, number]>([
    ['a dead ALB', ['203.0.113.1'], error('ECONNREFUSED'), {}, /^Nothing listens on port 443/, 60_000],
    ['a dead ALB that is internal', ['10.0.0.7'], error('ECONNREFUSED'), { internal: true }, /^Nothing listens/, 60_000],
    ['a firewall that resets', ['203.0.113.1'], error('ECONNRESET'), {}, /firewall/, 60_000],
    ['one address refuses, one is silent', ['203.0.113.1', '203.0.113.2'], several('ETIMEDOUT', 'ECONNREFUSED'), {}, /^Nothing listens/, 60_000],
    ['a private address', ['10.0.0.7', '10.0.1.8'], silence, {}, /^The addresses are private: run this job on a runner inside the VPC .*probe: off/, 1],
    ['a private address of IPv6', ['fd00::7'], silence, {}, /^The addresses are private/, 1],
    ['an internal ALB', ['203.0.113.1'], silence, { internal: true }, /^The addresses are private.*\.$/, 1],
    ['an internal ALB that is narrowed', ['10.0.0.7'], silence, { internal: true, ...cidrs }, /inside already, let it in with inbound-cidrs \(10\.0\.0\.0\/8\)/, 1],
    ['not every address is private', ['10.0.0.7', '203.0.113.1'], silence, {}, /internet gateway/, Infinity],
    ['a blocked source', ['203.0.113.1'], silence, cidrs, /^Let this runner in on port 443 with inbound-cidrs \(10\.0\.0\.0\/8\)/, 10_000],
    ['a blocked source, several addresses', ['203.0.113.1', '203.0.113.2'], several('ETIMEDOUT', 'ETIMEDOUT'), cidrs, /^Let this runner in/, 10_000],
    ['silence without a known reason', ['203.0.113.1'], silence, {}, /internet gateway/, Infinity],
    ['no route', ['203.0.113.1'], error('ENETUNREACH'), {}, /^This runner has no route/, 1],
    ['no route to an internal ALB', ['10.0.0.7'], error('EHOSTUNREACH'), { internal: true }, /^This runner has no route/, 1],
    ['IPv6 only, on a runner without', ['2001:db8::1', '2001:db8::2'], several('ENETUNREACH', 'ENETUNREACH'), {}, /only IPv6 addresses, and this runner no IPv6/, 1],
    ['dual stack: no IPv6 here, and IPv4 is silent', ['2001:db8::1', '203.0.113.1'], several('ENETUNREACH', 'ETIMEDOUT'), cidrs, /^Let this runner in/, 10_000],
    ['dual stack: no IPv6 here, and IPv4 refuses', ['2001:db8::1', '203.0.113.1'], several('ENETUNREACH', 'ECONNREFUSED'), {}, /^Nothing listens/, 60_000],
  ])('%s', (_, addresses, thrown, more, remedy, heals) => {
    const failure = unreachable({ address, listener: { ...listener, ...more } }, addresses, thrown)
    expect([failure.code, failure.remedy, failure.heals]).toEqual(['probe-unreachable', expect.stringMatching(remedy), heals])
    expect(failure.message).toContain(`alb:443 (${addresses.join(', ')})`)
    expect(failure.remedy).not.toContain('undefined')
  })

  test('silence is said to be a refusal only where it is one', () => {
    const say = (more: Partial<Endpoint['listener']>, thrown: Error) => unreachable({ address, listener: { ...listener, ...more } }, ['203.0.113.1'], thrown).message
    expect(say(cidrs, silence)).toBe('No TCP connection to alb:443 (203.0.113.1): no answer within 3 s, which is how an ALB refuses those whom inbound-cidrs (10.0.0.0/8) leaves out.')
    expect(say(cidrs, error('ECONNREFUSED'))).not.toContain('leaves out')
    expect(say({}, silence)).not.toContain('leaves out')
  })
})

test.each([
  ['ENOTFOUND', /^alb has no address in this runner's DNS/, /keeps "no such name" for a minute/],
  ['ENODATA', /^alb has no address in this runner's DNS/, /keeps "no such name"/],
  ['EAI_AGAIN', /^This runner's DNS does not answer for alb/, /says nothing about the ALB.*probe-address/],
  ['EAI_FAIL', /^This runner's DNS does not answer for alb/, /resolv\.conf/],
])('dnsFailure: %s', (code, problem, remedy) => {
  const failure = dnsFailure('alb', error(code))
  expect([failure.code, failure.message, failure.remedy, failure.heals]).toEqual(['probe-dns-failed', expect.stringMatching(problem), expect.stringMatching(remedy), Infinity])
})
