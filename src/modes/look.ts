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
import { Access, helmPermissions, ingressPermissions, type Permission } from '../steps/preflight/access.ts'
import { checkSubnets } from '../steps/preflight/subnets.ts'
import * as release from '../steps/release.ts'
import { preview } from '../steps/release-preview.ts'
import { certificateFacts } from '../x509/certificate.ts'
import type { Rooms } from './rooms.ts'

/** What is there, and what has to change. The Ingress' changes are planned again when the certificate's ARN is known. */
export interface Plan {
  readonly target: preflight.Target
  readonly certificate: { readonly facts: Facts; readonly changes: readonly Change[] }
  readonly release: { readonly changes: readonly Change[]; readonly chart: string }
  /** What ELBv2 says of the load balancer that is there. */
  readonly loadBalancer: Observed | undefined
  /** What all steps would change, in their order, as far as it is known before the first has. */
  readonly changes: readonly Change[]
}

/** Every step's reads at once, every problem together. */
export async function look(context: Context, settings: Settings, rooms: Rooms): Promise<{ verdict: string; result: Plan }> {
  const isCheck = settings.mode === 'check'
  const access = rooms.cluster.then(({ kubernetes }) => new Access(kubernetes, settings.namespace, !isCheck))
  const target = rooms.cluster.then(async ({ kubernetes }) => preflight.observe(context, settings, kubernetes, await access))
  const facts = certificate.observe(context, settings, rooms.acm, target).catch((thrown: unknown) => {
    throw asActionError(thrown).inStep('certificate')
  })
  const helmChanges = target.then((found) => release.plan(found, settings))
  const previewed = Promise.all([rooms.cluster, target, helmChanges]).then(async ([{ helm }, found, changes]) => {
    if (!found.release || changes.length === 0) return ''
    release.check(found, settings)
    // Only what helm may write can be previewed.
    if (isCheck) return ''
    context.log.info(`helm ${await helm.version()}`)
    return preview(context, settings, helm, { ...found, release: found.release })
  })
  const balancer = target.then((found) => loadBalancer.observe(context, settings, rooms.loadBalancers, found))
  const permitted = Promise.all([access, target, helmChanges, balancer]).then(([asked, found, changes, observed]) => asked.require(writePermissions(context, settings, found, changes, observed)))
  // Where there is an ALB already, its subnets were good enough.
  const placed = Promise.all([rooms.cluster, target]).then(([{ subnets }, found]) => (hostname(found.ingress) === undefined && !isCheck ? checkSubnets(context, settings, subnets()) : undefined))
  const ofThisAccount = rooms.cluster.then(({ account }) => certificate.checkAccount(settings, account))
  const [found, certificateFacts, releaseChanges, chart, observed] = await settleAll([target, facts, helmChanges, previewed, balancer, permitted, placed, ofThisAccount] as const)
  known(context, found, certificateFacts)
  release.remark(context, found, releaseChanges)
  const ofCertificate = certificate.plan(certificateFacts)
  const changes = [...ofCertificate, ...releaseChanges, ...ingressChanges(context, settings, found, arnOf(certificateFacts), observed)]
  const plan: Plan = { target: found, certificate: { facts: certificateFacts, changes: ofCertificate }, release: { changes: releaseChanges, chart }, loadBalancer: observed, changes }
  return { verdict: changes.length === 0 ? 'everything is as it should be' : isCheck ? 'not everything is as it should be' : `${count(changes)} to make`, result: plan }
}

function arnOf(facts: Facts): string {
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
    ...(found.release && helmChanges.length > 0 ? helmPermissions(settings.helmStorage, found.release.last.kinds) : []),
    ...(ingressChanges(context, settings, found, arn, observed).length > 0 ? ingressPermissions(found.ingress !== undefined) : []),
  ]
}

/** Outputs that are known before anything changes, for a run that fails later. The address is not: an old one proves nothing. */
function known(context: Context, { ingressName, release, service }: preflight.Target, facts: Facts): void {
  context.found({ service })
  context.output('ingress-name', ingressName)
  if (release) context.output('release-revision', String(release.last.revision))
  if (facts.action === 'use') outputCertificate(context, facts)
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
