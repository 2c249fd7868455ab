/** Why the probe cannot connect to the ALB: DNS, TCP, or an HTTP proxy. */
import { ProbeFailure, never, once, untilTimeout } from './probe-failure.ts'

/** A failed DNS lookup. */
interface FailedLookup {
  readonly host: string
  /** A phrase such as "name not found (ENOTFOUND)". */
  readonly reason: string
  readonly cause: unknown
}

/**
 * The SOA record of elb.amazonaws.com has a minimum of 60 s, which is how long resolvers cache that
 * a name does not exist (RFC 2308).
 */
export function nameNotResolved({ host, reason, cause }: FailedLookup): ProbeFailure {
  return new ProbeFailure({
    code: 'probe-dns-failed',
    problem: `Cannot resolve ${host} on this runner: ${reason}.`,
    remedy:
      'A new ALB is in DNS within minutes, and this runner\'s DNS server caches "no such name" for another minute: increase probe-timeout. If the failure persists, check which DNS server this runner uses.',
    retryFor: untilTimeout,
    cause,
  })
}

export function dnsUnavailable({ host, reason, cause }: FailedLookup): ProbeFailure {
  return new ProbeFailure({
    code: 'probe-dns-failed',
    problem: `Cannot resolve ${host} on this runner: ${reason}.`,
    remedy:
      'Check the network and the DNS server of this runner (/etc/resolv.conf); the failure says nothing about the ALB. To bypass DNS, set probe-address to an IP address of the ALB.',
    retryFor: untilTimeout,
    cause,
  })
}

const createRecordRemedy = (host: string, names: readonly string[]): string =>
  `Create a CNAME record (in Route 53 preferably an alias record) from ${host} to ${names.join(' or ')}, by hand or with ExternalDNS (docs/dns.md)`

/**
 * RFC 2308; the SOA record that Route 53 creates has a TTL of 900 s.
 * @param names of the ALB, and of an NLB in front of it
 */
export function hostRecordMissing(host: string, names: readonly string[]): ProbeFailure {
  return new ProbeFailure({
    code: 'probe-host-dns-missing',
    problem: `The ALB works, but ${host} has no address in this runner's DNS.`,
    remedy: `${createRecordRemedy(host, names)}. Then run the job again; DNS servers cache "no such name", for names in Route 53 up to 15 minutes.`,
    retryFor: untilTimeout,
  })
}

export function hostRecordMismatch(records: {
  readonly host: string
  /** CNAME targets and addresses. */
  readonly resolvedTo: readonly string[]
  /** Of the ALB, and of an NLB in front of it. */
  readonly names: readonly string[]
  readonly addresses: readonly string[]
}): ProbeFailure {
  const { host, resolvedTo, names, addresses } = records
  return new ProbeFailure({
    code: 'probe-host-dns-differs',
    problem: `The ALB works, but in this runner's DNS ${host} points to ${resolvedTo.join(', ')} instead of ${names.join(' or ')} (${addresses.join(', ')}).`,
    remedy: `${createRecordRemedy(host, names)}. If the record was just changed, DNS servers keep the old one until its TTL expires: increase probe-timeout. If another service is meant to be in front of the ALB, set probe-dns: false.`,
    retryFor: untilTimeout,
  })
}

/** A failed TCP connection to the ALB. */
export interface FailedConnection {
  readonly host: string
  readonly port: number
  readonly addresses: readonly string[]
  /** A phrase such as "connection refused (ECONNREFUSED)". */
  readonly reason: string
  readonly cause: unknown
}

function unreachable(
  { host, port, addresses, reason, cause }: FailedConnection,
  remedy: string,
  retryFor: number,
): ProbeFailure {
  return new ProbeFailure({
    code: 'probe-unreachable',
    problem: `Cannot connect to ${host}:${port} (${addresses.join(', ')}): ${reason}.`,
    remedy,
    retryFor,
    cause,
  })
}

const probeElsewhere = 'set probe: off and verify the endpoint from a network that clients use'

/** A node of a new ALB may refuse connections for a moment. */
export function connectionRefused(connection: FailedConnection): ProbeFailure {
  return unreachable(
    connection,
    `Nothing listens on port ${connection.port}. Check that the ALB still has its listener (docs/troubleshooting.md#reconcile), and that no firewall rejects the connection.`,
    60_000,
  )
}

