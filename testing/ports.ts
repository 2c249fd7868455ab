/** Finds free ports and checks whether a server responds. */
import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/**
 * Linux assigns ports from 32768 to outgoing connections (ip_local_port_range). A lower port is
 * therefore not taken by chance between the check and the moment a service listens on it.
 */
const [minPort, maxPort] = [20_000, 32_000]

/** Each test worker searches its own part of the range. */
const maxWorkers = 8
const portsPerWorker = (maxPort - minPort) / maxWorkers
const firstPort =
  minPort + (Number(process.env['JEST_WORKER_ID'] ?? 0) % maxWorkers) * portsPerWorker

/** The ports returned last, the oldest first, on which no service may be listening yet. */
const recentPorts = new Set<number>()
const maxRecentPorts = 200

/** Returns `count` distinct ports that were free when checked. The system does not reserve them. */
export async function reserveFreePorts(count: number): Promise<number[]> {
  const ports = new Set<number>()
  while (ports.size < count) {
    const port = randomInt(firstPort, firstPort + portsPerWorker)
    if (recentPorts.has(port)) continue
    recentPorts.add(port)
    const [oldest = port] = recentPorts
    if (recentPorts.size > maxRecentPorts) recentPorts.delete(oldest)
    if (await isFree(port)) ports.add(port)
  }
  return [...ports]
}

/** Checks all addresses because some services listen on all of them. */
async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  const isAvailable = await new Promise<boolean>((resolve) =>
    server.once('error', () => resolve(false)).listen(port, () => resolve(true)),
  )
  await new Promise((resolve) => server.close(resolve))
  return isAvailable
}

/** Whether a plain HTTP GET succeeds. */
export async function respondsWithOk(url: string): Promise<boolean> {
  return (await fetch(url, { signal: AbortSignal.timeout(5_000) })).ok
}
