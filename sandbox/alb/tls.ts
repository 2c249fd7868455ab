/**
 * The TLS side of an ALB's HTTPS listener: which certificate it serves, and which protocol versions its policy allows.
 */
import { X509Certificate } from 'node:crypto'
import type { SecureContextOptions, SecureVersion } from 'node:tls'
import type { AwsState, Listener } from '../aws/state.ts'

/** What TLS serves: PEM, the leaf first. */
export interface Material {
  readonly certificate: string
  readonly privateKey: string
}

/** The protocol versions of a policy. Source: AWS "Security policies for your Application Load Balancer". */
const POLICIES: readonly (readonly [name: RegExp, min: SecureVersion, max: SecureVersion])[] = [
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
export function versionsOf(policy: string): { minVersion: SecureVersion; maxVersion: SecureVersion } {
  const [, minVersion, maxVersion] = POLICIES.find(([name]) => name.test(policy)) ?? ['', 'TLSv1', 'TLSv1.2']
  return { minVersion, maxVersion }
}

/**
 * The certificates that the load balancers know. ACM hands a re-imported certificate on under the same ARN after
 * `propagation` milliseconds; until then the one before it is served.
 */
export class Certificates {
  private readonly state: AwsState
  private readonly propagation: () => number
  private readonly seen = new Map<string, { material: Material; importedAt: number }[]>()

  constructor(state: AwsState, propagation: () => number) {
    this.state = state
    this.propagation = propagation
  }

  /** Looks at ACM: called often enough to have seen each import before the next. */
  look(): void {
    for (const [arn, held] of this.state.certificates) {
      const versions = this.seen.get(arn) ?? []
      const certificate = held.chain ? `${held.certificate.trimEnd()}\n${held.chain}` : held.certificate
      const last = versions.at(-1)?.material
      if (last?.certificate === certificate && last.privateKey === held.privateKey) continue
      versions.push({ material: { certificate, privateKey: held.privateKey }, importedAt: held.importedAt.getTime() })
      this.seen.set(arn, versions)
    }
  }

  /** What is served for an ARN now; a certificate deleted from ACM by force stays with the load balancer. */
  material(arn: string): Material | undefined {
    this.look()
    const versions = this.seen.get(arn) ?? []
    const due = Date.now() - this.propagation()
    return (versions.findLast(({ importedAt }) => importedAt <= due) ?? versions[0])?.material
  }

  /**
   * The certificate for a server name: the first of the listener's that is good for it, or else the default one.
   * Source: AWS "SSL certificates for your Application Load Balancer" (its preference among several matches is left out).
   */
  choose(listener: Listener, servername: string | undefined): Material | undefined {
    const all = listener.certificateArns.map((arn) => this.material(arn)).filter((material) => material !== undefined)
    return (servername === undefined ? undefined : all.find(({ certificate }) => new X509Certificate(certificate).checkHost(servername))) ?? all[0]
  }
}

/** What TLS is told to serve this under a listener's policy. */
export function contextOptions(material: Material, policy: string): SecureContextOptions {
  // Security level 0, because OpenSSL 3 speaks TLS 1.0 and 1.1 at no other.
  return { cert: material.certificate, key: material.privateKey, ciphers: 'DEFAULT@SECLEVEL=0', ...versionsOf(policy) }
}
