/** Whether root still has its default password: over the connection of the probe, and once. */
import { expect, test } from '@jest/globals'
import { DefaultLogin, defaultToken } from '../../../src/clients/milvus/default-login.ts'
import { probe } from '../../../src/clients/milvus/grpc-calls.ts'
import { closeAfterTest, createEndpoint, isolateConnections } from './connect-fixture.ts'
import { closeSessionAfterEachTest, frame, sendResponse } from './grpc-fixture.ts'
import { startHttp2 } from './servers.ts'

isolateConnections()
closeSessionAfterEachTest()

const healthy = frame('0a001001')

/** A Milvus that requires one of these tokens; without any, it answers everyone. */
async function startMilvus(acceptedTokens: readonly string[]) {
  const logins: string[] = []
  const server = await startHttp2((stream, { authorization = '', ':path': path = '' }) => {
    const token = Buffer.from(authorization, 'base64').toString()
    if (token === defaultToken) logins.push(path)
    const isAccepted = acceptedTokens.length === 0 || acceptedTokens.includes(token)
    const body = path.endsWith('/CheckHealth') ? healthy : undefined
    sendResponse(stream, { 'grpc-status': isAccepted ? 0 : 16 }, body)
  })
  return { logins, endpoint: createEndpoint(closeAfterTest(server).port) }
}

const { signal } = new AbortController()

test.each([
  {
    name: 'the default password, without a token',
    accepted: [defaultToken],
    expected: true,
    loginCount: 1,
  },
  { name: 'another password', accepted: ['root:other'], expected: false, loginCount: 1 },
  { name: 'no credentials at all', accepted: [], expected: false, loginCount: 0 },
])('Milvus that requires $name', async ({ accepted, expected, loginCount }) => {
  const { endpoint, logins } = await startMilvus(accepted)
  const login = new DefaultLogin()
  const attempt = () => probe(endpoint, undefined, signal, login)
  expect(await attempt()).toHaveProperty('acceptsDefaultPassword', expected)
  expect(await attempt()).toHaveProperty('acceptsDefaultPassword', expected)
  expect(logins).toHaveLength(loginCount)
})

test('is not tried unasked', async () => {
  const { endpoint, logins } = await startMilvus([defaultToken])
  const result = await probe(endpoint, undefined, signal)
  expect(result.acceptsDefaultPassword).toBe(false)
  expect(logins).toEqual([])
})
