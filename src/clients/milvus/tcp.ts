/** Connects to the ALB over TCP: directly, or through an HTTP proxy (proxy.ts). */
import net from 'node:net'
import {
  addressesPrivate,
  albUnresponsive,
  connectionRefused,
  noIpv6Route,
  noRoute,
  runnerNotAllowed,
} from '../../failures/probe-connection.ts'
import type { ProbeFailure } from '../../failures/probe-failure.ts'
import { formatSeconds } from '../../util/text.ts'
import { getProxyUrl, resolveHost } from './dns.ts'
import { remainingTime, type Endpoint } from './endpoint.ts'
import { waitForEvent } from './wait-for-event.ts'
import { describeNetworkError, getErrorCodes } from './network-errors.ts'
import { connectThroughProxy } from './proxy.ts'

/** A connection before TLS. */
export interface TcpConnection {
  readonly socket: net.Socket
  /** Host and port of the proxy in between. */
  readonly proxy: string | undefined
  /** One line per stage, for the log. */
  readonly trace: readonly string[]
}

/** @throws ProbeFailure */
export async function connectTcp(endpoint: Endpoint, signal: AbortSignal): Promise<TcpConnection> {
  const { host, port } = endpoint.address
  const proxyUrl = getProxyUrl(host, port)
  if (proxyUrl === undefined) return connectDirectly(endpoint, signal)
  const { socket, proxy, authority } = await connectThroughProxy(
    new URL(proxyUrl),
    endpoint,
    signal,
  )
  return { socket, proxy, trace: [`TCP: proxy ${proxy} connected to ${authority}`] }
}

/**
 * Milliseconds for TCP: a reachable host answers the first retransmission, after one second, at the
 * latest.
 */
const tcpConnectTimeout = 3_000

/** @throws ProbeFailure */
export async function connectDirectly(
  endpoint: Endpoint,
  signal: AbortSignal,
): Promise<TcpConnection> {
  const { host, port } = endpoint.address
  const resolvedAddresses = await resolveHost(host, remainingTime(endpoint, endpoint.timeout))
  const addresses = resolvedAddresses.map(({ address }) => address)
  const timeout = remainingTime(endpoint, Math.min(endpoint.timeout, tcpConnectTimeout))
  // Node tries one address after the other, IPv6 and IPv4 in turn: an unreachable family leaves
  // time for the other one. Node's default of 250 ms is too short for another continent.
  const socket = net.connect({
    host,
    port,
    lookup: (_name, _options, callback) => callback(null, resolvedAddresses),
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: Math.ceil(timeout / resolvedAddresses.length),
    signal,
  })
  try {
    await waitForEvent(socket, 'connect', timeout, `no answer within ${formatSeconds(timeout)}`)
  } catch (thrown) {
    socket.destroy()
    throw unreachableFailure(endpoint, addresses, thrown)
  }
  return {
    socket,
    proxy: undefined,
    trace: [
      `DNS: ${host} resolves to ${addresses.join(', ')}`,
      `TCP: connected to ${socket.remoteAddress ?? host}:${port}`,
    ],
  }
}

/** Source: RFC 1918, RFC 6598, RFC 4193. */
const privateNetworks = [
  { network: '10.0.0.0', prefix: 8, family: 'ipv4' },
  { network: '172.16.0.0', prefix: 12, family: 'ipv4' },
  { network: '192.168.0.0', prefix: 16, family: 'ipv4' },
  { network: '100.64.0.0', prefix: 10, family: 'ipv4' },
  { network: 'fc00::', prefix: 7, family: 'ipv6' },
] as const

const privateAddresses = new net.BlockList()
for (const { network, prefix, family } of privateNetworks)
  privateAddresses.addSubnet(network, prefix, family)

const isIpv6Address = (address: string): boolean => net.isIPv6(address)
const isPrivateAddress = (address: string): boolean =>
  privateAddresses.check(address, isIpv6Address(address) ? 'ipv6' : 'ipv4')

const refusedCodes = new Set(['ECONNREFUSED', 'ECONNRESET'])
const noRouteCodes = new Set(['ENETUNREACH', 'EHOSTUNREACH', 'EADDRNOTAVAIL', 'EAFNOSUPPORT'])

/** Whether a connection failed because this runner has no route, as without IPv6. */
export const lacksRoute = (thrown: unknown): boolean =>
  thrown !== undefined && getErrorCodes(thrown).every((code) => noRouteCodes.has(code))

/** The failure when no address accepts a connection. */
export function unreachableFailure(
  { address: { host, port }, listener }: Pick<Endpoint, 'address' | 'listener'>,
  addresses: readonly string[],
  thrown: unknown,
): ProbeFailure {
  const reason = describeNetworkError(thrown)
  const connection = { host, port, addresses, reason, cause: thrown }
  const codes = getErrorCodes(thrown)
  if (codes.some((code) => refusedCodes.has(code))) return connectionRefused(connection)
  if (lacksRoute(thrown))
    return addresses.every(isIpv6Address) ? noIpv6Route(connection) : noRoute(connection)
  if (listener.isInternal || addresses.every(isPrivateAddress))
    return addressesPrivate(connection, listener.restrictedBy)
  if (listener.restrictedBy !== undefined)
    return runnerNotAllowed(connection, listener.restrictedBy)
  return albUnresponsive(connection)
}
