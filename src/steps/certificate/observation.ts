/** Reads the certificates in ACM from which step certificate selects. */
import type { Acm } from '../../clients/aws/acm.ts'
import { settleAll } from '../../failures/thrown.ts'
import {
  acmCertificateExpired,
  certificateLosesName,
  certificateNotFound,
  certificateNotOurs,
  certificateNotReplaceable,
} from '../../failures/certificate.ts'
import type { EndpointSettings } from '../../inputs/types.ts'
import { getDnsNames, type CertificateMaterial } from '../../x509/certificate.ts'
import { checkHost } from '../../x509/checks.ts'
import { parseCertificates } from '../../x509/parse.ts'
import { formatExpiryWarning, listClientWarnings } from '../../x509/warnings.ts'
import { parseCertificateArns } from '../ingress/manifest.ts'
import type { Target } from '../preflight/preflight.ts'
import type { EndpointRun } from '../run.ts'
import type { Context } from '../step.ts'
import { listCoveringNames, readCandidates } from './candidates.ts'
import { shortenUserArns } from './description.ts'
import { formatOwnerTag } from './owner-tag.ts'
import {
  findLostName,
  findReimportObstacle,
  matchesMaterial,
  type AcmCertificate,
  type Candidate,
  type DesiredCertificate,
} from './selection.ts'

/** What ACM contains for the inputs. */
export type ObservedCertificates =
  /** The inputs contain no certificate, and the Ingress names none. Only in a check. */
  | { readonly source: 'none' }
  /** A certificate that certificate-arn or the Ingress names, and this action only uses. */
  | { readonly source: 'existing'; readonly certificate: AcmCertificate }
  /** The inputs contain a certificate. */
  | {
      readonly source: 'inputs'
      readonly desired: Omit<DesiredCertificate, 'tags'>
      readonly candidates: readonly Candidate[]
      /** The certificate that certificate-arn names for a re-import. */
      readonly reimportTarget: Candidate | undefined
    }

/**
 * ACM is listed while the target and the certificate are still read.
 * @param material undefined if the inputs contain none
 * @throws ActionError `certificate-not-found`, `certificate-not-ours`, `certificate-refused`, and
 *   those of the certificate behind `certificate-arn`
 */
export async function observe(
  run: EndpointRun,
  targetPromise: Promise<Target>,
  material: Promise<CertificateMaterial | undefined>,
): Promise<ObservedCertificates> {
  const { settings, clients } = run
  const { certificate } = settings
  if (certificate.kind === 'material' || certificate.kind === 'secret') {
    const importArn = certificate.kind === 'material' ? certificate.importArn : undefined
    return observeForMaterial(run, targetPromise, requireMaterial(material), importArn)
  }
  const arn = certificate.kind === 'arn' ? certificate.arn : getLiveArn(await targetPromise)
  if (arn === undefined) return { source: 'none' }
  const existing = await readUsableCertificate(run.context, settings, clients.acm, arn)
  return { source: 'existing', certificate: existing }
}

async function requireMaterial(
  promise: Promise<CertificateMaterial | undefined>,
): Promise<CertificateMaterial> {
  const material = await promise
  if (!material) throw new TypeError('readMaterial() returns the certificate of these inputs')
  return material
}

/** The ARN that the live Ingress serves by default. */
const getLiveArn = ({ ingress }: Target): string | undefined =>
  ingress ? parseCertificateArns(ingress)[0] : undefined

/** @param reimportArn of input certificate-arn */
async function observeForMaterial(
  { settings, clients: { acm } }: EndpointRun,
  targetPromise: Promise<Target>,
  materialPromise: Promise<CertificateMaterial>,
  reimportArn: string | undefined,
): Promise<ObservedCertificates> {
  const { host } = settings
  const [listings, target, material] = await settleAll([
    acm.list(listCoveringNames(host)),
    targetPromise,
    materialPromise,
  ])
  const ownerTag = formatOwnerTag(target)
  const liveArn = getLiveArn(target)
  const desired = { ownerTag, liveArn, material }
  const candidates = await readCandidates(acm, listings, host, [liveArn, reimportArn])
  if (reimportArn === undefined)
    return { source: 'inputs', desired, candidates, reimportTarget: undefined }
  const reimportTarget = candidates.find(({ arn }) => arn === reimportArn)
  if (!reimportTarget) {
    // For one that is not issued, ACM says why.
    await acm.getUsableCertificate(reimportArn)
    throw certificateNotFound(reimportArn)
  }
  await checkReimportTarget(settings, acm, reimportTarget, desired)
  return { source: 'inputs', desired, candidates, reimportTarget }
}

/** @throws ActionError `certificate-not-ours`, `certificate-refused` */
async function checkReimportTarget(
  { replaceCertificate }: EndpointSettings,
  acm: Acm,
  existing: Candidate,
  desired: Omit<DesiredCertificate, 'tags'>,
): Promise<void> {
  if (matchesMaterial(existing, desired.material)) return
  const { arn, leaf } = existing
  if (existing.ownerTag !== desired.ownerTag && !replaceCertificate) {
    const inUseBy = await acm.inUseBy(arn)
    throw certificateNotOurs({
      arn,
      dnsNames: getDnsNames(leaf),
      inUseBy: inUseBy && shortenUserArns(inUseBy),
    })
  }
  const obstacle = findReimportObstacle(existing, desired.material)
  if (obstacle !== undefined) throw certificateNotReplaceable(arn, obstacle)
  const lostName = findLostName(existing, desired.material)
  if (lostName !== undefined && !replaceCertificate) throw certificateLosesName(arn, lostName)
}

/** Reads and checks a certificate that this action only uses. */
async function readUsableCertificate(
  context: Context,
  { host, expiryWarningDays }: EndpointSettings,
  acm: Acm,
  arn: string,
): Promise<AcmCertificate> {
  const existing = await acm.getUsableCertificate(arn)
  const [leaf] = parseCertificates(existing?.certificate ?? '')
  if (!existing || !leaf) throw certificateNotFound(arn)
  const [hostMismatch] = checkHost(leaf, host)
  if (hostMismatch) throw hostMismatch
  const now = context.clock.now()
  if (leaf.validToDate.getTime() <= now) throw acmCertificateExpired(arn, leaf.validToDate)
  const { renewalProblem } = existing
  const expiryWarning =
    renewalProblem && formatExpiryWarning(leaf, expiryWarningDays, now, renewalProblem)
  for (const warning of [expiryWarning, ...listClientWarnings(leaf)])
    if (warning !== undefined) context.log.warn(warning)
  return { arn, leaf, renewedByAcm: renewalProblem === undefined }
}
