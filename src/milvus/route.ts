/** The way to the ALB: DNS and TCP, or the tunnel of a proxy. */
import http from 'node:http'
import https from 'node:https'
import net from 'node:net'
import { within, type Endpoint, type Route } from './connection.ts'
import { codesOf, once } from './events.ts'
import { ProbeFailure, always } from './failures.ts'
import { proxyFor, resolve } from './names.ts'
import { inSeconds, messageOf } from '../core/text.ts'

/** @throws ProbeFailure */
export function findRoute(endpoint: Endpoint, signal: AbortSignal): Promise<Route> {
  const proxy = proxyFor(endpoint.address.host, endpoint.address.port)
  return proxy ? tunnel(new URL(proxy), endpoint, signal) : direct(endpoint, signal)
}

/** Milliseconds for TCP: whoever lets us in answers the packet that is sent again after one second at the latest. */
const longestSilence = 3_000

async function direct(endpoint: Endpoint, signal: AbortSignal): Promise<Route> {
  const { host, port } = endpoint.address
  const found = await resolve(host, within(endpoint, endpoint.timeout))
  const timeout = within(endpoint, Math.min(endpoint.timeout, longestSilence))
  const addresses = found.map(({ address }) => address)
  // One address after the other, IPv6 and IPv4 in turn: a family that leads nowhere leaves time for the other. Node's own 250 ms are too short for another continent.
  const socket = net.connect({ host, port, lookup: (_name, _options, done) => done(null, found), autoSelectFamily: true, autoSelectFamilyAttemptTimeout: Math.ceil(timeout / found.length), signal })
  try {
    await once(socket, 'connect', timeout, `no answer within ${inSeconds(timeout)}`)
  } catch (thrown) {
    socket.destroy()
    throw unreachable(endpoint, addresses, thrown)
  }
  return { socket, proxy: undefined, seen: [`DNS ${host} is ${addresses.join(', ')}`, `TCP connected to ${socket.remoteAddress ?? host}:${port}`] }
}

/** Source: RFC 1918, RFC 6598, RFC 4193. */
const privateAddresses = new net.BlockList()
for (const [network, prefix] of [['10.0.0.0', 8], ['172.16.0.0', 12], ['192.168.0.0', 16], ['100.64.0.0', 10]] as const) privateAddresses.addSubnet(network, prefix)
privateAddresses.addSubnet('fc00::', 7, 'ipv6')

const isPrivate = (address: string): boolean => privateAddresses.check(address, net.isIPv6(address) ? 'ipv6' : 'ipv4')

const refused = new Set(['ECONNREFUSED', 'ECONNRESET'])
const noRoute = new Set(['ENETUNREACH', 'EHOSTUNREACH', 'EADDRNOTAVAIL', 'EAFNOSUPPORT'])

/** The failure for addresses none of which takes a connection. */
export function unreachable({ address: { host, port }, listener }: Pick<Endpoint, 'address' | 'listener'>, addresses: readonly string[], thrown: unknown): ProbeFailure {
  const codes = codesOf(thrown)
  const kind = codes.some((code) => refused.has(code)) ? 'refused'
    : codes.every((code) => noRoute.has(code)) ? (addresses.every((address) => net.isIPv6(address)) ? 'noIpv6' : 'noRoute')
    : listener.internal || addresses.every(isPrivate) ? 'private'
    : listener.narrowedBy !== undefined ? 'narrowed' : 'silent'
  const narrowed = listener.narrowedBy === undefined ? '' : `, which is how an ALB refuses those whom ${listener.narrowedBy} leaves out`
  return new ProbeFailure({
    code: 'probe-unreachable',
    problem: `No TCP connection to ${host}:${port} (${addresses.join(', ')}): ${messageOf(thrown)}${kind === 'narrowed' ? narrowed : ''}.`,
    remedy: remedies[kind]({ port, narrowedBy: listener.narrowedBy ?? '' }),
    heals: patience[kind],
    cause: thrown,
  })
}

type Kind = 'refused' | 'noRoute' | 'noIpv6' | 'private' | 'narrowed' | 'silent'

