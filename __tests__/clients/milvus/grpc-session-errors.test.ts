import { describe, expect, test } from '@jest/globals'
import http2 from 'node:http2'
import type { GrpcCall } from '../../../src/clients/milvus/grpc-session.ts'
import { callFailure } from '../../../src/clients/milvus/http2-errors.ts'
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
import type { StreamHandler } from './servers.ts'

closeSessionAfterEachTest()

const {
  NGHTTP2_PROTOCOL_ERROR,
  NGHTTP2_INTERNAL_ERROR,
  NGHTTP2_REFUSED_STREAM,
  NGHTTP2_CANCEL,
  NGHTTP2_NO_ERROR,
  NGHTTP2_ENHANCE_YOUR_CALM,
  NGHTTP2_HTTP_1_1_REQUIRED,
} = http2.constants

interface Case {
  readonly name: string
  readonly onStream: StreamHandler
  readonly error: RegExp
  readonly overrides?: Partial<GrpcCall>
}

async function expectCallError({ onStream, error, overrides }: Case): Promise<void> {
  expect(String(await captureError(() => sendCall(onStream, overrides)))).toMatch(error)
}

describe('RST_STREAM', () => {
  test.each<Case>([
    {
      name: 'protocol error',
      onStream: (stream) => stream.close(NGHTTP2_PROTOCOL_ERROR),
      error: /RST_STREAM PROTOCOL_ERROR/,
    },
    {
      name: 'internal error',
      onStream: (stream) => stream.close(NGHTTP2_INTERNAL_ERROR),
      error: /RST_STREAM INTERNAL_ERROR/,
    },
    {
      name: 'refused',
      onStream: (stream) => stream.close(NGHTTP2_REFUSED_STREAM),
      error: /RST_STREAM REFUSED_STREAM/,
    },
    {
      name: 'cancelled before a response',
      onStream: (stream) => stream.close(NGHTTP2_CANCEL),
      error: /RST_STREAM CANCEL/,
    },
    {
      name: 'no error before a response',
      onStream: (stream) => stream.close(NGHTTP2_NO_ERROR),
      error: /RST_STREAM NO_ERROR/,
    },
    {
      name: 'internal error after headers',
      onStream: (stream) => {
        stream.respond(grpcHeaders)
        stream.write(frame('0a00'), () => stream.destroy(new Error('broken')))
      },
      error: /RST_STREAM INTERNAL_ERROR/,
    },
    {
      name: 'cancelled after headers',
      onStream: (stream) => {
        stream.respond(grpcHeaders)
        stream.write(frame('0a00'), () => stream.close(NGHTTP2_CANCEL))
      },
      error: /RST_STREAM CANCEL|the answer has no grpc-status/,
    },
    {
      name: 'HTTP/1.1 required',
      onStream: (stream) => stream.close(NGHTTP2_HTTP_1_1_REQUIRED),
      error: /RST_STREAM HTTP_1_1_REQUIRED/,
    },
    {
      name: 'an unknown code',
      onStream: (stream) => stream.close(99),
      error: /RST_STREAM code 99/,
    },
  ])('$name', expectCallError)
})

describe('a connection', () => {
  test.each<Case>([
    {
      name: 'that ends with GOAWAY and an error',
      onStream: (stream) => stream.session?.goaway(NGHTTP2_ENHANCE_YOUR_CALM),
      error: /GOAWAY ENHANCE_YOUR_CALM/,
    },
    {
      name: 'that is closed',
      onStream: (stream) => stream.session?.destroy(),
      error: /GOAWAY NO_ERROR|the connection was closed/,
    },
  ])('$name', expectCallError)

  test('a call after a graceful GOAWAY fails with its reason', async () => {
    const session = await openSession((stream) => {
      sendResponse(stream, { 'grpc-status': '0' })
      stream.session?.goaway(0)
    })
    await session.call(callOptions)
    const lateError = await captureError(async () => {
      for (;;) await session.call(callOptions)
    })
    expect(callFailure('GetVersion', lateError)).toMatchObject({
      code: 'probe-http-error',
      retryFor: Infinity,
      message:
        'Call GetVersion failed: the peer closed the connection gracefully (GOAWAY NO_ERROR).',
    })
  })

  test('that fails right after the status does not hide it', async () => {
    const response = await sendCall((stream) => {
      stream.respond({ ...grpcHeaders, 'grpc-status': '16' })
      stream.session?.goaway(NGHTTP2_ENHANCE_YOUR_CALM)
    })
    expect(response).toMatchObject({ httpStatus: 200, status: 16 })
  })

  test('a call on a closed connection fails', async () => {
    const session = await openSession((stream) => stream.session?.destroy())
    await captureError(() => session.call(callOptions))
    expect(await captureError(() => session.call(callOptions))).toBeDefined()
  })

  test('closing a session ends its call', async () => {
    const session = await openSession(() => session.close())
    expect(String(await captureError(() => session.call(callOptions)))).toMatch(/Error/)
  })
})

describe('a response', () => {
  test.each<Case>([
    {
      name: 'that never arrives',
      onStream: () => undefined,
      overrides: { timeout: 200 },
      error: /no complete answer within 0\.2 s/,
    },
    {
      name: 'that ends after its headers',
      onStream: (stream) => stream.respond(grpcHeaders),
      overrides: { timeout: 200 },
      error: /no complete answer within 0\.2 s/,
    },
    {
      name: 'of more than a megabyte',
      onStream: (stream) => {
        stream.respond(grpcHeaders)
        stream.end(Buffer.alloc(1024 * 1024 + 1))
      },
      error: /the answer has more than 1048576 bytes/,
    },
  ])('$name', expectCallError)
})
