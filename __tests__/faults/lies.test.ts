/** An ALB, and a Milvus behind it, that lie to the probe: each lie is a run of dist/ on a world that needs nothing else. */
import { randomBytes } from 'node:crypto'
import type { ServerHttp2Stream } from 'node:http2'
import { afterAll, beforeAll, test } from '@jest/globals'
import { act } from '../../sandbox/act.ts'
import { startSandbox, type Sandbox } from '../../sandbox/sandbox.ts'
import { lengthDelimited } from '../../src/milvus/protobuf.ts'
import { sample } from './figures.ts'
import { lied, type Expected } from './lied.ts'
import { CONTINUATION, HEADERS, PING, SETTINGS, answer, drip, flood, frame, grpcMessage, header, numberField, startLiar, well, type Liar, type Lie } from './liar.ts'

let world: Sandbox
let liar: Liar
const deadline = 3
/** What one call answers, while all others are answered as they should be. */
const but = (method: string, lie: (stream: ServerHttp2Stream) => void): Lie => ({
  call: (stream, called) => (called === method ? lie(stream) : answer(stream, grpcMessage(well[called] ?? Buffer.alloc(0)))),
})
const kilobyte = Buffer.alloc(1024, 'x')
const megabyte = Buffer.alloc(1024 * 1024, 'x')
const gigabyte = 1024 * 1024 * 1024
const ok = header(':status', '200')
const grpc = { ':status': 200, 'content-type': 'application/grpc' }
const message = (...parts: Buffer[]): Buffer => grpcMessage(Buffer.concat(parts))
/** common.Status with a reason and a code. */
const status = (code: Buffer, reason: string): Buffer => lengthDelimited(1, Buffer.concat([lengthDelimited(2, reason), Buffer.from([0x18]), code]))

type Row = readonly [name: string, lie: () => Lie | Promise<Lie>, outcome: string, says: RegExp]

