import { expect, test } from '@jest/globals'
import type http2 from 'node:http2'
import { connect } from '../../../src/clients/milvus/connection.ts'
import { GrpcChannel, type MethodCall } from '../../../src/clients/milvus/grpc-channel.ts'
import { albUnresponsive } from '../../../src/failures/probe-connection.ts'
import { captureError } from '../../capture-error.ts'
import { closeAfterTest, createEndpoint, isolateConnections } from './connect-fixture.ts'
import { callOptions, closeSessionAfterEachTest, sendResponse } from './grpc-fixture.ts'
import { startHttp2 } from './servers.ts'

isolateConnections()
closeSessionAfterEachTest()

const call: MethodCall = callOptions

const failedConnection = {
  host: 'alb',
  port: 443,
  addresses: ['192.0.2.1'],
  reason: 'no answer within 3 s',
  cause: undefined,
}

/** A channel to a server that handles calls like this, and counts its connections. */
async function openChannel(onCall: (stream: http2.ServerHttp2Stream) => void) {
  const connections = new Set<unknown>()
  const { port } = closeAfterTest(
    await startHttp2((stream) => {
      connections.add(stream.session)
      onCall(stream)
    }),
  )
  const { signal } = new AbortController()
  return {
    channel: closeAfterTest(await GrpcChannel.open(createEndpoint(port), signal)),
    connections,
  }
}

/** Announces the end of a connection, once: after that, no more of its calls are accepted. */
function endGracefully({ session }: http2.ServerHttp2Stream): void {
  if (!session || endedSessions.has(session)) return
  endedSessions.add(session)
  session.goaway(0)
}
const endedSessions = new WeakSet<object>()

test.each([
  {
    name: 'with its answer',
    onCall: (stream: http2.ServerHttp2Stream) => {
      sendResponse(stream, { 'grpc-status': '0' })
      endGracefully(stream)
    },
  },
  {
    name: 'before its answer',
    onCall: (stream: http2.ServerHttp2Stream) => {
      endGracefully(stream)
      setImmediate(() => {
        if (!stream.destroyed) sendResponse(stream, { 'grpc-status': '0' })
      })
    },
  },
  {
    name: 'by closing it after its answer',
    onCall: (stream: http2.ServerHttp2Stream) => {
      sendResponse(stream, { 'grpc-status': '0' })
      stream.session?.close()
    },
  },
])('a peer that ends each connection gracefully $name serves all calls', async ({ onCall }) => {
  const { channel, connections } = await openChannel(onCall)
  for (let count = 0; count < 3; count += 1)
    expect((await channel.call(call)).response.status).toBe(0)
  const concurrent = await Promise.all(Array.from({ length: 10 }, () => channel.call(call)))
  expect(concurrent.map(({ response }) => response.status)).toEqual(Array(10).fill(0))
  expect(connections.size).toBeGreaterThan(2)
})

test('a peer that ends every connection gracefully and answers nothing is given up', async () => {
  const { channel, connections } = await openChannel((stream) => {
    stream.session?.goaway(0)
    stream.session?.destroy()
  })
  expect(await captureError(() => channel.call(call))).toMatchObject({
    code: 'probe-http-error',
    message: expect.stringContaining('Call Connect failed: the peer closed the connection'),
  })
  expect(connections.size).toBe(3)
})

test('a peer that ends the connection with an error is not called again', async () => {
  const { channel, connections } = await openChannel((stream) => stream.session?.goaway(11))
  expect(String(await captureError(() => channel.call(call)))).toContain('ENHANCE_YOUR_CALM')
  expect(connections.size).toBe(1)
})

test('a channel that could not reconnect tries again with the next call', async () => {
  const { port } = closeAfterTest(
    await startHttp2((stream) => {
      sendResponse(stream, { 'grpc-status': '0' })
      endGracefully(stream)
    }),
  )
  const failure = albUnresponsive(failedConnection)
  let connectionCount = 0
  const connectSometimes: typeof connect = async (endpoint, signal) => {
    connectionCount += 1
    if (connectionCount === 2) throw failure
    return connect(endpoint, signal)
  }
  const { signal } = new AbortController()
  const channel = closeAfterTest(
    await GrpcChannel.open(createEndpoint(port), signal, connectSometimes),
  )
  expect((await channel.call(call)).response.status).toBe(0)
  expect(await captureError(() => channel.call(call))).toBe(failure)
  expect((await channel.call(call)).response.status).toBe(0)
  expect(connectionCount).toBe(3)
})

test('a channel that is closed during a call does not reconnect', async () => {
  const streams: http2.ServerHttp2Stream[] = []
  const { channel, connections } = await openChannel((stream) => {
    const [first] = streams
    streams.push(stream)
    if (!first) return
    endGracefully(stream)
    if (!first.destroyed) sendResponse(first, { 'grpc-status': '0' })
  })
  const [first, second] = [channel.call(call), channel.call(call)]
  second.catch(() => undefined)
  await first
  channel.close()
  expect(await captureError(() => second)).toMatchObject({ code: 'probe-http-error' })
  expect(await captureError(() => channel.call(call))).toMatchObject({ code: 'probe-http-error' })
  expect(connections.size).toBe(1)
})
