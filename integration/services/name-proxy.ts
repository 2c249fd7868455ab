/**
 * The lab's DNS for clients that resolve names by themselves, such as gRPC in Python: an HTTP
 * CONNECT proxy that receives names and connects to the addresses that the lab assigns. The TLS
 * connection, including the check of the name, is end-to-end.
 */
import { createServer } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'

/** Resolves a name to an address; undefined or empty when the name does not exist. */
export type ResolveName = (name: string) => Promise<string | undefined>

/** Starts the proxy on a free loopback port. */
export async function startNameProxy(
  resolveName: ResolveName,
): Promise<{ url: string; close: () => Promise<void> }> {
  const openSockets = new Set<Socket>()
  const server = createServer((_request, response) => void response.writeHead(405).end())
  server.on('connect', (request, client: Socket, head) => {
    openSockets.add(client)
    client.on('error', () => client.destroy()).on('close', () => openSockets.delete(client))
    const [, name = '', port = '443'] = /^(.*):(\d+)$/.exec(request.url ?? '') ?? []
    const sendBadGateway = (): void => void client.end('HTTP/1.1 502 Bad Gateway\r\n\r\n')
    resolveName(name).then((address) => {
      if (address === undefined || address === '') {
        sendBadGateway()
        return
      }
      const upstream = connect(Number(port), address, () => {
        client.write('HTTP/1.1 200 Connection Established\r\n\r\n')
        upstream.write(head)
        upstream.pipe(client).pipe(upstream)
      })
      upstream.on('error', sendBadGateway)
      client.on('close', () => upstream.destroy())
    }, sendBadGateway)
  })
  await new Promise<void>((listening, reject) =>
    server.once('error', reject).listen(0, '127.0.0.1', listening),
  )
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed())
        for (const socket of openSockets) socket.destroy()
      }),
  }
}