const rows: readonly Row[] = [
  // TLS
  ['takes the connection and is silent', () => ({ tcp: () => undefined }), 'probe-tls-failed', /no TLS handshake within [\d.]+ s/],
  ['speaks plain text in place of TLS', () => ({ tcp: (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n') }), 'probe-tls-failed', /speaks plain text, not TLS/],
  ['answers the handshake with noise without end', () => ({ tcp: (socket) => flood(socket, randomBytes(65_536)) }), 'probe-tls-failed', /No TLS connection as milvus\.example\.com/],
  ['serves another certificate', async () => ({ certificate: await world.authority.issue({ hosts: [world.host] }) }), 'probe-certificate-differs', /another certificate/],
  ['has no ALPN', () => ({ alpn: [] }), 'probe-http2-missing', /no HTTP\/2 \(ALPN: none\)/],
  ['has HTTP/1.1 only', () => ({ alpn: ['http/1.1'] }), 'probe-http2-missing', /no HTTP\/2 \(ALPN: none that it takes\)|ALPN: http\/1\.1/],
  // HTTP/2
  ['agrees on HTTP/2 and is silent', () => ({ secured: () => undefined }), 'probe-http-error', /Connect broke off: no complete answer within [\d.]+ s/],
  ['agrees on HTTP/2 and speaks HTTP/1.1', () => ({ secured: (socket) => socket.end('HTTP/1.1 200 OK\r\n\r\n') }), 'probe-http-error', /call of Connect broke off/],
  ['headers without end, one frame after the other', () => ({ frames: (socket, stream) => {
    socket.write(frame(HEADERS, 0, stream, ok))
    flood(socket, frame(CONTINUATION, 0, stream, header('x-more', 'x'.repeat(100))))
  } }), 'probe-http-error', /call of Connect broke off/],
  ['headers without end, a frame now and then', () => ({ frames: (socket, stream) => {
    socket.write(frame(HEADERS, 0, stream, ok))
    drip(socket, frame(CONTINUATION, 0, stream, header('x-more', 'x')), 300)
  } }), 'probe-http-error', /call of Connect broke off/],
  ['a megabyte of headers', () => ({ frames: (socket, stream) => socket.write(Buffer.concat([
    frame(HEADERS, 0, stream, ok), ...Array.from({ length: 100 }, () => frame(CONTINUATION, 0, stream, Buffer.concat(Array.from({ length: 100 }, () => header('x-more', 'x'.repeat(100)))))), frame(CONTINUATION, 4, stream),
  ])) }), 'probe-http-error', /call of Connect broke off/],
  ['early hints without end', () => ({ frames: (socket, stream) => flood(socket, frame(HEADERS, 4, stream, header(':status', '103'))) }), 'probe-http-error', /call of Connect broke off/],
  ['a flood of settings', () => ({ frames: (socket) => flood(socket, Buffer.concat(Array.from({ length: 1000 }, () => frame(SETTINGS, 0, 0)))) }), 'probe-http-error', /call of Connect broke off/],
  ['a flood of pings', () => ({ frames: (socket) => flood(socket, Buffer.concat(Array.from({ length: 1000 }, () => frame(PING, 0, 0, Buffer.alloc(8))))) }), 'probe-http-error', /call of Connect broke off/],
  ['GOAWAY to every connection', () => ({ call: (stream) => stream.session?.goaway(11) }), 'probe-http-error', /GOAWAY ENHANCE_YOUR_CALM/],
  ['RST_STREAM to every call', () => ({ call: (stream) => stream.close(2) }), 'probe-http-error', /RST_STREAM INTERNAL_ERROR/],
  ['a body of 1 GB', () => ({ call: (stream) => { stream.respond(grpc); flood(stream, megabyte, gigabyte) } }), 'probe-http-error', /Connect broke off: an answer of more than 1048576 bytes/],
  ['a page of 1 GB', () => ({ call: (stream) => { stream.respond({ ':status': 503, 'content-type': 'text/html' }); flood(stream, megabyte, gigabyte) } }), 'probe-http-error', /an answer of more than 1048576 bytes/],
  ['a body that never ends', () => ({ call: (stream) => { stream.respond(grpc); drip(stream, 'x', 100) } }), 'probe-http-error', /no complete answer within [\d.]+ s/],
  ['headers, and then nothing', () => ({ call: (stream) => stream.respond(grpc) }), 'probe-http-error', /no complete answer within [\d.]+ s/],
  // gRPC
  ['grpc-status in the trailers', () => ({ call: (stream, method) => answer(stream, grpcMessage(well[method] ?? Buffer.alloc(0))) }), 'success', /Milvus v2\.6\.15 says that it is healthy/],
  ['grpc-status in the headers', () => ({ call: (stream, method) => answer(stream, grpcMessage(well[method] ?? Buffer.alloc(0)), { headers: { 'grpc-status': '0' }, trailers: {} }) }), 'success', /says that it is healthy/],
  ['grpc-status 0 in the headers, and 13 in the trailers', () => ({ call: (stream) => answer(stream, grpcMessage(Buffer.alloc(0)), { headers: { 'grpc-status': '0' }, trailers: { 'grpc-status': '13' } }) }), 'probe-grpc-error', /grpc-status 13 to Connect/],
  ['grpc-status nowhere', () => ({ call: (stream) => answer(stream, grpcMessage(Buffer.alloc(0)), { trailers: {} }) }), 'probe-http-error', /Connect broke off: its answer has no grpc-status/],
  ['a page in place of gRPC', () => ({ call: (stream) => { stream.respond({ ':status': 200, 'content-type': 'text/html' }); stream.end('<html>') } }), 'milvus-not-found', /HTTP 200 of type text\/html without a grpc-status/],
  ['a grpc-status that is no number', () => ({ call: (stream) => answer(stream, Buffer.alloc(0), { trailers: { 'grpc-status': 'banana' } }) }), 'probe-grpc-error', /grpc-status 2 \(it wrote the status as "banana"\)/],
  ['a grpc-status that is none', () => ({ call: (stream) => answer(stream, Buffer.alloc(0), { trailers: { 'grpc-status': '4294967297' } }) }), 'probe-grpc-error', /grpc-status 2 \(it wrote the status as "4294967297"\)/],
  ['grpc-status 0 and no message', () => ({ call: (stream) => answer(stream, Buffer.alloc(0)) }), 'milvus-not-found', /answer to Connect is no message of Milvus/],
  ['a message that is cut off', () => but('GetVersion', (stream) => answer(stream, grpcMessage(lengthDelimited(2, 'v2.6.15'), { length: 1000 }))), 'milvus-not-found', /answer to GetVersion is no message of Milvus/],
  ['two messages for one', () => but('GetVersion', (stream) => answer(stream, Buffer.concat([message(), message()]))), 'milvus-not-found', /answer to GetVersion is no message of Milvus/],
  ['a message that says it is compressed', () => but('GetVersion', (stream) => answer(stream, grpcMessage(well['GetVersion'] ?? Buffer.alloc(0), { compressed: 1 }))), 'milvus-not-found', /not one message that is whole and not compressed/],
  ['garbage in place of protobuf', () => but('GetVersion', (stream) => answer(stream, grpcMessage(Buffer.alloc(100, 0xff)))), 'milvus-not-found', /answer to GetVersion is no message of Milvus/],
  ['half a million fields', () => but('CheckHealth', (stream) => answer(stream, grpcMessage(Buffer.alloc(1_000_000, Buffer.from([0x1a, 0]))))), 'milvus-not-found', /no message of Milvus \(more than 50000 values\)/],
  ['a message of 100 MB', () => but('CheckHealth', (stream) => { stream.respond(grpc); flood(stream, Buffer.concat([grpcMessage(Buffer.alloc(0), { length: 100_000_000 }), kilobyte]), 100_000_000) }), 'probe-http-error', /CheckHealth broke off: an answer of more than 1048576 bytes/],
  ['a grpc-message that is no percent-encoding', () => ({ call: (stream) => answer(stream, Buffer.alloc(0), { trailers: { 'grpc-status': '13', 'grpc-message': '%E0%A4%A %zz 100%' } }) }), 'probe-grpc-error', /%E0%A4%A %zz 100%/],
  ['a grpc-message that would be commands to the runner', () => ({ call: (stream) => answer(stream, Buffer.alloc(0), { trailers: { 'grpc-status': '13', 'grpc-message': 'x%0A::error::y%0A::stop-commands::z%1B[31m' } }) }), 'probe-grpc-error', /grpc-status 13/],
  ['a grpc-message of 60,000 characters', () => ({ call: (stream) => answer(stream, Buffer.alloc(0), { trailers: { 'grpc-status': '13', 'grpc-message': 'x'.repeat(60_000) } }) }), 'probe-grpc-error', /grpc-status 13 \(x+/],
  // Milvus
  ['answers 0 to everything, and is unhealthy', () => ({ call: (stream) => answer(stream, message()) }), 'milvus-unhealthy', /not healthy: no reason given/],
  ['answers 0, and is unhealthy for 5,000 reasons', () => but('CheckHealth', (stream) => answer(stream, message(...Array.from({ length: 5_000 }, () => lengthDelimited(3, 'querynode')), numberField(2, 0)))), 'milvus-unhealthy', /not healthy: querynode/],
  ['a code that nobody knows', () => but('GetVersion', (stream) => answer(stream, message(status(Buffer.from([0xff, 0xff, 0xff, 0xff, 0x07]), '')))), 'milvus-not-ready', /own code 2147483647 \(no reason given\)/],
  ['a code below zero, and a reason of 500 kB', () => but('GetVersion', (stream) => answer(stream, message(status(Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]), 'reason '.repeat(70_000))))), 'milvus-not-ready', /own code -1 \(reason/],
  ['a quota state that nobody knows', () => but('CheckHealth', (stream) => answer(stream, message(numberField(2, 1), numberField(4, 99)))), 'success', /quota state 99/],
]

beforeAll(async () => {
  world = await startSandbox()
  await world.installMilvus()
  await act(world)
  liar = await startLiar(world.listenPort, world.certificate)
  await world.setNames({ '*.elb.amazonaws.com': liar.address })
})
afterAll(async () => {
  await liar.close()
  await world.close()
})

test.each(sample(rows, 20))('an ALB that lies: %s', async (name, lie, outcome, says) => {
  liar.tell(await lie())
  const expected: Expected = { inputs: { 'probe-timeout': `${deadline}s` }, outcome, says, deadline }
  await lied(world, `ALB: ${name}`, expected)
})
