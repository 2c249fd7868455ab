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
export interface Connections {
  readonly channels: readonly GrpcChannel[]
  /** The addresses that this runner has a route to; undefined behind a proxy, which chooses. */
  readonly addresses: { readonly working: number; readonly total: number } | undefined
  /** Why addresses cannot be used, one per address. */
  readonly failures: readonly ProbeFailure[]
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
    resolved.slice(0, maxAddresses).map(async ({ address }) => {
      const target = { ...endpoint, address: { host: address, port } }
      const count = Math.ceil(minConnections / Math.min(resolved.length, maxAddresses))
      return openChannels(count, () => GrpcChannel.open(target, signal, connectAddress))
    }),
  )
  // A runner without IPv6 cannot tell whether an IPv6 address works.
  const reachable = connected.filter(({ failure }) => !failure || !lacksRoute(failure.cause))
  const failures = reachable.flatMap(({ failure }) => failure ?? [])
  return {
    channels: connected.flatMap(({ channels }) => channels),
    addresses: { working: reachable.length - failures.length, total: reachable.length },
    failures,
  }
}

const connectAddress = async (endpoint: Endpoint, signal: AbortSignal) =>
  connectTls(await connectDirectly(endpoint, signal), endpoint)

async function connectThroughProxy(endpoint: Endpoint, signal: AbortSignal): Promise<Connections> {
  const { channels, failure } = await openChannels(minConnections, () =>
    GrpcChannel.open(endpoint, signal, connect),
  )
  return { channels, addresses: undefined, failures: failure ? [failure] : [] }
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
