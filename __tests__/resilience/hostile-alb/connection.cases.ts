/** Malformed TLS and HTTP/2. */
import { randomBytes } from 'node:crypto'
import {
  ALTSVC,
  CONTINUATION,
  HEADERS,
  ORIGIN,
  PING,
  PUSH_PROMISE,
  RST_STREAM,
  SETTINGS,
  writePeriodically,
  flood,
  encodeFrame,
  encodeHeader,
} from '../hostile-server.ts'
import { megabyte, gigabyte, okStatusHeader, grpcHeaders, type HostileCase } from './case.ts'

export const tlsCases: readonly HostileCase[] = [
  {
    name: 'an accepted connection without a response',
    createBehavior: () => ({ onTcpConnection: () => undefined }),
    outcome: 'probe-tls-failed',
    messagePattern: /no TLS handshake within [\d.]+ s/,
  },
  {
    name: 'plaintext instead of TLS',
    createBehavior: () => ({
      onTcpConnection: (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'),
    }),
    outcome: 'probe-tls-failed',
    messagePattern: /speaks plaintext, not TLS/,
  },
  {
    name: 'endless random bytes instead of a TLS handshake',
    createBehavior: () => ({ onTcpConnection: (socket) => flood(socket, randomBytes(65_536)) }),
    outcome: 'probe-tls-failed',
    messagePattern: /Cannot establish TLS as milvus\.example\.com/,
  },
  {
    name: 'another certificate',
    createBehavior: async (simulator) => ({
      certificate: await simulator.certificateAuthority.issue({ hosts: [simulator.host] }),
    }),
    outcome: 'probe-certificate-differs',
    messagePattern: /another certificate/,
  },
  {
    name: 'TLS without ALPN',
    createBehavior: () => ({ alpn: [] }),
    outcome: 'probe-http2-missing',
    messagePattern: /does not offer HTTP\/2, .* \(ALPN: none\)/,
  },
  {
    name: 'HTTP/1.1 as the only ALPN protocol',
    createBehavior: () => ({ alpn: ['http/1.1'] }),
    outcome: 'probe-http2-missing',
    messagePattern: /ALPN: no protocol in common|ALPN: http\/1\.1/,
  },
]

/** A promised request, on stream 2. Source: RFC 9113, section 6.6. */
const encodePushPromise = (stream: number): Buffer =>
  encodeFrame(
    PUSH_PROMISE,
    4,
    stream,
    Buffer.concat([
      Buffer.from([0, 0, 0, 2]),
      encodeHeader(':method', 'GET'),
      encodeHeader(':scheme', 'https'),
      encodeHeader(':authority', 'milvus.example.com'),
      encodeHeader(':path', '/'),
    ]),
  )

export const http2Cases: readonly HostileCase[] = [
  {
    name: 'HTTP/2 is negotiated, without a response',
    createBehavior: () => ({ onTlsConnection: () => undefined }),
    outcome: 'probe-http-error',
    messagePattern: /Call Connect failed: no complete answer within [\d.]+ s/,
  },
  {
    name: 'HTTP/2 is negotiated, with a response in HTTP/1.1',
    createBehavior: () => ({ onTlsConnection: (socket) => socket.end('HTTP/1.1 200 OK\r\n\r\n') }),
    outcome: 'probe-http-error',
    messagePattern: /Call Connect failed/,
  },
  {
    name: 'endless headers, in consecutive frames',
    createBehavior: () => ({
      onHeadersFrame: (socket, stream) => {
        socket.write(encodeFrame(HEADERS, 0, stream, okStatusHeader))
        flood(socket, encodeFrame(CONTINUATION, 0, stream, encodeHeader('x-more', 'x'.repeat(100))))
      },
    }),
    outcome: 'probe-http-error',
    messagePattern: /Call Connect failed/,
  },
  {
    name: 'endless headers, a frame every 300 ms',
    createBehavior: () => ({
      onHeadersFrame: (socket, stream) => {
        socket.write(encodeFrame(HEADERS, 0, stream, okStatusHeader))
        writePeriodically(
          socket,
          encodeFrame(CONTINUATION, 0, stream, encodeHeader('x-more', 'x')),
          300,
        )
      },
    }),
    outcome: 'probe-http-error',
    messagePattern: /Call Connect failed/,
  },
  {
    name: 'a megabyte of headers',
    createBehavior: () => ({
      onHeadersFrame: (socket, stream) =>
        socket.write(
          Buffer.concat([
            encodeFrame(HEADERS, 0, stream, okStatusHeader),
            ...Array.from({ length: 100 }, () =>
              encodeFrame(
                CONTINUATION,
                0,
                stream,
                Buffer.concat(
                  Array.from({ length: 100 }, () => encodeHeader('x-more', 'x'.repeat(100))),
                ),
              ),
            ),
            encodeFrame(CONTINUATION, 4, stream),
          ]),
        ),
    }),
    outcome: 'probe-http-error',
    messagePattern: /Call Connect failed/,
  },
  {
    name: 'endless early hints',
    createBehavior: () => ({
      onHeadersFrame: (socket, stream) =>
        flood(socket, encodeFrame(HEADERS, 4, stream, encodeHeader(':status', '103'))),
    }),
    outcome: 'probe-http-error',
    messagePattern: /Call Connect failed/,
  },
  {
    name: 'a flood of SETTINGS frames',
    createBehavior: () => ({
      onHeadersFrame: (socket) =>
        flood(
          socket,
          Buffer.concat(Array.from({ length: 1000 }, () => encodeFrame(SETTINGS, 0, 0))),
        ),
    }),
    outcome: 'probe-http-error',
    messagePattern: /Call Connect failed/,
  },
  {
    name: 'a flood of PING frames',
    createBehavior: () => ({
      onHeadersFrame: (socket) =>
        flood(
          socket,
          Buffer.concat(
            Array.from({ length: 1000 }, () => encodeFrame(PING, 0, 0, Buffer.alloc(8))),
          ),
        ),
    }),
    outcome: 'probe-http-error',
    messagePattern: /Call Connect failed/,
  },
  {
    name: 'a PUSH_PROMISE, and the end of the pushed stream',
    createBehavior: () => ({
      onHeadersFrame: (socket, stream) => {
        socket.write(encodePushPromise(stream))
        socket.write(encodeFrame(RST_STREAM, 0, 2, Buffer.from([0, 0, 0, 2])))
      },
    }),
    outcome: 'probe-http-error',
    messagePattern: /Call Connect failed/,
  },
  {
    name: 'a PUSH_PROMISE, and the end of the connection',
    createBehavior: () => ({
      onHeadersFrame: (socket, stream) => {
        socket.write(encodePushPromise(stream), () => socket.destroy())
      },
    }),
    outcome: 'probe-http-error',
    messagePattern: /Call Connect failed/,
  },
  {
    name: 'malformed ALTSVC and ORIGIN frames',
    createBehavior: () => ({
      onHeadersFrame: (socket, stream) => {
        socket.write(encodeFrame(ALTSVC, 0, 0, Buffer.from([0, 3, 0xff, 0xff, 0xff, 0xff])))
        socket.write(encodeFrame(ORIGIN, 0, 0, Buffer.from([0, 3, 0xff, 0xff, 0xff, 0, 0])))
        socket.write(encodeFrame(RST_STREAM, 0, stream, Buffer.from([0, 0, 0, 2])))
      },
    }),
    outcome: 'probe-http-error',
    messagePattern: /Call Connect failed/,
  },
  {
    name: 'GOAWAY on every connection',
    createBehavior: () => ({ onCall: (stream) => stream.session?.goaway(11) }),
    outcome: 'probe-http-error',
    messagePattern: /GOAWAY ENHANCE_YOUR_CALM/,
  },
  {
    name: 'RST_STREAM for every call',
    createBehavior: () => ({ onCall: (stream) => stream.close(2) }),
    outcome: 'probe-http-error',
    messagePattern: /RST_STREAM INTERNAL_ERROR/,
  },
  {
    name: 'a body of 1 GB',
    createBehavior: () => ({
      onCall: (stream) => {
        stream.respond(grpcHeaders)
        flood(stream, megabyte, gigabyte)
      },
    }),
    outcome: 'probe-http-error',
    messagePattern: /Call Connect failed: the answer has more than 1048576 bytes/,
  },
  {
    name: 'an HTML page of 1 GB',
    createBehavior: () => ({
      onCall: (stream) => {
        stream.respond({ ':status': 503, 'content-type': 'text/html' })
        flood(stream, megabyte, gigabyte)
      },
    }),
    outcome: 'probe-http-error',
    messagePattern: /the answer has more than 1048576 bytes/,
  },
  {
    name: 'a body that never ends',
    createBehavior: () => ({
      onCall: (stream) => {
        stream.respond(grpcHeaders)
        writePeriodically(stream, 'x', 100)
      },
    }),
    outcome: 'probe-http-error',
    messagePattern: /no complete answer within [\d.]+ s/,
  },
  {
    name: 'headers without a body',
    createBehavior: () => ({ onCall: (stream) => stream.respond(grpcHeaders) }),
    outcome: 'probe-http-error',
    messagePattern: /no complete answer within [\d.]+ s/,
  },
]
