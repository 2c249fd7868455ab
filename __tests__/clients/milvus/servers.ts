/** Test servers that replace an ALB, and an HTTP proxy. */
import http from 'node:http'
import http2 from 'node:http2'
import net, { type AddressInfo } from 'node:net'
import tls from 'node:tls'
import {
  createCertificateAuthority,
  type IssuedCertificate,
} from '../../../testing/certificates.ts'
import { closeServer } from '../../../testing/close-server.ts'

export const host = 'milvus.example.com'
export const authority = createCertificateAuthority({
  keyAlgorithm: 'EC_prime256v1',
  name: 'Test CA',
})
export const issued = authority.then((issuer) =>
  issuer.issue({ hosts: [host], keyAlgorithm: 'EC_prime256v1' }),
)

export interface RunningServer {
  readonly port: number
  close(): Promise<void>
}

/** Starts a server on a free port. */
export async function listen(
  server: net.Server | http2.Http2SecureServer,
  address = '127.0.0.1',
): Promise<RunningServer> {
  const sockets = new Set<net.Socket>()
  for (const event of ['connection', 'secureConnection']) {
    server.on(event, (socket: net.Socket) => {
      sockets.add(socket)
      socket.on('error', () => undefined)
    })
  }
  server.on('tlsClientError', () => undefined)
  server.on('sessionError', () => undefined)
  await new Promise<void>((resolve) => server.listen(0, address, () => resolve()))
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const closed = closeServer(server)
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

export type StreamHandler = (
  stream: http2.ServerHttp2Stream,
  headers: http2.IncomingHttpHeaders,
) => void

/** HTTP/2 over TLS. */
export async function startHttp2(
  onStream: StreamHandler,
  certificate?: IssuedCertificate,
): Promise<RunningServer> {
  const { fullchain, privateKey } = certificate ?? (await issued)
  const server = http2.createSecureServer({ cert: fullchain, key: privateKey })
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined)
    onStream(stream, headers)
  })
  return listen(server)
}

/** TLS with these options; sends nothing after the handshake. */
export async function startTls(options: tls.TlsOptions = {}): Promise<RunningServer> {
  const { fullchain, privateKey } = await issued
  return listen(tls.createServer({ cert: fullchain, key: privateKey, ...options }))
}

/** TCP without TLS. */
export const startTcp = (onConnection: (socket: net.Socket) => void): Promise<RunningServer> =>
  listen(net.createServer(onConnection))

export interface ProxyServer extends RunningServer {
  readonly connectRequests: { target: string; authorization: string | undefined }[]
}

/** An HTTP proxy that connects every CONNECT to the same port, or responds with a status. */
export async function startProxy(
  behavior: { targetPort: number; status?: number } | { status: number } | 'silent',
  address?: string,
): Promise<ProxyServer> {
  const connectRequests: ProxyServer['connectRequests'] = []
  const server = http.createServer()
  server.on('connect', (request: http.IncomingMessage, socket: net.Socket) => {
    connectRequests.push({
      target: request.url ?? '',
      authorization: request.headers['proxy-authorization'],
    })
    socket.on('error', () => undefined)
    if (behavior === 'silent') return
    if (!('targetPort' in behavior)) {
      socket.end(`HTTP/1.1 ${behavior.status} No\r\n\r\n`)
      return
    }
    const target = net.connect(behavior.targetPort, '127.0.0.1', () => {
      socket.write(`HTTP/1.1 ${behavior.status ?? 200} Connection established\r\n\r\n`)
      target.pipe(socket).pipe(target)
    })
    target.on('error', () => socket.destroy())
    socket.on('close', () => target.destroy())
  })
  return Object.assign(await listen(server, address), { connectRequests })
}
