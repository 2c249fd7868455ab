/** The endpoint that the probe tests. */
import type { X509Certificate } from 'node:crypto'

/** Where to connect, and what to expect there. */
export interface Endpoint {
  /** The name in the certificate and in the Ingress rule. */
  readonly host: string
  /** The ALB's name and the listener's port, or what input probe-address has instead. */
  readonly address: { readonly host: string; readonly port: number }
  /** PEM of CA certificates to trust in addition. */
  readonly ca: string | undefined
  /** For a listener with mutual TLS; absent for none. */
  readonly clientCertificate?: ClientCertificate | undefined
  /** The certificate that the ALB should serve; undefined when it is not known. */
  readonly expectedCertificate: X509Certificate | undefined
  /** What the inputs say about the listener, to explain a failure. */
  readonly listener: ListenerSettings
  /** Milliseconds for each stage of the connection. */
  readonly timeout: number
  /**
   * Milliseconds for each call. An ALB takes 10 s to answer 504 for a target that drops its
   * packets.
   */
  readonly callTimeout: number
  /** HTTP/2 when absent. */
  readonly protocol?: 'http/1.1'
  /** When the whole attempt must end, in milliseconds since the epoch; absent for no deadline. */
  readonly deadline?: number
}

/** An endpoint that has to answer until a deadline. */
export type TimedEndpoint = Endpoint & Required<Pick<Endpoint, 'deadline'>>

/** A certificate with which the probe authenticates in the TLS handshake. */
export interface ClientCertificate {
  /** PEM, the leaf first. */
  readonly chain: string
  /** PEM. Secret. */
  readonly privateKey: string
  readonly subject: string
  readonly issuer: string
}

export interface ListenerSettings {
  readonly isInternal: boolean
  /** The input that allows only some addresses, with its value: it explains a silent ALB. */
  readonly restrictedBy: string | undefined
  readonly sslPolicy: string
  /** Whether it should verify client certificates; false if absent. */
  readonly verifiesClients?: boolean
  /** The IngressGroup, whose other Ingresses also add certificates to the listener. */
  readonly group: string | undefined
}

/** `timeout`, or less when the attempt must end before. */
export const remainingTime = ({ deadline = Infinity }: Endpoint, timeout: number): number =>
  Math.max(1, Math.min(timeout, deadline - Date.now()))
