/**
 * A connection to the ALB: the way there (route.ts), then TLS and what it shows (secure.ts). Each
 * stage has its own failure.
 */
import type { X509Certificate } from 'node:crypto'
import type net from 'node:net'
import type tls from 'node:tls'
import { connectTcp } from './tcp.ts'
import { connectTls } from './tls.ts'

/** Where to connect and what to find there. */
export interface Endpoint {
  /** The name in the certificate and in the Ingress rule. */
  readonly host: string
  /** The ALB's name and the listener's port, or what stands in for them. */
  readonly address: { readonly host: string; readonly port: number }
  /** PEM of further authorities to trust. */
  readonly ca: string | undefined
  /** The certificate that should be served; undefined when that is not known. */
  readonly expectedCertificate: X509Certificate | undefined
  /** What the inputs say of the listener: it tells what a failure means. */
  readonly listener: {
    readonly isInternal: boolean
    /** The input that lets in only some addresses, with its value: silence is then an answer. */
    readonly restrictedBy: string | undefined
    readonly sslPolicy: string
    /** The IngressGroup whose other Ingresses have certificates on the listener too. */
    readonly group: string | undefined
  }
  /** Milliseconds for each stage of the connection. */
  readonly timeout: number
  /**
   * Milliseconds for each call. An ALB takes 10 s to say 504 for a target that does not let it in.
   */
  readonly callTimeout: number
  /** When the whole attempt has to be over, in milliseconds since the epoch; never when absent. */
  readonly deadline?: number
}

/** What is left of `timeout` before the attempt has to be over. */
export const remainingTime = ({ deadline = Infinity }: Endpoint, timeout: number): number =>
  Math.max(1, Math.min(timeout, deadline - Date.now()))

/** A connection without TLS yet. */
export interface TcpConnection {
  readonly socket: net.Socket
  /** The proxy that made it. */
  readonly proxy: string | undefined
  /** What was seen on the way, a line a stage. */
  readonly trace: readonly string[]
}

/** A connection that was made and checked. */
export interface TlsConnection {
  readonly socket: tls.TLSSocket
  readonly certificate: X509Certificate
  readonly trace: readonly string[]
}

/** @throws ProbeFailure of the stage that failed */
export async function connect(endpoint: Endpoint, signal: AbortSignal): Promise<TlsConnection> {
  return connectTls(await connectTcp(endpoint, signal), endpoint)
}
