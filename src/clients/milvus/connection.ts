/** Connects to the ALB: TCP (tcp.ts), then TLS (tls.ts). Each stage has its own failures. */
import type { Endpoint } from './endpoint.ts'
import { connectTcp } from './tcp.ts'
import { connectTls, type TlsConnection } from './tls.ts'

/** @throws ProbeFailure of the stage that failed */
export async function connect(endpoint: Endpoint, signal: AbortSignal): Promise<TlsConnection> {
  return connectTls(await connectTcp(endpoint, signal), endpoint)
}
