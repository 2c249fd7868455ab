/** Selects the certificate of a target among those in ACM. Pure. */
import type { X509Certificate } from 'node:crypto'
import {
  getKeyAlgorithm,
  getDnsNames,
  areCertificatesEqual,
  type CertificateMaterial,
} from '../../x509/certificate.ts'
import { isIssuerOf, isSelfSigned } from '../../x509/issuers.ts'
import type { CertificateOperation, ReimportCertificate } from './operations.ts'

/** A certificate in ACM that may be selected. */
export interface Candidate {
  readonly arn: string
  readonly isImported: boolean
  readonly leaf: X509Certificate
  readonly chain: readonly X509Certificate[]
  /** The value of the owner tag. */
  readonly ownerTag: string | undefined
}

/** A certificate in ACM. */
export interface AcmCertificate {
  readonly arn: string
  readonly leaf: X509Certificate
  /** Whether ACM issued it and renews it before it expires; absent for an imported one. */
  readonly renewedByAcm?: boolean
}

/** Which certificate to use, and what has to be done for it. */
export interface CertificatePlan {
  /**
   * The certificate that is used as it is, or replaced by a re-import. Undefined when one is
   * imported, and in a check without any certificate.
   */
  readonly current: AcmCertificate | undefined
  readonly operations: readonly CertificateOperation[]
  /**
   * Other certificates that this action imported for this target, which are deleted after the
   * probe.
   */
  readonly superseded: readonly Candidate[]
}

/** The certificate of the inputs, and the target that it is for. */
export interface DesiredCertificate {
  /** The value of the owner tag for this target. */
  readonly ownerTag: string
  /** The ARN that the live Ingress serves by default. */
  readonly liveArn: string | undefined
  readonly material: CertificateMaterial
  /** For a new certificate. */
  readonly tags: Readonly<Record<string, string>>
}

/**
 * Selects in this order: an owned certificate that is equal, one that can be re-imported (the live
 * one first), any other that is equal, else a new import. A certificate without owner counts as
 * owned if the live Ingress uses it; one that is owned by another target is never overwritten, and
 * no ARN loses a DNS name.
 */
export function selectCertificate(
  candidates: readonly Candidate[],
  desired: DesiredCertificate,
): CertificatePlan {
  const { material, tags } = desired
  const importInstead = { action: 'import', tags } as const
  const isEqual = (candidate: Candidate) => matchesMaterial(candidate, material)
  const isLive = ({ arn }: Candidate) => arn === desired.liveArn
  const canReimport = (candidate: Candidate) => explainNewArn(candidate, material) === undefined

  const owned = candidates.filter(({ ownerTag }) => ownerTag === desired.ownerTag)
  const untaggedLive = candidates.filter(
    (candidate) => candidate.ownerTag === undefined && isLive(candidate),
  )
  const listSuperseded = (selectedArn?: string) =>
    owned.filter(({ isImported, arn }) => isImported && arn !== selectedArn)
  const use = ({ arn, leaf }: Candidate): CertificatePlan => ({
    current: { arn, leaf },
    operations: [],
    superseded: listSuperseded(arn),
  })

  const equalOwned = owned.find(isEqual) ?? untaggedLive.find(isEqual)
  if (equalOwned) return use(equalOwned)

  const reimportableOwned = owned.filter(canReimport)
  const reimportable =
    reimportableOwned.find(isLive) ?? reimportableOwned[0] ?? untaggedLive.find(canReimport)
  if (reimportable)
    return {
      current: { arn: reimportable.arn, leaf: reimportable.leaf },
      operations: [createReimport(reimportable, material, importInstead)],
      superseded: listSuperseded(reimportable.arn),
    }

  const equalOther = candidates.find(isEqual)
  if (equalOther) return use(equalOther)

  const why = describeImportReason(owned[0] ?? untaggedLive[0], material)
  return {
    current: undefined,
    operations: [{ action: 'import', material, tags, why }],
    superseded: listSuperseded(),
  }
}

