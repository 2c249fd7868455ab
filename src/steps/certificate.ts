/** certificate: ACM holds exactly this certificate, under an ARN that stays the same at renewal. */
import { oneLine } from '../core/text.ts'
import type { X509Certificate } from 'node:crypto'
import type { Acm, CertificateListing, ImportMaterial } from '../aws/acm.ts'
import { ActionError, settleAll } from '../core/errors.ts'
import { backoff } from '../core/retry.ts'
import { growing, throwIfCancelled } from '../core/waiting.ts'
import type { Change, Context } from '../core/step.ts'
import type { Settings } from '../settings/types.ts'
import { names, toPem, type CertificateMaterial } from '../x509/certificate.ts'
import { checkHost, clientWarning, expiryWarning } from '../x509/checks.ts'
import { parseCertificates } from '../x509/reading.ts'
import { choose, isEqual, reimport, reimportObstacle, type Candidate, type Facts, type Wanted } from './certificate-choice.ts'
import { certificateArns } from './ingress-object.ts'
import type { Target } from './preflight.ts'

/** The tag that says whose a certificate is: `<uid of the namespace>/<Ingress>`. */
export const targetTag = 'milvus-alb-action/target'

/** What later steps need. `fresh`: imported by this run, so that ELB may not know it yet. */
export interface Served {
  readonly arn: string
  readonly leaf: X509Certificate
  readonly fresh: boolean
}

/**
 * @param account of the cluster; undefined when that is not known
 * @throws ActionError `inputs-conflict` when certificate-arn is of another one: an ALB takes only certificates of its own account
 */
export function checkAccount({ certificate }: Settings, account: string | undefined): void {
  const arn = certificate.kind === 'arn' ? certificate.arn : certificate.kind === 'material' ? certificate.into : undefined
  const own = arn?.split(':')[4]
  if (own === undefined || account === undefined || own === account) return
  throw new ActionError({
    code: 'inputs-conflict',
    problem: `Input certificate-arn is of account ${own}, and the cluster is in account ${account}.`,
    remedy: 'An ALB takes only certificates of its own account: give one of that, or certificate and private-key.',
  })
}

/**
 * Reads ACM. Listing begins at once; only the choice needs the target.
 * @throws ActionError `certificate-not-found`, and those of the certificate behind `certificate-arn`
 */
export async function observe(context: Context, settings: Settings, acm: Acm, target: Promise<Target>): Promise<Facts> {
  const { certificate, host } = settings
  if (certificate.kind !== 'material') {
    const arn = certificate.kind === 'arn' ? certificate.arn : liveArn(await target)
    return arn === undefined ? { action: 'none', leftovers: [] } : observeArn(context, settings, acm, arn)
  }
  const [listings, found] = await settleAll([acm.list(namesFor(host)), target] as const)
  const value = targetValue(found)
  const wanted: Wanted = { value, liveArn: liveArn(found), material: certificate.material, tags: ourTags(settings, value) }
  const candidates = await readCandidates(acm, listings, host, [wanted.liveArn, certificate.into])
  return certificate.into === undefined ? choose(candidates, wanted) : chooseInto(settings, acm, candidates, wanted, certificate.into)
}

/** With `certificate-arn` beside the material: that one and no other, when it is ours or may be replaced. */
async function chooseInto(settings: Settings, acm: Acm, candidates: readonly Candidate[], wanted: Wanted, arn: string): Promise<Facts> {
  const held = candidates.find((candidate) => candidate.arn === arn)
  if (!held) throw notFound(arn)
  if (isEqual(held, wanted.material)) return { action: 'use', arn, leaf: held.leaf, leftovers: [] }
  if (held.target !== wanted.value && !settings.replaceCertificate) {
    const users = await acm.users(arn)
    throw new ActionError({
      code: 'certificate-not-ours',
      problem: `Certificate ${arn} (${names(held.leaf).join(', ')}) is another one than that given, and this action did not make it for this target${users === undefined ? '' : users.length === 0 ? '; nothing uses it' : `; ${users.map(shortName).join(', ')} use${users.length === 1 ? 's' : ''} it`}.`,
      remedy: 'Leave certificate-arn empty, and the action imports a certificate of its own; or set replace-certificate: true to put the new one under this ARN, for everything that uses it.',
    })
  }
  // Whoever asks for the replacement answers for the names that go.
  const obstacle = reimportObstacle({ ...held, target: wanted.value }, wanted.material)
  if (obstacle === undefined) return reimport(held, wanted, [])
  throw new ActionError({ code: 'certificate-refused', problem: `Certificate ${arn} cannot take the one given: ${obstacle}.`, remedy: 'Leave certificate-arn empty, and the action imports a new certificate and moves the Ingress to it.' })
}

