/** Names in this runner's DNS: their addresses, and whether the host's own name leads to the ALB. */
import dns from 'node:dns/promises'
import type { LookupAddress } from 'node:dns'
import { setTimeout as sleep } from 'node:timers/promises'
import { getProxyForUrl } from 'proxy-from-env'
import { codesOf } from './events.ts'
import { ProbeFailure, always } from './failures.ts'
import { inSeconds, messageOf } from '../core/text.ts'

/** The proxy that connections to this address go through; empty when there is none. */
export const proxyFor = (host: string, port: number): string => getProxyForUrl(`https://${host.includes(':') ? `[${host}]` : host}:${port}`)

/** The addresses of a name. @throws ProbeFailure */
export async function resolve(host: string, timeout: number): Promise<LookupAddress[]> {
  try {
    return await within(timeout, dns.lookup(host, { all: true }))
  } catch (thrown) {
    throw dnsFailure(host, thrown)
  }
}

async function within<T>(timeout: number, work: Promise<T>): Promise<T> {
  const late = new AbortController()
  const silence = sleep(timeout, undefined, { signal: late.signal }).then(() => {
    throw new Error(`no answer within ${inSeconds(timeout)}`)
  })
  try {
    return await Promise.race([work, silence])
  } finally {
    late.abort()
  }
}

/** Whether a DNS server said that there is no such name, in getaddrinfo's words or those of a query. */
const isUnknown = (thrown: unknown): boolean => codesOf(thrown).some((code) => code === 'ENOTFOUND' || code === 'ENODATA')

/** The failure for a name without an address: there is none, or nobody says. */
export function dnsFailure(host: string, thrown: unknown): ProbeFailure {
  return new ProbeFailure({
    code: 'probe-dns-failed',
    ...(isUnknown(thrown)
      ? {
          problem: `${host} has no address in this runner's DNS (${messageOf(thrown)}).`,
          // The SOA of elb.amazonaws.com has a minimum of 60 s, which is how long "no such name" is kept (RFC 2308).
          remedy: 'A new ALB gets its name within minutes, and this runner\'s DNS keeps "no such name" for a minute more: give probe-timeout more time. If it stays, check which DNS server this runner asks.',
        }
      : {
          problem: `This runner's DNS does not answer for ${host} (${messageOf(thrown)}).`,
          remedy: "Check the network and the DNS server of this runner (/etc/resolv.conf): that says nothing about the ALB. A way around is probe-address with an IP address of the ALB.",
        }),
    heals: always,
    cause: thrown,
  })
}

/** A name as it is compared: alias records of Route 53 lead to the ALB's with `dualstack.` before it. */
const bare = (name: string): string => name.toLowerCase().replace(/\.$/, '').replace(/^dualstack\./, '')

/**
 * Whether this runner's DNS leads `host` to the ALB: by CNAME records, or by the same addresses as an alias record has.
 * @returns why not, as a failure; undefined when it does
 */
export async function leadsAstray(host: string, alb: string, timeout: number): Promise<ProbeFailure | undefined> {
  const attempt = async (name: string): Promise<readonly string[] | ProbeFailure> => {
    const found = await resolve(name, timeout).catch((thrown: unknown) => thrown as ProbeFailure)
    return found instanceof ProbeFailure ? found : found.map(({ address }) => address)
  }
  const [own, wanted] = await Promise.all([attempt(host), attempt(alb)])
  if (own instanceof ProbeFailure) return isUnknown(own.cause) ? hostMissing(host, alb) : own
  if (wanted instanceof ProbeFailure) return wanted
  if (own.every((address) => wanted.includes(address))) return undefined
  // The two may have been answered at different times, and an ALB changes its addresses.
  const chain = await aliases(host, timeout)
  return chain.some((name) => bare(name) === bare(alb)) ? undefined : hostDiffers({ host, leads: [...chain, ...own], alb, wanted })
}

/** Where CNAME records lead, one after the other. A chain of more than 8 is a loop, or as good as one. */
async function aliases(host: string, timeout: number): Promise<string[]> {
  const chain: string[] = []
  for (let name = host; chain.length < 8;) {
    const [next] = await within(timeout, dns.resolveCname(name)).catch(() => [])
    if (next === undefined) return chain
    chain.push(next)
    name = next
  }
  return chain
}

const makeRecord = (host: string, alb: string): string => `Make ${host} a CNAME (in Route 53 better an alias) record to ${alb}, by hand or with ExternalDNS (docs/dns.md)`

function hostMissing(host: string, alb: string): ProbeFailure {
  return new ProbeFailure({
    code: 'probe-host-dns-missing',
    problem: `The ALB works, but ${host} has no address in this runner's DNS.`,
    // RFC 2308; the SOA that Route 53 makes has a TTL of 900 s.
    remedy: `${makeRecord(host, alb)}, and run the job again; "no such name" is remembered, for names in Route 53 up to 15 minutes.`,
    heals: always,
  })
}

function hostDiffers({ host, leads, alb, wanted }: { host: string; leads: readonly string[]; alb: string; wanted: readonly string[] }): ProbeFailure {
  return new ProbeFailure({
    code: 'probe-host-dns-differs',
    problem: `The ALB works, but in this runner's DNS ${host} leads elsewhere: to ${leads.join(', ')}, and not to ${alb} (${wanted.join(', ')}).`,
    remedy: `${makeRecord(host, alb)}. If that was just done, the old record is kept until its TTL is over: give probe-timeout more time. If another service is meant to stand before the ALB, set probe-dns: false.`,
    heals: always,
  })
}
