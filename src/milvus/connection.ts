/** The way to the ALB stage by stage: DNS, TCP (or a proxy's tunnel), TLS, ALPN. Each stage has its own failure. */
import dns from 'node:dns/promises'
import http from 'node:http'
import https from 'node:https'
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import tls from 'node:tls'
import { X509Certificate } from 'node:crypto'
import { getProxyForUrl } from 'proxy-from-env'
import { ProbeFailure } from './failures.ts'
import { messageOf, oneLine } from '../core/text.ts'

/** Where to connect and what to find there. */
export interface Endpoint {
  /** The name in the certificate and in the Ingress rule. */
  readonly host: string
  /** The ALB's name and the listener's port, or what stands in for them. */
  readonly address: { readonly host: string; readonly port: number }
  /** PEM of further authorities to trust. */
  readonly ca: string | undefined
  /** The certificate that should be served; undefined when that is not known. */
  readonly certificate: X509Certificate | undefined
  /** Whether the ALB lets in only some addresses: silence is then an answer. */
  readonly narrowed: boolean
  /** Milliseconds for each stage of the connection. */
  readonly timeout: number
  /** Milliseconds for each call. An ALB takes 10 s to say 504 for a target that does not let it in. */
  readonly callTimeout: number
}

/** A connection that was made and checked. */
export interface Secured {
  readonly socket: tls.TLSSocket
  readonly certificate: X509Certificate
  /** What was seen on the way, a line a stage. */
  readonly seen: readonly string[]
}

/** @throws ProbeFailure of the stage that failed */
export async function connect(endpoint: Endpoint, signal: AbortSignal): Promise<Secured> {
  const { host, port } = endpoint.address
  const proxy = getProxyForUrl(`https://${host.includes(':') ? `[${host}]` : host}:${port}`)
  const route = proxy ? await tunnel(new URL(proxy), endpoint, signal) : await direct(endpoint, signal)
  return secure(route.socket, endpoint, route.seen)
}

interface Route {
  readonly socket: net.Socket
  readonly seen: readonly string[]
}

async function direct(endpoint: Endpoint, signal: AbortSignal): Promise<Route> {
  const { host, port } = endpoint.address
  const addresses = await resolve(host, endpoint.timeout)
  const socket = net.connect({ host, port, autoSelectFamily: true, signal })
  try {
    await once(socket, 'connect', endpoint.timeout, `no connection within ${endpoint.timeout / 1000} s`)
  } catch (thrown) {
    socket.destroy()
    throw unreachable(endpoint, addresses, thrown)
  }
  return { socket, seen: [`DNS ${host} is ${addresses.join(', ')}`, `TCP connected to ${socket.remoteAddress ?? host}:${port}`] }
}

async function resolve(host: string, timeout: number): Promise<string[]> {
  const late = new AbortController()
  try {
    const silence = sleep(timeout, undefined, { signal: late.signal }).then(() => {
      throw new Error(`no answer within ${timeout / 1000} s`)
    })
    return (await Promise.race([dns.lookup(host, { all: true }), silence])).map(({ address }) => address)
  } catch (thrown) {
    throw new ProbeFailure({
      code: 'probe-dns-failed',
      problem: `${host} has no address in this runner's DNS (${messageOf(thrown)}).`,
      remedy: 'A new ALB gets its name within minutes: give probe-timeout more time, or check which DNS server this runner asks.',
      heals: Infinity,
      cause: thrown,
    })
  } finally {
    late.abort()
  }
}

/** Source: RFC 1918, RFC 6598, RFC 4193. */
const privateAddresses = new net.BlockList()
for (const [network, prefix] of [['10.0.0.0', 8], ['172.16.0.0', 12], ['192.168.0.0', 16], ['100.64.0.0', 10]] as const) privateAddresses.addSubnet(network, prefix)
privateAddresses.addSubnet('fc00::', 7, 'ipv6')

function unreachable(endpoint: Endpoint, addresses: readonly string[], thrown: unknown): ProbeFailure {
  const { host, port } = endpoint.address
  const isPrivate = addresses.every((address) => privateAddresses.check(address, net.isIPv6(address) ? 'ipv6' : 'ipv4'))
  const refused = /ECONNREFUSED|ECONNRESET/.test(messageOf(thrown))
  return new ProbeFailure({
    code: 'probe-unreachable',
    problem: `No TCP connection to ${host}:${port} (${addresses.join(', ')}): ${messageOf(thrown)}.`,
    remedy: remedyFor(isPrivate, refused, port),
    // A node of a new ALB may take a moment to let anybody in; after that, silence is an answer of one that does not let everybody in.
    heals: (isPrivate || endpoint.narrowed) && !refused ? 20_000 : Infinity,
    cause: thrown,
  })
}

