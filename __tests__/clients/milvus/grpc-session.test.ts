import { afterEach, describe, expect, test } from '@jest/globals'
import http2 from 'node:http2'
import tls from 'node:tls'
import {
  GrpcSession,
  type GrpcCall,
  type GrpcResponse,
} from '../../../src/clients/milvus/grpc-session.ts'
import { Http2CallError, brokenCallFailure } from '../../../src/clients/milvus/http2-errors.ts'
import { captureError } from '../../capture-error.ts'
import { authority, host, startHttp2, type RunningServer, type StreamHandler } from './servers.ts'

let server: RunningServer | undefined, session: GrpcSession | undefined
afterEach(async () => {
  session?.close()
  await server?.close()
})

const path = '/milvus.proto.milvus.MilvusService/Connect'
const callOptions: GrpcCall = {
  authority: host,
  path,
  request: Buffer.from('0102', 'hex'),
  metadata: { dbname: 'default' },
  timeout: 5_000,
}

async function openSession(onStream: StreamHandler): Promise<GrpcSession> {
  server = await startHttp2(onStream)
  const socket = tls.connect({
    host: '127.0.0.1',
    port: server.port,
    servername: host,
    ALPNProtocols: ['h2'],
    ca: (await authority).root,
  })
  await new Promise<void>((resolve, reject) =>
    socket.once('secureConnect', resolve).once('error', reject),
  )
  session = new GrpcSession(socket, host)
  return session
}

const sendCall = async (
  onStream: StreamHandler,
  overrides: Partial<GrpcCall> = {},
): Promise<GrpcResponse> => (await openSession(onStream)).call({ ...callOptions, ...overrides })
const captureCallError = async (
  onStream: StreamHandler,
  overrides: Partial<GrpcCall> = {},
): Promise<string> => String(await captureError(() => sendCall(onStream, overrides)))

const grpcHeaders = { ':status': 200, 'content-type': 'application/grpc' }
const frame = (hex: string): Buffer =>
  Buffer.concat([Buffer.from([0, 0, 0, 0, hex.length / 2]), Buffer.from(hex, 'hex')])

/** Answers as a gRPC server: headers, message, trailers. */
const sendResponse = (
  stream: http2.ServerHttp2Stream,
  trailers: http2.OutgoingHttpHeaders,
  body = frame('0a00'),
  headers: http2.OutgoingHttpHeaders = grpcHeaders,
): void => {
  stream.respond(headers, { waitForTrailers: true })
  stream.on('wantTrailers', () => stream.sendTrailers(trailers))
  stream.end(body)
}

