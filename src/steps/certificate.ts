/** certificate: ACM holds exactly this certificate, under an ARN that stays the same at renewal. */
import { oneLine } from '../core/text.ts'
import type { X509Certificate } from 'node:crypto'
import type { Acm, CertificateListing, ImportMaterial } from '../aws/acm.ts'
import { ActionError, settleAll } from '../core/errors.ts'
import { backoff } from '../core/retry.ts'
import { throwIfCancelled } from '../core/waiting.ts'
import type { Change, Context } from '../core/step.ts'
import type { Settings } from '../settings/types.ts'
import { checkHost, keyAlgorithm, names, parseCertificates, sameCertificates, toPem, type CertificateMaterial } from '../x509/certificate.ts'
import { certificateArns } from './ingress-object.ts'
import type { Target } from './preflight.ts'

/** The tag that says whose a certificate is: `<uid of the namespace>/<Ingress>`. */
export const targetTag = 'milvus-alb-action/target'

/** A certificate in ACM that may be the one. */
export interface Candidate {
  readonly arn: string
  readonly imported: boolean
  readonly leaf: X509Certificate
  readonly chain: readonly X509Certificate[]
  /** The value of our tag. */
  readonly target: string | undefined
}

/** What the step found: which certificate is ours, and what has to happen to it. */
export type Facts =
  | { readonly action: 'use'; readonly arn: string; readonly leaf: X509Certificate }
  | { readonly action: 'import'; readonly material: CertificateMaterial; readonly tags: Readonly<Record<string, string>>; readonly why: string }
  | { readonly action: 'reimport'; readonly material: CertificateMaterial; readonly arn: string; readonly before: X509Certificate; readonly why: string }

/** What later steps need. `fresh`: imported by this run, so that ELB may not know it yet. */
export interface Served {
  readonly arn: string
  readonly leaf: X509Certificate
  readonly fresh: boolean
}

/**
 * Reads ACM. Listing begins at once; only the choice needs the target.
 * @throws ActionError `certificate-not-found`, and those of the certificate behind `certificate-arn`
 */
export async function observe(context: Context, settings: Settings, acm: Acm, target: Promise<Target>): Promise<Facts> {
  const { certificate, host } = settings
  if (certificate.kind === 'arn') return observeArn(context, acm, certificate.arn, host)
  const [listings, found] = await settleAll([acm.list(), target] as const)
  const value = targetValue(found)
  const candidates = await readCandidates(acm, listings, host, liveArn(found))
  return choose(candidates, { value, liveArn: liveArn(found), material: certificate.material, tags: ourTags(settings, value) })
}

/** The value of our tag for a target. */
const targetValue = ({ namespace, ingressName }: Target): string => `${namespace.uid}/${ingressName}`

/** The ARN that the live Ingress serves by default. */
const liveArn = ({ ingress }: Target): string | undefined => (ingress ? certificateArns(ingress)[0] : undefined)

async function observeArn(context: Context, acm: Acm, arn: string, host: string): Promise<Facts> {
  const [leaf] = parseCertificates((await acm.get(arn))?.certificate ?? '')
  if (!leaf) {
    throw new ActionError({
      code: 'certificate-not-found',
      problem: `ACM has no certificate ${arn}.`,
      remedy: 'Check the ARN, its region and its account; or give certificate and private-key, and the action imports them.',
    })
  }
  const [mismatch] = checkHost(leaf, host)
  if (mismatch) throw mismatch
  if (leaf.validToDate.getTime() <= context.clock.now()) {
    throw new ActionError({ code: 'certificate-expired', problem: `Certificate ${arn} expired on ${leaf.validToDate.toISOString()}.`, remedy: 'Renew it in ACM, or give certificate and private-key.' })
  }
  return { action: 'use', arn, leaf }
}

/** Reads those that can be ours without a call for each certificate of the account: imported ones for the host, and the one in use. */
async function readCandidates(acm: Acm, listings: readonly CertificateListing[], host: string, live: string | undefined): Promise<Candidate[]> {
  const wildcard = host.replace(/^[^.]+/, '*')
  const wanted = listings.filter(({ arn, names, more, imported }) => arn === live || (imported && (more || names.some((name) => [host, wildcard].includes(name.toLowerCase())))))
  const read = await Promise.all(wanted.map((listing) => readCandidate(acm, listing)))
  return read.filter((candidate) => candidate !== undefined)
}

async function readCandidate(acm: Acm, { arn, imported }: CertificateListing): Promise<Candidate | undefined> {
  const [pems, tags] = await Promise.all([acm.get(arn), acm.tags(arn)])
  const [leaf] = parseCertificates(pems?.certificate ?? '')
  return leaf && { arn, imported, leaf, chain: parseCertificates(pems?.chain ?? ''), target: tags.get(targetTag) }
}

/**
 * Which certificate is ours: by our tag, else the one that the live Ingress uses, else an equal one in ACM, else none yet.
 * Pure. Among several with our tag an equal one goes first, then the one in use.
 */
