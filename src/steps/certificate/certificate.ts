/** certificate: ACM holds exactly this certificate, under an ARN that stays the same at renewal. */
import { formatDistinguishedName } from '../../util/text.ts'
import type { X509Certificate } from 'node:crypto'
import type { Acm, CertificateListing } from '../../clients/aws/acm.ts'
import type { ImportMaterial } from '../../clients/aws/acm-import.ts'
import { ActionError, settleAll } from '../../failures/action-error.ts'
import { backoff } from '../../util/retry.ts'
import { pollInterval, throwIfCancelled } from '../../util/polling.ts'
import type { Change, Context } from '../step.ts'
import type { Settings } from '../../inputs/types.ts'
import { getDnsNames, toPem, type CertificateMaterial } from '../../x509/certificate.ts'
import { checkHost, formatWeakKeyWarning, formatExpiryWarning } from '../../x509/checks.ts'
import { parseCertificates } from '../../x509/parse.ts'
import {
  selectCertificate,
  matchesMaterial,
  decideReimport,
  reimportObstacle,
  type Candidate,
  type CertificateDecision,
  type DesiredCertificate,
} from './selection.ts'
import { parseCertificateArns } from '../ingress/manifest.ts'
import type { Target } from '../preflight/preflight.ts'

/** The tag that says whose a certificate is: `<uid of the namespace>/<Ingress>`. */
export const ownerTagKey = 'milvus-alb-action/target'

/** What later steps need. `fresh`: imported by this run, so that ELB may not know it yet. */
export interface CertificateRef {
  readonly arn: string
  readonly leaf: X509Certificate
  readonly newlyImported: boolean
}

/**
 * @param account of the cluster; undefined when that is not known
 * @throws ActionError `inputs-conflict` when certificate-arn is of another one: an ALB takes only
 *   certificates of its own account
 */
export function checkAccount({ certificate }: Settings, account: string | undefined): void {
  const arn =
    certificate.kind === 'arn'
      ? certificate.arn
      : certificate.kind === 'material'
        ? certificate.importArn
        : undefined
  const certificateAccount = arn?.split(':')[4]
  if (certificateAccount === undefined || account === undefined || certificateAccount === account)
    return
  throw new ActionError({
    code: 'inputs-conflict',
    problem: `Input certificate-arn is of account ${certificateAccount}, and the cluster is in account ${account}.`,
    remedy:
      'An ALB takes only certificates of its own account: give one of that, or certificate and private-key.',
  })
}

/**
 * Reads ACM. Listing begins at once; only the choice needs the target.
 * @throws ActionError `certificate-not-found`, and those of the certificate behind
 *   `certificate-arn`
 */
export async function observe(
  context: Context,
  settings: Settings,
  acm: Acm,
  targetPromise: Promise<Target>,
): Promise<CertificateDecision> {
  const { certificate, host } = settings
  if (certificate.kind !== 'material') {
    const arn = certificate.kind === 'arn' ? certificate.arn : liveArn(await targetPromise)
    return arn === undefined
      ? { action: 'none', superseded: [] }
      : observeArn(context, settings, acm, arn)
  }
  const [listings, target] = await settleAll([
    acm.list(listCoveringNames(host)),
    targetPromise,
  ] as const)
  const ownerTag = formatOwnerTag(target)
  const desired: DesiredCertificate = {
    ownerTag,
    liveArn: liveArn(target),
    material: certificate.material,
    tags: buildTags(settings, ownerTag),
  }
  const candidates = await readCandidates(acm, listings, host, [
    desired.liveArn,
    certificate.importArn,
  ])
  return certificate.importArn === undefined
    ? selectCertificate(candidates, desired)
    : decideForArn(settings, acm, candidates, desired, certificate.importArn)
}

/**
 * With `certificate-arn` beside the material: that one and no other, when it is ours or may be
 * replaced.
 */
