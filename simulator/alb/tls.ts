/** TLS of HTTPS listeners: the certificates that they serve, and their protocol versions. */
import { X509Certificate } from 'node:crypto'
import type { SecureContextOptions, SecureVersion, TLSSocket } from 'node:tls'
import type { AwsState, Listener } from '../aws/state.ts'

/** A certificate with its chain, leaf first, and its key; PEM. */
export interface TlsKeyPair {
  readonly certificate: string
  readonly privateKey: string
}

interface TlsVersions {
  readonly minVersion: SecureVersion
  readonly maxVersion: SecureVersion
}

type PolicyVersions = readonly [policy: RegExp, minVersion: SecureVersion, max: SecureVersion]

/** Source: AWS, "Security policies for your Application Load Balancer". */
const policyVersions: readonly PolicyVersions[] = [
  [/^ELBSecurityPolicy-TLS13-1-3-/, 'TLSv1.3', 'TLSv1.3'],
  [/^ELBSecurityPolicy-TLS13-1-2-/, 'TLSv1.2', 'TLSv1.3'],
  [/^ELBSecurityPolicy-TLS13-1-1-/, 'TLSv1.1', 'TLSv1.3'],
  [/^ELBSecurityPolicy-TLS13-1-0-/, 'TLSv1', 'TLSv1.3'],
  [/^ELBSecurityPolicy-(TLS|FS)-1-2-/, 'TLSv1.2', 'TLSv1.2'],
  [/^ELBSecurityPolicy-(TLS|FS)-1-1-/, 'TLSv1.1', 'TLSv1.2'],
]

/** Of ELBSecurityPolicy-2016-08, the default of the API, and of similar policies. */
const defaultVersions: TlsVersions = { minVersion: 'TLSv1', maxVersion: 'TLSv1.2' }

/** The protocol versions that a listener's policy allows. */
export function getTlsVersions(policy: string): TlsVersions {
  const match = policyVersions.find(([pattern]) => pattern.test(policy))
  if (!match) return defaultVersions
  const [, minVersion, maxVersion] = match
  return { minVersion, maxVersion }
}

/**
 * The certificates of all load balancers. A re-imported certificate keeps its ARN, and is served
 * only after the propagation delay.
 */
export class ListenerCertificates {
  private readonly state: AwsState
  private readonly propagationDelay: () => number
  private readonly versionsByArn = new Map<string, { keyPair: TlsKeyPair; importedAt: number }[]>()

  constructor(state: AwsState, propagationDelay: () => number) {
    this.state = state
    this.propagationDelay = propagationDelay
  }

  /** Reads ACM. It must be called between any two imports. */
  refresh(): void {
    for (const [arn, acmCertificate] of this.state.certificates) {
      const versions = this.versionsByArn.get(arn) ?? []
      const certificate = acmCertificate.chain
        ? `${acmCertificate.certificate.trimEnd()}\n${acmCertificate.chain}`
        : acmCertificate.certificate
      const latest = versions.at(-1)?.keyPair
      if (latest?.certificate === certificate && latest.privateKey === acmCertificate.privateKey)
        continue
      versions.push({
        keyPair: { certificate, privateKey: acmCertificate.privateKey },
        importedAt: acmCertificate.importedAt.getTime(),
      })
      this.versionsByArn.set(arn, versions)
    }
  }

  /**
   * The certificate that is served for an ARN. A load balancer keeps a certificate that was
   * forcibly deleted from ACM.
   */
  keyPair(arn: string): TlsKeyPair | undefined {
    this.refresh()
    const versions = this.versionsByArn.get(arn) ?? []
    const visibleBefore = Date.now() - this.propagationDelay()
    return (versions.findLast(({ importedAt }) => importedAt <= visibleBefore) ?? versions[0])
      ?.keyPair
  }

  /**
   * The certificate for a server name: the listener's first match, or else the default certificate.
   * Source: AWS, "SSL certificates for your Application Load Balancer"; its preferences among
   * several matches are not implemented.
   */
  select(listener: Listener, servername: string | undefined): TlsKeyPair | undefined {
    const keyPairs = listener.certificateArns
      .map((arn) => this.keyPair(arn))
      .filter((keyPair) => keyPair !== undefined)
    const [defaultKeyPair] = keyPairs
    if (servername === undefined) return defaultKeyPair
    const match = keyPairs.find(({ certificate }) =>
      new X509Certificate(certificate).checkHost(servername),
    )
    return match ?? defaultKeyPair
  }
}

/** The TLS options for a certificate of a listener. */
export function buildSecureContextOptions(
  keyPair: TlsKeyPair,
  { sslPolicy, mutualAuthentication }: Listener,
): SecureContextOptions {
  const { trustStore } = mutualAuthentication ?? {}
  // OpenSSL 3 supports TLS 1.0 and 1.1 only at security level 0.
  return {
    cert: keyPair.certificate,
    key: keyPair.privateKey,
    ciphers: 'DEFAULT@SECLEVEL=0',
    ...(trustStore && { ca: trustStore.certificates }),
    ...getTlsVersions(sslPolicy),
  }
}

/** Whether a listener requests a client certificate. */
export const requestsClientCertificate = ({ mutualAuthentication }: Listener): boolean =>
  mutualAuthentication !== undefined && mutualAuthentication.mode !== 'off'

/**
 * Whether a listener accepts the client of a connection. Mode `passthrough` leaves that to the
 * target.
 */
export function acceptsClient(
  { mutualAuthentication }: Listener,
  { authorized, authorizationError }: Pick<TLSSocket, 'authorized' | 'authorizationError'>,
): boolean {
  if (mutualAuthentication?.mode !== 'verify' || authorized) return true
  // A string, though its type is Error.
  return mutualAuthentication.ignoresExpiry && String(authorizationError) === 'CERT_HAS_EXPIRED'
}
