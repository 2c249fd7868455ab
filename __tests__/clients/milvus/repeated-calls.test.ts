/** Calls to an endpoint, over several connections. */
import { expect, test } from '@jest/globals'
import { confirm } from '../../../src/clients/milvus/repeated-calls.ts'
import { closeAfterTest, createEndpoint, isolateConnections } from './connect-fixture.ts'
import { closeSessionAfterEachTest, sendResponse } from './grpc-fixture.ts'
import { startHttp2 } from './servers.ts'

isolateConnections()
closeSessionAfterEachTest()

test.each([
  { name: 'a call that is slower than the rest of the time', delay: 800, deadline: 1_000 },
  { name: 'calls that are due although the time is over', delay: 300, deadline: 1_000 },
])('the deadline stops no call that has started: $name', async ({ delay, deadline }) => {
  const { port } = closeAfterTest(
    await startHttp2((stream) => {
      setTimeout(() => {
        if (!stream.destroyed) sendResponse(stream, { 'grpc-status': '0' })
      }, delay)
    }),
  )
  const { signal } = new AbortController()
  const endpoint = createEndpoint(port, { deadline: Date.now() + deadline })
  const { calls, callFailures } = await confirm(
    endpoint,
    { token: undefined, callCount: Promise.resolve(100), connections: undefined },
    signal,
  )
  expect(callFailures).toEqual([])
  expect(calls.answered).toBe(calls.total)
  expect(calls.total).toBeGreaterThan(1)
  expect(calls.total).toBeLessThan(100)
})
