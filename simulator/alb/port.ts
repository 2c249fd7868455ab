/** A port of the data plane: accepts connections, and negotiates TLS and the HTTP version. */
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http'
import {
  performServerHandshake,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { createSecureContext, createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { closeServer } from '../../testing/close-server.ts'
import type { AlbEndpoint, DataPlane } from './server.ts'
import type { Address } from './forward.ts'
import { handleHttp1Request, handleHttp2Request } from './requests.ts'
import { acceptsClient, buildSecureContextOptions, requestsClientCertificate } from './tls.ts'

/** An open port. */
export interface OpenPort extends Address {
  close(): Promise<void>
}

interface PortContext {
  readonly dataPlane: DataPlane
  /** The load balancer and listener that currently own the port. */
  readonly findEndpoint: () => AlbEndpoint | undefined
  /** Handles connections that negotiated HTTP/1.1. */
  readonly http1Server: HttpServer
}

/** Opens a port. Port 0 chooses a free one. */
export async function openPort(
  dataPlane: DataPlane,
  findEndpoint: () => AlbEndpoint | undefined,
  { host, port }: Address,
): Promise<OpenPort> {
  const sockets = new Set<Socket>()
  const http1Server = createHttpServer(
    (request, response) => void handleHttp1Request(dataPlane, findEndpoint(), request, response),
  )
  const context: PortContext = { dataPlane, findEndpoint, http1Server }
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined)
    const endpoint = findEndpoint()
    if (dataPlane.overrides.unresponsive) return
    if (!endpoint) socket.destroy()
    else if (endpoint.listener.protocol === 'HTTPS') startTls(context, endpoint, socket)
    else http1Server.emit('connection', socket)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  return {
    host,
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const closed = closeServer(server)
      sockets.forEach((socket) => socket.destroy())
      await closed
    },
  }
}

/** Performs the TLS handshake with the certificates that are served at this moment. */
function startTls(
  context: PortContext,
  { loadBalancer, listener }: AlbEndpoint,
  socket: Socket,
): void {
  const { overrides, certificates } = context.dataPlane
  const defaultCertificate = overrides.servedCertificate ?? certificates.select(listener, undefined)
  if (!defaultCertificate) {
    socket.destroy()
    return
  }
  const isHttp2Enabled = loadBalancer.attributes.get('routing.http2.enabled') !== 'false'
  const alpn = overrides.alpnProtocols ?? (isHttp2Enabled ? ['h2', 'http/1.1'] : ['http/1.1'])
  // Each connection gets its own server, which never listens, so that it can have its own
  // certificates.
  const server = createTlsServer({
    ...buildSecureContextOptions(defaultCertificate, listener),
    requestCert: requestsClientCertificate(listener),
    rejectUnauthorized: false,
    ...(alpn.length > 0 ? { ALPNProtocols: alpn } : {}),
    SNICallback: (servername, done) => {
      const certificate =
        overrides.servedCertificate ??
        certificates.select(listener, servername) ??
        defaultCertificate
      done(null, createSecureContext(buildSecureContextOptions(certificate, listener)))
    },
  })
  server.on('tlsClientError', () => socket.destroy())
  server.once('secureConnection', (tls) => {
    tls.on('error', () => socket.destroy())
    // An ALB closes the connection (user guide, "Connection logs", error reason codes).
    if (!acceptsClient(listener, tls)) socket.resetAndDestroy()
    else if (tls.alpnProtocol === 'h2') startHttp2(context, tls)
    else context.http1Server.emit('connection', tls)
  })
  server.emit('connection', socket)
}

function startHttp2({ dataPlane, findEndpoint }: PortContext, tls: TLSSocket): void {
  // 128 parallel requests: AWS, "Listeners for your Application Load Balancers".
  const session = performServerHandshake(tls, { settings: { maxConcurrentStreams: 128 } })
  session.on('error', () => undefined)
  session.on(
    'stream',
    (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) =>
      void handleHttp2Request(dataPlane, findEndpoint(), { session, stream, headers }),
  )
}
