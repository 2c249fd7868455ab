/** Connects to the ALB through an HTTP proxy. */
import http from 'node:http'
import https from 'node:https'
import type net from 'node:net'
import {
  proxyConnectionFailed,
  proxyForbidsConnection,
  proxyRequiresCredentials,
  proxyUnsupported,
} from '../../failures/probe-connection.ts'
import type { ProbeFailure } from '../../failures/probe-failure.ts'
import { formatSeconds } from '../../util/text.ts'
import { formatAuthority } from './dns.ts'
import { remainingTime, type Endpoint } from './endpoint.ts'
import { waitForEvent } from './wait-for-event.ts'
import { describeNetworkError } from './network-errors.ts'

/** A connection that a proxy has opened. */
export interface Tunnel {
  readonly socket: net.Socket
  /** Host and port of the proxy. */
  readonly proxy: string
  /** Host and port of the ALB. */
  readonly authority: string
}

/** @throws ProbeFailure */
export async function connectThroughProxy(
  proxyUrl: URL,
  endpoint: Endpoint,
  signal: AbortSignal,
): Promise<Tunnel> {
  const proxy = proxyUrl.host
  if (!/^https?:$/.test(proxyUrl.protocol)) throw proxyUnsupported(proxy, proxyUrl.protocol)
  const authority = formatAuthority(endpoint.address.host, endpoint.address.port)
  const request = requestTunnel(proxyUrl, authority, signal)
  const timeout = remainingTime(endpoint, endpoint.timeout)
  const timeoutMessage = `no answer within ${formatSeconds(timeout)}`
  let status = 0
  try {
    const [response, socket] = (await waitForEvent(
      request,
      'connect',
      timeout,
      timeoutMessage,
    )) as [http.IncomingMessage, net.Socket]
    status = response.statusCode ?? 0
    // Source: RFC 9110, section 9.3.6: any 2xx.
    if (status >= 200 && status < 300) return { socket, proxy, authority }
    socket.destroy()
    throw new Error(`it answered HTTP ${status}`)
  } catch (thrown) {
    request.destroy()
    throw tunnelFailure({ proxy, authority, cause: thrown }, status)
  }
}

function requestTunnel(proxyUrl: URL, authority: string, signal: AbortSignal): http.ClientRequest {
  const isHttps = proxyUrl.protocol === 'https:'
  const { request: createRequest } = isHttps ? https : http
  const request = createRequest({
    // An IPv6 address is in brackets in a URL, and without them elsewhere.
    host: proxyUrl.hostname.replace(/^\[|\]$/g, ''),
    port: proxyUrl.port || (isHttps ? 443 : 80),
    method: 'CONNECT',
    path: authority,
    headers: { host: authority, ...getProxyAuthorization(proxyUrl) },
    signal,
  })
  request.end()
  return request
}

function getProxyAuthorization({ username, password }: URL): Record<string, string> {
  if (username === '') return {}
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { 'Proxy-Authorization': `Basic ${Buffer.from(credentials).toString('base64')}` }
}

/** @param status of the proxy's answer (RFC 9110); 0 when there is none */
function tunnelFailure(
  tunnel: { proxy: string; authority: string; cause: unknown },
  status: number,
): ProbeFailure {
  if (status === 403) return proxyForbidsConnection(tunnel)
  if (status === 407) return proxyRequiresCredentials(tunnel)
  return proxyConnectionFailed(tunnel, describeNetworkError(tunnel.cause))
}
