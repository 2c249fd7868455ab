/** certificate: ACM holds exactly this certificate, under an ARN that stays the same at renewal. */
import type { X509Certificate } from 'node:crypto'
import type { Acm } from '../../clients/aws/acm.ts'
import { settleAll } from '../../failures/thrown.ts'
import {
  acmCertificateExpired,
  certificateNotFound,
  certificateNotOurs,
  certificateNotReplaceable,
} from '../../failures/certificate.ts'
import type { Settings } from '../../inputs/types.ts'
import { getDnsNames, type CertificateMaterial } from '../../x509/certificate.ts'
import { checkHost, formatExpiryWarning, formatWeakKeyWarning } from '../../x509/checks.ts'
import { parseCertificates } from '../../x509/parse.ts'
import { parseCertificateArns } from '../ingress/manifest.ts'
import type { Target } from '../preflight/preflight.ts'
import type { Change, Context } from '../step.ts'
import { listCoveringNames, readCandidates } from './candidates.ts'
import { describeCertificate, formatUsers, shortenUserArns } from './description.ts'
import { importNewCertificate, toImportMaterial } from './import.ts'
import { buildTags, formatOwnerTag } from './owner-tag.ts'
import {
  decideReimport,
  findReimportObstacle,
  matchesMaterial,
  selectCertificate,
  type Candidate,
  type CertificateDecision,
  type DesiredCertificate,
} from './selection.ts'

/** The certificate that the ALB should serve. */
export interface CertificateRef {
  readonly arn: string
  readonly leaf: X509Certificate
  /** Whether this run imported it, so that ELB may not know it yet. */
  readonly newlyImported: boolean
}

/**
 * Reads ACM, and decides which certificate to use. ACM is listed while the target is still read.
 * @throws ActionError `certificate-not-found`, `certificate-not-ours`, `certificate-refused`, and
 *   those of the certificate behind `certificate-arn`
 */
export async function observe(
  context: Context,
  settings: Settings,
  acm: Acm,
  targetPromise: Promise<Target>,
): Promise<CertificateDecision> {
  const { certificate, host } = settings
  if (certificate.kind === 'arn') return observeArn(context, settings, acm, certificate.arn)
  if (certificate.kind !== 'material') {
    const liveArn = getLiveArn(await targetPromise)
    if (liveArn === undefined) return { action: 'none', superseded: [] }
    return observeArn(context, settings, acm, liveArn)
  }
  const listingsPromise = acm.list(listCoveringNames(host))
  const [listings, target] = await settleAll([listingsPromise, targetPromise] as const)
  const desired = buildDesiredCertificate(settings, target, certificate.material)
  const extraArns = [desired.liveArn, certificate.importArn]
  const candidates = await readCandidates(acm, listings, host, extraArns)
  if (certificate.importArn === undefined) return selectCertificate(candidates, desired)
  const existing = candidates.find(({ arn }) => arn === certificate.importArn)
  if (!existing) throw certificateNotFound(certificate.importArn)
  return decideForExisting(settings, acm, existing, desired)
}

/** The ARN that the live Ingress serves by default. */
const getLiveArn = ({ ingress }: Target): string | undefined =>
  ingress ? parseCertificateArns(ingress)[0] : undefined

function buildDesiredCertificate(
  settings: Settings,
  target: Target,
  material: CertificateMaterial,
): DesiredCertificate {
  const ownerTag = formatOwnerTag(target)
  return { ownerTag, liveArn: getLiveArn(target), material, tags: buildTags(settings, ownerTag) }
}