describe('what is sent', () => {
  test('is a gRPC call with exactly this content type, for the host of the rule', async () => {
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
      ':path': path,
      ':authority': host,
      'content-type': 'application/grpc',
      te: 'trailers',
      'grpc-timeout': '1500m',
      dbname: 'default',
    })
    expect(Buffer.concat(body).toString('hex')).toBe('00000000020102')
  })

  test('an empty message is a frame of nothing', async () => {
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

describe('what comes back', () => {
  test.each<[string, StreamHandler, Partial<GrpcResponse>]>([
    [
      'a message and its status in trailers',
      (stream) => sendResponse(stream, { 'grpc-status': '0', 'grpc-message': '' }),
      {
        httpStatus: 200,
        status: 0,
        message: '',
        body: Buffer.from('0a00', 'hex'),
        contentType: 'application/grpc',
      },
    ],
    [
      'a status in trailers without a message',
      (stream) =>
        sendResponse(
          stream,
          { 'grpc-status': '14', 'grpc-message': 'not%20ready%3A%20%E5%90%91' },
          Buffer.alloc(0),
        ),
      { status: 14, message: 'not ready: 向', body: undefined },
    ],
    [
      'a status in headers alone',
      (stream) =>
        stream.respond(
          {
            ...grpcHeaders,
            'grpc-status': '16',
            'grpc-message': 'missing authorization in header',
          },
          { endStream: true },
        ),
      { status: 16, message: 'missing authorization in header', body: undefined },
    ],
    [
      'a text that is not escaped as it should be',
      (stream) => sendResponse(stream, { 'grpc-status': '2', 'grpc-message': '100% sure' }),
      { status: 2, message: '100% sure' },
    ],
    [
      'no status at all',
      (stream) => {
        stream.respond({ ':status': 200, 'content-type': 'text/html', server: 'nginx' })
        stream.end('<html>')
      },
      { httpStatus: 200, status: undefined, contentType: 'text/html', server: 'nginx' },
    ],
    [
      'an answer of the ALB',
      (stream) => {
        stream.respond({ ':status': 503, server: 'awselb/2.0', 'content-type': 'text/html' })
        stream.end('<html>Service Temporarily Unavailable</html>')
      },
      { httpStatus: 503, status: undefined, server: 'awselb/2.0' },
    ],
    [
      'an HTTP error with a gRPC status',
      (stream) => stream.respond({ ':status': 502, 'grpc-status': '14' }, { endStream: true }),
      { httpStatus: 502, status: 14 },
    ],
    [
      'a body shorter than a frame',
      (stream) => sendResponse(stream, { 'grpc-status': '0' }, Buffer.from([0, 0])),
      { status: 0, body: undefined },
    ],
    [
      'a body that ends before its message',
      (stream) => sendResponse(stream, { 'grpc-status': '0' }, Buffer.from([0, 0, 0, 0, 9, 1])),
      { status: 0, body: undefined },
    ],
    [
      'a status that is no number',
      (stream) => sendResponse(stream, { 'grpc-status': 'x', 'grpc-message': 'm' }),
      { status: 2, message: 'm; it wrote the status as "x"' },
    ],
    [
      'a message in many pieces',
      (stream) => {
        stream.respond(grpcHeaders, { waitForTrailers: true })
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
        for (const byte of frame('0a0568656c6c6f')) stream.write(Buffer.from([byte]))
        stream.end()
      },
      { status: 0, body: Buffer.from('0a0568656c6c6f', 'hex') },
    ],
    [
      'a message of just under a megabyte',
      (stream) =>
        sendResponse(
          stream,
          { 'grpc-status': '0' },
          Buffer.concat([Buffer.from([0, 0, 0x0f, 0xff, 0x00]), Buffer.alloc(0xfff00)]),
        ),
      { status: 0, body: Buffer.alloc(0xfff00) },
    ],
  ])('%s', async (_, onStream, expected) => {
    expect(await sendCall(onStream)).toMatchObject(expected)
  })

  test('calls one after the other on one connection', async () => {
    let streamCount = 0
    const openedSession = await openSession((stream) =>
      sendResponse(stream, { 'grpc-status': String(streamCount++) }),
    )
    expect([
      (await openedSession.call(callOptions)).status,
      (await openedSession.call(callOptions)).status,
      (await openedSession.call(callOptions)).status,
    ]).toEqual([0, 1, 2])
  })

  test('a farewell without a reason lets the call that was taken end', async () => {
    expect(
      (
        await sendCall((stream) => {
          stream.session?.goaway(0)
          setImmediate(() => sendResponse(stream, { 'grpc-status': '0' }))
        })
      ).status,
    ).toBe(0)
  })
})

describe('what breaks off', () => {
  const {
    NGHTTP2_PROTOCOL_ERROR,
    NGHTTP2_INTERNAL_ERROR,
    NGHTTP2_REFUSED_STREAM,
    NGHTTP2_CANCEL,
    NGHTTP2_NO_ERROR,
    NGHTTP2_ENHANCE_YOUR_CALM,
    NGHTTP2_HTTP_1_1_REQUIRED,
  } = http2.constants
  test.each<[string, StreamHandler, RegExp, Partial<GrpcCall>]>([
    [
      'RST_STREAM, protocol error',
      (stream) => stream.close(NGHTTP2_PROTOCOL_ERROR),
      /RST_STREAM PROTOCOL_ERROR/,
      {},
    ],
    [
      'RST_STREAM, internal error',
      (stream) => stream.close(NGHTTP2_INTERNAL_ERROR),
      /RST_STREAM INTERNAL_ERROR/,
      {},
    ],
    [
      'RST_STREAM, refused',
      (stream) => stream.close(NGHTTP2_REFUSED_STREAM),
      /RST_STREAM REFUSED_STREAM/,
      {},
    ],
    [
      'RST_STREAM, cancelled, without an answer',
      (stream) => stream.close(NGHTTP2_CANCEL),
      /RST_STREAM CANCEL/,
      {},
    ],
    [
      'RST_STREAM, no error, without an answer',
      (stream) => stream.close(NGHTTP2_NO_ERROR),
      /RST_STREAM NO_ERROR/,
      {},
    ],
    [
      'RST_STREAM after headers',
      (stream) => {
        stream.respond(grpcHeaders)
        stream.write(frame('0a00'), () => stream.destroy(new Error('broken')))
      },
      /RST_STREAM INTERNAL_ERROR/,
      {},
    ],
    [
      'RST_STREAM, cancelled, after headers',
      (stream) => {
        stream.respond(grpcHeaders)
        stream.write(frame('0a00'), () => stream.close(NGHTTP2_CANCEL))
      },
      /RST_STREAM CANCEL|its answer has no grpc-status/,
      {},
    ],
    [
      'RST_STREAM, HTTP/1.1 is wanted',
      (stream) => stream.close(NGHTTP2_HTTP_1_1_REQUIRED),
      /RST_STREAM HTTP_1_1_REQUIRED/,
      {},
    ],
    [
      'RST_STREAM, a code that nobody knows',
      (stream) => stream.close(99),
      /RST_STREAM code 99/,
      {},
    ],
    [
      'GOAWAY with a reason',
      (stream) => stream.session?.goaway(NGHTTP2_ENHANCE_YOUR_CALM),
      /GOAWAY ENHANCE_YOUR_CALM/,
      {},
    ],
    [
      'a connection that is cut',
      (stream) => stream.session?.destroy(),
      /GOAWAY NO_ERROR|the connection was closed/,
      {},
    ],
    ['no answer', () => undefined, /no complete answer within 0\.2 s/, { timeout: 200 }],
    [
      'headers and then nothing',
      (stream) => stream.respond(grpcHeaders),
      /no complete answer within 0\.2 s/,
      { timeout: 200 },
    ],
    [
      'an answer of more than a megabyte',
      (stream) => {
        stream.respond(grpcHeaders)
        stream.end(Buffer.alloc(1024 * 1024 + 1))
      },
      /an answer of more than 1048576 bytes/,
      {},
    ],
  ])('%s', async (_, onStream, expected, overrides) => {
    expect(await captureCallError(onStream, overrides)).toMatch(expected)
  })

  test('a call after a farewell says that it came too late', async () => {
    const closingSession = await openSession((stream) => {
      sendResponse(stream, { 'grpc-status': '0' })
      stream.session?.goaway(0)
    })
    await closingSession.call(callOptions)
    const lateError = await captureError(async () => {
      for (;;) await closingSession.call(callOptions)
    })
    expect(brokenCallFailure('GetVersion', lateError)).toMatchObject({
      code: 'probe-http-error',
      retryFor: Infinity,
      message:
        'The call of GetVersion broke off: GOAWAY NO_ERROR, the other side ended it in good order.',
    })
  })

  test('a call on a connection that has ended', async () => {
    const endedSession = await openSession((stream) => stream.session?.destroy())
    await captureError(() => endedSession.call(callOptions))
    expect(await captureError(() => endedSession.call(callOptions))).toBeDefined()
  })

  test('a session that is closed ends its call', async () => {
    const closedSession = await openSession(() => closedSession.close())
    expect(String(await captureError(() => closedSession.call(callOptions)))).toMatch(
      /Error|BrokenCall/,
    )
  })
})

test.each<['RST_STREAM' | 'GOAWAY', number, RegExp, number]>([
  [
    'RST_STREAM',
    1,
    /RST_STREAM PROTOCOL_ERROR, the other side found the HTTP\/2 of this call wrong/,
    Infinity,
  ],
  ['RST_STREAM', 2, /INTERNAL_ERROR, the ALB or the target had a fault/, Infinity],
  ['RST_STREAM', 7, /REFUSED_STREAM, the call was not taken/, Infinity],
  ['RST_STREAM', 8, /CANCEL, the ALB or the target gave the call up/, Infinity],
  ['GOAWAY', 0, /GOAWAY NO_ERROR, the other side ended it in good order/, Infinity],
  ['GOAWAY', 11, /GOAWAY ENHANCE_YOUR_CALM, the other side found too much coming in/, Infinity],
  ['GOAWAY', 12, /INADEQUATE_SECURITY, the TLS/, 0],
  ['RST_STREAM', 13, /HTTP_1_1_REQUIRED, the other side wants HTTP\/1\.1/, 0],
  ['RST_STREAM', 99, /broke off: RST_STREAM code 99\.$/, Infinity],
])('brokenFailure: %s %d', (frame, code, problem, retryFor) => {
  const failure = brokenCallFailure('Connect', new Http2CallError(frame, code))
  expect([failure.code, failure.message, failure.retryFor]).toEqual([
    'probe-http-error',
    expect.stringMatching(problem),
    retryFor,
  ])
})
