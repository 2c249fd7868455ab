/**
 * Connects to every address of the ALB. It has at least one in each subnet, and clients use any of
 * them; the probe itself is satisfied with the first that answers.
 */
import { ProbeFailure } from '../../failures/probe-failure.ts'
import { connect } from './connection.ts'
import { getProxyUrl, resolveHost } from './dns.ts'
import { remainingTime, type Endpoint } from './endpoint.ts'
import { GrpcChannel } from './grpc-channel.ts'
import { connectDirectly, lacksRoute } from './tcp.ts'
import { connectTls } from './tls.ts'

/** The connections to an endpoint. The caller closes the channels. */
export interface Connections extends AddressFindings {
  readonly channels: readonly GrpcChannel[]
}

/** What the connections say about the addresses. */
interface AddressFindings {
  /** Those that this runner can reach; undefined behind a proxy, which chooses. */
  readonly addresses: { readonly working: number; readonly total: number } | undefined
  /** Why addresses cannot be used, one per address. */
  readonly failures: readonly ProbeFailure[]
  readonly unreachableFamilies: readonly AddressFamily[]
}

/** Addresses that this runner cannot connect to, while those of the other family work. */
export interface AddressFamily {
  readonly name: string
  /** One per address. */
  readonly failures: readonly ProbeFailure[]
}

/** What the connections to one address came to. */
export interface ConnectedAddress {
  /** 4 or 6. */
  readonly family: number
  /** Whether any of the connections was opened. */
  readonly isOpen: boolean
  /** Of the first connection that was not opened. */
  readonly failure: ProbeFailure | undefined
}

/** An ALB has one or two addresses per subnet, and more under high load. */
const maxAddresses = 20
/** Connections to an endpoint, even if it has one address. */
const minConnections = 2

/** @throws ProbeFailure `probe-dns-failed` */
export async function connectAddresses(
  endpoint: Endpoint,
  signal: AbortSignal,
): Promise<Connections> {
  const { host, port } = endpoint.address
  if (getProxyUrl(host, port) !== undefined) return connectThroughProxy(endpoint, signal)
  const resolved = await resolveHost(host, remainingTime(endpoint, endpoint.timeout))
  const connected = await Promise.all(
    resolved.slice(0, maxAddresses).map(async ({ address, family }) => {
      const target = { ...endpoint, address: { host: address, port } }
      const count = Math.ceil(minConnections / Math.min(resolved.length, maxAddresses))
      const opened = await openChannels(count, () =>
        GrpcChannel.open(target, signal, connectAddress),
      )
      return { ...opened, family, isOpen: opened.channels.length > 0 }
    }),
  )
  return {
    channels: connected.flatMap(({ channels }) => channels),
    ...evaluateAddresses(connected),
  }
}

/** Connections that are opened before it is known whether they are needed. */
export class EarlyConnections {
  private opening: Promise<Connections> | undefined

  constructor(endpoint: Endpoint, signal: AbortSignal) {
    this.opening = connectAddresses(endpoint, signal)
    this.opening.catch(() => undefined)
  }

  /** The connections, for a caller that closes them; undefined when they are taken or discarded. */
  take(): Promise<Connections> | undefined {
    const { opening } = this
    this.opening = undefined
    return opening
  }

  /** Closes them unless they are taken. */
  discard(): void {
    this.take()?.then(
      ({ channels }) => channels.forEach((channel) => channel.close()),
      () => undefined,
    )
  }
}

/**
 * A runner without IPv6 cannot tell whether an IPv6 address works, and one that the inbound rules
 * do not allow with IPv6 cannot either: only a family that works in part has failures, unless
 * nothing works. Pure.
 */
export function evaluateAddresses(connected: readonly ConnectedAddress[]): AddressFindings {
  const isAnyOpen = connected.some(({ isOpen }) => isOpen)
  const routed = connected.filter(({ isOpen, failure }) => isOpen || !lacksRoute(failure?.cause))
  const unreachable = isAnyOpen
    ? families.filter(({ version }) => isUnreachable(routed, version))
    : []
  const relevant = (routed.length > 0 ? routed : connected).filter(
    ({ family }) => !unreachable.some(({ version }) => version === family),
  )
  const failures = listFailures(relevant)
  return {
    addresses: { working: relevant.length - failures.length, total: relevant.length },
    failures,
    unreachableFamilies: unreachable.map(({ name, version }) => ({
      name,
      failures: listFailures(routed.filter(({ family }) => family === version)),
    })),
  }
}

const families = [
  { name: 'IPv4', version: 4 },
  { name: 'IPv6', version: 6 },
]

/** Whether this runner cannot connect to any address of this family. */
function isUnreachable(connected: readonly ConnectedAddress[], version: number): boolean {
  const members = connected.filter(({ family }) => family === version)
  return (
    members.length > 0 &&
    members.every(({ isOpen, failure }) => !isOpen && failure?.code === 'probe-unreachable')
  )
}

const listFailures = (connected: readonly ConnectedAddress[]): ProbeFailure[] =>
  connected.flatMap(({ isOpen, failure }) => (isOpen ? [] : (failure ?? [])))

const connectAddress = async (endpoint: Endpoint, signal: AbortSignal) =>
  connectTls(await connectDirectly(endpoint, signal), endpoint)

async function connectThroughProxy(endpoint: Endpoint, signal: AbortSignal): Promise<Connections> {
  const { channels, failure } = await openChannels(minConnections, () =>
    GrpcChannel.open(endpoint, signal, connect),
  )
  return {
    channels,
    addresses: undefined,
    failures: failure ? [failure] : [],
    unreachableFamilies: [],
  }
}

/** Opens several channels. The failure is that of the first that could not be opened. */
async function openChannels(
  count: number,
  open: () => Promise<GrpcChannel>,
): Promise<{ channels: GrpcChannel[]; failure: ProbeFailure | undefined }> {
  const channels: GrpcChannel[] = []
  let failure: ProbeFailure | undefined
  const openOne = async (): Promise<void> => {
    try {
      channels.push(await open())
    } catch (thrown) {
      if (!(thrown instanceof ProbeFailure)) throw thrown
      failure ??= thrown
    }
  }
  await Promise.all(Array.from({ length: count }, openOne))
  return { channels, failure }
}
