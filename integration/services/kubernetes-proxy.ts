/**
 * What stands before the Kubernetes API: it writes down every request, carries out the faults that
 * a scenario asks for, and hands everything else on.
 */
import { Agent, createServer, request as send } from 'node:https'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { issueLoopbackCertificate, type CertificateAuthority } from '../../testing/certificates.ts'
import type { Fault, RequestLog } from '../../testing/request-log.ts'

/** The running front. */
export interface KubernetesProxy {
  readonly url: string
  /** PEM of the CA that signed its certificate. */
  readonly ca: string
  close(): Promise<void>
}

/** What it is told. */
export interface KubernetesProxySettings {
  readonly requestLog: RequestLog
  readonly authority: CertificateAuthority
  /** The API server itself, and the PEM of its CA. */
  readonly api: { readonly url: string; readonly ca: string }
  /** A further name that its certificate is for. */
  readonly host?: string
}

/** Starts it on a free loopback port. HTTP/1.1 only, which every client of Kubernetes speaks. */
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
  // Node ends idle connections after 5 s, at the moment at which a client may use one again; an API
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
  { requestLog, api }: KubernetesProxySettings,
  agent: Agent,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk as Buffer)
  const body = Buffer.concat(chunks)
  const fault = await requestLog.recordRequest(toRecordedRequest(message, body))
  if (fault?.reset === true) return void message.socket.destroy()
  if (fault?.error) {
    sendFailureStatus(response, fault.error)
    return
  }
  const { hostname, port } = new URL(api.url)
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
      // A watch has its headers long before its first word.
      response.flushHeaders()
      upstreamResponse.on('error', () => response.destroy()).pipe(response)
    },
  )
  upstream.on('error', () => response.destroy()).end(body)
  response.on('close', () => upstream.destroy())
}

function toRecordedRequest(
  message: IncomingMessage,
  body: Buffer,
): Parameters<RequestLog['recordRequest']>[0] {
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

/** A Status, as the API answers. */
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
