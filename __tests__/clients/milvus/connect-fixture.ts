/** Endpoints of test servers, connections to them, and an environment without proxies. */
import { afterEach, beforeEach } from '@jest/globals'
import { X509Certificate } from 'node:crypto'
import { connect } from '../../../src/clients/milvus/connection.ts'
import type { Endpoint } from '../../../src/clients/milvus/endpoint.ts'
import type { TlsConnection } from '../../../src/clients/milvus/tls.ts'
import { ProbeFailure } from '../../../src/failures/probe-failure.ts'
import { captureError } from '../../capture-error.ts'
import { authority, host, issued, startHttp2, type RunningServer } from './servers.ts'

const { root } = await authority
export const validCertificate = await issued

const proxyVariables = [
  'HTTPS_PROXY',
  'https_proxy',
  'HTTP_PROXY',
  'http_proxy',
  'ALL_PROXY',
  'all_proxy',
  'NO_PROXY',
  'no_proxy',
]
const closeables = new Set<{ close(): unknown }>()

function deleteProxyVariables(): void {
  for (const name of proxyVariables) Reflect.deleteProperty(process.env, name)
}

/** Gives each test of a file an environment without proxies, and closes what it opened. */
export function isolateConnections(): void {
  let savedEnv: NodeJS.ProcessEnv
  beforeEach(() => {
    savedEnv = { ...process.env }
    deleteProxyVariables()
  })
  afterEach(async () => {
    deleteProxyVariables()
    Object.assign(process.env, savedEnv)
    for (const closeable of closeables) await closeable.close()
    closeables.clear()
  })
}

export function closeAfterTest<T extends { close(): unknown }>(closeable: T): T {
  closeables.add(closeable)
  return closeable
}

/** Closes a resource before its test ends. */
export async function closeNow(closeable: { close(): unknown }): Promise<void> {
  closeables.delete(closeable)
  await closeable.close()
}

/** An HTTP/2 server that never responds. */
export const startSilentServer = async (): Promise<RunningServer> =>
  closeAfterTest(await startHttp2(() => undefined))

export const createEndpoint = (port: number, overrides: Partial<Endpoint> = {}): Endpoint => ({
  host,
  address: { host: '127.0.0.1', port },
  ca: root,
  expectedCertificate: new X509Certificate(validCertificate.certificate),
  listener: {
    isInternal: false,
    restrictedBy: undefined,
    sslPolicy: 'ELBSecurityPolicy-TLS13-1-3-2021-06',
    group: undefined,
  },
  timeout: 2_000,
  callTimeout: 2_000,
  ...overrides,
})

export async function connectEndpoint(
  port: number,
  overrides: Partial<Endpoint> = {},
): Promise<TlsConnection> {
  const connection = await connect(createEndpoint(port, overrides), new AbortController().signal)
  closeAfterTest({ close: () => connection.socket.destroy() })
  return connection
}

export async function captureProbeFailure(
  port: number,
  overrides: Partial<Endpoint> = {},
): Promise<ProbeFailure> {
  const { signal } = new AbortController()
  const thrown = await captureError(() => connect(createEndpoint(port, overrides), signal))
  if (thrown instanceof ProbeFailure) return thrown
  throw new Error(
    `no ProbeFailure: ${thrown instanceof Error ? (thrown.stack ?? '') : String(thrown)}`,
  )
}
