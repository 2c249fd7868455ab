/** Malformed gRPC. */
import { encodeLengthDelimited } from '../../../src/clients/milvus/protobuf.ts'
import { respondToCall, flood, encodeGrpcMessage, healthyResponses } from '../hostile-server.ts'
import { overrideMethod, kilobyte, grpcHeaders, encodeMessage, type HostileCase } from './case.ts'

const endedSessions = new WeakSet<object>()

export const grpcCases: readonly HostileCase[] = [
  {
    name: 'a graceful GOAWAY with every answer',
    createBehavior: () => ({
      onCall: (stream, method) => {
        respondToCall(stream, encodeGrpcMessage(healthyResponses[method] ?? Buffer.alloc(0)))
        if (!stream.session || endedSessions.has(stream.session)) return
        endedSessions.add(stream.session)
        stream.session.goaway(0)
      },
    }),
    outcome: 'success',
    messagePattern: /Milvus v2\.6\.15 reports that it is healthy/,
  },
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
    messagePattern: /HTTP 200 with content type text\/html instead of application\/grpc/,
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
    messagePattern: /not a Milvus message \(more than 100000 values\)/,
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
]
