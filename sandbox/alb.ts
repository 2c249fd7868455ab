/**
 * The data plane of the sandbox's Application Load Balancers: listens where ELBv2 says that listeners are, and answers
 * and forwards as an ALB does. Sources: sandbox/alb/, and AWS's user guide for Application Load Balancers.
 */
import type { AwsState, Listener, LoadBalancer } from './aws/state.ts'
import type { Traffic } from './traffic.ts'
import { Targets } from './alb/forward.ts'
import type { Address } from './alb/forward.ts'
import { openPort } from './alb/port.ts'
import type { Port } from './alb/port.ts'
import { isActive } from './alb/routing.ts'
import { Certificates } from './alb/tls.ts'
import type { Material } from './alb/tls.ts'

/** What a scenario makes the load balancers do in place of what ELBv2 says. */
export interface AlbOverrides {
  /** Answers every request with this status, as the ALB itself would. */
  respond?: number | undefined
  /** Serves this in place of the listener's certificates. */
  serve?: Material | undefined
  /** The protocols offered in ALPN; an empty list leaves the extension out. */
  alpn?: string[] | undefined
  /** Listens nowhere and drops open connections. */
  refuse?: boolean | undefined
  /** Tells GOAWAY to this many connections at their next request, which is refused. */
  goaway?: number | undefined
  /** The HTTP/2 error code of that GOAWAY; NO_ERROR when absent. */
  goawayCode?: number | undefined
  /** Answers every request with RST_STREAM and this HTTP/2 error code. */
  reset?: number | undefined
  /** Takes TCP connections and never answers. */
  silent?: boolean | undefined
  /** Milliseconds that a re-imported certificate takes from ACM to the listeners. */
  certificatePropagation?: number | undefined
  /** Milliseconds of silence from a target before 504; else the attribute `idle_timeout.timeout_seconds`, or 60 s. */
  idleTimeout?: number | undefined
  /** Milliseconds before 504 when nothing at all is at a target's address. */
  connectTimeout?: number | undefined
}

/** The running data plane. */
export interface Alb {
  /** Does now what the interval would do soon: opens and closes ports as the state has it. */
  sync(): Promise<void>
  /** Changes some overrides (undefined takes one away) and syncs. */
  override(changes: AlbOverrides): Promise<void>
  /** Where the name of a load balancer and the port of a listener are reached, if they are. */
  address(dnsName: string, port: number): Address | undefined
  /** What went wrong behind the scenes: a port that could not be opened. */
  readonly problems: Error[]
  close(): Promise<void>
}

/** What startAlb is told. */
export interface AlbOptions {
  readonly traffic: Traffic
  readonly state: AwsState
  /** Where a target listens in the sandbox; undefined when nothing is at that address. */
  readonly resolveTarget: (ip: string, port: number) => Address | undefined
  /** The address to listen on, of 127.0.0.0/8; a function gives each load balancer its own. */
  readonly host?: string | ((loadBalancer: LoadBalancer) => string)
  /** The port to listen on for a listener's port, where the latter needs privileges; 0 for any. The same when absent. */
  readonly port?: (listenerPort: number) => number
  readonly overrides?: AlbOverrides
}

/** What a port of the data plane needs to know of the whole. */
export interface Plane {
  readonly traffic: Traffic
  readonly state: AwsState
  readonly overrides: AlbOverrides
  readonly certificates: Certificates
  readonly targets: Targets
  readonly resolveTarget: AlbOptions['resolveTarget']
  /** A number that grows by one for each request to a target group. */
  turn(targetGroupArn: string): number
}

/** The load balancer and listener that answer at an address now. */
export interface Endpoint {
  readonly loadBalancer: LoadBalancer
  readonly listener: Listener
}

/** Starts the data plane; it follows the state until it is closed. */
export async function startAlb(options: AlbOptions): Promise<Alb> {
  const overrides: AlbOverrides = { ...options.overrides }
  const turns = new Map<string, number>()
  const plane: Plane = {
    traffic: options.traffic,
    state: options.state,
    overrides,
    certificates: new Certificates(options.state, () => overrides.certificatePropagation ?? 0),
    targets: new Targets(),
    resolveTarget: options.resolveTarget,
    turn: (arn) => {
      const turn = turns.get(arn) ?? 0
      turns.set(arn, turn + 1)
      return turn
    },
  }
  const ports = new Map<string, Port>()
  const problems: Error[] = []
  const hostOf = (loadBalancer: LoadBalancer): string =>
    typeof options.host === 'function' ? options.host(loadBalancer) : (options.host ?? '127.0.0.1')
  const apply = async (): Promise<void> => {
    plane.certificates.look()
    const wanted = overrides.refuse ? new Map<string, Endpoint>() : endpoints(options.state, hostOf)
    for (const [key, port] of ports) {
      if (wanted.has(key)) continue
      ports.delete(key)
      await port.close()
    }
    for (const [key, endpoint] of wanted) {
      if (ports.has(key)) continue
      const find = (): Endpoint | undefined => endpoints(options.state, hostOf).get(key)
      const number = options.port?.(endpoint.listener.port) ?? endpoint.listener.port
      ports.set(key, await openPort(plane, find, hostOf(endpoint.loadBalancer), number))
    }
  }
  // One after the other: two that overlap would open the same port twice.
  let last: Promise<void> = Promise.resolve()
  const sync = (): Promise<void> => (last = last.catch(() => undefined).then(apply))
  const interval = setInterval(() => void sync().catch((error: unknown) => problems.push(error as Error)), 20)
  await sync()
  return {
    sync,
    problems,
    override: (changes) => {
      Object.assign(overrides, changes)
      return sync()
    },
    address: (dnsName, port) => {
      const wanted = dnsName.toLowerCase()
      const found = [...options.state.loadBalancers.values()].find((loadBalancer) => loadBalancer.dnsName.toLowerCase() === wanted)
      const open = found && ports.get(`${hostOf(found)}:${port}`)
      return open && { host: open.host, port: open.port }
    },
    close: async () => {
      clearInterval(interval)
      await last.catch(() => undefined)
      await Promise.all([...ports.values()].map((port) => port.close()))
      ports.clear()
      plane.targets.close()
    },
  }
}

/** Who answers where. Of two load balancers at one address the newer: a replaced one is about to go. */
function endpoints(state: AwsState, hostOf: (loadBalancer: LoadBalancer) => string): Map<string, Endpoint> {
  const found = new Map<string, Endpoint>()
  for (const loadBalancer of state.loadBalancers.values()) {
    if (!isActive(loadBalancer, Date.now())) continue
    for (const listener of loadBalancer.listeners) found.set(`${hostOf(loadBalancer)}:${listener.port}`, { loadBalancer, listener })
  }
  return found
}
