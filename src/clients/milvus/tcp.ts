/** The way to the ALB: DNS and TCP, or the tunnel of a proxy. */
import http from 'node:http'
import https from 'node:https'
import net from 'node:net'
import { remainingTime, type Endpoint, type TcpConnection } from './connection.ts'
import { getErrorCodes, waitForEvent } from './events.ts'
import { ProbeFailure, untilTimeout } from './failures.ts'
import { getProxyUrl, resolveHost } from './dns.ts'
import { formatSeconds, getErrorMessage } from '../../util/text.ts'

/** @throws ProbeFailure */
export function connectTcp(endpoint: Endpoint, signal: AbortSignal): Promise<TcpConnection> {
  const proxy = getProxyUrl(endpoint.address.host, endpoint.address.port)
  return proxy
    ? connectThroughProxy(new URL(proxy), endpoint, signal)
    : connectDirectly(endpoint, signal)
}

/**
 * Milliseconds for TCP: whoever lets us in answers the packet that is sent again after one second
 * at the latest.
 */
const tcpConnectTimeout = 3_000

async function connectDirectly(endpoint: Endpoint, signal: AbortSignal): Promise<TcpConnection> {
  const { host, port } = endpoint.address
  const resolvedAddresses = await resolveHost(host, remainingTime(endpoint, endpoint.timeout))
  const timeout = remainingTime(endpoint, Math.min(endpoint.timeout, tcpConnectTimeout))
  const addresses = resolvedAddresses.map(({ address }) => address)
  // One address after the other, IPv6 and IPv4 in turn: a family that leads nowhere leaves time for
  // the other. Node's own 250 ms are too short for another continent.
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
      `DNS ${host} is ${addresses.join(', ')}`,
      `TCP connected to ${socket.remoteAddress ?? host}:${port}`,
    ],
  }
}

/** Source: RFC 1918, RFC 6598, RFC 4193. */
const privateAddresses = new net.BlockList()
for (const [network, prefix] of [
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['100.64.0.0', 10],
] as const)
  privateAddresses.addSubnet(network, prefix)
privateAddresses.addSubnet('fc00::', 7, 'ipv6')

const isPrivateAddress = (address: string): boolean =>
  privateAddresses.check(address, net.isIPv6(address) ? 'ipv6' : 'ipv4')

const refused = new Set(['ECONNREFUSED', 'ECONNRESET'])
const noRoute = new Set(['ENETUNREACH', 'EHOSTUNREACH', 'EADDRNOTAVAIL', 'EAFNOSUPPORT'])

/** The failure for addresses none of which takes a connection. */
export function unreachableFailure(
  { address: { host, port }, listener }: Pick<Endpoint, 'address' | 'listener'>,
  addresses: readonly string[],
  thrown: unknown,
): ProbeFailure {
  const codes = getErrorCodes(thrown)
  const reason = codes.some((code) => refused.has(code))
    ? 'refused'
    : codes.every((code) => noRoute.has(code))
      ? addresses.every((address) => net.isIPv6(address))
        ? 'noIpv6'
        : 'noRoute'
      : listener.isInternal || addresses.every(isPrivateAddress)
        ? 'private'
        : listener.restrictedBy !== undefined
          ? 'narrowed'
          : 'silent'
  const restrictionNote =
    listener.restrictedBy === undefined
      ? ''
      : `, which is how an ALB refuses those whom ${listener.restrictedBy} leaves out`
  return new ProbeFailure({
    code: 'probe-unreachable',
    problem: `No TCP connection to ${host}:${port} (${addresses.join(', ')}): ${getErrorMessage(thrown)}${reason === 'narrowed' ? restrictionNote : ''}.`,
    remedy: remedies[reason]({ port, restrictedBy: listener.restrictedBy ?? '' }),
    retryFor: retryDurations[reason],
    cause: thrown,
  })
}

type UnreachableReason = 'refused' | 'noRoute' | 'noIpv6' | 'private' | 'narrowed' | 'silent'

/**
 * How long to go on, in milliseconds: a node of a new ALB may take a moment to let anybody in;
 * after that, these are answers. 1 is one more try.
 */
const retryDurations: Readonly<Record<UnreachableReason, number>> = {
  refused: 60_000,
  noRoute: 1,
  noIpv6: 1,
  private: 1,
  narrowed: 10_000,
  silent: untilTimeout,
}