/** `app/k8s-milvus-.../...` of a load balancer's ARN. */
export const shortName = (arn: string): string => arn.replace(/^arn:[^/]*loadbalancer\//, '')

function notFound(arn: string): ActionError {
  return new ActionError({
    code: 'certificate-not-found',
    problem: `ACM has no certificate ${arn}.`,
    remedy: 'Check the ARN, its region and its account; or give certificate and private-key, and the action imports them.',
  })
}

/** The value of our tag for a target. */
export const targetValue = ({ namespace, ingressName }: Pick<Target, 'namespace' | 'ingressName'>): string => `${namespace.uid}/${ingressName}`

/** The ARN that the live Ingress serves by default. */
const liveArn = ({ ingress }: Target): string | undefined => (ingress ? certificateArns(ingress)[0] : undefined)

async function observeArn(context: Context, { host, expiryWarning: threshold }: Settings, acm: Acm, arn: string): Promise<Facts> {
  const held = await acm.issued(arn)
  const [leaf] = parseCertificates(held?.certificate ?? '')
  if (!held || !leaf) throw notFound(arn)
  const [mismatch] = checkHost(leaf, host)
  if (mismatch) throw mismatch
  if (leaf.validToDate.getTime() <= context.clock.now()) {
    throw new ActionError({ code: 'certificate-expired', problem: `Certificate ${arn} expired on ${leaf.validToDate.toISOString()}.`, remedy: 'Renew it in ACM, or give certificate and private-key.' })
  }
  const soon = held.notRenewed === undefined ? undefined : expiryWarning(leaf, threshold, context.clock.now(), held.notRenewed)
  for (const warning of [soon, clientWarning(leaf)]) if (warning !== undefined) context.log.warn(warning)
  return { action: 'use', arn, leaf, leftovers: [] }
}

/** The names of certificates that cover a host. */
const namesFor = (host: string): string[] => [host, host.replace(/^[^.]+/, '*')]

/** Reads those that can be ours without a call for each certificate of the account: imported ones for the host, and the one in use. */
async function readCandidates(acm: Acm, listings: readonly CertificateListing[], host: string, also: readonly (string | undefined)[]): Promise<Candidate[]> {
  const wanted = listings.filter(({ arn, names, more, imported }) => also.includes(arn) || (imported && (more || names.some((name) => namesFor(host).includes(name.toLowerCase())))))
  const read = await Promise.all(wanted.map((listing) => readCandidate(acm, listing)))
  return read.filter((candidate) => candidate !== undefined)
}

async function readCandidate(acm: Acm, { arn, imported }: CertificateListing): Promise<Candidate | undefined> {
  const [pems, tags] = await Promise.all([acm.get(arn), acm.tags(arn)])
  const [leaf] = parseCertificates(pems?.certificate ?? '')
  return leaf && { arn, imported, leaf, chain: parseCertificates(pems?.chain ?? ''), target: tags.get(targetTag) }
}

/** The tag that finds it again, those for people, and those that an organization wants on all that is made. */
function ourTags(settings: Settings, value: string): Record<string, string> {
  return {
    ...settings.ingress.tags,
    [targetTag]: value,
    ...(settings.access.kind === 'eks' && { 'milvus-alb-action/cluster': settings.access.cluster }),
    'milvus-alb-action/namespace': settings.namespace,
    'milvus-alb-action/host': settings.host,
  }
}

export const describe = (certificate: X509Certificate): string => `${oneLine(certificate.subject)}, serial ${certificate.serialNumber}, until ${certificate.validToDate.toISOString()}`

/** Pure. */
export function plan(facts: Facts): Change[] {
  if (facts.action === 'use' || facts.action === 'none') return []
  const after = describe(facts.material.leaf)
  if (facts.action === 'import') return [{ step: 'certificate', object: 'ACM', path: 'certificate', after, why: facts.why }]
  return [{ step: 'certificate', object: `ACM certificate ${facts.arn}`, path: 'certificate', before: describe(facts.before), after, why: facts.why }]
}

/** What a check says of who uses a certificate. */
export async function remarkUse(context: Context, acm: Acm, arn: string): Promise<void> {
  const users = await acm.users(arn)
  if (users === undefined) context.unseen(`the state of certificate ${arn}, and who uses it (acm:DescribeCertificate)`)
  else if (users.length === 0) context.log.note(`Nothing uses ACM certificate ${arn}.`)
  else context.log.info(`certificate ${arn} is used by ${users.map(shortName).join(', ')}`)
}

/** Imports what the plan says. @returns the certificate that the ALB shall serve */
export async function apply(context: Context, acm: Acm, facts: Facts, changes: readonly Change[]): Promise<Served> {
  if (facts.action === 'none') throw new TypeError('only a check goes without a certificate')
  changes.forEach((change) => context.changed(change))
  if (facts.action === 'use') return { arn: facts.arn, leaf: facts.leaf, fresh: false }
  const material = importMaterial(facts.material)
  if (facts.action === 'reimport') {
    const refusal = await acm.reimport(facts.arn, material)
    if (!refusal) return { arn: facts.arn, leaf: facts.material.leaf, fresh: false }
    // Usages cannot be taken away at a re-import, and only ACM knows all that it holds against one.
    context.changed({ step: 'certificate', object: 'ACM', path: 'certificate', after: describe(facts.material.leaf), why: `under the ARN that is in use ACM refused it: ${refusal.message}` })
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
    const [host = ''] = names(material.leaf)
    const candidates = await readCandidates(acm, await acm.list(namesFor(host)), host, [])
    const arrived = candidates.find((candidate) => candidate.target === tags[targetTag] && isEqual(candidate, material))
    if (arrived) return arrived.arn
  }
  throw new ActionError({
    code: 'aws-request-failed',
    problem: `ACM did not answer the import of the certificate in ${importAttempts} attempts, and has not got it: ${reason}`,
    remedy: 'Run the job again later; it looks for the certificate before it imports one.',
  })
}

/** Says of those that a deploy would delete what it cannot promise as a change: whether they go depends on who uses them then. */
export function remarkLeftovers(context: Context, { leftovers }: Facts): void {
  for (const { arn } of leftovers) context.log.note(`ACM certificate ${arn} was made for this target and is not the one that shall be served: a deploy deletes it after its probe, unless something still uses it.`)
}

/** Milliseconds for which ACM may still call a certificate used whose listener has just changed. */
const stillInUse = 10_000

/**
 * Deletes what this action made for this target and the Ingress no longer serves. Only after the probe: until then it is the way
 * back. Whatever keeps one is a note: the next run tries again.
 * @param moved whether this run moved the Ingress, so that what ACM says of its users may be old
 */
export async function cleanUp(context: Context, acm: Acm, leftovers: readonly Candidate[], moved: boolean): Promise<void> {
  for (const { arn, leaf } of leftovers) {
    const users = await unused(context, acm, arn, moved)
    const kept = `ACM certificate ${arn} was made for this target and is no longer served, but`
    if (users === undefined) {
      context.log.note(`${kept} these credentials may not describe it (acm:DescribeCertificate): delete it by hand.`)
    } else if (users.length > 0) {
      context.log.note(`${kept} ${users.map(shortName).join(', ')} use${users.length === 1 ? 's' : ''} it: a later run deletes it when nothing does.`)
    } else {
      context.changed({ step: 'certificate', object: `ACM certificate ${arn}`, path: 'certificate', before: describe(leaf), why: 'it was made for this target, and nothing uses it any more' })
      const problem = await acm.remove(arn).catch((thrown: unknown) => {
        if (!(thrown instanceof ActionError) || thrown.code !== 'aws-access-denied') throw thrown
        return thrown.message
      })
      if (problem !== undefined) context.log.note(`${kept} was not deleted: ${problem}`)
    }
  }
}

/** Who uses a certificate, looked at again for a while when that may be old. */
async function unused(context: Context, acm: Acm, arn: string, moved: boolean): Promise<readonly string[] | undefined> {
  const until = context.clock.now() + (moved ? stillInUse : 0)
  for (;;) {
    const users = await acm.users(arn)
    if (users === undefined || users.length === 0 || context.clock.now() >= until) return users
    await context.clock.sleep(growing(0) * 5, context.signal)
    throwIfCancelled(context.signal)
  }
}
