/**
 * The data plane of the simulated Application Load Balancers: opens a port for each listener in
 * ELBv2, and answers and forwards requests. Source: AWS, "User Guide for Application Load
 * Balancers".
 */
import type { AwsState, Listener, LoadBalancer } from '../aws/state.ts'
import type { RequestRecording } from '../../testing/fault-injector.ts'
import { TargetConnections, type Address } from './forward.ts'
import { openPort, type OpenPort } from './port.ts'
import { isActive } from './routing.ts'
import { ListenerCertificates, type TlsKeyPair } from './tls.ts'

/** Behavior of the load balancers that a scenario forces. */
export interface AlbOverrides {
  /** The ALB answers every request itself, with this status. */
  fixedStatus?: number | undefined
  /** The share of requests, evenly distributed, that get `fixedStatus`; all when absent. */
  fixedStatusShare?: number | undefined
  /** Served instead of the listener's certificates. */
  servedCertificate?: TlsKeyPair | undefined
  /** The protocols offered in ALPN; an empty list omits the extension. */
  alpnProtocols?: string[] | undefined
  /** Closes all ports and drops open connections. */
  refuseConnections?: boolean | undefined
  /** The number of requests that are answered with GOAWAY, and not processed. */
  goawayCount?: number | undefined
  /** The HTTP/2 error code of that GOAWAY; NO_ERROR when absent. */
  goawayErrorCode?: number | undefined
  /** Answers every request with RST_STREAM and this HTTP/2 error code. */
  resetErrorCode?: number | undefined
  /** Accepts TCP connections and never answers. */
  unresponsive?: boolean | undefined
  /** Milliseconds from the re-import of a certificate until listeners serve it. */
  certificatePropagationMs?: number | undefined
  /**
   * Milliseconds without data from a target before 504. The default is attribute
   * `idle_timeout.timeout_seconds`, or 60 s.
   */
  idleTimeoutMs?: number | undefined
  /** Milliseconds before 504 when nothing listens at a target's address. */
  connectTimeoutMs?: number | undefined
}

/** The running data plane. */
export interface AlbDataPlane {
  /** Opens and closes ports for the current listeners. This also happens at an interval. */
  sync(): Promise<void>
  /** Changes some overrides and syncs. Undefined removes an override. */
  setOverrides(changes: AlbOverrides): Promise<void>
  /** The socket address of a load balancer's listener; undefined when it is not open. */
  resolveAddress(dnsName: string, port: number): Address | undefined
  /** Errors of syncs at the interval, such as a port that could not be opened. */
  readonly backgroundErrors: Error[]
  close(): Promise<void>
}

/** Options of startAlb. */
export interface AlbOptions extends RequestRecording {
  readonly state: AwsState
  /** The socket address of a target; undefined when nothing listens there. */
  readonly resolveTarget: (ip: string, port: number) => Address | undefined
  /** The address to listen on, in 127.0.0.0/8; a function returns one per load balancer. */
  readonly host?: string | ((loadBalancer: LoadBalancer) => string)
  /**
   * The port to listen on for a listener's port, which may need privileges; 0 for any. The same
   * port when absent.
   */
  readonly mapPort?: (listenerPort: number) => number
  readonly overrides?: AlbOverrides
}

/** What all ports of the data plane share. */
export interface DataPlane {
  readonly recording: RequestRecording
  readonly state: AwsState
  readonly overrides: AlbOverrides
  readonly certificates: ListenerCertificates
  readonly targets: TargetConnections
  readonly resolveTarget: AlbOptions['resolveTarget']
  /** The status that the ALB answers to this request itself; undefined when it forwards it. */
  nextFixedStatus(): number | undefined
  /** The number of earlier requests to a target group. */
  nextRoundRobinIndex(targetGroupArn: string): number
}

/** The load balancer and listener behind a port. */
export interface AlbEndpoint {
  readonly loadBalancer: LoadBalancer
  readonly listener: Listener
}

/** Starts the data plane. It follows the state of ELBv2 until it is closed. */
export async function startAlb(options: AlbOptions): Promise<AlbDataPlane> {
  const dataPlane = createDataPlane(options)
  const ports = new ListenerPorts(dataPlane, options)
  const backgroundErrors: Error[] = []
  const interval = setInterval(
    () => void ports.sync().catch((error: unknown) => backgroundErrors.push(error as Error)),
    20,
  )
  await ports.sync()
  return {
    sync: () => ports.sync(),
    backgroundErrors,
    setOverrides: (changes) => {
      Object.assign(dataPlane.overrides, changes)
      return ports.sync()
    },
    resolveAddress: (dnsName, port) => ports.resolveAddress(dnsName, port),
    close: async () => {
      clearInterval(interval)
      await ports.close()
      dataPlane.targets.close()
    },
  }
}

