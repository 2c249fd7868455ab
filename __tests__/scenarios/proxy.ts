/** A forward proxy as companies have one: CONNECT for TLS, absolute URLs for plain HTTP, names that only it can resolve. */
import http from 'node:http'
import net from 'node:net'

/** The running proxy. */
export interface Proxy {
  readonly url: string
  /** `CONNECT host:port` or `METHOD URL`, in order. */
  readonly requests: readonly string[]
  close(): Promise<void>
}

/** @param resolve the address behind a host name; a name without one is refused with 502 */
export async function startProxy(resolve: (host: string) => string | undefined): Promise<Proxy> {
  const requests: string[] = []
  // Tunnels are no longer the HTTP server's: what is still open at the end has to be closed here.
  const tunnels = new Set<net.Socket>()
  const server = http.createServer((request, response) => {
    requests.push(`${request.method ?? ''} ${request.url ?? ''}`)
    const url = new URL(request.url ?? '')
    const host = resolve(url.hostname)
    if (host === undefined) return void response.writeHead(502).end()
    const onward = http.request({ host, port: url.port, path: url.pathname + url.search, method: request.method, headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    request.pipe(onward)
  })
  server.on('connect', (request, client: net.Socket) => {
    requests.push(`CONNECT ${request.url ?? ''}`)
    const [name = '', port = ''] = (request.url ?? '').split(':')
    const host = resolve(name)
    if (host === undefined) return void client.end('HTTP/1.1 502 Bad Gateway\r\n\r\n')
    const onward = net.connect(Number(port), host, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      client.pipe(onward).pipe(client)
    })
    for (const [socket, other] of [[client, onward], [onward, client]] as const) {
      tunnels.add(socket)
      socket.on('error', () => other.destroy()).on('close', () => other.destroy())
    }
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', () => done()))
  return {
    url: `http://127.0.0.1:${(server.address() as net.AddressInfo).port}`,
    requests,
    close: () => new Promise((done) => {
      server.close(() => done())
      server.closeAllConnections()
      tunnels.forEach((socket) => socket.destroy())
    }),
  }
}
