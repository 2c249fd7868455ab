/** What every mode begins with: every step's reads at once, every problem together, and what each step would change. Writes nothing. */
import type { X509Certificate } from 'node:crypto'
import { asActionError, settleAll } from '../core/errors.ts'
import type { Change, Context } from '../core/step.ts'
import type { Settings } from '../settings/types.ts'
import * as certificate from '../steps/certificate.ts'
import type { Facts } from '../steps/certificate-choice.ts'
import * as ingress from '../steps/ingress.ts'
import { certificateArns, hostname } from '../steps/ingress-object.ts'
import * as loadBalancer from '../steps/load-balancer.ts'
import type { Observed } from '../steps/load-balancer/drift.ts'
import * as preflight from '../steps/preflight.ts'
import { Access, ingressPermissions, ingressRemovalPermissions, type Permission } from '../steps/preflight/access.ts'
import { helmPermissions } from '../steps/preflight/helm-permissions.ts'
import { checkSubnets } from '../steps/preflight/subnets.ts'
import * as release from '../steps/release.ts'
import { leftoverChanges } from '../steps/release-leftovers.ts'
import { reviewUpgrade, type ReviewedUpgrade } from '../steps/release-preview.ts'
import { certificateFacts } from '../x509/certificate.ts'
import type { Rooms } from './rooms.ts'

/** What is there, and what has to change. The Ingress' changes are planned again when the certificate's ARN is known. */
export interface Plan {
  readonly target: preflight.Target
  readonly certificate: { readonly facts: Facts; readonly changes: readonly Change[] }
  readonly release: { readonly changes: readonly Change[]; readonly upgrade: ReviewedUpgrade | undefined }
  /** What ELBv2 says of the load balancer that is there. */
  readonly loadBalancer: Observed | undefined
  /** What all steps would change, in their order, as far as it is known before the first has. */
  readonly changes: readonly Change[]
}

/** What every step reads. Each settles by itself: a check says what it could see. */
export interface Reads {
  readonly target: Promise<preflight.Target>
  readonly facts: Promise<Facts>
  readonly releaseChanges: Promise<readonly Change[]>
  /** The upgrade that helm rendered; undefined when there is none to make, or none may be made. */
  readonly upgrade: Promise<ReviewedUpgrade | undefined>
  readonly loadBalancer: Promise<Observed | undefined>
  /** All of that, and whether what a deploy needs besides is so. */
  readonly all: Promise<unknown>
}

/** Begins every step's reads at once. `all` has to be awaited. */
export function read(context: Context, settings: Settings, rooms: Rooms): Reads {
  const isCheck = settings.mode === 'check'
  const access = rooms.cluster.then(({ kubernetes }) => new Access(kubernetes, settings.namespace, !isCheck))
  const found = Promise.all([rooms.cluster, access]).then(([{ kubernetes }, asked]) => preflight.observe(context, settings, kubernetes, asked))
  const checked = found.then((reading) => reading.checked)
  // A deploy goes no further when something does not hold; a check still compares.
  const target = found.then(async (reading) => (isCheck ? reading.target : (await settleAll([reading.target, reading.checked]))[0]))
  const facts = certificate.observe(context, settings, rooms.acm, target).catch((thrown: unknown) => {
    throw asActionError(thrown).inStep('certificate')
  })
  const releaseChanges = target.then((known) => release.plan(known, settings))
  const upgrade = Promise.all([rooms.cluster, target, releaseChanges]).then(async ([{ helm, kubernetes }, known, changes]) => {
    if (!known.release || changes.length === 0) return undefined
    release.check(known, settings)
    // Only what helm may write can be previewed.
    if (isCheck) return undefined
    context.log.info(`helm ${await helm.version()}`)
    return reviewUpgrade(context, settings, { helm, kubernetes }, { ...known, release: known.release })
  })
  const observed = target.then((known) => loadBalancer.observe(context, settings, rooms.loadBalancers, known))
  const ofThisAccount = rooms.cluster.then(({ account }) => certificate.checkAccount(settings, account))
  const writable = isCheck ? Promise.resolve() : checkWrites(context, settings, rooms, { access, target, facts, releaseChanges, upgrade, observed })
  return { target, facts, releaseChanges, upgrade, loadBalancer: observed, all: settleAll([target, facts, releaseChanges, upgrade, observed, checked, ofThisAccount, writable]) }
}