function createDataPlane(options: AlbOptions): DataPlane {
  const { state, resolveTarget } = options
  const overrides: AlbOverrides = { ...options.overrides }
  const roundRobinIndexes = new Map<string, number>()
  let requestCount = 0
  return {
    recording: options,
    state,
    overrides,
    certificates: new ListenerCertificates(state, () => overrides.certificatePropagationMs ?? 0),
    targets: new TargetConnections(),
    resolveTarget,
    nextFixedStatus: () => {
      const { fixedStatus, fixedStatusShare: share = 1 } = overrides
      if (fixedStatus === undefined) return undefined
      requestCount += 1
      // A sum of shares such as 0.2 may be a little less than the whole number that it stands for.
      const countUntil = (count: number): number => Math.floor(count * share + 1e-9)
      return countUntil(requestCount) > countUntil(requestCount - 1) ? fixedStatus : undefined
    },
    nextRoundRobinIndex: (arn) => {
      const index = roundRobinIndexes.get(arn) ?? 0
      roundRobinIndexes.set(arn, index + 1)
      return index
    },
  }
}

/** The open ports, by address and listener port. */
class ListenerPorts {
  private readonly dataPlane: DataPlane
  private readonly options: AlbOptions
  private readonly openPorts = new Map<string, OpenPort>()
  private pendingSync: Promise<void> = Promise.resolve()

  constructor(dataPlane: DataPlane, options: AlbOptions) {
    this.dataPlane = dataPlane
    this.options = options
  }

  /** Syncs one at a time: two at once would open the same port twice. */
  sync(): Promise<void> {
    this.pendingSync = this.pendingSync.catch(() => undefined).then(() => this.syncPorts())
    return this.pendingSync
  }

  resolveAddress(dnsName: string, port: number): Address | undefined {
    const requestedName = dnsName.toLowerCase()
    const match = [...this.dataPlane.state.loadBalancers.values()].find(
      (loadBalancer) => loadBalancer.dnsName.toLowerCase() === requestedName,
    )
    const openedPort = match && this.openPorts.get(`${this.listenAddressOf(match)}:${port}`)
    return openedPort && { host: openedPort.host, port: openedPort.port }
  }

  async close(): Promise<void> {
    await this.pendingSync.catch(() => undefined)
    await Promise.all([...this.openPorts.values()].map((port) => port.close()))
    this.openPorts.clear()
  }

  private async syncPorts(): Promise<void> {
    this.dataPlane.certificates.refresh()
    const desired = this.dataPlane.overrides.refuseConnections
      ? new Map<string, AlbEndpoint>()
      : this.findActiveEndpoints()
    for (const [key, port] of this.openPorts) {
      if (desired.has(key)) continue
      this.openPorts.delete(key)
      await port.close()
    }
    for (const [key, { loadBalancer, listener }] of desired) {
      if (this.openPorts.has(key)) continue
      const address = {
        host: this.listenAddressOf(loadBalancer),
        port: this.options.mapPort?.(listener.port) ?? listener.port,
      }
      const findEndpoint = (): AlbEndpoint | undefined => this.findActiveEndpoints().get(key)
      this.openPorts.set(key, await openPort(this.dataPlane, findEndpoint, address))
    }
  }

  /** If two load balancers share an address, the newer one: the other is about to be deleted. */
  private findActiveEndpoints(): Map<string, AlbEndpoint> {
    const endpoints = new Map<string, AlbEndpoint>()
    for (const loadBalancer of this.dataPlane.state.loadBalancers.values()) {
      if (!isActive(loadBalancer, Date.now())) continue
      for (const listener of loadBalancer.listeners) {
        const key = `${this.listenAddressOf(loadBalancer)}:${listener.port}`
        endpoints.set(key, { loadBalancer, listener })
      }
    }
    return endpoints
  }

  private listenAddressOf(loadBalancer: LoadBalancer): string {
    const { host = '127.0.0.1' } = this.options
    return typeof host === 'function' ? host(loadBalancer) : host
  }
}