export function noRoute(connection: FailedConnection): ProbeFailure {
  return unreachable(
    connection,
    `This runner has no route to the ALB. Run this job on a runner that has one, or ${probeElsewhere}.`,
    once,
  )
}

export function noIpv6Route(connection: FailedConnection): ProbeFailure {
  return unreachable(
    connection,
    `The ALB has only IPv6 addresses, and this runner has no IPv6. Run this job on a runner with IPv6, or ${probeElsewhere}.`,
    once,
  )
}

/** @param restrictedBy the input, with its value, that allows only some addresses */
export function addressesPrivate(
  connection: FailedConnection,
  restrictedBy: string | undefined,
): ProbeFailure {
  const remedy = `The addresses are private. Run this job on a runner inside the VPC (or in a network connected to it), or ${probeElsewhere}.`
  return unreachable(
    connection,
    restrictedBy === undefined
      ? remedy
      : `${remedy} If the runner is already inside, allow it with ${restrictedBy}.`,
    once,
  )
}

/** @param restrictedBy the input, with its value, that allows only some addresses */
export function runnerNotAllowed(connection: FailedConnection, restrictedBy: string): ProbeFailure {
  const reason = `${connection.reason}, which is how an ALB treats addresses that ${restrictedBy} does not allow`
  return unreachable(
    { ...connection, reason },
    `Allow this runner on port ${connection.port} with ${restrictedBy} (the runner's network decides which of its addresses the ALB sees), run this job on an allowed runner, or ${probeElsewhere}.`,
    10_000,
  )
}

export function albUnresponsive(connection: FailedConnection): ProbeFailure {
  return unreachable(
    connection,
    `Check that the ALB's subnets have a route to an internet gateway, that their network ACLs allow port ${connection.port}, and that this runner has outbound access.`,
    untilTimeout,
  )
}

/** A CONNECT request that an HTTP proxy did not serve. */
export interface FailedTunnel {
  readonly proxy: string
  /** Host and port of the ALB. */
  readonly authority: string
  readonly cause: unknown
}

const noProxyExample = 'NO_PROXY (for example .elb.amazonaws.com)'

function tunnelFailed(
  { proxy, authority, cause }: FailedTunnel,
  failure: { reason: string; remedy: string; retryFor: number },
): ProbeFailure {
  return new ProbeFailure({
    code: 'probe-unreachable',
    problem: `Proxy ${proxy} does not connect to ${authority}: ${failure.reason}.`,
    remedy: failure.remedy,
    retryFor: failure.retryFor,
    cause,
  })
}

export function proxyForbidsConnection(tunnel: FailedTunnel): ProbeFailure {
  return tunnelFailed(tunnel, {
    reason: 'it answered HTTP 403, so it forbids the connection',
    remedy: `Allow CONNECT to the ALB in the proxy, or add the ALB to ${noProxyExample}.`,
    retryFor: never,
  })
}

export function proxyRequiresCredentials(tunnel: FailedTunnel): ProbeFailure {
  return tunnelFailed(tunnel, {
    reason: 'it answered HTTP 407, so it requires credentials',
    remedy: `Add user and password to the URL of the proxy, from a secret: HTTPS_PROXY: http://USER:PASSWORD@PROXY:PORT. Or add the ALB to ${noProxyExample}.`,
    retryFor: never,
  })
}

/** @param reason a phrase such as "it answered HTTP 502" */
export function proxyConnectionFailed(tunnel: FailedTunnel, reason: string): ProbeFailure {
  return tunnelFailed(tunnel, {
    reason,
    remedy: `Check that the proxy runs, resolves the name and can reach the ALB, or add the ALB to ${noProxyExample}.`,
    retryFor: untilTimeout,
  })
}

/** @param protocol of its URL, such as "socks5:" */
export function proxyUnsupported(proxy: string, protocol: string): ProbeFailure {
  return new ProbeFailure({
    code: 'probe-unreachable',
    problem: `Proxy ${proxy} has protocol ${protocol.replace(':', '')}, and the probe supports http and https only.`,
    remedy: `Set HTTPS_PROXY to an HTTP proxy, or add the ALB to ${noProxyExample}.`,
    retryFor: never,
  })
}
