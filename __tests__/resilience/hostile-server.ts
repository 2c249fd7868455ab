/**
 * A load balancer that misbehaves: it has its own address and a valid certificate, and sends
 * arbitrary malformed responses, down to single HTTP/2 frames.
 */
import { randomInt } from 'node:crypto'
import { performServerHandshake, type ServerHttp2Stream } from 'node:http2'
import net from 'node:net'
import tls from 'node:tls'
import type { IssuedCertificate } from '../../testing/certificates.ts'
import { encodeLengthDelimited } from '../../src/clients/milvus/protobuf.ts'

/** How the server misbehaves: the first of these that is set applies. */
export interface HostileBehavior {
  /** On the plain TCP connection. */
  readonly onTcpConnection?: (socket: net.Socket) => void
  /** Replaces the valid certificate in the handshake; an empty `alpn` omits the extension. */
  readonly certificate?: IssuedCertificate
  readonly alpn?: string[]
  /** On the TLS connection. */
  readonly onTlsConnection?: (socket: tls.TLSSocket) => void
  /** At the level of HTTP/2 frames: each call, by the number of its stream. */
  readonly onHeadersFrame?: (socket: tls.TLSSocket, stream: number) => void
  /** As a correct HTTP/2 server: each call, by its method. */
  readonly onCall?: (stream: ServerHttp2Stream, method: string) => void
}

/** The running server. */
export interface HostileServer {
  readonly address: string
  /** Applies to connections from now on. */
  setBehavior(behavior: HostileBehavior): void
  close(): Promise<void>
}

export async function startHostileServer(
  port: number,
  defaultCertificate: IssuedCertificate,
): Promise<HostileServer> {
  const address = `127.254.${randomInt(1, 250)}.${randomInt(1, 250)}`
  const sockets = new Set<net.Socket>()
  let behavior: HostileBehavior = {}
  const server = net.createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined)
    if (behavior.onTcpConnection) behavior.onTcpConnection(socket)
    else serveTls(socket, behavior, defaultCertificate)
  })
  await new Promise<void>((resolve) => server.listen(port, address, resolve))
  return {
    address,
    setBehavior: (newBehavior) => void (behavior = newBehavior),
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      sockets.forEach((socket) => socket.destroy())
      await closed
    },
  }
}

function serveTls(
  socket: net.Socket,
  behavior: HostileBehavior,
  defaultCertificate: IssuedCertificate,
): void {
  const { fullchain, privateKey } = behavior.certificate ?? defaultCertificate
  const alpn = behavior.alpn ?? ['h2']
  // Each connection gets a server of its own, which never listens, so that each can behave
  // differently.
  const server = tls.createServer({
    cert: fullchain,
    key: privateKey,
    ...(alpn.length > 0 && { ALPNProtocols: alpn }),
  })
  server.on('tlsClientError', () => socket.destroy())
  server.once('secureConnection', (tlsSocket) => {
    tlsSocket.on('error', () => socket.destroy())
    if (behavior.onTlsConnection) behavior.onTlsConnection(tlsSocket)
    else if (behavior.onHeadersFrame) handleFrames(tlsSocket, behavior.onHeadersFrame)
    else serveHttp2(tlsSocket, behavior.onCall)
  })
  server.emit('connection', socket)
}

function serveHttp2(socket: tls.TLSSocket, onCall: HostileBehavior['onCall']): void {
  const session = performServerHandshake(socket)
  session.on('error', () => undefined)
  session.on('stream', (stream: ServerHttp2Stream, headers) => {
    stream.on('error', () => undefined)
    onCall?.(stream, String(headers[':path']).split('/').at(-1) ?? '')
  })
}

/** An HTTP/2 frame. Source: RFC 9113, section 4.1 and 6. */
export function encodeFrame(
  type: number,
  flags: number,
  streamId: number,
  payload: Buffer = Buffer.alloc(0),
): Buffer {
  const prefix = Buffer.alloc(9)
  prefix.writeUIntBE(payload.length, 0, 3)
  prefix.writeUInt8(type, 3)
  prefix.writeUInt8(flags, 4)
  prefix.writeUInt32BE(streamId, 5)
  return Buffer.concat([prefix, payload])
}

