/**
 * Connects to every address of the ALB. It has one in each subnet, and clients use any of them; the
 * probe itself is satisfied with the first that answers.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { ProbeFailure } from '../../failures/probe-failure.ts'
import { getProxyUrl, resolveHost } from './dns.ts'
import type { Endpoint } from './endpoint.ts'
import { connectDirectly, lacksRoute } from './tcp.ts'
import { connectTls } from './tls.ts'

/** An address, and why it cannot be used; without a failure it can. */
export interface CheckedAddress {
  readonly address: string
  readonly failure: ProbeFailure | undefined
}

/** An ALB has one or two addresses per subnet, and more under high load. */
const maxAddresses = 20
/** A new node of the ALB may take a moment. */
const maxAttempts = 3
/** Milliseconds between two attempts. */
const attemptInterval = 1_000

/**
 * Each address of the endpoint, as far as this runner has a route to it: one without IPv6 cannot
 * tell. Empty for a single address, which the probe has used, and behind a proxy, which chooses.
 */
export async function checkAddresses(
  endpoint: Endpoint,
  signal: AbortSignal,
): Promise<CheckedAddress[]> {
  const { host, port } = endpoint.address
  if (getProxyUrl(host, port) !== undefined) return []
  // The probe has resolved the name a moment ago.
  const resolved = await resolveHost(host, endpoint.timeout).catch(() => [])
  if (resolved.length < 2) return []
  const checked = await Promise.all(
    resolved.slice(0, maxAddresses).map(({ address }) => checkAddress(address, endpoint, signal)),
  )
  return checked.filter(({ failure }) => !lacksRoute(failure?.cause))
}

async function checkAddress(
  address: string,
  endpoint: Endpoint,
  signal: AbortSignal,
): Promise<CheckedAddress> {
  const target = { ...endpoint, address: { host: address, port: endpoint.address.port } }
  for (let attempt = 1; ; attempt += 1) {
    try {
      const { socket } = await connectTls(await connectDirectly(target, signal), target)
      socket.destroy()
      return { address, failure: undefined }
    } catch (thrown) {
      if (!(thrown instanceof ProbeFailure)) throw thrown
      const isFinal = attempt === maxAttempts || signal.aborted || lacksRoute(thrown.cause)
      if (isFinal) return { address, failure: thrown }
      await sleep(attemptInterval, undefined, { signal }).catch(() => undefined)
    }
  }
}