async function decideForArn(
  settings: Settings,
  acm: Acm,
  candidates: readonly Candidate[],
  desired: DesiredCertificate,
  arn: string,
): Promise<CertificateDecision> {
  const existing = candidates.find((candidate) => candidate.arn === arn)
  if (!existing) throw notFoundError(arn)
  if (matchesMaterial(existing, desired.material))
    return { action: 'use', arn, leaf: existing.leaf, superseded: [] }
  if (existing.ownerTag !== desired.ownerTag && !settings.replaceCertificate) {
    const inUseBy = await acm.inUseBy(arn)
    throw new ActionError({
      code: 'certificate-not-ours',
      problem: `Certificate ${arn} (${getDnsNames(existing.leaf).join(', ')}) is another one than that given, and this action did not make it for this target${inUseBy === undefined ? '' : inUseBy.length === 0 ? '; nothing uses it' : `; ${inUseBy.map(shortenArn).join(', ')} use${inUseBy.length === 1 ? 's' : ''} it`}.`,
      remedy:
        'Leave certificate-arn empty, and the action imports a certificate of its own; or set replace-certificate: true to put the new one under this ARN, for everything that uses it.',
    })
  }
  // Whoever asks for the replacement answers for the names that go.
  const obstacle = reimportObstacle({ ...existing, ownerTag: desired.ownerTag }, desired.material)
  if (obstacle === undefined) return decideReimport(existing, desired, [])
  throw new ActionError({
    code: 'certificate-refused',
    problem: `Certificate ${arn} cannot take the one given: ${obstacle}.`,
    remedy:
      'Leave certificate-arn empty, and the action imports a new certificate and moves the Ingress to it.',
  })
}

