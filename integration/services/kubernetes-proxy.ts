/**
 * A proxy in front of the Kubernetes API. It records every request, injects the faults of the
 * scenario, and forwards all other requests.
 */
import { Agent, createServer, request as send } from 'node:https'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { issueLoopbackCertificate, type CertificateAuthority } from '../../testing/certificates.ts'
import { recordRequest, type Fault, type RequestRecording } from '../../testing/fault-injector.ts'
import type { ReceivedRequest } from '../../testing/request-log.ts'

/** The running proxy. */
export interface KubernetesProxy {
  readonly url: string
  /** PEM of the CA that signed its certificate. */
  readonly ca: string
  close(): Promise<void>
}

/** Options of startKubernetesProxy. */
export interface KubernetesProxySettings extends RequestRecording {
  readonly authority: CertificateAuthority
  /** The API server, and the PEM of its CA. */
  readonly api: { readonly url: string; readonly ca: string }
  /** An additional name for its certificate. */
  readonly host?: string
}

/**
 * Starts the proxy on a free loopback port. It uses HTTP/1.1, which every Kubernetes client
 * supports.
 */
export async function startKubernetesProxy(
  settings: KubernetesProxySettings,
): Promise<KubernetesProxy> {
  const serverPair = await issueLoopbackCertificate(
    settings.authority,
    settings.host === undefined ? [] : [settings.host],
  )
  const agent = new Agent({ keepAlive: true, ca: settings.api.ca })
  const server = createServer(
    { cert: serverPair.cert, key: serverPair.key },
    (message, response) => {
      proxyRequest(settings, agent, message, response).catch(() => response.destroy())
    },
  )
  // By default Node closes idle connections after 5 s, possibly just as a client reuses one. An API
  // server does not.
  server.keepAliveTimeout = 120_000
  await new Promise<void>((resolve, reject) =>
    server.once('error', reject).listen(0, '127.0.0.1', resolve),
  )
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ca: settings.authority.root,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
        agent.destroy()
      }),
  }
}

async function proxyRequest(
  settings: KubernetesProxySettings,
  agent: Agent,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk as Buffer)
  const body = Buffer.concat(chunks)
  const fault = await recordRequest(settings, toReceivedRequest(message, body))
  if (fault?.reset === 'before') return void message.socket.destroy()
  if (fault?.error) {
    sendFailureStatus(response, fault.error)
    return
  }
  const { hostname, port } = new URL(settings.api.url)
  const upstream = send(
    {
      hostname,
      port,
      agent,
      method: message.method,
      path: message.url,
      headers: { ...message.headers, host: `${hostname}:${port}` },
    },
    (upstreamResponse) => {
      if (fault?.reset === 'after') {
        upstreamResponse.resume().on('end', () => message.socket.destroy())
        return
      }
      response.writeHead(upstreamResponse.statusCode ?? 502, upstreamResponse.headers)
      // A watch receives its headers long before its first event.
      response.flushHeaders()
      upstreamResponse.on('error', () => response.destroy()).pipe(response)
    },
  )
  upstream.on('error', () => response.destroy()).end(body)
  response.on('close', () => upstream.destroy())
}

function toReceivedRequest(message: IncomingMessage, body: Buffer): ReceivedRequest {
  const [path = '', query] = (message.url ?? '').split(/\?(.*)/s)
  const isReadOnly =
    message.method === 'GET' || /(^|&)dryRun=All(&|$)/.test(query ?? '') || /reviews$/.test(path)
  return {
    service: 'kubernetes',
    operation: `${message.method ?? ''} ${path}`,
    isMutating: !isReadOnly,
    userAgent: message.headers['user-agent'] ?? '',
    query: query === undefined ? '' : `?${query}`,
    body: body.toString(),
    headers: message.headers,
  }
}

/** Sends a Status, the form in which the API reports errors. */
function sendFailureStatus(
  response: ServerResponse,
  { status, code, message }: NonNullable<Fault['error']>,
): void {
  const body = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    reason: code,
    message,
    code: status,
  }
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
