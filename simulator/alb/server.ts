/**
 * The data plane of the simulator's Application Load Balancers: listens where ELBv2 says that
 * listeners are, and answers and forwards as an ALB does. Sources: simulator/alb/, and AWS's user
 * guide for Application Load Balancers.
 */
import type { AwsState, Listener, LoadBalancer } from '../aws/state.ts'
import type { RequestLog } from '../../testing/request-log.ts'
import { TargetConnections } from './forward.ts'
import type { Address } from './forward.ts'
import { openPort } from './port.ts'
import type { OpenPort } from './port.ts'
import { isActive } from './routing.ts'
import { ListenerCertificates } from './tls.ts'
import type { TlsKeyPair } from './tls.ts'

/** What a scenario makes the load balancers do in place of what ELBv2 says. */
export interface AlbOverrides {
  /** Answers every request with this status, as the ALB itself would. */
  fixedStatus?: number | undefined
  /** Serves this in place of the listener's certificates. */
  servedCertificate?: TlsKeyPair | undefined
  /** The protocols offered in ALPN; an empty list leaves the extension out. */
  alpnProtocols?: string[] | undefined
  /** Listens nowhere and drops open connections. */
  refuseConnections?: boolean | undefined
  /** Tells GOAWAY to this many connections at their next request, which is refused. */
  goawayCount?: number | undefined
  /** The HTTP/2 error code of that GOAWAY; NO_ERROR when absent. */
  goawayErrorCode?: number | undefined
  /** Answers every request with RST_STREAM and this HTTP/2 error code. */
  resetErrorCode?: number | undefined
  /** Takes TCP connections and never answers. */
  unresponsive?: boolean | undefined
  /** Milliseconds that a re-imported certificate takes from ACM to the listeners. */
  certificatePropagationMs?: number | undefined
  /**
   * Milliseconds of silence from a target before 504; else the attribute
   * `idle_timeout.timeout_seconds`, or 60 s.
   */
  idleTimeoutMs?: number | undefined
  /** Milliseconds before 504 when nothing at all is at a target's address. */
  connectTimeoutMs?: number | undefined
}

/** The running data plane. */
export interface AlbDataPlane {
  /** Does now what the interval would do soon: opens and closes ports as the state has it. */
  sync(): Promise<void>
  /** Changes some overrides (undefined takes one away) and syncs. */
  setOverrides(changes: AlbOverrides): Promise<void>
  /** Where the name of a load balancer and the port of a listener are reached, if they are. */
  resolveAddress(dnsName: string, port: number): Address | undefined
  /** What went wrong behind the scenes: a port that could not be opened. */
  readonly backgroundErrors: Error[]
  close(): Promise<void>
}

/** What startAlb is told. */
export interface AlbOptions {
  readonly requestLog: RequestLog
  readonly state: AwsState
  /** Where a target listens in the simulator; undefined when nothing is at that address. */
  readonly resolveTarget: (ip: string, mapPort: number) => Address | undefined
  /** The address to listen on, of 127.0.0.0/8; a function gives each load balancer its own. */
  readonly host?: string | ((loadBalancer: LoadBalancer) => string)
  /**
   * The port to listen on for a listener's port, where the latter needs privileges; 0 for any. The
   * same when absent.
   */
  readonly mapPort?: (listenerPort: number) => number
  readonly overrides?: AlbOverrides
}

/** What a port of the data plane needs to know of the whole. */
export interface DataPlane {
  readonly requestLog: RequestLog
  readonly state: AwsState
  readonly overrides: AlbOverrides
  readonly certificates: ListenerCertificates
  readonly targets: TargetConnections
  readonly resolveTarget: AlbOptions['resolveTarget']
  /** A number that grows by one for each request to a target group. */
  nextRoundRobinIndex(targetGroupArn: string): number
}