function remedyFor(isPrivate: boolean, refused: boolean, port: number): string {
  if (refused) return `Nothing listens on port ${port}: check that the ALB still has its listener.`
  if (isPrivate) return 'The addresses are private: run this job on a runner inside the network, or set probe: off and prove the endpoint from there.'
  return `Let the ALB accept this runner on port ${port} (inbound-cidrs, or the groups in security-groups), or run the job where clients are.`
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
  try {
    const [response, socket] = (await once(request, 'connect', endpoint.timeout, `no answer within ${endpoint.timeout / 1000} s`)) as [http.IncomingMessage, net.Socket]
    if (response.statusCode === 200) return { socket, seen: [`proxy ${proxy.host} connected to ${target}`] }
    socket.destroy()
    throw new Error(`it answered HTTP ${response.statusCode ?? 0}`)
  } catch (thrown) {
    request.destroy()
    throw new ProbeFailure({
      code: 'probe-unreachable',
      problem: `The proxy ${proxy.host} makes no connection to ${target}: ${messageOf(thrown)}.`,
      remedy: 'Let the proxy pass CONNECT to the ALB, or name the ALB in NO_PROXY (for example .elb.amazonaws.com).',
      heals: Infinity,
      cause: thrown,
    })
  }
}

async function secure(raw: net.Socket, endpoint: Endpoint, seen: readonly string[]): Promise<Secured> {
  // The certificate is judged below, so that a wrong one can be named; nothing is sent before that.
  const ca = [...tls.getCACertificates('default'), ...(endpoint.ca ? [endpoint.ca] : [])]
  const socket = tls.connect({ socket: raw, servername: endpoint.host, ALPNProtocols: ['h2', 'http/1.1'], ca, rejectUnauthorized: false })
  try {
    await once(socket, 'secureConnect', endpoint.timeout, `no TLS handshake within ${endpoint.timeout / 1000} s`)
  } catch (thrown) {
    socket.destroy()
    throw new ProbeFailure({
      code: 'probe-tls-failed',
      problem: `No TLS connection as ${endpoint.host}: ${messageOf(thrown)}.`,
      remedy: "Check that the listener is HTTPS, that its ssl-policy has a version in common with this runner, and that nothing in between opens TLS.",
      heals: Infinity,
      cause: thrown,
    })
  }
  const certificate = socket.getPeerX509Certificate()
  const failure = certificate ? judge(socket, certificate, endpoint) : undefined
  if (failure ?? !certificate) {
    socket.destroy()
    throw failure ?? new ProbeFailure({ code: 'probe-tls-failed', problem: 'The server showed no certificate.', remedy: 'Check that the listener is HTTPS.', heals: 0 })
  }
  const line = `TLS ${socket.getProtocol() ?? ''}, certificate ${certificate.serialNumber} of ${oneLine(certificate.subject)}, valid until ${certificate.validToDate.toISOString()}, ALPN h2`
  return { socket, certificate, seen: [...seen, line] }
}

function judge(socket: tls.TLSSocket, served: X509Certificate, endpoint: Endpoint): ProbeFailure | undefined {
  const { host, certificate: expected } = endpoint
  const described = `certificate ${served.serialNumber} (${served.subjectAltName ?? oneLine(served.subject)})`
  if (expected && !served.raw.equals(expected.raw)) {
    return new ProbeFailure({
      code: 'probe-certificate-differs',
      problem: `The ALB serves ${described}, issued by ${oneLine(served.issuer)}, for ${host}, not the one in ACM (${expected.serialNumber}).`,
      remedy: 'If your own proxy is the issuer, add the ALB to NO_PROXY. A renewed certificate reaches the ALB within minutes; if it stays, look which certificates the listener has, and whether this name leads to this ALB.',
      heals: Infinity,
    })
  }
  if (served.checkHost(host, { subject: 'never', partialWildcards: false }) === undefined) {
    return new ProbeFailure({ code: 'probe-certificate-host-mismatch', problem: `The ALB serves ${described}, which does not cover ${host}.`, remedy: 'Use a certificate with this name.', heals: 0 })
  }
  // Node sets authorizationError to the code, though its types say Error.
  const untrusted = socket.authorized ? undefined : String(socket.authorizationError)
  if (untrusted !== undefined) {
    return new ProbeFailure({
      code: 'probe-certificate-untrusted',
      problem: `The ALB serves ${described}, and this runner does not trust it (${untrusted}).`,
      remedy: "With a private authority, give its certificate as probe-ca (clients need it too: server_pem_path); with a public one, give the intermediate certificates as certificate-chain.",
      heals: 0,
    })
  }
  if (socket.alpnProtocol === 'h2') return undefined
  return new ProbeFailure({
    code: 'probe-http2-missing',
    problem: `The ALB offers no HTTP/2 (ALPN: ${socket.alpnProtocol || 'none'}), and gRPC needs it.`,
    remedy: 'Set the load balancer attribute routing.http2.enabled to true, and check that nothing in between opens TLS.',
    heals: 0,
  })
}

/** The arguments of the next `event`. @throws the emitter's error, or Error(late) */
function once(emitter: NodeJS.EventEmitter, event: string, timeout: number, late: string): Promise<unknown[]> {
  return new Promise((done, fail) => {
    const timer = setTimeout(() => fail(new Error(late)), timeout)
    emitter.once(event, (...values: unknown[]) => {
      clearTimeout(timer)
      done(values)
    })
    // Stays: an error after the event must not end the process.
    emitter.on('error', (error: Error) => {
      clearTimeout(timer)
      fail(error)
    })
  })
}
