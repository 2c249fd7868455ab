/**
 * The TLS side of an ALB's HTTPS listener: which certificate it serves, and which protocol versions
 * its policy allows.
 */
import { X509Certificate } from 'node:crypto'
import type { SecureContextOptions, SecureVersion } from 'node:tls'
import type { AwsState, Listener } from '../aws/state.ts'

/** What TLS serves: PEM, the leaf first. */
export interface TlsKeyPair {
  readonly certificate: string
  readonly privateKey: string
}

/**
 * The protocol versions of a policy. Source: AWS "Security policies for your Application Load
 * Balancer".
 */
const policyVersions: readonly (readonly [name: RegExp, min: SecureVersion, max: SecureVersion])[] =
  [
    [/^ELBSecurityPolicy-TLS13-1-3-/, 'TLSv1.3', 'TLSv1.3'],
    [/^ELBSecurityPolicy-TLS13-1-2-/, 'TLSv1.2', 'TLSv1.3'],
    [/^ELBSecurityPolicy-TLS13-1-1-/, 'TLSv1.1', 'TLSv1.3'],
    [/^ELBSecurityPolicy-TLS13-1-0-/, 'TLSv1', 'TLSv1.3'],
    [/^ELBSecurityPolicy-(TLS|FS)-1-2-/, 'TLSv1.2', 'TLSv1.2'],
    [/^ELBSecurityPolicy-(TLS|FS)-1-1-/, 'TLSv1.1', 'TLSv1.2'],
    // ELBSecurityPolicy-2016-08, the default of the API, and its relatives.
    [/^/, 'TLSv1', 'TLSv1.2'],
  ]

/** The protocol versions that a listener's policy allows. */
export function getTlsVersions(policy: string): {
  minVersion: SecureVersion
  maxVersion: SecureVersion
} {
  const [, minVersion, maxVersion] = policyVersions.find(([name]) => name.test(policy)) ?? [
    '',
    'TLSv1',
    'TLSv1.2',
  ]
  return { minVersion, maxVersion }
}

/**
 * The certificates that the load balancers know. ACM hands a re-imported certificate on under the
 * same ARN after `propagation` milliseconds; until then the one before it is served.
 */
export class ListenerCertificates {
  private readonly state: AwsState
  private readonly propagationDelay: () => number
  private readonly versionsByArn = new Map<string, { keyPair: TlsKeyPair; importedAt: number }[]>()

  constructor(state: AwsState, propagationDelay: () => number) {
    this.state = state
    this.propagationDelay = propagationDelay
  }

  /** Looks at ACM: called often enough to have seen each import before the next. */
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
   * What is served for an ARN now; a certificate deleted from ACM by force stays with the load
   * balancer.
   */
  keyPair(arn: string): TlsKeyPair | undefined {
    this.refresh()
    const versions = this.versionsByArn.get(arn) ?? []
    const visibleBefore = Date.now() - this.propagationDelay()
    return (versions.findLast(({ importedAt }) => importedAt <= visibleBefore) ?? versions[0])
      ?.keyPair
  }

  /**
   * The certificate for a server name: the first of the listener's that is good for it, or else the
   * default one. Source: AWS "SSL certificates for your Application Load Balancer" (its preference
   * among several matches is left out).
   */
  select(listener: Listener, servername: string | undefined): TlsKeyPair | undefined {
    const keyPairs = listener.certificateArns
      .map((arn) => this.keyPair(arn))
      .filter((keyPair) => keyPair !== undefined)
    return (
      (servername === undefined
        ? undefined
        : keyPairs.find(({ certificate }) =>
            new X509Certificate(certificate).checkHost(servername),
          )) ?? keyPairs[0]
    )
  }
}

/** What TLS is told to serve this under a listener's policy. */
export function buildSecureContextOptions(
  keyPair: TlsKeyPair,
  policy: string,
): SecureContextOptions {
  // Security level 0, because OpenSSL 3 speaks TLS 1.0 and 1.1 at no other.
  return {
    cert: keyPair.certificate,
    key: keyPair.privateKey,
    ciphers: 'DEFAULT@SECLEVEL=0',
    ...getTlsVersions(policy),
  }
}
