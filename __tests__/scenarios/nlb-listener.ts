/** A listener of a Network Load Balancer: it forwards TCP connections to a listener of the ALB. */
import { once } from 'node:events'
import net from 'node:net'

/** The running listener. */
export interface NlbListener {
  /** In 127.0.0.0/8, and not used by any test environment. */
  readonly address: string
  readonly port: number
  close(): void
}

export async function startNlbListener(albPort: number, albAddress: string): Promise<NlbListener> {
  const address = '127.254.0.1'
  const sockets = new Set<net.Socket>()
  const server = net.createServer((client) => {
    const upstream = net.connect(albPort, albAddress)
    client.pipe(upstream).pipe(client)
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => socket.destroy())
    }
  })
  server.listen(0, address)
  await once(server, 'listening')
  const { port } = server.address() as net.AddressInfo
  const close = (): void => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  return { address, port, close }
}
