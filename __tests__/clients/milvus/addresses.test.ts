/** What connections to the addresses of an endpoint say about it. */
import { expect, test } from '@jest/globals'
import { evaluateAddresses, type ConnectedAddress } from '../../../src/clients/milvus/addresses.ts'
import { unreachableFailure } from '../../../src/clients/milvus/tcp.ts'
import { http2Missing } from '../../../src/failures/probe-tls.ts'
import { createEndpoint, isolateConnections } from './connect-fixture.ts'

isolateConnections()

const endpoint = createEndpoint(443)
const createError = (code: string): Error => Object.assign(new Error(code), { code })
const silent = unreachableFailure(endpoint, ['192.0.2.1'], new Error('no answer within 3 s'))
const refused = unreachableFailure(endpoint, ['192.0.2.1'], createError('ECONNREFUSED'))
const withoutRoute = unreachableFailure(endpoint, ['2001:db8::1'], createError('ENETUNREACH'))
const wrongProtocol = http2Missing('http/1.1')

const works = (family: number): ConnectedAddress => ({ family, isOpen: true, failure: undefined })
const fails = (family: number, failure = silent): ConnectedAddress => ({
  family,
  isOpen: false,
  failure,
})

const cases: readonly {
  readonly name: string
  readonly connected: readonly ConnectedAddress[]
  readonly expected: Partial<ReturnType<typeof evaluateAddresses>>
}[] = [
  {
    name: 'all work',
    connected: [works(4), works(4)],
    expected: { addresses: { working: 2, total: 2 } },
  },
  {
    name: 'one of two does not',
    connected: [works(4), fails(4)],
    expected: { addresses: { working: 1, total: 2 }, failures: [silent] },
  },
  {
    name: 'none works',
    connected: [fails(4), fails(4, refused)],
    expected: { addresses: { working: 0, total: 2 }, failures: [silent, refused] },
  },
  {
    name: 'the second connection to a working address fails',
    connected: [{ family: 4, isOpen: true, failure: refused }],
    expected: { addresses: { working: 1, total: 1 } },
  },
  {
    name: 'this runner has no route to some',
    connected: [works(4), fails(6, withoutRoute)],
    expected: { addresses: { working: 1, total: 1 } },
  },
  {
    name: 'this runner has a route to none',
    connected: [fails(6, withoutRoute), fails(6, withoutRoute)],
    expected: { addresses: { working: 0, total: 2 }, failures: [withoutRoute, withoutRoute] },
  },
  {
    name: 'this runner has no route to some, and the others do not work',
    connected: [fails(4), fails(6, withoutRoute)],
    expected: { addresses: { working: 0, total: 1 }, failures: [silent] },
  },
  {
    name: 'none of a family accepts connections',
    connected: [works(4), works(4), fails(6), fails(6, refused)],
    expected: {
      addresses: { working: 2, total: 2 },
      unreachableFamilies: [{ name: 'IPv6', failures: [silent, refused] }],
    },
  },
  {
    name: 'none with IPv4 accepts connections',
    connected: [fails(4), works(6)],
    expected: {
      addresses: { working: 1, total: 1 },
      unreachableFamilies: [{ name: 'IPv4', failures: [silent] }],
    },
  },
  {
    name: 'some of a family accept connections',
    connected: [works(4), works(6), fails(6)],
    expected: { addresses: { working: 2, total: 3 }, failures: [silent] },
  },
  {
    name: 'a family accepts connections and fails later',
    connected: [works(4), fails(6, wrongProtocol), fails(6)],
    expected: { addresses: { working: 1, total: 3 }, failures: [wrongProtocol, silent] },
  },
  {
    name: 'no family works',
    connected: [fails(4), fails(6)],
    expected: { addresses: { working: 0, total: 2 }, failures: [silent, silent] },
  },
]

test.each(cases)('evaluateAddresses: $name', ({ connected, expected }) => {
  expect(evaluateAddresses(connected)).toEqual({
    failures: [],
    unreachableFamilies: [],
    ...expected,
  })
})
