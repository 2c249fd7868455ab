/**
 * An ALB, and a Milvus behind it, that send malformed responses to the probe. Each case is a run of
 * dist/.
 */
import { randomBytes } from 'node:crypto'
import type { ServerHttp2Stream } from 'node:http2'
import { afterAll, beforeAll, test } from '@jest/globals'
import { runAction } from '../../testing/run-action.ts'
import { startSimulator, type Simulator } from '../../simulator/simulator.ts'
import { encodeLengthDelimited } from '../../src/clients/milvus/protobuf.ts'
import { sample } from './result-tables.ts'
import { expectHostileRun, type ExpectedOutcome } from './hostile-run.ts'
import {
  CONTINUATION,
  HEADERS,
  PING,
  SETTINGS,
  respondToCall,
  writePeriodically,
  flood,
  encodeFrame,
  encodeGrpcMessage,
  encodeHeader,
  encodeVarintField,
  startHostileServer,
  healthyResponses,
  type HostileServer,
  type HostileBehavior,
} from './hostile-server.ts'

let simulator: Simulator
let hostileServer: HostileServer
const deadlineSeconds = 3
/** The response to one call. All other calls get valid responses. */
const overrideMethod = (
  method: string,
  respond: (stream: ServerHttp2Stream) => void,
): HostileBehavior => ({
  onCall: (stream, calledMethod) =>
    calledMethod === method
      ? respond(stream)
      : respondToCall(stream, encodeGrpcMessage(healthyResponses[calledMethod] ?? Buffer.alloc(0))),
})
const kilobyte = Buffer.alloc(1024, 'x')
const megabyte = Buffer.alloc(1024 * 1024, 'x')
const gigabyte = 1024 * 1024 * 1024
const okStatusHeader = encodeHeader(':status', '200')
const grpcHeaders = { ':status': 200, 'content-type': 'application/grpc' }
const encodeMessage = (...parts: Buffer[]): Buffer => encodeGrpcMessage(Buffer.concat(parts))
/** common.Status with a reason and a code. */
const encodeStatus = (code: Buffer, reason: string): Buffer =>
  encodeLengthDelimited(
    1,
    Buffer.concat([encodeLengthDelimited(2, reason), Buffer.from([0x18]), code]),
  )

type HostileCase = readonly [
  name: string,
  createBehavior: () => HostileBehavior | Promise<HostileBehavior>,
  outcome: string,
  messagePattern: RegExp,
]