export const [HEADERS, RST_STREAM, SETTINGS, PUSH_PROMISE] = [1, 3, 4, 5] as const
export const [PING, CONTINUATION, ALTSVC, ORIGIN] = [6, 9, 10, 12] as const

/**
 * An HPACK literal header field without indexing, for texts shorter than 127 bytes. Source: RFC
 * 7541, section 6.2.2.
 */
export const encodeHeader = (name: string, value: string): Buffer =>
  Buffer.concat([
    Buffer.from([0, name.length]),
    Buffer.from(name),
    Buffer.from([value.length]),
    Buffer.from(value),
  ])

/** Reads the client's frames after its preface, and calls back for each call. */
function handleFrames(
  socket: tls.TLSSocket,
  onCall: (socket: tls.TLSSocket, streamId: number) => void,
): void {
  socket.write(encodeFrame(SETTINGS, 0, 0))
  let received: Buffer = Buffer.alloc(0)
  let remainingPreface = 24
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk])
    if (received.length < remainingPreface) return
    received = received.subarray(remainingPreface)
    remainingPreface = 0
    while (received.length >= 9 && received.length >= 9 + received.readUIntBE(0, 3)) {
      const [type, flags, streamId] = [received[3], received[4], received.readUInt32BE(5)]
      received = received.subarray(9 + received.readUIntBE(0, 3))
      if (type === SETTINGS && flags === 0) socket.write(encodeFrame(SETTINGS, 1, 0))
      if (type === HEADERS) onCall(socket, streamId)
    }
  })
}

/** Writes `chunk` repeatedly, as fast as the stream accepts it, up to `maxBytes`. */
export function flood(
  stream: NodeJS.WritableStream & { destroyed?: boolean },
  chunk: Buffer | string,
  maxBytes = Infinity,
): void {
  let remainingBytes = maxBytes
  const writeMore = (): void => {
    while (remainingBytes > 0) {
      if (stream.destroyed === true) return
      remainingBytes -= chunk.length
      if (!stream.write(chunk)) {
        stream.once('drain', writeMore)
        return
      }
    }
    stream.end()
  }
  writeMore()
}

/** Writes `chunk` every `interval` milliseconds, indefinitely. */
export function writePeriodically(
  stream: NodeJS.WritableStream & { destroyed?: boolean },
  chunk: Buffer | string,
  interval: number,
): void {
  const timer = setInterval(() => {
    if (stream.destroyed === true) clearInterval(timer)
    else stream.write(chunk)
  }, interval)
  stream.once('close', () => clearInterval(timer))
}

/** A gRPC message: the compression flag, the length, and the message itself. */
export function encodeGrpcMessage(
  message: Buffer,
  { compressed = 0, length = message.length } = {},
): Buffer {
  const prefix = Buffer.alloc(5)
  prefix.writeUInt8(compressed, 0)
  prefix.writeUInt32BE(length, 1)
  return Buffer.concat([prefix, message])
}

/** Responds to a gRPC call. */
export function respondToCall(
  stream: ServerHttp2Stream,
  body: Buffer,
  {
    headers = {},
    trailers = { 'grpc-status': '0' },
  }: { headers?: Record<string, string>; trailers?: Record<string, string> | undefined } = {},
): void {
  stream.respond(
    { ':status': 200, 'content-type': 'application/grpc', ...headers },
    { waitForTrailers: Object.keys(trailers).length > 0 },
  )
  stream.once('wantTrailers', () => stream.sendTrailers(trailers))
  stream.end(body)
}

/** A varint field of a protobuf message, for values below 128. */
export const encodeVarintField = (field: number, value: number): Buffer =>
  Buffer.from([field << 3, value])

/**
 * The responses of a healthy Milvus. Source: milvus-proto, ConnectResponse, GetVersionResponse,
 * CheckHealthResponse.
 */
export const healthyResponses: Readonly<Record<string, Buffer>> = {
  Connect: encodeVarintField(3, 7),
  GetVersion: encodeLengthDelimited(2, 'v2.6.15'),
  CheckHealth: encodeVarintField(2, 1),
}
