/**
 * A forward proxy as used in companies: CONNECT for TLS, absolute URLs for plain HTTP, names that
 * only the proxy can resolve.
 */
import http from 'node:http'
import https from 'node:https'
import net from 'node:net'
import { issueLoopbackCertificate } from '../../testing/certificates.ts'
import type { TestEnvironment } from '../../testing/environment.ts'

/** The running proxy. */
export interface Proxy {
  readonly url: string
  /** `CONNECT host:port` or `METHOD URL`, in order. */
  readonly requests: readonly string[]
  /** The headers of these requests, names and values alternating. */
  readonly headers: readonly string[]
  close(): Promise<void>
}

/**
 * @param resolve returns the address of a host name; a name without an address is rejected with
 *   502
 */
export async function startProxy(resolve: (host: string) => string | undefined): Promise<Proxy> {
  const [requests, headers]: [string[], string[]] = [[], []]
  // Tunnels are no longer managed by the HTTP server, so open ones have to be closed here.
  const tunnels = new Set<net.Socket>()
  const server = http.createServer((request, response) => {
    requests.push(`${request.method ?? ''} ${request.url ?? ''}`)
    headers.push(...request.rawHeaders)
    const url = new URL(request.url ?? '')
    const host = resolve(url.hostname)
    if (host === undefined) return void response.writeHead(502).end()
    const upstream = http.request(
      {
        host,
        port: url.port,
        path: url.pathname + url.search,
        method: request.method,
        headers: request.headers,
      },
      (upstreamResponse) => {
        response.writeHead(upstreamResponse.statusCode ?? 502, upstreamResponse.headers)
        upstreamResponse.pipe(response)
      },
    )
    request.pipe(upstream)
  })
  server.on('connect', (request, client: net.Socket) => {
    requests.push(`CONNECT ${request.url ?? ''}`)
    headers.push(...request.rawHeaders)
    const [name = '', port = ''] = (request.url ?? '').split(':')
    const host = resolve(name)
    if (host === undefined) return void client.end('HTTP/1.1 502 Bad Gateway\r\n\r\n')
    const upstream = net.connect(Number(port), host, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      client.pipe(upstream).pipe(client)
    })
    for (const { socket, peer } of [
      { socket: client, peer: upstream },
      { socket: upstream, peer: client },
    ] as const) {
      tunnels.add(socket)
      socket.on('error', () => peer.destroy()).on('close', () => peer.destroy())
    }
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', () => done()))
  return {
    url: `http://127.0.0.1:${(server.address() as net.AddressInfo).port}`,
    requests,
    headers,
    close: () =>
      new Promise((done) => {
        server.close(() => done())
        server.closeAllConnections()
        tunnels.forEach((socket) => socket.destroy())
      }),
  }
}

/** The same proxy behind TLS, with a certificate of a private authority. */
export async function startTlsProxy(
  environment: TestEnvironment,
  url: string,
): Promise<{ url: string; close(): void }> {
  const keyPair = await issueLoopbackCertificate(environment.certificateAuthority)
  const upstream = new URL(url)
  const server = https.createServer(
    { cert: keyPair.cert, key: keyPair.key },
    (request, response) => {
      // Keep the host header: it is part of AWS' signature.
      request.pipe(
        http.request(
          {
            host: upstream.hostname,
            port: upstream.port,
            path: request.url,
            method: request.method,
            headers: request.headers,
          },
          (upstreamResponse) => {
            response.writeHead(upstreamResponse.statusCode ?? 502, upstreamResponse.headers)
            upstreamResponse.pipe(response)
          },
        ),
      )
    },
  )
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', () => done()))
  return {
    url: `https://127.0.0.1:${(server.address() as net.AddressInfo).port}`,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}