/** What only a run that writes needs. */
async function checkWrites(context: Context, settings: Settings, rooms: Rooms, reads: Pick<Reads, 'target' | 'facts' | 'releaseChanges' | 'upgrade'> & { readonly access: Promise<Access>; readonly observed: Reads['loadBalancer'] }): Promise<void> {
  const { access, target, facts, releaseChanges, upgrade, observed } = reads
  const ofUpgrade = permissionsOf(upgrade)
  await settleAll([
    Promise.all([access, target, releaseChanges, observed, ofUpgrade]).then(([asked, known, changes, seen, more]) => asked.require([...writePermissions(context, settings, known, changes, seen), ...more])),
    // Where there is an ALB already, its subnets were good enough.
    Promise.all([rooms.cluster, target]).then(([{ subnets }, known]) => (hostname(known.ingress) === undefined ? checkSubnets(context, settings, subnets()) : undefined)),
    Promise.all([target, facts]).then(([known, held]) => ingress.refuseConflicts(known, settings, arnOf(held))),
  ])
}

/** What a reviewed upgrade needs; nothing when the review failed, which is a problem of its own. */
export const permissionsOf = (upgrade: Promise<ReviewedUpgrade | undefined>): Promise<readonly Permission[]> => upgrade.then((reviewed) => reviewed?.permissions ?? [], () => [])

/** Every step's reads at once, every problem together. */
export async function look(context: Context, settings: Settings, rooms: Rooms): Promise<{ verdict: string; result: Plan }> {
  const reads = read(context, settings, rooms)
  await reads.all
  const [target, facts, releaseChanges, upgrade, observed] = await Promise.all([reads.target, reads.facts, reads.releaseChanges, reads.upgrade, reads.loadBalancer])
  outputKnown(context, target)
  if (facts.action === 'use') outputCertificate(context, facts)
  release.remark(context, settings, target, releaseChanges)
  const ofCertificate = certificate.plan(facts)
  const ofRelease = [...releaseChanges, ...leftoverChanges(settings.namespace, upgrade?.leftovers ?? [])]
  const changes = [...ofCertificate, ...ofRelease, ...ingressChanges(context, settings, target, arnOf(facts), observed)]
  const plan: Plan = { target, certificate: { facts, changes: ofCertificate }, release: { changes: ofRelease, upgrade }, loadBalancer: observed, changes }
  return { verdict: changes.length === 0 ? 'everything is as it should be' : `${count(changes)} to make`, result: plan }
}

/** The ARN that the Ingress should name, as far as it is known before anything is imported. */
export function arnOf(facts: Facts): string {
  if (facts.action === 'none') return '(of the certificate that a deploy is given)'
  return facts.action === 'import' ? '(known after the import)' : facts.arn
}

/** What changes of the Ingress: because it differs, or else because the controller has to look again. */
function ingressChanges(context: Context, settings: Settings, found: preflight.Target, arn: string, observed: Observed | undefined): readonly Change[] {
  const changes = ingress.plan(found, settings, arn)
  return changes.length > 0 || !found.ingress ? changes : loadBalancer.plan(found, settings, { ingress: found.ingress, wordsSince: undefined }, observed, new Date(context.clock.now()))
}

/** What this run will write, as far as can be told before ACM has answered: an Ingress that keeps its certificate may need nothing. */
function writePermissions(context: Context, settings: Settings, found: preflight.Target, helmChanges: readonly Change[], observed: Observed | undefined): Permission[] {
  const arn = found.ingress ? (certificateArns(found.ingress)[0] ?? '') : ''
  return [
    ...(found.release && helmChanges.length > 0 ? helmPermissions(settings.helmStorage, settings.namespace, found.release.last.manifest) : []),
    ...(ingressChanges(context, settings, found, arn, observed).length > 0 ? ingressPermissions(found.ingress !== undefined) : []),
    ...(settings.onFailure === 'rollback' && !found.ingress ? ingressRemovalPermissions() : []),
  ]
}

/** Outputs that are known before anything changes, for a run that fails later. The address is not: an old one proves nothing. */
export function outputKnown(context: Context, { ingressName, release, service }: preflight.Target): void {
  context.found({ service })
  context.output('ingress-name', ingressName)
  if (release) context.output('release-revision', String(release.last.revision))
}

/** Where the ALB is, as the Ingress says: for a run that changes nothing. @returns its name */
export function outputAddress(context: Context, { host, ingress: { listenPort } }: Settings, { ingress }: preflight.Target): string | undefined {
  const address = hostname(ingress)
  if (address === undefined) return undefined
  context.output('alb-address', address)
  context.output('endpoint', `https://${host}:${listenPort}`)
  return address
}

/** What a certificate is, for later steps of the workflow and for the summary. */
export function outputCertificate(context: Context, { arn, leaf }: { arn: string; leaf: X509Certificate }): void {
  context.found({ certificate: certificateFacts(leaf) })
  context.output('certificate-arn', arn)
  context.output('certificate-expiry', leaf.validToDate.toISOString())
}

/** `1 change`, `2 changes`. */
export const count = (changes: readonly Change[]): string => `${changes.length} change${changes.length === 1 ? '' : 's'}`