/** `app/k8s-milvus-.../...` of a load balancer's ARN. */
export const shortenArn = (arn: string): string => arn.replace(/^arn:[^/]*loadbalancer\//, '')

function notFoundError(arn: string): ActionError {
  return new ActionError({
    code: 'certificate-not-found',
    problem: `ACM has no certificate ${arn}.`,
    remedy:
      'Check the ARN, its region and its account; or give certificate and private-key, and the action imports them.',
  })
}

/** The value of our tag for a target. */
export const formatOwnerTag = ({
  namespace,
  ingressName,
}: Pick<Target, 'namespace' | 'ingressName'>): string => `${namespace.uid}/${ingressName}`

/** The ARN that the live Ingress serves by default. */
const liveArn = ({ ingress }: Target): string | undefined =>
  ingress ? parseCertificateArns(ingress)[0] : undefined

async function observeArn(
  context: Context,
  { host, expiryWarningDays: threshold }: Settings,
  acm: Acm,
  arn: string,
): Promise<CertificateDecision> {
  const existing = await acm.getUsableCertificate(arn)
  const [leaf] = parseCertificates(existing?.certificate ?? '')
  if (!existing || !leaf) throw notFoundError(arn)
  const [mismatch] = checkHost(leaf, host)
  if (mismatch) throw mismatch
  if (leaf.validToDate.getTime() <= context.clock.now()) {
    throw new ActionError({
      code: 'certificate-expired',
      problem: `Certificate ${arn} expired on ${leaf.validToDate.toISOString()}.`,
      remedy: 'Renew it in ACM, or give certificate and private-key.',
    })
  }
  const renewalWarning =
    existing.renewalProblem === undefined
      ? undefined
      : formatExpiryWarning(leaf, threshold, context.clock.now(), existing.renewalProblem)
  for (const warning of [renewalWarning, formatWeakKeyWarning(leaf)])
    if (warning !== undefined) context.log.warn(warning)
  return { action: 'use', arn, leaf, superseded: [] }
}

/** The names of certificates that cover a host. */
const listCoveringNames = (host: string): string[] => [host, host.replace(/^[^.]+/, '*')]

/**
 * Reads those that can be ours without a call for each certificate of the account: imported ones
 * for the host, and the one in use.
 */
async function readCandidates(
  acm: Acm,
  listings: readonly CertificateListing[],
  host: string,
  extraArns: readonly (string | undefined)[],
): Promise<Candidate[]> {
  const relevant = listings.filter(
    ({ arn, domainNames, hasMoreNames, isImported }) =>
      extraArns.includes(arn) ||
      (isImported &&
        (hasMoreNames ||
          domainNames.some((name) => listCoveringNames(host).includes(name.toLowerCase())))),
  )
  const candidates = await Promise.all(relevant.map((listing) => readCandidate(acm, listing)))
  return candidates.filter((candidate) => candidate !== undefined)
}

async function readCandidate(
  acm: Acm,
  { arn, isImported }: CertificateListing,
): Promise<Candidate | undefined> {
  const [pems, tags] = await Promise.all([acm.get(arn), acm.getTags(arn)])
  const [leaf] = parseCertificates(pems?.certificate ?? '')
  return (
    leaf && {
      arn,
      isImported,
      leaf,
      chain: parseCertificates(pems?.chain ?? ''),
      ownerTag: tags.get(ownerTagKey),
    }
  )
}

/**
 * The tag that finds it again, those for people, and those that an organization wants on all that
 * is made.
 */
function buildTags(settings: Settings, ownerTag: string): Record<string, string> {
  return {
    ...settings.ingress.tags,
    [ownerTagKey]: ownerTag,
    ...(settings.clusterAccess.kind === 'eks' && {
      'milvus-alb-action/cluster': settings.clusterAccess.cluster,
    }),
    'milvus-alb-action/namespace': settings.namespace,
    'milvus-alb-action/host': settings.host,
  }
}

export const describeCertificate = (certificate: X509Certificate): string =>
  `${formatDistinguishedName(certificate.subject)}, serial ${certificate.serialNumber}, until ${certificate.validToDate.toISOString()}`

/** Pure. */
export function plan(decision: CertificateDecision): Change[] {
  if (decision.action === 'use' || decision.action === 'none') return []
  const after = describeCertificate(decision.material.leaf)
  if (decision.action === 'import')
    return [{ step: 'certificate', object: 'ACM', path: 'certificate', after, why: decision.why }]
  return [
    {
      step: 'certificate',
      object: `ACM certificate ${decision.arn}`,
      path: 'certificate',
      before: describeCertificate(decision.previousLeaf),
      after,
      why: decision.why,
    },
  ]
}

/** What a check says of who uses a certificate. */
export async function logUsageNotes(context: Context, acm: Acm, arn: string): Promise<void> {
  const inUseBy = await acm.inUseBy(arn)
  if (inUseBy === undefined)
    context.recordUnreadable(
      `the state of certificate ${arn}, and who uses it (acm:DescribeCertificate)`,
    )
  else if (inUseBy.length === 0) context.log.note(`Nothing uses ACM certificate ${arn}.`)
  else context.log.info(`certificate ${arn} is used by ${inUseBy.map(shortenArn).join(', ')}`)
}

/**
 * Imports what the plan says.
 * @returns the certificate that the ALB shall serve
 */
export async function apply(
  context: Context,
  acm: Acm,
  decision: CertificateDecision,
  changes: readonly Change[],
): Promise<CertificateRef> {
  if (decision.action === 'none') throw new TypeError('only a check goes without a certificate')
  changes.forEach((change) => context.recordChange(change))
  if (decision.action === 'use')
    return { arn: decision.arn, leaf: decision.leaf, newlyImported: false }
  const material = toImportMaterial(decision.material)
  if (decision.action === 'reimport') {
    const refusal = await acm.reimport(decision.arn, material)
    if (!refusal) return { arn: decision.arn, leaf: decision.material.leaf, newlyImported: false }
    // Usages cannot be taken away at a re-import, and only ACM knows all that it holds against one.
    context.recordChange({
      step: 'certificate',
      object: 'ACM',
      path: 'certificate',
      after: describeCertificate(decision.material.leaf),
      why: `under the ARN that is in use ACM refused it: ${refusal.message}`,
    })
  }
  return {
    arn: await importNewCertificate(context, acm, decision.material, decision.tags),
    leaf: decision.material.leaf,
    newlyImported: true,
  }
}

const toImportMaterial = ({ leaf, chain, privateKey }: CertificateMaterial): ImportMaterial => ({
  certificate: toPem([leaf]),
  chain: toPem(chain),
  privateKey,
})

const maxImportAttempts = 4

/**
 * A first import has no idempotency token: after an answer that did not arrive, look whether the
 * certificate did, and only then try again.
 */
async function importNewCertificate(
  context: Context,
  acm: Acm,
  material: CertificateMaterial,
  tags: Readonly<Record<string, string>>,
): Promise<string> {
  let reason = ''
  for (let attempt = 0; attempt < maxImportAttempts; attempt += 1) {
    throwIfCancelled(context.signal)
    const result = await acm.importWithoutRetry(toImportMaterial(material), tags)
    if ('arn' in result) return result.arn
    reason = result.uncertainReason
    await context.clock.sleep(backoff(attempt, { base: 500 }), context.signal)
    const [host = ''] = getDnsNames(material.leaf)
    const candidates = await readCandidates(acm, await acm.list(listCoveringNames(host)), host, [])
    const imported = candidates.find(
      (candidate) =>
        candidate.ownerTag === tags[ownerTagKey] && matchesMaterial(candidate, material),
    )
    if (imported) return imported.arn
  }
  throw new ActionError({
    code: 'aws-request-failed',
    problem: `ACM did not answer the import of the certificate in ${maxImportAttempts} attempts, and has not got it: ${reason}`,
    remedy: 'Run the job again later; it looks for the certificate before it imports one.',
  })
}

/**
 * Says of those that a deploy would delete what it cannot promise as a change: whether they go
 * depends on who uses them then.
 */
export function logSupersededNotes(context: Context, { superseded }: CertificateDecision): void {
  for (const { arn } of superseded)
    context.log.note(
      `ACM certificate ${arn} was made for this target and is not the one that shall be served: a deploy deletes it after its probe, unless something still uses it.`,
    )
}

/** Milliseconds for which ACM may still call a certificate used whose listener has just changed. */
const inUseByLag = 10_000

/**
 * Deletes what this action made for this target and the Ingress no longer serves. Only after the
 * probe: until then it is the way back. Whatever keeps one is a note: the next run tries again.
 * @param ingressUpdated whether this run moved the Ingress, so that what ACM says of its users
 *   may be old
 */
export async function deleteSuperseded(
  context: Context,
  acm: Acm,
  superseded: readonly Candidate[],
  ingressUpdated: boolean,
): Promise<void> {
  for (const { arn, leaf } of superseded) {
    const inUseBy = await waitUntilUnused(context, acm, arn, ingressUpdated)
    const notePrefix = `ACM certificate ${arn} was made for this target and is no longer served, but`
    if (inUseBy === undefined) {
      context.log.note(
        `${notePrefix} these credentials may not describe it (acm:DescribeCertificate): delete it by hand.`,
      )
    } else if (inUseBy.length > 0) {
      context.log.note(
        `${notePrefix} ${inUseBy.map(shortenArn).join(', ')} use${inUseBy.length === 1 ? 's' : ''} it: a later run deletes it when nothing does.`,
      )
    } else {
      context.recordChange({
        step: 'certificate',
        object: `ACM certificate ${arn}`,
        path: 'certificate',
        before: describeCertificate(leaf),
        why: 'it was made for this target, and nothing uses it any more',
      })
      const problem = await acm.deleteCertificate(arn).catch((thrown: unknown) => {
        if (!(thrown instanceof ActionError) || thrown.code !== 'aws-access-denied') throw thrown
        return thrown.message
      })
      if (problem !== undefined) context.log.note(`${notePrefix} was not deleted: ${problem}`)
    }
  }
}

/** Who uses a certificate, looked at again for a while when that may be old. */
async function waitUntilUnused(
  context: Context,
  acm: Acm,
  arn: string,
  ingressUpdated: boolean,
): Promise<readonly string[] | undefined> {
  const deadline = context.clock.now() + (ingressUpdated ? inUseByLag : 0)
  for (;;) {
    const inUseBy = await acm.inUseBy(arn)
    if (inUseBy === undefined || inUseBy.length === 0 || context.clock.now() >= deadline)
      return inUseBy
    await context.clock.sleep(pollInterval(0) * 5, context.signal)
    throwIfCancelled(context.signal)
  }
}
