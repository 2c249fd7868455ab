import { describe, expect, test } from '@jest/globals'
import type http2 from 'node:http2'
import type { GrpcResponse } from '../../../src/clients/milvus/grpc-session.ts'
import { captureError } from '../../capture-error.ts'
import {
  callOptions,
  closeSessionAfterEachTest,
  frame,
  grpcHeaders,
  openSession,
  sendCall,
  sendResponse,
} from './grpc-fixture.ts'
import { host, type StreamHandler } from './servers.ts'

closeSessionAfterEachTest()

describe('a request', () => {
  test('has the gRPC headers and the host of the rule', async () => {
    let receivedHeaders: http2.IncomingHttpHeaders = {}
    const body: Buffer[] = []
    await sendCall(
      (stream, headers) => {
        receivedHeaders = headers
        stream.on('data', (chunk: Buffer) => body.push(chunk))
        stream.on('end', () => sendResponse(stream, { 'grpc-status': '0' }))
      },
      { timeout: 1_500 },
    )
    expect(receivedHeaders).toMatchObject({
      ':method': 'POST',
      ':scheme': 'https',
      ':path': callOptions.path,
      ':authority': host,
      'content-type': 'application/grpc',
      te: 'trailers',
      'grpc-timeout': '1500m',
      dbname: 'default',
    })
    expect(Buffer.concat(body).toString('hex')).toBe('00000000020102')
  })

  test('has an empty frame for an empty message', async () => {
    const body: Buffer[] = []
    await sendCall(
      (stream) => {
        stream.on('data', (chunk: Buffer) => body.push(chunk))
        stream.on('end', () => sendResponse(stream, { 'grpc-status': '0' }))
      },
      { request: Buffer.alloc(0) },
    )
    expect(Buffer.concat(body).toString('hex')).toBe('0000000000')
  })
})

interface Case {
  readonly name: string
  readonly onStream: StreamHandler
  readonly expected: Partial<GrpcResponse>
}

describe('a gRPC response', () => {
  test.each<Case>([
    {
      name: 'a message, and its status in trailers',
      onStream: (stream) => sendResponse(stream, { 'grpc-status': '0', 'grpc-message': '' }),
      expected: {
        httpStatus: 200,
        status: 0,
        message: '',
        body: Buffer.from('0a00', 'hex'),
        contentType: 'application/grpc',
      },
    },
    {
      name: 'a status in trailers without a message',
      onStream: (stream) => {
        const trailers = { 'grpc-status': '14', 'grpc-message': 'not%20ready%3A%20%E5%90%91' }
        sendResponse(stream, trailers, Buffer.alloc(0))
      },
      expected: { status: 14, message: 'not ready: 向', body: undefined },
    },
    {
      name: 'a status in headers alone',
      onStream: (stream) => {
        const status = { 'grpc-status': '16', 'grpc-message': 'missing authorization in header' }
        stream.respond({ ...grpcHeaders, ...status }, { endStream: true })
      },
      expected: { status: 16, message: 'missing authorization in header', body: undefined },
    },
    {
      name: 'a grpc-message that is not percent-encoded',
      onStream: (stream) =>
        sendResponse(stream, { 'grpc-status': '2', 'grpc-message': '100% sure' }),
      expected: { status: 2, message: '100% sure' },
    },
    {
      name: 'a grpc-message with a wrong and two right escapes',
      onStream: (stream) =>
        sendResponse(stream, { 'grpc-status': '2', 'grpc-message': '%E5%90%91%20100% %zz%3A%FF' }),
      expected: { status: 2, message: '向 100% %zz%3A%FF' },
    },
    {
      name: 'the content type of gRPC with a suffix',
      onStream: (stream) =>
        stream.respond(
          { ':status': 200, 'content-type': 'application/grpc+proto', 'grpc-status': '0' },
          { endStream: true },
        ),
      expected: { status: 0 },
    },
    {
      name: 'a body shorter than a frame',
      onStream: (stream) => sendResponse(stream, { 'grpc-status': '0' }, Buffer.from([0, 0])),
      expected: { status: 0, body: undefined },
    },
    {
      name: 'a body that ends before its message',
      onStream: (stream) =>
        sendResponse(stream, { 'grpc-status': '0' }, Buffer.from([0, 0, 0, 0, 9, 1])),
      expected: { status: 0, body: undefined },
    },
    {
      name: 'a status that is not a number',
      onStream: (stream) => sendResponse(stream, { 'grpc-status': 'x', 'grpc-message': 'm' }),
      expected: { status: 2, message: 'm; the status was sent as "x"' },
    },
    {
      name: 'a message in many chunks',
      onStream: (stream) => {
        stream.respond(grpcHeaders, { waitForTrailers: true })
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
        for (const byte of frame('0a0568656c6c6f')) stream.write(Buffer.from([byte]))
        stream.end()
      },
      expected: { status: 0, body: Buffer.from('0a0568656c6c6f', 'hex') },
    },
    {
      name: 'a message of just under a megabyte',
      onStream: (stream) => {
        const header = Buffer.from([0, 0, 0x0f, 0xff, 0x00])
        const body = Buffer.concat([header, Buffer.alloc(0xfff00)])
        sendResponse(stream, { 'grpc-status': '0' }, body)
      },
      expected: { status: 0, body: Buffer.alloc(0xfff00) },
    },
  ])('$name', async ({ onStream, expected }) => {
    expect(await sendCall(onStream)).toMatchObject(expected)
  })
})