/** How long to go on, in milliseconds: a node of a new ALB may take a moment to let anybody in; after that, these are answers. 1 is one more try. */
const patience: Readonly<Record<Kind, number>> = { refused: 60_000, noRoute: 1, noIpv6: 1, private: 1, narrowed: 10_000, silent: always }

const fromThere = 'set probe: off and prove the endpoint from where clients are'

const remedies: Readonly<Record<Kind, (facts: { port: number; narrowedBy: string }) => string>> = {
  refused: ({ port }) => `Nothing listens on port ${port}: check that the ALB still has its listener (docs/troubleshooting.md, look-again), and that no firewall refuses in its place.`,
  noRoute: () => `This runner has no route to there: run this job on a runner that has one, or ${fromThere}.`,
  noIpv6: () => `The ALB has only IPv6 addresses, and this runner no IPv6: run this job on a runner with IPv6, or ${fromThere}.`,
  private: ({ narrowedBy }) => `The addresses are private: run this job on a runner inside the VPC (or a network that is joined to it), or ${fromThere}.${narrowedBy === '' ? '' : ` If the runner is inside already, let it in with ${narrowedBy}.`}`,
  narrowed: ({ port, narrowedBy }) => `Let this runner in on port ${port} with ${narrowedBy} (which address of it the ALB sees, its network decides), run this job on a runner that is let in, or ${fromThere}.`,
  silent: ({ port }) => `Check that the ALB's subnets have a route to an internet gateway, that their network ACLs let port ${port} in, and that this runner may connect to the outside.`,
}

async function tunnel(proxy: URL, endpoint: Endpoint, signal: AbortSignal): Promise<Route> {
  const { host, port } = endpoint.address
  const target = `${host.includes(':') ? `[${host}]` : host}:${port}`
  const credentials = proxy.username ? { 'Proxy-Authorization': `Basic ${Buffer.from(`${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`).toString('base64')}` } : {}
  const request = (proxy.protocol === 'https:' ? https : http).request({
    host: proxy.hostname,
    port: proxy.port || (proxy.protocol === 'https:' ? 443 : 80),
    method: 'CONNECT',
    path: target,
    headers: { host: target, ...credentials },
    signal,
  })
  request.end()
  const timeout = within(endpoint, endpoint.timeout)
  let status = 0
  try {
    const [response, socket] = (await once(request, 'connect', timeout, `no answer within ${inSeconds(timeout)}`)) as [http.IncomingMessage, net.Socket]
    status = response.statusCode ?? 0
    if (status === 200) return { socket, proxy: proxy.host, seen: [`proxy ${proxy.host} connected to ${target}`] }
    socket.destroy()
    throw new Error(`it answered HTTP ${status}`)
  } catch (thrown) {
    request.destroy()
    throw proxyFailure(proxy.host, target, status, thrown)
  }
}

/** What a proxy's refusal means. Source: RFC 9110. */
const refusals: Readonly<Record<number, { means: string; remedy: string; heals: number }>> = {
  403: { means: ', which is that it forbids it', remedy: 'Let the proxy pass CONNECT to the ALB, or name the ALB in NO_PROXY (for example .elb.amazonaws.com).', heals: 0 },
  407: { means: ', which is that it wants credentials', remedy: "Put the proxy's user and password into its URL, from a secret: HTTPS_PROXY: http://USER:PASSWORD@PROXY:PORT; or name the ALB in NO_PROXY (for example .elb.amazonaws.com).", heals: 0 },
}

function proxyFailure(proxy: string, target: string, status: number, thrown: unknown): ProbeFailure {
  const refusal = refusals[status]
  return new ProbeFailure({
    code: 'probe-unreachable',
    problem: `The proxy ${proxy} makes no connection to ${target}: ${messageOf(thrown)}${refusal?.means ?? ''}.`,
    remedy: refusal?.remedy ?? 'Check that the proxy runs, resolves the name and may reach the ALB, or name the ALB in NO_PROXY (for example .elb.amazonaws.com).',
    heals: refusal?.heals ?? always,
    cause: thrown,
  })
}
