/**
 * Names in this runner's DNS: their addresses, and whether the host's own name leads to the ALB.
 */
import dns from 'node:dns/promises'
import type { LookupAddress } from 'node:dns'
import { setTimeout as sleep } from 'node:timers/promises'
import { getProxyForUrl } from 'proxy-from-env'
import { getErrorCodes } from './events.ts'
import { ProbeFailure, untilTimeout } from './failures.ts'
import { formatSeconds, getErrorMessage } from '../../util/text.ts'

/** The proxy that connections to this address go through; empty when there is none. */
export const getProxyUrl = (host: string, port: number): string =>
  getProxyForUrl(`https://${host.includes(':') ? `[${host}]` : host}:${port}`)

/**
 * The addresses of a name.
 * @throws ProbeFailure
 */
export async function resolveHost(host: string, timeout: number): Promise<LookupAddress[]> {
  try {
    return await withTimeout(timeout, dns.lookup(host, { all: true }))
  } catch (thrown) {
    throw dnsFailure(host, thrown)
  }
}

async function withTimeout<T>(timeout: number, promise: Promise<T>): Promise<T> {
  const timeoutController = new AbortController()
  const timeoutReached = sleep(timeout, undefined, { signal: timeoutController.signal }).then(
    () => {
      throw new Error(`no answer within ${formatSeconds(timeout)}`)
    },
  )
  try {
    return await Promise.race([promise, timeoutReached])
  } finally {
    timeoutController.abort()
  }
}

/**
 * Whether a DNS server said that there is no such name, in getaddrinfo's words or those of a query.
 */
const isNameNotFound = (thrown: unknown): boolean =>
  getErrorCodes(thrown).some((code) => code === 'ENOTFOUND' || code === 'ENODATA')

/** The failure for a name without an address: there is none, or nobody says. */
export function dnsFailure(host: string, thrown: unknown): ProbeFailure {
  return new ProbeFailure({
    code: 'probe-dns-failed',
    ...(isNameNotFound(thrown)
      ? {
          problem: `${host} has no address in this runner's DNS (${getErrorMessage(thrown)}).`,
          // The SOA of elb.amazonaws.com has a minimum of 60 s, which is how long "no such name" is
          // kept (RFC 2308).
          remedy:
            'A new ALB gets its name within minutes, and this runner\'s DNS keeps "no such name" for a minute more: give probe-timeout more time. If it stays, check which DNS server this runner asks.',
        }
      : {
          problem: `This runner's DNS does not answer for ${host} (${getErrorMessage(thrown)}).`,
          remedy:
            'Check the network and the DNS server of this runner (/etc/resolv.conf): that says nothing about the ALB. A way around is probe-address with an IP address of the ALB.',
        }),
    retryFor: untilTimeout,
    cause: thrown,
  })
}

/**
 * A name as it is compared: alias records of Route 53 lead to the ALB's with `dualstack.` before
 * it.
 */
const normalizeName = (name: string): string =>
  name
    .toLowerCase()
    .replace(/\.$/, '')
    .replace(/^dualstack\./, '')

/**
 * Whether this runner's DNS leads `host` to the ALB: by CNAME records, or by the same addresses as
 * an alias record has.
 * @returns why not, as a failure; undefined when it does
 */
export async function findDnsMismatch(
  host: string,
  alb: string,
  timeout: number,
): Promise<ProbeFailure | undefined> {
  const tryResolve = async (name: string): Promise<readonly string[] | ProbeFailure> => {
    const result = await resolveHost(name, timeout).catch(
      (thrown: unknown) => thrown as ProbeFailure,
    )
    return result instanceof ProbeFailure ? result : result.map(({ address }) => address)
  }
  const [hostAddresses, albAddresses] = await Promise.all([tryResolve(host), tryResolve(alb)])
  if (hostAddresses instanceof ProbeFailure)
    return isNameNotFound(hostAddresses.cause) ? missingHostFailure(host, alb) : hostAddresses
  if (albAddresses instanceof ProbeFailure) return albAddresses
  if (hostAddresses.every((address) => albAddresses.includes(address))) return undefined
  // The two may have been answered at different times, and an ALB changes its addresses.
  const cnames = await followCnames(host, timeout)
  return cnames.some((name) => normalizeName(name) === normalizeName(alb))
    ? undefined
    : mismatchedHostFailure({ host, resolvedTo: [...cnames, ...hostAddresses], alb, albAddresses })
}

/**
 * Where CNAME records lead, one after the other. A chain of more than 8 is a loop, or as good as
 * one.
 */
async function followCnames(host: string, timeout: number): Promise<string[]> {
  const cnames: string[] = []
  for (let name = host; cnames.length < 8;) {
    const [target] = await withTimeout(timeout, dns.resolveCname(name)).catch(() => [])
    if (target === undefined) return cnames
    cnames.push(target)
    name = target
  }
  return cnames
}

const dnsRecordRemedy = (host: string, alb: string): string =>
  `Make ${host} a CNAME (in Route 53 better an alias) record to ${alb}, by hand or with ExternalDNS (docs/dns.md)`

function missingHostFailure(host: string, alb: string): ProbeFailure {
  return new ProbeFailure({
    code: 'probe-host-dns-missing',
    problem: `The ALB works, but ${host} has no address in this runner's DNS.`,
    // RFC 2308; the SOA that Route 53 makes has a TTL of 900 s.
    remedy: `${dnsRecordRemedy(host, alb)}, and run the job again; "no such name" is remembered, for names in Route 53 up to 15 minutes.`,
    retryFor: untilTimeout,
  })
}

function mismatchedHostFailure({
  host,
  resolvedTo,
  alb,
  albAddresses,
}: {
  host: string
  resolvedTo: readonly string[]
  alb: string
  albAddresses: readonly string[]
}): ProbeFailure {
  return new ProbeFailure({
    code: 'probe-host-dns-differs',
    problem: `The ALB works, but in this runner's DNS ${host} leads elsewhere: to ${resolvedTo.join(', ')}, and not to ${alb} (${albAddresses.join(', ')}).`,
    remedy: `${dnsRecordRemedy(host, alb)}. If that was just done, the old record is kept until its TTL is over: give probe-timeout more time. If another service is meant to stand before the ALB, set probe-dns: false.`,
    retryFor: untilTimeout,
  })
}
