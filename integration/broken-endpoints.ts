/** Endpoints on loopback that are broken as an address of an ALB may be, and one that works. */
import {
  createServer as createTcpServer,
  type AddressInfo,
  type Server,
  type Socket,
} from 'node:net'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'
import type { IssuedCertificate } from '../testing/certificates.ts'
import { closeServer } from '../testing/close-server.ts'
import { startServer } from './certificate-clients.ts'

/** A running endpoint. */
export interface BrokenEndpoint {
  readonly name: string
  readonly port: number
}

export interface BrokenEndpoints {
  readonly endpoints: readonly BrokenEndpoint[]
  readonly close: () => void
}

/**
 * Starts all of them.
 * @param certificate for the name that clients verify
 * @param otherCertificate of the same CA, for another name
 */
export async function startBrokenEndpoints(
  certificate: IssuedCertificate,
  otherCertificate: IssuedCertificate,
): Promise<BrokenEndpoints> {
  const sockets = new Set<Socket>()
  const listen = async (server: Server): Promise<number> => {
    server.on('connection', (socket: Socket) => {
      sockets.add(socket)
      socket.on('error', () => undefined).once('close', () => sockets.delete(socket))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return (server.address() as AddressInfo).port
  }
  const tls = (options: TlsOptions): Server =>
    createTlsServer(
      { key: certificate.privateKey, cert: certificate.fullchain, ...options },
      (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'),
    ).on('tlsClientError', () => undefined)
  const servers: Readonly<Record<string, Server>> = {
    'closes each connection': createTcpServer((socket) => socket.destroy()),
    'accepts connections and is silent': createTcpServer(),
    'speaks plain text': createTcpServer((socket) =>
      socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'),
    ),
    'has only HTTP/1.1': tls({ ALPNProtocols: ['http/1.1'] }),
    'has no ALPN': tls({}),
    'serves a certificate for another name': await startServer({
      certificates: otherCertificate.fullchain,
      privateKey: otherCertificate.privateKey,
    }),
  }
  const working = await startServer({
    certificates: certificate.fullchain,
    privateKey: certificate.privateKey,
  })
  const refusing = createTcpServer()
  const refusedPort = await listen(refusing)
  const listening = await Promise.all(
    Object.entries(servers).map(async ([name, server]) => ({
      name,
      port: server.listening ? (server.address() as AddressInfo).port : await listen(server),
    })),
  )
  // Only now, so that no other server gets the port.
  await closeServer(refusing)
  return {
    endpoints: [
      { name: 'works', port: (working.address() as AddressInfo).port },
      { name: 'refuses connections', port: refusedPort },
      ...listening,
    ],
    close() {
      for (const server of [working, ...Object.values(servers)]) server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