/** Decides about the one certificate that certificate-arn names besides the material. */
async function decideForExisting(
  { replaceCertificate }: Settings,
  acm: Acm,
  existing: Candidate,
  desired: DesiredCertificate,
): Promise<CertificateDecision> {
  const { arn, leaf } = existing
  if (matchesMaterial(existing, desired.material))
    return { action: 'use', arn, leaf, superseded: [] }
  if (existing.ownerTag !== desired.ownerTag && !replaceCertificate) {
    const inUseBy = await acm.inUseBy(arn)
    throw certificateNotOurs({
      arn,
      dnsNames: getDnsNames(leaf),
      inUseBy: inUseBy && shortenUserArns(inUseBy),
    })
  }
  // With replace-certificate the user accepts that names of the existing certificate are lost.
  const ownedCertificate = { ...existing, ownerTag: desired.ownerTag }
  const obstacle = findReimportObstacle(ownedCertificate, desired.material)
  if (obstacle !== undefined) throw certificateNotReplaceable(arn, obstacle)
  return decideReimport(existing, desired, [])
}

/** Checks a certificate that this action only uses. */
async function observeArn(
  context: Context,
  { host, expiryWarningDays }: Settings,
  acm: Acm,
  arn: string,
): Promise<CertificateDecision> {
  const existing = await acm.getUsableCertificate(arn)
  const [leaf] = parseCertificates(existing?.certificate ?? '')
  if (!existing || !leaf) throw certificateNotFound(arn)
  const [hostMismatch] = checkHost(leaf, host)
  if (hostMismatch) throw hostMismatch
  const now = context.clock.now()
  if (leaf.validToDate.getTime() <= now) throw acmCertificateExpired(arn, leaf.validToDate)
  if (existing.renewalProblem !== undefined)
    warn(context, formatExpiryWarning(leaf, expiryWarningDays, now, existing.renewalProblem))
  warn(context, formatWeakKeyWarning(leaf))
  return { action: 'use', arn, leaf, superseded: [] }
}

function warn(context: Context, warning: string | undefined): void {
  if (warning !== undefined) context.log.warn(warning)
}

/** Pure. */
export function plan(decision: CertificateDecision): Change[] {
  switch (decision.action) {
    case 'none':
    case 'use':
      return []
    case 'import':
      return [describeImport(decision.material, decision.why)]
    case 'reimport':
      return [
        {
          step: 'certificate',
          object: `ACM certificate ${decision.arn}`,
          path: 'certificate',
          before: describeCertificate(decision.previousLeaf),
          after: describeCertificate(decision.material.leaf),
          why: decision.why,
        },
      ]
  }
}

const describeImport = ({ leaf }: CertificateMaterial, why: string): Change => ({
  step: 'certificate',
  object: 'ACM',
  path: 'certificate',
  after: describeCertificate(leaf),
  why,
})

/** Logs what uses a certificate, in a check. */
export async function logUsageNotes(context: Context, acm: Acm, arn: string): Promise<void> {
  const inUseBy = await acm.inUseBy(arn)
  if (inUseBy === undefined)
    context.recordUnreadable(
      `the status and the users of ACM certificate ${arn} (acm:DescribeCertificate)`,
    )
  else if (inUseBy.length === 0) context.log.note(`ACM certificate ${arn} is not in use.`)
  else context.log.info(`ACM certificate ${arn} is used by ${formatUsers(inUseBy)}`)
}

/**
 * Imports what the decision says.
 * @returns the certificate that the ALB should serve
 */
export async function apply(
  context: Context,
  acm: Acm,
  decision: CertificateDecision,
  changes: readonly Change[],
): Promise<CertificateRef> {
  if (decision.action === 'none') throw new TypeError('only a check runs without a certificate')
  changes.forEach((change) => context.recordChange(change))
  if (decision.action === 'use')
    return { arn: decision.arn, leaf: decision.leaf, newlyImported: false }
  const { material, tags } = decision
  if (decision.action === 'reimport') {
    const rejection = await acm.reimport(decision.arn, toImportMaterial(material))
    if (!rejection) return { arn: decision.arn, leaf: material.leaf, newlyImported: false }
    // Only ACM knows every reason against a re-import: removed key usages, for example.
    const why = `ACM rejected it under the ARN that is in use: ${rejection.message}`
    context.recordChange(describeImport(material, why))
  }
  const arn = await importNewCertificate(context, acm, material, tags)
  return { arn, leaf: material.leaf, newlyImported: true }
}
