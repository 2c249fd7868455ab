/**
 * Adds latency to a test environment: TCP proxies in front of AWS, the Kubernetes API, the chart
 * repository and the ALB delay each connection and each message, as a network does.
 */
import { readFile } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { load } from 'js-yaml'
import type { TestEnvironment } from './environment.ts'

/** Where a proxy listens, and the server behind it. */
export interface Route {
  readonly listen: { readonly host: string; readonly port: number }
  readonly target: { readonly host: string; readonly port: number }
}

/** A running proxy. */
export interface LatencyProxy {
  readonly port: number
  close(): Promise<void>
}

const loopback = '127.0.0.1'
/** The address of the ALB's proxy. Only Linux has the whole of 127.0.0.0/8 on its loopback. */
const albProxyAddress = '127.77.0.1'

/**
 * Starts a proxy.
 * @param roundTrip milliseconds. Opening a connection takes one, and so does a request with its
 *   response.
 */
export async function startLatencyProxy(
  { listen, target }: Route,
  roundTrip: number,
): Promise<LatencyProxy> {
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const upstream = connect({ ...target, allowHalfOpen: true })
    // The client's connection is open at once. On a network, it would be open one round trip later.
    forwardDelayed(client, upstream, { first: roundTrip * 1.5, other: roundTrip / 2 })
    forwardDelayed(upstream, client, { first: roundTrip / 2, other: roundTrip / 2 })
    for (const [socket, peer] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('error', () => peer.destroy())
      socket.on('close', () => sockets.delete(socket))
    }
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(listen.port, listen.host, resolve)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The proxy has no port.')
  return {
    port: address.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}

/** @param delay milliseconds of what arrives after the first message, and of the rest */
function forwardDelayed(
  from: Socket,
  to: Socket,
  delay: { readonly first: number; readonly other: number },
): void {
  const openedAt = performance.now()
  // Messages stay in order: a later one is never due before an earlier one.
  const afterDelay = (forward: () => void): void => {
    const due = Math.max(openedAt + delay.first, performance.now() + delay.other)
    setTimeout(forward, Math.max(0, due - performance.now()))
  }
  from.on('data', (data) => afterDelay(() => to.write(data)))
  from.on('end', () => afterDelay(() => to.end()))
}

/** What a process needs in order to use the proxies. */
export interface SlowNetwork {
  /** The value of AWS_ENDPOINT_URL. */
  readonly awsEndpoint: string
  /** The https URL of the Kubernetes API. */
  readonly clusterEndpoint: string
  readonly chartRepository: string
  readonly albAddress: string
  readonly close: () => Promise<void>
}

/**
 * Places proxies in front of an environment until `close`. Names and EKS point to them at once.
 * @param roundTrip milliseconds
 */
export async function addLatency(
  environment: TestEnvironment,
  roundTrip: number,
): Promise<SlowNetwork> {
  const { aws, chartRepository, albAddress, listenPort } = environment
  const clusterEndpoint = await readServer(environment.kubeconfig)
  const proxies: LatencyProxy[] = []
  const start = async (route: Route): Promise<number> => {
    const proxy = await startLatencyProxy(route, roundTrip)
    proxies.push(proxy)
    return proxy.port
  }
  const startFor = async (url: string): Promise<string> => {
    const { hostname, port } = new URL(url)
    const target = { host: hostname, port: Number(port) }
    const proxyUrl = new URL(url)
    proxyUrl.host = `${loopback}:${await start({ listen: { host: loopback, port: 0 }, target })}`
    return proxyUrl.href.replace(/\/$/, '')
  }
  const network = {
    awsEndpoint: await startFor(aws.endpoint),
    clusterEndpoint: await startFor(clusterEndpoint),
    chartRepository: await startFor(chartRepository.url),
    albAddress: albProxyAddress,
  }
  await start({
    listen: { host: albProxyAddress, port: listenPort },
    target: { host: albAddress, port: listenPort },
  })
  await pointTo(environment, network)
  return {
    ...network,
    async close() {
      await pointTo(environment, { clusterEndpoint, albAddress })
      await Promise.all(proxies.map((proxy) => proxy.close()))
    },
  }
}

async function readServer(kubeconfig: string): Promise<string> {
  const { clusters } = load(await readFile(kubeconfig, 'utf8')) as {
    clusters: readonly { cluster: { server: string } }[]
  }
  const [first] = clusters
  if (!first) throw new Error(`${kubeconfig} names no cluster.`)
  return first.cluster.server
}

async function pointTo(
  environment: TestEnvironment,
  { clusterEndpoint, albAddress }: Pick<SlowNetwork, 'clusterEndpoint' | 'albAddress'>,
): Promise<void> {
  environment.setClusterEndpoint(clusterEndpoint)
  await environment.setDnsRecords({
    '*.elb.amazonaws.com': albAddress,
    [environment.host]: albAddress,
  })
}
