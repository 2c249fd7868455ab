/** A load balancer that lies: at an address of its own, with the right certificate, and whatever a lie says after that, down to single frames of HTTP/2. */
import { randomInt } from 'node:crypto'
import { performServerHandshake, type ServerHttp2Stream } from 'node:http2'
import net from 'node:net'
import tls from 'node:tls'
import type { IssuedCertificate } from '../../sandbox/certificates.ts'
import { lengthDelimited } from '../../src/milvus/protobuf.ts'

/** How it lies: at the first of these that is there. */
export interface Lie {
  /** On the bare connection. */
  readonly tcp?: (socket: net.Socket) => void
  /** What it shows in the handshake, in place of the right things; an empty `alpn` leaves the extension out. */
  readonly certificate?: IssuedCertificate
  readonly alpn?: string[]
  /** On the TLS connection. */
  readonly secured?: (socket: tls.TLSSocket) => void
  /** On the frames: each call, by the number of its stream. */
  readonly frames?: (socket: tls.TLSSocket, stream: number) => void
  /** As an HTTP/2 server that is in order: each call, by its method. */
  readonly call?: (stream: ServerHttp2Stream, method: string) => void
}

/** The liar. */
export interface Liar {
  readonly address: string
  /** What it says from now on. */
  tell(lie: Lie): void
  close(): Promise<void>
}

export async function startLiar(port: number, right: IssuedCertificate): Promise<Liar> {
  const address = `127.254.${randomInt(1, 250)}.${randomInt(1, 250)}`
  const sockets = new Set<net.Socket>()
  let lie: Lie = {}
  const server = net.createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined)
    if (lie.tcp) lie.tcp(socket)
    else secure(socket, lie, right)
  })
  await new Promise<void>((resolve) => server.listen(port, address, resolve))
  return {
    address,
    tell: (next) => void (lie = next),
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      sockets.forEach((socket) => socket.destroy())
      await closed
    },
  }
}

function secure(socket: net.Socket, lie: Lie, right: IssuedCertificate): void {
  const { fullchain, privateKey } = lie.certificate ?? right
  const alpn = lie.alpn ?? ['h2']
  // A server for each connection, which never listens: each is told its own lie.
  const server = tls.createServer({ cert: fullchain, key: privateKey, ...(alpn.length > 0 && { ALPNProtocols: alpn }) })
  server.on('tlsClientError', () => socket.destroy())
  server.once('secureConnection', (secured) => {
    secured.on('error', () => socket.destroy())
    if (lie.secured) lie.secured(secured)
    else if (lie.frames) followFrames(secured, lie.frames)
    else answerCalls(secured, lie.call)
  })
  server.emit('connection', socket)
}

function answerCalls(socket: tls.TLSSocket, call: Lie['call']): void {
  const session = performServerHandshake(socket)
  session.on('error', () => undefined)
  session.on('stream', (stream: ServerHttp2Stream, headers) => {
    stream.on('error', () => undefined)
    call?.(stream, String(headers[':path']).split('/').at(-1) ?? '')
  })
}

/** A frame of HTTP/2. Source: RFC 9113, section 4.1 and 6. */
export function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

export const [HEADERS, SETTINGS, PING, CONTINUATION] = [1, 4, 6, 9] as const

/** A header as HPACK has it, spelled out, which no table remembers. Source: RFC 7541, section 6.2.2; texts shorter than 127 bytes. */
export const header = (name: string, value: string): Buffer => Buffer.concat([Buffer.from([0, name.length]), Buffer.from(name), Buffer.from([value.length]), Buffer.from(value)])

/** Reads the client's frames after its preface, and tells of each call. */
function followFrames(socket: tls.TLSSocket, onCall: (socket: tls.TLSSocket, stream: number) => void): void {
  socket.write(frame(SETTINGS, 0, 0))
  let received: Buffer = Buffer.alloc(0)
  let preface = 24
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk])
    if (received.length < preface) return
    received = received.subarray(preface)
    preface = 0
    while (received.length >= 9 && received.length >= 9 + received.readUIntBE(0, 3)) {
      const [type, flags, stream] = [received[3], received[4], received.readUInt32BE(5)]
      received = received.subarray(9 + received.readUIntBE(0, 3))
      if (type === SETTINGS && flags === 0) socket.write(frame(SETTINGS, 1, 0))
      if (type === HEADERS) onCall(socket, stream)
    }
  })
}

/** Writes `chunk` over and over, as fast as it is taken, up to so many bytes. */
export function flood(stream: NodeJS.WritableStream & { destroyed?: boolean }, chunk: Buffer | string, bytes = Infinity): void {
  let left = bytes
  const more = (): void => {
    while (left > 0) {
      if (stream.destroyed === true) return
      left -= chunk.length
      if (!stream.write(chunk)) {
        stream.once('drain', more)
        return
      }
    }
    stream.end()
  }
  more()
}

/** Writes `chunk` every `interval` milliseconds for ever. */
export function drip(stream: NodeJS.WritableStream & { destroyed?: boolean }, chunk: Buffer | string, interval: number): void {
  const timer = setInterval(() => {
    if (stream.destroyed === true) clearInterval(timer)
    else stream.write(chunk)
  }, interval)
  stream.once('close', () => clearInterval(timer))
}

/** A message of gRPC: whether it is compressed, its length, itself. */
export function grpcMessage(message: Buffer, { compressed = 0, length = message.length } = {}): Buffer {
  const head = Buffer.alloc(5)
  head.writeUInt8(compressed, 0)
  head.writeUInt32BE(length, 1)
  return Buffer.concat([head, message])
}

/** Answers a call of gRPC. */
export function answer(stream: ServerHttp2Stream, body: Buffer, { headers = {}, trailers = { 'grpc-status': '0' } }: { headers?: Record<string, string>; trailers?: Record<string, string> | undefined } = {}): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...headers }, { waitForTrailers: Object.keys(trailers).length > 0 })
  stream.once('wantTrailers', () => stream.sendTrailers(trailers))
  stream.end(body)
}

/** A number field of a protobuf message; of numbers below 128. */
export const numberField = (field: number, value: number): Buffer => Buffer.from([field << 3, value])

/** What a Milvus answers that is well. Source: milvus-proto, ConnectResponse, GetVersionResponse, CheckHealthResponse. */
export const well: Readonly<Record<string, Buffer>> = {
  Connect: numberField(3, 7),
  GetVersion: lengthDelimited(2, 'v2.6.15'),
  CheckHealth: numberField(2, 1),
}
