/** Free ports on loopback, and whether something answers there. */
import { createServer, type AddressInfo } from 'node:net'

/** As many different free ports. Each was free a moment ago; nobody keeps them for us. */
export async function freePorts(count: number): Promise<number[]> {
  // All are held at once, so that no port is handed out twice.
  const servers = await Promise.all(Array.from({ length: count }, async () => {
    const server = createServer()
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
    return server
  }))
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

/** Whether a plain HTTP GET is answered with 200. */
export async function answers(url: string): Promise<boolean> {
  return (await fetch(url)).ok
}