const hostileCases: readonly HostileCase[] = [
  // TLS
  [
    'an accepted connection without a response',
    () => ({ onTcpConnection: () => undefined }),
    'probe-tls-failed',
    /no TLS handshake within [\d.]+ s/,
  ],
  [
    'plaintext instead of TLS',
    () => ({ onTcpConnection: (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n') }),
    'probe-tls-failed',
    /speaks plaintext, not TLS/,
  ],
  [
    'endless random bytes instead of a TLS handshake',
    () => ({ onTcpConnection: (socket) => flood(socket, randomBytes(65_536)) }),
    'probe-tls-failed',
    /Cannot establish TLS as milvus\.example\.com/,
  ],
  [
    'another certificate',
    async () => ({
      certificate: await simulator.certificateAuthority.issue({ hosts: [simulator.host] }),
    }),
    'probe-certificate-differs',
    /another certificate/,
  ],
  [
    'TLS without ALPN',
    () => ({ alpn: [] }),
    'probe-http2-missing',
    /does not offer HTTP\/2, .* \(ALPN: none\)/,
  ],
  [
    'HTTP/1.1 as the only ALPN protocol',
    () => ({ alpn: ['http/1.1'] }),
    'probe-http2-missing',
    /ALPN: no protocol in common|ALPN: http\/1\.1/,
  ],
  // HTTP/2
  [
    'HTTP/2 is negotiated, without a response',
    () => ({ onTlsConnection: () => undefined }),
    'probe-http-error',
    /Call Connect failed: no complete answer within [\d.]+ s/,
  ],
  [
    'HTTP/2 is negotiated, with a response in HTTP/1.1',
    () => ({ onTlsConnection: (socket) => socket.end('HTTP/1.1 200 OK\r\n\r\n') }),
    'probe-http-error',
    /Call Connect failed/,
  ],
  [
    'endless headers, in consecutive frames',
    () => ({
      onHeadersFrame: (socket, stream) => {
        socket.write(encodeFrame(HEADERS, 0, stream, okStatusHeader))
        flood(socket, encodeFrame(CONTINUATION, 0, stream, encodeHeader('x-more', 'x'.repeat(100))))
      },
    }),
    'probe-http-error',
    /Call Connect failed/,
  ],
  [
    'endless headers, a frame every 300 ms',
    () => ({
      onHeadersFrame: (socket, stream) => {
        socket.write(encodeFrame(HEADERS, 0, stream, okStatusHeader))
        writePeriodically(
          socket,
          encodeFrame(CONTINUATION, 0, stream, encodeHeader('x-more', 'x')),
          300,
        )
      },
    }),
    'probe-http-error',
    /Call Connect failed/,
  ],
  [
    'a megabyte of headers',
    () => ({
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
    'probe-http-error',
    /Call Connect failed/,
  ],
  [
    'endless early hints',
    () => ({
      onHeadersFrame: (socket, stream) =>
        flood(socket, encodeFrame(HEADERS, 4, stream, encodeHeader(':status', '103'))),
    }),
    'probe-http-error',
    /Call Connect failed/,
  ],
  [
    'a flood of SETTINGS frames',
    () => ({
      onHeadersFrame: (socket) =>
        flood(
          socket,
          Buffer.concat(Array.from({ length: 1000 }, () => encodeFrame(SETTINGS, 0, 0))),
        ),
    }),
    'probe-http-error',
    /Call Connect failed/,
  ],
  [
    'a flood of PING frames',
    () => ({
      onHeadersFrame: (socket) =>
        flood(
          socket,
          Buffer.concat(
            Array.from({ length: 1000 }, () => encodeFrame(PING, 0, 0, Buffer.alloc(8))),
          ),
        ),
    }),
    'probe-http-error',
    /Call Connect failed/,
  ],
  [
    'GOAWAY on every connection',
    () => ({ onCall: (stream) => stream.session?.goaway(11) }),
    'probe-http-error',
    /GOAWAY ENHANCE_YOUR_CALM/,
  ],
  [
    'RST_STREAM for every call',
    () => ({ onCall: (stream) => stream.close(2) }),
    'probe-http-error',
    /RST_STREAM INTERNAL_ERROR/,
  ],
  [
    'a body of 1 GB',
    () => ({
      onCall: (stream) => {
        stream.respond(grpcHeaders)
        flood(stream, megabyte, gigabyte)
      },
    }),
    'probe-http-error',
    /Call Connect failed: the answer has more than 1048576 bytes/,
  ],
  [
    'an HTML page of 1 GB',
    () => ({
      onCall: (stream) => {
        stream.respond({ ':status': 503, 'content-type': 'text/html' })
        flood(stream, megabyte, gigabyte)
      },
    }),
    'probe-http-error',
    /the answer has more than 1048576 bytes/,
  ],
  [
    'a body that never ends',
    () => ({
      onCall: (stream) => {
        stream.respond(grpcHeaders)
        writePeriodically(stream, 'x', 100)
      },
    }),
    'probe-http-error',
    /no complete answer within [\d.]+ s/,
  ],
  [
    'headers without a body',
    () => ({ onCall: (stream) => stream.respond(grpcHeaders) }),
    'probe-http-error',
    /no complete answer within [\d.]+ s/,
  ],
  // gRPC
  [
    'grpc-status in the trailers',
    () => ({
      onCall: (stream, method) =>
        respondToCall(stream, encodeGrpcMessage(healthyResponses[method] ?? Buffer.alloc(0))),
    }),
    'success',
    /Milvus v2\.6\.15 reports that it is healthy/,
  ],
  [
    'grpc-status in the headers',
    () => ({
      onCall: (stream, method) =>
        respondToCall(stream, encodeGrpcMessage(healthyResponses[method] ?? Buffer.alloc(0)), {
          headers: { 'grpc-status': '0' },
          trailers: {},
        }),
    }),
    'success',
    /reports that it is healthy/,
  ],
  [
    'grpc-status 0 in the headers, and 13 in the trailers',
    () => ({
      onCall: (stream) =>
        respondToCall(stream, encodeGrpcMessage(Buffer.alloc(0)), {
          headers: { 'grpc-status': '0' },
          trailers: { 'grpc-status': '13' },
        }),
    }),
    'probe-grpc-error',
    /answered Connect with grpc-status 13/,
  ],
  [
    'no grpc-status',
    () => ({
      onCall: (stream) =>
        respondToCall(stream, encodeGrpcMessage(Buffer.alloc(0)), { trailers: {} }),
    }),
    'probe-http-error',
    /Call Connect failed: the answer has no grpc-status/,
  ],
  [
    'an HTML page instead of gRPC',
    () => ({
      onCall: (stream) => {
        stream.respond({ ':status': 200, 'content-type': 'text/html' })
        stream.end('<html>')
      },
    }),
    'milvus-not-found',
    /HTTP 200 with content type text\/html and without a grpc-status/,
  ],
  [
    'a grpc-status that is not a number',
    () => ({
      onCall: (stream) =>
        respondToCall(stream, Buffer.alloc(0), { trailers: { 'grpc-status': 'banana' } }),
    }),
    'probe-grpc-error',
    /grpc-status 2 \(the status was sent as "banana"\)/,
  ],
  [
    'a grpc-status out of range',
    () => ({
      onCall: (stream) =>
        respondToCall(stream, Buffer.alloc(0), { trailers: { 'grpc-status': '4294967297' } }),
    }),
    'probe-grpc-error',
    /grpc-status 2 \(the status was sent as "4294967297"\)/,
  ],
  [
    'grpc-status 0 without a message',
    () => ({ onCall: (stream) => respondToCall(stream, Buffer.alloc(0)) }),
    'milvus-not-found',
    /answer to Connect is not a Milvus message/,
  ],
  [
    'a truncated message',
    () =>
      overrideMethod('GetVersion', (stream) =>
        respondToCall(
          stream,
          encodeGrpcMessage(encodeLengthDelimited(2, 'v2.6.15'), { length: 1000 }),
        ),
      ),
    'milvus-not-found',
    /answer to GetVersion is not a Milvus message/,
  ],
  [
    'two messages in one response',
    () =>
      overrideMethod('GetVersion', (stream) =>
        respondToCall(stream, Buffer.concat([encodeMessage(), encodeMessage()])),
      ),
    'milvus-not-found',
    /answer to GetVersion is not a Milvus message/,
  ],
  [
    'a message marked as compressed',
    () =>
      overrideMethod('GetVersion', (stream) =>
        respondToCall(
          stream,
          encodeGrpcMessage(healthyResponses['GetVersion'] ?? Buffer.alloc(0), { compressed: 1 }),
        ),
      ),
    'milvus-not-found',
    /not exactly one complete and uncompressed message/,
  ],
  [
    'invalid protobuf',
    () =>
      overrideMethod('GetVersion', (stream) =>
        respondToCall(stream, encodeGrpcMessage(Buffer.alloc(100, 0xff))),
      ),
    'milvus-not-found',
    /answer to GetVersion is not a Milvus message/,
  ],
  [
    'a message with half a million fields',
    () =>
      overrideMethod('CheckHealth', (stream) =>
        respondToCall(stream, encodeGrpcMessage(Buffer.alloc(1_000_000, Buffer.from([0x1a, 0])))),
      ),
    'milvus-not-found',
    /not a Milvus message \(more than 50000 values\)/,
  ],
  [
    'a message of 100 MB',
    () =>
      overrideMethod('CheckHealth', (stream) => {
        stream.respond(grpcHeaders)
        flood(
          stream,
          Buffer.concat([encodeGrpcMessage(Buffer.alloc(0), { length: 100_000_000 }), kilobyte]),
          100_000_000,
        )
      }),
    'probe-http-error',
    /Call CheckHealth failed: the answer has more than 1048576 bytes/,
  ],
  [
    'a grpc-message with invalid percent-encoding',
    () => ({
      onCall: (stream) =>
        respondToCall(stream, Buffer.alloc(0), {
          trailers: { 'grpc-status': '13', 'grpc-message': '%E0%A4%A %zz 100%' },
        }),
    }),
    'probe-grpc-error',
    /%E0%A4%A %zz 100%/,
  ],
  [
    'a grpc-message with workflow commands',
    () => ({
      onCall: (stream) =>
        respondToCall(stream, Buffer.alloc(0), {
          trailers: {
            'grpc-status': '13',
            'grpc-message': 'x%0A::error::y%0A::stop-commands::z%1B[31m',
          },
        }),
    }),
    'probe-grpc-error',
    /grpc-status 13/,
  ],
  [
    'a grpc-message of 60,000 characters',
    () => ({
      onCall: (stream) =>
        respondToCall(stream, Buffer.alloc(0), {
          trailers: { 'grpc-status': '13', 'grpc-message': 'x'.repeat(60_000) },
        }),
    }),
    'probe-grpc-error',
    /grpc-status 13 \(x+/,
  ],
  // Milvus
  [
    'an unhealthy Milvus without a reason',
    () => ({ onCall: (stream) => respondToCall(stream, encodeMessage()) }),
    'milvus-unhealthy',
    /unhealthy: no reason given/,
  ],
  [
    'an unhealthy Milvus with 5,000 reasons',
    () =>
      overrideMethod('CheckHealth', (stream) =>
        respondToCall(
          stream,
          encodeMessage(
            ...Array.from({ length: 5_000 }, () => encodeLengthDelimited(3, 'querynode')),
            encodeVarintField(2, 0),
          ),
        ),
      ),
    'milvus-unhealthy',
    /unhealthy: querynode/,
  ],
  [
    'an unknown error code',
    () =>
      overrideMethod('GetVersion', (stream) =>
        respondToCall(
          stream,
          encodeMessage(encodeStatus(Buffer.from([0xff, 0xff, 0xff, 0xff, 0x07]), '')),
        ),
      ),
    'milvus-not-ready',
    /error code 2147483647 \(no reason given\)/,
  ],
  [
    'a negative error code with a reason of 500 kB',
    () =>
      overrideMethod('GetVersion', (stream) =>
        respondToCall(
          stream,
          encodeMessage(
            encodeStatus(
              Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]),
              'reason '.repeat(70_000),
            ),
          ),
        ),
      ),
    'milvus-not-ready',
    /error code -1 \(reason/,
  ],
  [
    'an unknown quota state',
    () =>
      overrideMethod('CheckHealth', (stream) =>
        respondToCall(stream, encodeMessage(encodeVarintField(2, 1), encodeVarintField(4, 99))),
      ),
    'success',
    /quota state 99/,
  ],
]

beforeAll(async () => {
  simulator = await startSimulator()
  await simulator.installMilvus()
  await runAction(simulator)
  hostileServer = await startHostileServer(simulator.listenPort, simulator.certificate)
  await simulator.setDnsRecords({ '*.elb.amazonaws.com': hostileServer.address })
})
afterAll(async () => {
  await hostileServer.close()
  await simulator.close()
})

test.each(sample(hostileCases, 20))(
  'a malformed response of the ALB: %s',
  async (name, createBehavior, outcome, messagePattern) => {
    hostileServer.setBehavior(await createBehavior())
    const expectedOutcome: ExpectedOutcome = {
      inputs: { 'probe-timeout': `${deadlineSeconds}s` },
      outcome,
      messagePattern,
      deadlineSeconds,
    }
    await expectHostileRun(simulator, `ALB: ${name}`, expectedOutcome)
  },
)