describe('an HTTP response', () => {
  test.each<Case>([
    {
      name: 'without a grpc-status',
      onStream: (stream) => {
        stream.respond({ ':status': 200, 'content-type': 'text/html', server: 'nginx' })
        stream.end('<html>')
      },
      expected: { httpStatus: 200, status: undefined, contentType: 'text/html', server: 'nginx' },
    },
    {
      name: 'of the ALB',
      onStream: (stream) => {
        stream.respond({ ':status': 503, server: 'awselb/2.0', 'content-type': 'text/html' })
        stream.end('<html>Service Temporarily Unavailable</html>')
      },
      expected: { httpStatus: 503, status: undefined, server: 'awselb/2.0' },
    },
    {
      name: 'with a grpc-status',
      onStream: (stream) =>
        stream.respond({ ':status': 502, 'grpc-status': '14' }, { endStream: true }),
      expected: { httpStatus: 502, status: 14 },
    },
    ...[
      { ':status': 502, 'content-type': 'application/grpc' },
      { ':status': 200, 'content-type': 'text/html' },
      { ':status': 200, 'content-type': 'application/grpc-web+proto' },
      { ':status': 200 },
    ].map((headers): Case => ({
      name: `with grpc-status 0 that is no success: ${JSON.stringify(headers)}`,
      onStream: (stream) => stream.respond({ ...headers, 'grpc-status': '0' }, { endStream: true }),
      expected: { httpStatus: headers[':status'], status: undefined },
    })),
  ])('$name', async ({ onStream, expected }) => {
    expect(await sendCall(onStream)).toMatchObject(expected)
  })
})

describe('a session', () => {
  test('carries consecutive calls', async () => {
    let streamCount = 0
    const session = await openSession((stream) =>
      sendResponse(stream, { 'grpc-status': String(streamCount++) }),
    )
    expect([
      (await session.call(callOptions)).status,
      (await session.call(callOptions)).status,
      (await session.call(callOptions)).status,
    ]).toEqual([0, 1, 2])
  })

  test('completes a call that was accepted before a graceful GOAWAY', async () => {
    const { status } = await sendCall((stream) => {
      stream.session?.goaway(0)
      setImmediate(() => sendResponse(stream, { 'grpc-status': '0' }))
    })
    expect(status).toBe(0)
  })
})

test.each<{ name: string; onFirst: StreamHandler; problem: RegExp }>([
  { name: 'has no answer', onFirst: () => undefined, problem: /no complete answer within/ },
  {
    name: 'has an endless answer',
    onFirst: (stream) => {
      stream.respond(grpcHeaders)
      const write = (): void => {
        if (!stream.destroyed) stream.write(Buffer.alloc(256 * 1024), write)
      }
      write()
    },
    problem: /more than 1048576 bytes/,
  },
])('a call that $name says nothing about another one', async ({ onFirst, problem }) => {
  let first: http2.ServerHttp2Stream | undefined
  const session = await openSession((stream, headers) => {
    if (first) first.on('close', () => sendResponse(stream, { 'grpc-status': '0' }))
    else {
      first = stream
      onFirst(stream, headers)
    }
  })
  const [unanswered, answered] = [
    captureError(() => session.call({ ...callOptions, timeout: 300 })),
    session.call(callOptions),
  ]
  expect(String(await unanswered)).toMatch(problem)
  expect(await answered).toMatchObject({ status: 0 })
  expect(session.isOpen).toBe(true)
})
