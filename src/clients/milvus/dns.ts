/** Resolves names with this runner's DNS, and compares the host's record with the ALB. */
import dns from 'node:dns/promises'
import type { LookupAddress } from 'node:dns'
import { setTimeout as sleep } from 'node:timers/promises'
import { getProxyForUrl } from 'proxy-from-env'
import {
  dnsUnavailable,
  hostRecordMismatch,
  hostRecordMissing,
  nameNotResolved,
} from '../../failures/probe-connection.ts'
import { ProbeFailure } from '../../failures/probe-failure.ts'
import { formatSeconds } from '../../util/text.ts'
import { describeNetworkError, getErrorCodes } from './network-errors.ts'

/** Host and port as in a URL: an IPv6 address in brackets. */
export const formatAuthority = (host: string, port: number): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`

const proxyVariables = ['https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY']

/**
 * The URL of the proxy for connections to this address; undefined when there is none. A value
 * without a scheme means HTTP, as for curl and Go; proxy-from-env prepends https.
 */
export function getProxyUrl(host: string, port: number): string | undefined {
  const url = getProxyForUrl(`https://${formatAuthority(host, port)}`)
  if (url === '') return undefined
  const hasScheme = proxyVariables.some((name) => process.env[name] === url)
  return hasScheme ? url : url.replace(/^https:/, 'http:')
}

/**
 * The addresses of a name.
 * @param timeout milliseconds
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
  const timer = new AbortController()
  const rejectAfterTimeout = async (): Promise<never> => {
    await sleep(timeout, undefined, { signal: timer.signal })
    throw new Error(`no answer within ${formatSeconds(timeout)}`)
  }
  try {
    return await Promise.race([promise, rejectAfterTimeout()])
  } finally {
    timer.abort()
  }
}

/** Whether a DNS server answered that the name does not exist, or has no address. */
const isNameNotFound = (thrown: unknown): boolean =>
  getErrorCodes(thrown).some((code) => code === 'ENOTFOUND' || code === 'ENODATA')

/** The failure for a name that could not be resolved. */
export function dnsFailure(host: string, thrown: unknown): ProbeFailure {
  const lookup = { host, reason: describeNetworkError(thrown), cause: thrown }
  return isNameNotFound(thrown) ? nameNotResolved(lookup) : dnsUnavailable(lookup)
}

/** The names that the host may lead to. */
export interface LoadBalancerNames {
  readonly alb: string
  /** Of the Network Load Balancer in front of the ALB. */
  readonly nlb: string | undefined
}

/**
 * Finds out which load balancer this runner's DNS points `host` to, by CNAME records, or by the
 * addresses that an alias record has.
 * @param timeout milliseconds for each lookup
 * @returns a failure when the host points to neither, or when that is not known
 */
export async function identifyLoadBalancer(
  host: string,
  { alb, nlb }: LoadBalancerNames,
  timeout: number,
): Promise<keyof LoadBalancerNames | ProbeFailure> {
  const [hostAddresses, albAddresses, nlbAddresses] = await Promise.all([
    tryResolve(host, timeout),
    tryResolve(alb, timeout),
    nlb === undefined ? [] : tryResolve(nlb, timeout),
  ])
  const names = nlb === undefined ? [alb] : [alb, nlb]
  if (hostAddresses instanceof ProbeFailure)
    return isNameNotFound(hostAddresses.cause) ? hostRecordMissing(host, names) : hostAddresses
  if (albAddresses instanceof ProbeFailure) return albAddresses
  const addresses =
    nlbAddresses instanceof ProbeFailure ? albAddresses : [...albAddresses, ...nlbAddresses]
  if (hostAddresses.every((address) => albAddresses.includes(address))) return 'alb'
  if (hostAddresses.every((address) => addresses.includes(address))) return 'nlb'
  // A load balancer changes its addresses, and the answers may be of different age: CNAMEs decide.
  const cnames = await followCnames(host, timeout)
  const targets = cnames.map(normalizeName)
  if (targets.includes(normalizeName(alb))) return 'alb'
  if (nlb !== undefined && targets.includes(normalizeName(nlb))) return 'nlb'
  return hostRecordMismatch({ host, resolvedTo: [...cnames, ...hostAddresses], names, addresses })
}

async function tryResolve(
  host: string,
  timeout: number,
): Promise<readonly string[] | ProbeFailure> {
  try {
    const resolved = await resolveHost(host, timeout)
    return resolved.map(({ address }) => address)
  } catch (thrown) {
    if (thrown instanceof ProbeFailure) return thrown
    throw thrown
  }
}

/** Alias records of Route 53 point to the ALB's name with the prefix `dualstack.`. */
const normalizeName = (name: string): string =>
  name
    .toLowerCase()
    .replace(/\.$/, '')
    .replace(/^dualstack\./, '')

/** A chain of more CNAME records is most likely a loop. */
const maxCnames = 8

async function followCnames(host: string, timeout: number): Promise<string[]> {
  const cnames: string[] = []
  let name = host
  while (cnames.length < maxCnames) {
    const target = await resolveCname(name, timeout)
    if (target === undefined) break
    cnames.push(target)
    name = target
  }
  return cnames
}

async function resolveCname(name: string, timeout: number): Promise<string | undefined> {
  try {
    const [target] = await withTimeout(timeout, dns.resolveCname(name))
    return target
  } catch {
    return undefined
  }
}