/** The load balancer and listener that answer at an address now. */
export interface AlbEndpoint {
  readonly loadBalancer: LoadBalancer
  readonly listener: Listener
}

/** Starts the data plane; it follows the state until it is closed. */
export async function startAlb(options: AlbOptions): Promise<AlbDataPlane> {
  const overrides: AlbOverrides = { ...options.overrides }
  const roundRobinIndexes = new Map<string, number>()
  const dataPlane: DataPlane = {
    requestLog: options.requestLog,
    state: options.state,
    overrides,
    certificates: new ListenerCertificates(
      options.state,
      () => overrides.certificatePropagationMs ?? 0,
    ),
    targets: new TargetConnections(),
    resolveTarget: options.resolveTarget,
    nextRoundRobinIndex: (arn) => {
      const index = roundRobinIndexes.get(arn) ?? 0
      roundRobinIndexes.set(arn, index + 1)
      return index
    },
  }
  const openPorts = new Map<string, OpenPort>()
  const backgroundErrors: Error[] = []
  const listenAddressOf = (loadBalancer: LoadBalancer): string =>
    typeof options.host === 'function' ? options.host(loadBalancer) : (options.host ?? '127.0.0.1')
  const syncPorts = async (): Promise<void> => {
    dataPlane.certificates.refresh()
    const desired = overrides.refuseConnections
      ? new Map<string, AlbEndpoint>()
      : findActiveEndpoints(options.state, listenAddressOf)
    for (const [key, port] of openPorts) {
      if (desired.has(key)) continue
      openPorts.delete(key)
      await port.close()
    }
    for (const [key, endpoint] of desired) {
      if (openPorts.has(key)) continue
      const findEndpoint = (): AlbEndpoint | undefined =>
        findActiveEndpoints(options.state, listenAddressOf).get(key)
      const portNumber = options.mapPort?.(endpoint.listener.port) ?? endpoint.listener.port
      openPorts.set(
        key,
        await openPort(dataPlane, findEndpoint, listenAddressOf(endpoint.loadBalancer), portNumber),
      )
    }
  }
  // One after the other: two that overlap would open the same port twice.
  let pendingSync: Promise<void> = Promise.resolve()
  const sync = (): Promise<void> =>
    (pendingSync = pendingSync.catch(() => undefined).then(syncPorts))
  const interval = setInterval(
    () => void sync().catch((error: unknown) => backgroundErrors.push(error as Error)),
    20,
  )
  await sync()
  return {
    sync,
    backgroundErrors,
    setOverrides: (changes) => {
      Object.assign(overrides, changes)
      return sync()
    },
    resolveAddress: (dnsName, port) => {
      const requestedName = dnsName.toLowerCase()
      const match = [...options.state.loadBalancers.values()].find(
        (loadBalancer) => loadBalancer.dnsName.toLowerCase() === requestedName,
      )
      const openedPort = match && openPorts.get(`${listenAddressOf(match)}:${port}`)
      return openedPort && { host: openedPort.host, port: openedPort.port }
    },
    close: async () => {
      clearInterval(interval)
      await pendingSync.catch(() => undefined)
      await Promise.all([...openPorts.values()].map((port) => port.close()))
      openPorts.clear()
      dataPlane.targets.close()
    },
  }
}

/**
 * Who answers where. Of two load balancers at one address the newer: a replaced one is about to go.
 */
function findActiveEndpoints(
  state: AwsState,
  listenAddressOf: (loadBalancer: LoadBalancer) => string,
): Map<string, AlbEndpoint> {
  const endpointsByAddress = new Map<string, AlbEndpoint>()
  for (const loadBalancer of state.loadBalancers.values()) {
    if (!isActive(loadBalancer, Date.now())) continue
    for (const listener of loadBalancer.listeners)
      endpointsByAddress.set(`${listenAddressOf(loadBalancer)}:${listener.port}`, {
        loadBalancer,
        listener,
      })
  }
  return endpointsByAddress
}
