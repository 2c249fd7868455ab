import { expect, test } from '@jest/globals'
import {
  addressesFailed,
  callsFailed,
  describeEarlierFailure,
  describeUnreachableFamily,
} from '../../src/failures/probe-partial.ts'
import { connectionRefused } from '../../src/failures/probe-connection.ts'
import { httpError } from '../../src/failures/probe-http.ts'

const badGateway = httpError({ status: 502, server: 'awselb/2.0' })
const timeout = httpError({ status: 504, server: 'awselb/2.0' })
const refused = (address: string) =>
  connectionRefused({
    host: address,
    port: 443,
    addresses: [address],
    reason: 'connection refused (ECONNREFUSED)',
    cause: undefined,
  })

test('calls that fail in several ways are counted by their reason', () => {
  const { code, message, remedy } = callsFailed([badGateway, timeout, badGateway], 20)
  expect(code).toBe('probe-calls-failed')
  expect(message).toMatch(
    /^Milvus answers through the ALB, but 3 of 20 calls failed\. 2 times: The ALB answered HTTP 502 .*\. 1 time: The ALB answered HTTP 504 /,
  )
  expect(remedy).toBe(`${badGateway.remedy} ${timeout.remedy}`)
})

test.each([
  {
    name: 'one of two',
    failures: [refused('192.0.2.1')],
    total: 2,
    expected: "1 of the endpoint's 2 addresses does not work, so some clients wait or fail: ",
  },
  {
    name: 'two of three',
    failures: [refused('192.0.2.1'), refused('192.0.2.2')],
    total: 3,
    expected: "2 of the endpoint's 3 addresses do not work, so some clients wait or fail: ",
  },
  {
    name: 'behind a proxy',
    failures: [refused('192.0.2.1')],
    total: undefined,
    expected: 'A second connection through the proxy fails, so some clients wait or fail: ',
  },
])('addresses that do not work are named: $name', ({ failures, total, expected }) => {
  const { code, message, remedy } = addressesFailed(failures, total)
  expect(code).toBe('probe-address-failed')
  expect(message).toBe(expected + failures.map((failure) => failure.message).join(' '))
  expect(remedy).toBe(failures[0]?.remedy)
})

test('what failed at first is a note', () => {
  expect(describeEarlierFailure(badGateway)).toBe(
    `Some calls or addresses failed at first, and none in the last round: ${badGateway.message} If a later run notes it too, the endpoint is unstable.`,
  )
})

test.each([
  {
    failures: [refused('2001:db8::1')],
    subject: 'the only IPv6 address',
  },
  {
    failures: [refused('2001:db8::1'), refused('2001:db8::2')],
    subject: 'any of the 2 IPv6 addresses',
  },
])('a family that this runner cannot reach is a note: $subject', ({ failures, subject }) => {
  const reasons = failures.map(({ message }) => message).join(' ')
  expect(describeUnreachableFamily('IPv6', failures)).toBe(
    `This runner cannot connect to ${subject}, so IPv6 was not tested: ${reasons} If clients use IPv6, check that the inbound rules allow it.`,
  )
})