const probeElsewhere = 'set probe: off and prove the endpoint from where clients are'

const remedies: Readonly<
  Record<UnreachableReason, (context: { port: number; restrictedBy: string }) => string>
> = {
  refused: ({ port }) =>
    `Nothing listens on port ${port}: check that the ALB still has its listener (docs/troubleshooting.md, look-again), and that no firewall refuses in its place.`,
  noRoute: () =>
    `This runner has no route to there: run this job on a runner that has one, or ${probeElsewhere}.`,
  noIpv6: () =>
    `The ALB has only IPv6 addresses, and this runner no IPv6: run this job on a runner with IPv6, or ${probeElsewhere}.`,
  private: ({ restrictedBy }) =>
    `The addresses are private: run this job on a runner inside the VPC (or a network that is joined to it), or ${probeElsewhere}.${restrictedBy === '' ? '' : ` If the runner is inside already, let it in with ${restrictedBy}.`}`,
  narrowed: ({ port, restrictedBy }) =>
    `Let this runner in on port ${port} with ${restrictedBy} (which address of it the ALB sees, its network decides), run this job on a runner that is let in, or ${probeElsewhere}.`,
  silent: ({ port }) =>
    `Check that the ALB's subnets have a route to an internet gateway, that their network ACLs let port ${port} in, and that this runner may connect to the outside.`,
}

async function connectThroughProxy(
  proxy: URL,
  endpoint: Endpoint,
  signal: AbortSignal,
): Promise<TcpConnection> {
  const { host, port } = endpoint.address
  const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`
  const authorizationHeader = proxy.username
    ? {
        'Proxy-Authorization': `Basic ${Buffer.from(`${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`).toString('base64')}`,
      }
    : {}
  const request = (proxy.protocol === 'https:' ? https : http).request({
    host: proxy.hostname,
    port: proxy.port || (proxy.protocol === 'https:' ? 443 : 80),
    method: 'CONNECT',
    path: authority,
    headers: { host: authority, ...authorizationHeader },
    signal,
  })
  request.end()
  const timeout = remainingTime(endpoint, endpoint.timeout)
  let status = 0
  try {
    const [response, socket] = (await waitForEvent(
      request,
      'connect',
      timeout,
      `no answer within ${formatSeconds(timeout)}`,
    )) as [http.IncomingMessage, net.Socket]
    status = response.statusCode ?? 0
    if (status === 200)
      return { socket, proxy: proxy.host, trace: [`proxy ${proxy.host} connected to ${authority}`] }
    socket.destroy()
    throw new Error(`it answered HTTP ${status}`)
  } catch (thrown) {
    request.destroy()
    throw proxyFailure(proxy.host, authority, status, thrown)
  }
}

/** What a proxy's refusal means. Source: RFC 9110. */
const proxyStatuses: Readonly<
  Record<number, { explanation: string; remedy: string; retryFor: number }>
> = {
  403: {
    explanation: ', which is that it forbids it',
    remedy:
      'Let the proxy pass CONNECT to the ALB, or name the ALB in NO_PROXY (for example .elb.amazonaws.com).',
    retryFor: 0,
  },
  407: {
    explanation: ', which is that it wants credentials',
    remedy:
      "Put the proxy's user and password into its URL, from a secret: HTTPS_PROXY: http://USER:PASSWORD@PROXY:PORT; or name the ALB in NO_PROXY (for example .elb.amazonaws.com).",
    retryFor: 0,
  },
}

function proxyFailure(
  proxy: string,
  authority: string,
  status: number,
  thrown: unknown,
): ProbeFailure {
  const knownStatus = proxyStatuses[status]
  return new ProbeFailure({
    code: 'probe-unreachable',
    problem: `The proxy ${proxy} makes no connection to ${authority}: ${getErrorMessage(thrown)}${knownStatus?.explanation ?? ''}.`,
    remedy:
      knownStatus?.remedy ??
      'Check that the proxy runs, resolves the name and may reach the ALB, or name the ALB in NO_PROXY (for example .elb.amazonaws.com).',
    retryFor: knownStatus?.retryFor ?? untilTimeout,
    cause: thrown,
  })
}
