/** Free ports on loopback, and whether something answers there. */
import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/**
 * Ports that a system takes for outgoing connections begin at 32768 (Linux, ip_local_port_range):
 * one below is not taken by chance between the moment it was found free and the moment a part
 * listens on it.
 */
const [minPort, maxPort] = [20_000, 32_000]

/** Four test workers never look for a port in the same quarter. */
const portsPerWorker = (maxPort - minPort) / 4
const firstPort = minPort + (Number(process.env['JEST_WORKER_ID'] ?? 0) % 4) * portsPerWorker

/** What was handed out already: it may not be listened on yet. */
const reservedPorts = new Set<number>()

/** As many different free ports. Each was free a moment ago; nobody keeps them for us. */
export async function reserveFreePorts(count: number): Promise<number[]> {
  const ports = new Set<number>()
  while (ports.size < count) {
    const port = randomInt(firstPort, firstPort + portsPerWorker)
    if (reservedPorts.has(port)) continue
    reservedPorts.add(port)
    if (await isFree(port)) ports.add(port)
  }
  return [...ports]
}

/** On every address, as some parts listen on all of them. */
async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  const isAvailable = await new Promise<boolean>((resolve) =>
    server.once('error', () => resolve(false)).listen(port, () => resolve(true)),
  )
  await new Promise((resolve) => server.close(resolve))
  return isAvailable
}

/** Whether a plain HTTP GET is answered with 200. */
export async function respondsWithOk(url: string): Promise<boolean> {
  return (await fetch(url)).ok
}
