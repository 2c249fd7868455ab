import { describe, expect, test } from '@jest/globals'
import type { ListenerSettings } from '../../../src/clients/milvus/endpoint.ts'
import { unreachableFailure } from '../../../src/clients/milvus/tcp.ts'

const createError = (code: string): Error => Object.assign(new Error(code), { code })
const createAggregateError = (...codes: string[]): AggregateError =>
  new AggregateError(codes.map(createError))
const timeoutError = new Error('no answer within 3 s')

const openListener: ListenerSettings = {
  isInternal: false,
  restrictedBy: undefined,
  sslPolicy: 'ELBSecurityPolicy-TLS13-1-2-2021-06',
  group: undefined,
}
const restriction = { restrictedBy: 'inbound-cidrs (10.0.0.0/8)' }

const createFailure = (
  addresses: readonly string[],
  thrown: Error,
  listener: Partial<ListenerSettings> = {},
) =>
  unreachableFailure(
    { address: { host: 'alb', port: 443 }, listener: { ...openListener, ...listener } },
    addresses,
    thrown,
  )

interface Case {
  readonly name: string
  readonly addresses: readonly string[]
  readonly thrown: Error
  readonly listener?: Partial<ListenerSettings>
}

describe('unreachableFailure', () => {
  describe.each<{ kind: string; remedy: RegExp; retryFor: number; cases: readonly Case[] }>([
    {
      kind: 'a closed port',
      remedy: /^Nothing listens on port 443\..*no firewall rejects the connection\.$/,
      retryFor: 60_000,
      cases: [
        {
          name: 'an ALB that refuses the connection',
          addresses: ['203.0.113.1'],
          thrown: createError('ECONNREFUSED'),
        },
        {
          name: 'an internal ALB that refuses the connection',
          addresses: ['10.0.0.7'],
          thrown: createError('ECONNREFUSED'),
          listener: { isInternal: true },
        },
        {
          name: 'a firewall that resets the connection',
          addresses: ['203.0.113.1'],
          thrown: createError('ECONNRESET'),
        },
        {
          name: 'one address that refuses and one that times out',
          addresses: ['203.0.113.1', '203.0.113.2'],
          thrown: createAggregateError('ETIMEDOUT', 'ECONNREFUSED'),
        },
        {
          name: 'a dual-stack ALB that refuses IPv4, on a runner without IPv6',
          addresses: ['2001:db8::1', '203.0.113.1'],
          thrown: createAggregateError('ENETUNREACH', 'ECONNREFUSED'),
        },
      ],
    },
    {
      kind: 'private addresses',
      remedy:
        /^The addresses are private\. Run this job on a runner inside the VPC .*probe: off.*\.$/,
      retryFor: 1,
      cases: [
        {
          name: 'IPv4',
          addresses: ['10.0.0.7', '10.0.1.8'],
          thrown: timeoutError,
        },
        {
          name: 'IPv6',
          addresses: ['fd00::7'],
          thrown: timeoutError,
        },
        {
          name: 'an internal ALB',
          addresses: ['203.0.113.1'],
          thrown: timeoutError,
          listener: { isInternal: true },
        },
      ],
    },
    {
      kind: 'private addresses with inbound-cidrs',
      remedy: /already inside, allow it with inbound-cidrs \(10\.0\.0\.0\/8\)\.$/,
      retryFor: 1,
      cases: [
        {
          name: 'an internal ALB',
          addresses: ['10.0.0.7'],
          thrown: timeoutError,
          listener: { isInternal: true, ...restriction },
        },
      ],
    },
    {
      kind: 'a runner outside inbound-cidrs',
      remedy: /^Allow this runner on port 443 with inbound-cidrs \(10\.0\.0\.0\/8\)/,
      retryFor: 10_000,
      cases: [
        {
          name: 'one address',
          addresses: ['203.0.113.1'],
          thrown: timeoutError,
          listener: restriction,
        },
        {
          name: 'several addresses',
          addresses: ['203.0.113.1', '203.0.113.2'],
          thrown: createAggregateError('ETIMEDOUT', 'ETIMEDOUT'),
          listener: restriction,
        },
        {
          name: 'a dual-stack ALB whose IPv4 times out, on a runner without IPv6',
          addresses: ['2001:db8::1', '203.0.113.1'],
          thrown: createAggregateError('ENETUNREACH', 'ETIMEDOUT'),
          listener: restriction,
        },
      ],
    },
    {
      kind: 'a timeout of unknown cause',
      remedy: /internet gateway/,
      retryFor: Infinity,
      cases: [
        {
          name: 'one address',
          addresses: ['203.0.113.1'],
          thrown: timeoutError,
        },
        {
          name: 'private and public addresses',
          addresses: ['10.0.0.7', '203.0.113.1'],
          thrown: timeoutError,
        },
      ],
    },
    {
      kind: 'no route',
      remedy: /^This runner has no route to the ALB\./,
      retryFor: 1,
      cases: [
        {
          name: 'a public ALB',
          addresses: ['203.0.113.1'],
          thrown: createError('ENETUNREACH'),
        },
        {
          name: 'an internal ALB',
          addresses: ['10.0.0.7'],
          thrown: createError('EHOSTUNREACH'),
          listener: { isInternal: true },
        },
      ],
    },
    {
      kind: 'no IPv6',
      remedy: /^The ALB has only IPv6 addresses, and this runner has no IPv6\./,
      retryFor: 1,
      cases: [
        {
          name: 'an ALB without IPv4',
          addresses: ['2001:db8::1', '2001:db8::2'],
          thrown: createAggregateError('ENETUNREACH', 'ENETUNREACH'),
        },
      ],
    },
  ])('$kind', ({ remedy, retryFor, cases }) => {
    test.each(cases)('$name', ({ addresses, thrown, listener }) => {
      const failure = createFailure(addresses, thrown, listener)
      expect([failure.code, failure.remedy, failure.retryFor]).toEqual([
        'probe-unreachable',
        expect.stringMatching(remedy),
        retryFor,
      ])
      expect(failure.message).toContain(`alb:443 (${addresses.join(', ')})`)
      expect(failure.remedy).not.toContain('undefined')
    })
  })

  test('explains only a timeout by inbound-cidrs', () => {
    const addresses = ['203.0.113.1']
    expect(createFailure(addresses, timeoutError, restriction).message).toBe(
      'Cannot connect to alb:443 (203.0.113.1): no answer within 3 s, which is how an ALB treats addresses that inbound-cidrs (10.0.0.0/8) does not allow.',
    )
    expect(createFailure(addresses, createError('ECONNREFUSED'), restriction).message).toBe(
      'Cannot connect to alb:443 (203.0.113.1): connection refused (ECONNREFUSED).',
    )
    expect(createFailure(addresses, timeoutError).message).toBe(
      'Cannot connect to alb:443 (203.0.113.1): no answer within 3 s.',
    )
  })
})