export function choose(candidates: readonly Candidate[], wanted: { value: string; liveArn: string | undefined; material: CertificateMaterial; tags: Readonly<Record<string, string>> }): Facts {
  const { material, liveArn } = wanted
  const equal = (candidate: Candidate) => isEqual(candidate, material)
  const live = (candidate: Candidate) => candidate.arn === liveArn
  const takes = (candidate: Candidate) => reimportObstacle(candidate, material) === undefined
  const tagged = candidates.filter(({ target }) => target === wanted.value)
  // One with the tag of another target is never written to, even when our Ingress uses it.
  const untagged = candidates.filter(({ target }) => target === undefined)
  const same = tagged.find(equal) ?? untagged.find((candidate) => live(candidate) && equal(candidate))
  if (same) return { action: 'use', arn: same.arn, leaf: same.leaf }
  const ours = tagged.filter(takes).find(live) ?? tagged.find(takes) ?? untagged.filter(takes).find(live)
  if (ours) return { action: 'reimport', material, arn: ours.arn, before: ours.leaf, why: material.leaf.raw.equals(ours.leaf.raw) ? 'its chain differs' : 'it differs from the one given' }
  const there = candidates.find(equal)
  if (there) return { action: 'use', arn: there.arn, leaf: there.leaf }
  const unfit = tagged[0] ?? untagged.find(live)
  return { action: 'import', material, tags: wanted.tags, why: unfit ? `${unfit.arn} cannot take it: ${reimportObstacle(unfit, material) ?? ''}` : 'ACM has none for this target' }
}

/** ACM may answer with more of the chain than it was given (the root; without a chain, the leaf): what was given has to be how it begins. */
function isEqual({ leaf, chain }: Candidate, material: CertificateMaterial): boolean {
  const above = chain.filter((certificate) => !certificate.raw.equals(leaf.raw))
  return leaf.raw.equals(material.leaf.raw) && sameCertificates(above.slice(0, material.chain.length), material.chain)
}

/** Why ACM would not take the material under this ARN. Source: ACM user guide, Reimporting a certificate. */
function reimportObstacle({ imported, leaf, target }: Candidate, material: CertificateMaterial): string | undefined {
  if (!imported) return 'it was issued by ACM'
  if (keyAlgorithm(leaf) !== keyAlgorithm(material.leaf)) return `its key is ${keyAlgorithm(leaf)}, not ${keyAlgorithm(material.leaf)}`
  const covered = (name: string) => names(material.leaf).includes(name) || material.leaf.checkHost(name, { subject: 'never', partialWildcards: false }) !== undefined
  if (!names(leaf).some(covered)) return 'it has no name in common'
  // Not made by this action: others may serve its other names with it, and ACM has no way back.
  if (target === undefined && !names(leaf).every(covered)) return 'it covers names that the new one does not'
  return undefined
}

/** The tag that finds it again, and those for people. */
function ourTags(settings: Settings, value: string): Record<string, string> {
  return {
    [targetTag]: value,
    ...(settings.access.kind === 'eks' && { 'milvus-alb-action/cluster': settings.access.cluster }),
    'milvus-alb-action/namespace': settings.namespace,
    'milvus-alb-action/host': settings.host,
  }
}

const describe = (certificate: X509Certificate): string => `${oneLine(certificate.subject)}, serial ${certificate.serialNumber}, until ${certificate.validToDate.toISOString()}`

/** Pure. */
export function plan(facts: Facts): Change[] {
  if (facts.action === 'use') return []
  const after = describe(facts.material.leaf)
  if (facts.action === 'import') return [{ step: 'certificate', object: 'ACM', path: 'certificate', after, why: facts.why }]
  return [{ step: 'certificate', object: `ACM certificate ${facts.arn}`, path: 'certificate', before: describe(facts.before), after, why: facts.why }]
}

/** Imports what the plan says. @returns the certificate that the ALB shall serve */
export async function apply(context: Context, acm: Acm, facts: Facts, changes: readonly Change[]): Promise<Served> {
  changes.forEach((change) => context.changed(change))
  if (facts.action === 'use') return { arn: facts.arn, leaf: facts.leaf, fresh: false }
  const material = importMaterial(facts.material)
  if (facts.action === 'reimport') {
    await acm.reimport(facts.arn, material)
    return { arn: facts.arn, leaf: facts.material.leaf, fresh: false }
  }
  return { arn: await importNew(context, acm, facts.material, facts.tags), leaf: facts.material.leaf, fresh: true }
}

const importMaterial = ({ leaf, chain, privateKey }: CertificateMaterial): ImportMaterial => ({ certificate: toPem([leaf]), chain: toPem(chain), privateKey })

const importAttempts = 4

/** A first import has no idempotency token: after an answer that did not arrive, look whether the certificate did, and only then try again. */
async function importNew(context: Context, acm: Acm, material: CertificateMaterial, tags: Readonly<Record<string, string>>): Promise<string> {
  let reason = ''
  for (let attempt = 0; attempt < importAttempts; attempt += 1) {
    throwIfCancelled(context.signal)
    const answer = await acm.importOnce(importMaterial(material), tags)
    if ('arn' in answer) return answer.arn
    reason = answer.unknown
    await context.clock.sleep(backoff(attempt, { base: 500 }), context.signal)
    const candidates = await readCandidates(acm, await acm.list(), names(material.leaf)[0] ?? '', undefined)
    const arrived = candidates.find((candidate) => candidate.target === tags[targetTag] && isEqual(candidate, material))
    if (arrived) return arrived.arn
  }
  throw new ActionError({
    code: 'aws-request-failed',
    problem: `ACM did not answer the import of the certificate in ${importAttempts} attempts, and has not got it: ${reason}`,
    remedy: 'Run the job again later; it looks for the certificate before it imports one.',
  })
}