function describeImportReason(
  incompatible: Candidate | undefined,
  material: CertificateMaterial,
): string {
  if (!incompatible) return 'ACM has no certificate of this target'
  const obstacle = explainNewArn(incompatible, material) ?? ''
  return `it cannot be imported under ${incompatible.arn}: ${obstacle}`
}

/** Why the material needs another ARN than that of a certificate; undefined when it does not. */
function explainNewArn(candidate: Candidate, material: CertificateMaterial): string | undefined {
  const obstacle = findReimportObstacle(candidate, material)
  if (obstacle !== undefined) return obstacle
  const lostName = findLostName(candidate, material)
  return lostName && `it covers ${lostName}, which the new certificate does not`
}

/** The certificate under an ARN of the inputs: used if it is equal, or else re-imported. */
export function planForGivenArn(
  certificate: Candidate,
  { material }: Pick<DesiredCertificate, 'material'>,
): CertificatePlan {
  const { arn, leaf } = certificate
  const operations = matchesMaterial(certificate, material)
    ? []
    : [createReimport(certificate, material, { action: 'fail' })]
  return { current: { arn, leaf }, operations, superseded: [] }
}

function createReimport(
  { arn, leaf }: Candidate,
  material: CertificateMaterial,
  onRejection: ReimportCertificate['onRejection'],
): ReimportCertificate {
  const isSameLeaf = material.leaf.raw.equals(leaf.raw)
  const why = isSameLeaf ? 'the chain differs from the inputs' : 'it differs from input certificate'
  return { action: 'reimport', arn, previousLeaf: leaf, material, onRejection, why }
}

/**
 * Whether ACM has this leaf and chain. ACM may return the leaf when there was no chain, and the
 * root of the last given certificate. Anything else in addition was imported earlier, such as a
 * cross-signed root that clients should no longer get.
 */
export function matchesMaterial(
  { leaf, chain }: Candidate,
  material: CertificateMaterial,
): boolean {
  const issuers = chain.filter((certificate) => !certificate.raw.equals(leaf.raw))
  const expected = material.chain
  const [root, ...others] = issuers.slice(expected.length)
  const top = expected.at(-1) ?? material.leaf
  const isRootOfTop = root === undefined || (isSelfSigned(root) && isIssuerOf(root, top))
  return (
    leaf.raw.equals(material.leaf.raw) &&
    areCertificatesEqual(issuers.slice(0, expected.length), expected) &&
    isRootOfTop &&
    others.length === 0
  )
}

/**
 * Why ACM would not import the material under the ARN of a certificate, as a clause about that
 * certificate; undefined when it would. Source: ACM user guide, Reimporting a certificate.
 */
export function findReimportObstacle(
  { isImported, leaf }: Candidate,
  material: CertificateMaterial,
): string | undefined {
  if (!isImported) return 'it was issued by ACM'
  const [existingKey, newKey] = [getKeyAlgorithm(leaf), getKeyAlgorithm(material.leaf)]
  if (existingKey !== newKey) return `its key is ${existingKey}, not ${newKey}`
  if (!getDnsNames(leaf).some((name) => coversName(material, name)))
    return 'it has no DNS name in common with the new certificate'
  return undefined
}

/**
 * A DNS name that an ARN would lose if the material was imported under it. Others may serve the
 * certificate for that name, such as a target that found it equal to its own, and a re-import
 * cannot be undone. ACM reports the load balancers that use a certificate, and not their hosts.
 */
export const findLostName = (
  { leaf }: Candidate,
  material: CertificateMaterial,
): string | undefined => getDnsNames(leaf).find((name) => !coversName(material, name))

const coversName = ({ leaf }: CertificateMaterial, name: string): boolean =>
  getDnsNames(leaf).includes(name) ||
  leaf.checkHost(name, { subject: 'never', partialWildcards: false }) !== undefined
