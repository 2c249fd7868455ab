/** Which certificate in ACM is ours, and what has to happen to it. Pure. */
import type { X509Certificate } from 'node:crypto'
import { keyAlgorithm, names, sameCertificates, type CertificateMaterial } from '../x509/certificate.ts'

/** A certificate in ACM that may be the one. */
export interface Candidate {
  readonly arn: string
  readonly imported: boolean
  readonly leaf: X509Certificate
  readonly chain: readonly X509Certificate[]
  /** The value of our tag. */
  readonly target: string | undefined
}

/**
 * What the step found: which certificate is ours, and what has to happen to it. `leftovers` are others of this target, which
 * this action made: once the Ingress is on the right one and that is proven, they are deleted.
 */
export type Facts =
  /** Nothing was given, and no Ingress names one. Only in a check. */
  | { readonly action: 'none'; readonly leftovers: readonly Candidate[] }
  | { readonly action: 'use'; readonly arn: string; readonly leaf: X509Certificate; readonly leftovers: readonly Candidate[] }
  | { readonly action: 'import'; readonly material: CertificateMaterial; readonly tags: Readonly<Record<string, string>>; readonly why: string; readonly leftovers: readonly Candidate[] }
  | { readonly action: 'reimport'; readonly material: CertificateMaterial; readonly tags: Readonly<Record<string, string>>; readonly arn: string; readonly before: X509Certificate; readonly why: string; readonly leftovers: readonly Candidate[] }

/** What is looked for. */
export interface Wanted {
  /** The value of our tag for this target. */
  readonly value: string
  /** The ARN that the live Ingress serves by default. */
  readonly liveArn: string | undefined
  readonly material: CertificateMaterial
  /** For a new certificate. */
  readonly tags: Readonly<Record<string, string>>
}

/**
 * Which certificate is ours: by our tag, else the one that the live Ingress uses, else an equal one in ACM, else none yet.
 * Pure. Among several with our tag an equal one goes first, then the one in use.
 */
export function choose(candidates: readonly Candidate[], wanted: Wanted): Facts {
  const { material, liveArn, tags } = wanted
  const equal = (candidate: Candidate) => isEqual(candidate, material)
  const live = (candidate: Candidate) => candidate.arn === liveArn
  const takes = (candidate: Candidate) => reimportObstacle(candidate, material) === undefined
  const tagged = candidates.filter(({ target }) => target === wanted.value)
  const leftovers = (arn?: string) => tagged.filter((candidate) => candidate.imported && candidate.arn !== arn)
  // One with the tag of another target is never written to, even when our Ingress uses it.
  const untagged = candidates.filter(({ target }) => target === undefined)
  const same = tagged.find(equal) ?? untagged.find((candidate) => live(candidate) && equal(candidate))
  if (same) return { action: 'use', arn: same.arn, leaf: same.leaf, leftovers: leftovers(same.arn) }
  const ours = tagged.filter(takes).find(live) ?? tagged.find(takes) ?? untagged.filter(takes).find(live)
  if (ours) return reimport(ours, wanted, leftovers(ours.arn))
  const there = candidates.find(equal)
  if (there) return { action: 'use', arn: there.arn, leaf: there.leaf, leftovers: leftovers(there.arn) }
  const unfit = tagged[0] ?? untagged.find(live)
  return { action: 'import', material, tags, leftovers: leftovers(), why: unfit ? `${unfit.arn} cannot take it: ${reimportObstacle(unfit, material) ?? ''}` : 'ACM has none for this target' }
}

/** The material under an ARN that takes it. */
export function reimport({ arn, leaf }: Candidate, { material, tags }: Wanted, leftovers: readonly Candidate[]): Facts {
  return { action: 'reimport', material, tags, arn, before: leaf, leftovers, why: material.leaf.raw.equals(leaf.raw) ? 'its chain differs' : 'it differs from the one given' }
}

/** ACM may answer with more of the chain than it was given (the root; without a chain, the leaf): what was given has to be how it begins. */
export function isEqual({ leaf, chain }: Candidate, material: CertificateMaterial): boolean {
  const above = chain.filter((certificate) => !certificate.raw.equals(leaf.raw))
  return leaf.raw.equals(material.leaf.raw) && sameCertificates(above.slice(0, material.chain.length), material.chain)
}

/** Why ACM would not take the material under this ARN. Source: ACM user guide, Reimporting a certificate. */
export function reimportObstacle({ imported, leaf, target }: Candidate, material: CertificateMaterial): string | undefined {
  if (!imported) return 'it was issued by ACM'
  if (keyAlgorithm(leaf) !== keyAlgorithm(material.leaf)) return `its key is ${keyAlgorithm(leaf)}, not ${keyAlgorithm(material.leaf)}`
  const covered = (name: string) => names(material.leaf).includes(name) || material.leaf.checkHost(name, { subject: 'never', partialWildcards: false }) !== undefined
  if (!names(leaf).some(covered)) return 'it has no name in common'
  // Not made by this action: others may serve its other names with it, and ACM has no way back.
  if (target === undefined && !names(leaf).every(covered)) return 'it covers names that the new one does not'
  return undefined
}
