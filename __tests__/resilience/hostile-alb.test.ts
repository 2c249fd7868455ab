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

interface HostileCase {
  readonly name: string
  readonly createBehavior: () => HostileBehavior | Promise<HostileBehavior>
  /** `success`, or the failure code. */
  readonly outcome: string
  /** Matches the message of the run. */
  readonly messagePattern: RegExp
}

const hostileCases: readonly HostileCase[] = [
  // TLS
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
    createBehavior: async () => ({
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
  // HTTP/2
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
  // gRPC
  {
    name: 'grpc-status in the trailers',
    createBehavior: () => ({
      onCall: (stream, method) =>
        respondToCall(stream, encodeGrpcMessage(healthyResponses[method] ?? Buffer.alloc(0))),
    }),
    outcome: 'success',
    messagePattern: /Milvus v2\.6\.15 reports that it is healthy/,
  },
  {
    name: 'grpc-status in the headers',
    createBehavior: () => ({
      onCall: (stream, method) =>
        respondToCall(stream, encodeGrpcMessage(healthyResponses[method] ?? Buffer.alloc(0)), {
          headers: { 'grpc-status': '0' },
          trailers: {},
        }),
    }),
    outcome: 'success',
    messagePattern: /reports that it is healthy/,
  },
  {
    name: 'grpc-status 0 in the headers, and 13 in the trailers',
    createBehavior: () => ({
      onCall: (stream) =>
        respondToCall(stream, encodeGrpcMessage(Buffer.alloc(0)), {
          headers: { 'grpc-status': '0' },
          trailers: { 'grpc-status': '13' },
        }),
    }),
    outcome: 'probe-grpc-error',
    messagePattern: /answered Connect with grpc-status 13/,
  },
  {
    name: 'no grpc-status',
    createBehavior: () => ({
      onCall: (stream) =>
        respondToCall(stream, encodeGrpcMessage(Buffer.alloc(0)), { trailers: {} }),
    }),
    outcome: 'probe-http-error',
    messagePattern: /Call Connect failed: the answer has no grpc-status/,
  },
  {
    name: 'an HTML page instead of gRPC',
    createBehavior: () => ({
      onCall: (stream) => {
        stream.respond({ ':status': 200, 'content-type': 'text/html' })
        stream.end('<html>')
      },
    }),
    outcome: 'milvus-not-found',
    messagePattern: /HTTP 200 with content type text\/html and without a grpc-status/,
  },
  {
    name: 'a grpc-status that is not a number',
    createBehavior: () => ({
      onCall: (stream) =>
        respondToCall(stream, Buffer.alloc(0), { trailers: { 'grpc-status': 'banana' } }),
    }),
    outcome: 'probe-grpc-error',
    messagePattern: /grpc-status 2 \(the status was sent as "banana"\)/,
  },
  {
    name: 'a grpc-status out of range',
    createBehavior: () => ({
      onCall: (stream) =>
        respondToCall(stream, Buffer.alloc(0), { trailers: { 'grpc-status': '4294967297' } }),
    }),
    outcome: 'probe-grpc-error',
    messagePattern: /grpc-status 2 \(the status was sent as "4294967297"\)/,
  },
  {
    name: 'grpc-status 0 without a message',
    createBehavior: () => ({ onCall: (stream) => respondToCall(stream, Buffer.alloc(0)) }),
    outcome: 'milvus-not-found',
    messagePattern: /answer to Connect is not a Milvus message/,
  },
  {
    name: 'a truncated message',
    createBehavior: () =>
      overrideMethod('GetVersion', (stream) =>
        respondToCall(
          stream,
          encodeGrpcMessage(encodeLengthDelimited(2, 'v2.6.15'), { length: 1000 }),
        ),
      ),
    outcome: 'milvus-not-found',
    messagePattern: /answer to GetVersion is not a Milvus message/,
  },
  {
    name: 'two messages in one response',
    createBehavior: () =>
      overrideMethod('GetVersion', (stream) =>
        respondToCall(stream, Buffer.concat([encodeMessage(), encodeMessage()])),
      ),
    outcome: 'milvus-not-found',
    messagePattern: /answer to GetVersion is not a Milvus message/,
  },
  {
    name: 'a message marked as compressed',
    createBehavior: () =>
      overrideMethod('GetVersion', (stream) =>
        respondToCall(
          stream,
          encodeGrpcMessage(healthyResponses['GetVersion'] ?? Buffer.alloc(0), { compressed: 1 }),
        ),
      ),
    outcome: 'milvus-not-found',
    messagePattern: /not exactly one complete and uncompressed message/,
  },
  {
    name: 'invalid protobuf',
    createBehavior: () =>
      overrideMethod('GetVersion', (stream) =>
        respondToCall(stream, encodeGrpcMessage(Buffer.alloc(100, 0xff))),
      ),
    outcome: 'milvus-not-found',
    messagePattern: /answer to GetVersion is not a Milvus message/,
  },
  {
    name: 'a message with half a million fields',
    createBehavior: () =>
      overrideMethod('CheckHealth', (stream) =>
        respondToCall(stream, encodeGrpcMessage(Buffer.alloc(1_000_000, Buffer.from([0x1a, 0])))),
      ),
    outcome: 'milvus-not-found',
    messagePattern: /not a Milvus message \(more than 50000 values\)/,
  },
  {
    name: 'a message of 100 MB',
    createBehavior: () =>
      overrideMethod('CheckHealth', (stream) => {
        stream.respond(grpcHeaders)
        flood(
          stream,
          Buffer.concat([encodeGrpcMessage(Buffer.alloc(0), { length: 100_000_000 }), kilobyte]),
          100_000_000,
        )
      }),
    outcome: 'probe-http-error',
    messagePattern: /Call CheckHealth failed: the answer has more than 1048576 bytes/,
  },
  {
    name: 'a grpc-message with invalid percent-encoding',
    createBehavior: () => ({
      onCall: (stream) =>
        respondToCall(stream, Buffer.alloc(0), {
          trailers: { 'grpc-status': '13', 'grpc-message': '%E0%A4%A %zz 100%' },
        }),
    }),
    outcome: 'probe-grpc-error',
    messagePattern: /%E0%A4%A %zz 100%/,
  },
  {
    name: 'a grpc-message with workflow commands',
    createBehavior: () => ({
      onCall: (stream) =>
        respondToCall(stream, Buffer.alloc(0), {
          trailers: {
            'grpc-status': '13',
            'grpc-message': 'x%0A::error::y%0A::stop-commands::z%1B[31m',
          },
        }),
    }),
    outcome: 'probe-grpc-error',
    messagePattern: /grpc-status 13/,
  },
  {
    name: 'a grpc-message of 60,000 characters',
    createBehavior: () => ({
      onCall: (stream) =>
        respondToCall(stream, Buffer.alloc(0), {
          trailers: { 'grpc-status': '13', 'grpc-message': 'x'.repeat(60_000) },
        }),
    }),
    outcome: 'probe-grpc-error',
    messagePattern: /grpc-status 13 \(x+/,
  },
  // Milvus
  {
    name: 'an unhealthy Milvus without a reason',
    createBehavior: () => ({ onCall: (stream) => respondToCall(stream, encodeMessage()) }),
    outcome: 'milvus-unhealthy',
    messagePattern: /unhealthy: no reason given/,
  },
  {
    name: 'an unhealthy Milvus with 5,000 reasons',
    createBehavior: () =>
      overrideMethod('CheckHealth', (stream) =>
        respondToCall(
          stream,
          encodeMessage(
            ...Array.from({ length: 5_000 }, () => encodeLengthDelimited(3, 'querynode')),
            encodeVarintField(2, 0),
          ),
        ),
      ),
    outcome: 'milvus-unhealthy',
    messagePattern: /unhealthy: querynode/,
  },
  {
    name: 'an unknown error code',
    createBehavior: () =>
      overrideMethod('GetVersion', (stream) =>
        respondToCall(
          stream,
          encodeMessage(encodeStatus(Buffer.from([0xff, 0xff, 0xff, 0xff, 0x07]), '')),
        ),
      ),
    outcome: 'milvus-not-ready',
    messagePattern: /error code 2147483647 \(no reason given\)/,
  },
  {
    name: 'a negative error code with a reason of 500 kB',
    createBehavior: () =>
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
    outcome: 'milvus-not-ready',
    messagePattern: /error code -1 \(reason/,
  },
  {
    name: 'an unknown quota state',
    createBehavior: () =>
      overrideMethod('CheckHealth', (stream) =>
        respondToCall(stream, encodeMessage(encodeVarintField(2, 1), encodeVarintField(4, 99))),
      ),
    outcome: 'success',
    messagePattern: /quota state 99/,
  },
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
  'a malformed response of the ALB: $name',
  async ({ name, createBehavior, outcome, messagePattern }) => {
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
