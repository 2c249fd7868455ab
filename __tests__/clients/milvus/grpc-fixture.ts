/** A gRPC server for tests, and calls to it. */
import { afterEach } from '@jest/globals'
import type http2 from 'node:http2'
import tls from 'node:tls'
import {
  GrpcSession,
  type GrpcCall,
  type GrpcResponse,
} from '../../../src/clients/milvus/grpc-session.ts'
import { authority, host, startHttp2, type RunningServer, type StreamHandler } from './servers.ts'

let server: RunningServer | undefined
let session: GrpcSession | undefined

/** Closes the session and the server of each test of a file. */
export function closeSessionAfterEachTest(): void {
  afterEach(async () => {
    session?.close()
    await server?.close()
  })
}

export const callOptions: GrpcCall = {
  authority: host,
  path: '/milvus.proto.milvus.MilvusService/Connect',
  request: Buffer.from('0102', 'hex'),
  metadata: { dbname: 'default' },
  timeout: 5_000,
}

/** Opens a session with a new server that responds as given. */
export async function openSession(onStream: StreamHandler): Promise<GrpcSession> {
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

/** Calls a new server that responds as given. */
export async function sendCall(
  onStream: StreamHandler,
  overrides: Partial<GrpcCall> = {},
): Promise<GrpcResponse> {
  const openedSession = await openSession(onStream)
  return openedSession.call({ ...callOptions, ...overrides })
}

export const grpcHeaders = { ':status': 200, 'content-type': 'application/grpc' }

/** A gRPC frame with a message of at most 255 bytes. */
export const frame = (hex: string): Buffer =>
  Buffer.concat([Buffer.from([0, 0, 0, 0, hex.length / 2]), Buffer.from(hex, 'hex')])

/** Responds as a gRPC server does: headers, a message, trailers. */
export function sendResponse(
  stream: http2.ServerHttp2Stream,
  trailers: http2.OutgoingHttpHeaders,
  body = frame('0a00'),
): void {
  stream.respond(grpcHeaders, { waitForTrailers: true })
  stream.on('wantTrailers', () => stream.sendTrailers(trailers))
  stream.end(body)
}
