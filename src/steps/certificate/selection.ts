/** Which certificate in ACM is ours, and what has to happen to it. Pure. */
import type { X509Certificate } from 'node:crypto'
import {
  getKeyAlgorithm,
  getDnsNames,
  areCertificatesEqual,
  type CertificateMaterial,
} from '../../x509/certificate.ts'

/** A certificate in ACM that may be the one. */
export interface Candidate {
  readonly arn: string
  readonly isImported: boolean
  readonly leaf: X509Certificate
  readonly chain: readonly X509Certificate[]
  /** The value of our tag. */
  readonly ownerTag: string | undefined
}

/**
 * What the step found: which certificate is ours, and what has to happen to it. `leftovers` are
 * others of this target, which this action made: once the Ingress is on the right one and that is
 * proven, they are deleted.
 */
export type CertificateDecision =
  /** Nothing was given, and no Ingress names one. Only in a check. */
  | { readonly action: 'none'; readonly superseded: readonly Candidate[] }
  | {
      readonly action: 'use'
      readonly arn: string
      readonly leaf: X509Certificate
      readonly superseded: readonly Candidate[]
    }
  | {
      readonly action: 'import'
      readonly material: CertificateMaterial
      readonly tags: Readonly<Record<string, string>>
      readonly why: string
      readonly superseded: readonly Candidate[]
    }
  | {
      readonly action: 'reimport'
      readonly material: CertificateMaterial
      readonly tags: Readonly<Record<string, string>>
      readonly arn: string
      readonly previousLeaf: X509Certificate
      readonly why: string
      readonly superseded: readonly Candidate[]
    }

/** What is looked for. */
export interface DesiredCertificate {
  /** The value of our tag for this target. */
  readonly ownerTag: string
  /** The ARN that the live Ingress serves by default. */
  readonly liveArn: string | undefined
  readonly material: CertificateMaterial
  /** For a new certificate. */
  readonly tags: Readonly<Record<string, string>>
}

/**
 * Which certificate is ours: by our tag, else the one that the live Ingress uses, else an equal one
 * in ACM, else none yet. Pure. Among several with our tag an equal one goes first, then the one in
 * use.
 */
export function selectCertificate(
  candidates: readonly Candidate[],
  desired: DesiredCertificate,
): CertificateDecision {
  const { material, liveArn, tags } = desired
  const isMatch = (candidate: Candidate) => matchesMaterial(candidate, material)
  const isServed = (candidate: Candidate) => candidate.arn === liveArn
  const canReimport = (candidate: Candidate) => reimportObstacle(candidate, material) === undefined
  const tagged = candidates.filter(({ ownerTag }) => ownerTag === desired.ownerTag)
  const superseded = (arn?: string) =>
    tagged.filter((candidate) => candidate.isImported && candidate.arn !== arn)
  // One with the tag of another target is never written to, even when our Ingress uses it.
  const untagged = candidates.filter(({ ownerTag }) => ownerTag === undefined)
  const identical =
    tagged.find(isMatch) ?? untagged.find((candidate) => isServed(candidate) && isMatch(candidate))
  if (identical)
    return {
      action: 'use',
      arn: identical.arn,
      leaf: identical.leaf,
      superseded: superseded(identical.arn),
    }
  const reimportable =
    tagged.filter(canReimport).find(isServed) ??
    tagged.find(canReimport) ??
    untagged.filter(canReimport).find(isServed)
  if (reimportable) return decideReimport(reimportable, desired, superseded(reimportable.arn))
  const equalCertificate = candidates.find(isMatch)
  if (equalCertificate)
    return {
      action: 'use',
      arn: equalCertificate.arn,
      leaf: equalCertificate.leaf,
      superseded: superseded(equalCertificate.arn),
    }
  const incompatible = tagged[0] ?? untagged.find(isServed)
  return {
    action: 'import',
    material,
    tags,
    superseded: superseded(),
    why: incompatible
      ? `${incompatible.arn} cannot take it: ${reimportObstacle(incompatible, material) ?? ''}`
      : 'ACM has none for this target',
  }
}

/** The material under an ARN that takes it. */
export function decideReimport(
  { arn, leaf }: Candidate,
  { material, tags }: DesiredCertificate,
  superseded: readonly Candidate[],
): CertificateDecision {
  return {
    action: 'reimport',
    material,
    tags,
    arn,
    previousLeaf: leaf,
    superseded,
    why: material.leaf.raw.equals(leaf.raw) ? 'its chain differs' : 'it differs from the one given',
  }
}

/**
 * ACM may answer with more of the chain than it was given (the root; without a chain, the leaf):
 * what was given has to be how it begins.
 */
export function matchesMaterial(
  { leaf, chain }: Candidate,
  material: CertificateMaterial,
): boolean {
  const issuers = chain.filter((certificate) => !certificate.raw.equals(leaf.raw))
  return (
    leaf.raw.equals(material.leaf.raw) &&
    areCertificatesEqual(issuers.slice(0, material.chain.length), material.chain)
  )
}

/**
 * Why ACM would not take the material under this ARN. Source: ACM user guide, Reimporting a
 * certificate.
 */
export function reimportObstacle(
  { isImported, leaf, ownerTag }: Candidate,
  material: CertificateMaterial,
): string | undefined {
  if (!isImported) return 'it was issued by ACM'
  if (getKeyAlgorithm(leaf) !== getKeyAlgorithm(material.leaf))
    return `its key is ${getKeyAlgorithm(leaf)}, not ${getKeyAlgorithm(material.leaf)}`
  const isCovered = (name: string) =>
    getDnsNames(material.leaf).includes(name) ||
    material.leaf.checkHost(name, { subject: 'never', partialWildcards: false }) !== undefined
  if (!getDnsNames(leaf).some(isCovered)) return 'it has no name in common'
  // Not made by this action: others may serve its other names with it, and ACM has no way back.
  if (ownerTag === undefined && !getDnsNames(leaf).every(isCovered))
    return 'it covers names that the new one does not'
  return undefined
}
