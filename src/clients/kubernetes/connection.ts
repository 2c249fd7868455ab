/** Connections to the Kubernetes API, and the one with a bearer token, for EKS. */
import https from 'node:https'
import tls from 'node:tls'
import type { TokenSource } from '../../util/token-source.ts'

/** What a request needs. */
export interface Connection {
  readonly server: string
  /** Who can reach the endpoint, as a predicate of `This endpoint`, as far as known. */
  readonly accessRestriction?: string | undefined
  /** Called for each request, because tokens expire. */
  options(): Promise<https.RequestOptions>
  /**
   * Reports that the API rejected the credentials, so that the next `options` renews them.
   * @returns whether they can be renewed
   */
  invalidateCredentials(): boolean
}

/**
 * Certificates of NODE_EXTRA_CA_CERTS: an explicit `ca` would omit them, and a proxy that
 * intercepts TLS needs them.
 */
export const extraCaCertificates = (): string[] => tls.getCACertificates('extra')

/** A connection with a bearer token. */
export function createTokenConnection(
  cluster: { server: string; certificateAuthority: string; accessRestriction?: string | undefined },
  tokens: TokenSource,
  environment: NodeJS.ProcessEnv,
): Connection {
  const agent = new https.Agent({
    keepAlive: true,
    proxyEnv: environment,
    rejectUnauthorized: true,
    ca: [cluster.certificateAuthority, ...extraCaCertificates()],
  })
  return {
    server: cluster.server,
    accessRestriction: cluster.accessRestriction,
    options: async () => ({ agent, headers: { Authorization: `Bearer ${await tokens.token()}` } }),
    invalidateCredentials: () => {
      tokens.invalidate()
      return true
    },
  }
}
