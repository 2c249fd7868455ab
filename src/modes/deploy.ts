/** deploy: look at everything, say what differs, change only that, prove it. */
import type { Change, Context } from '../core/step.ts'
import type { Settings } from '../settings/types.ts'
import * as certificate from '../steps/certificate.ts'
import * as ingress from '../steps/ingress.ts'
import { hostname } from '../steps/ingress-object.ts'
import * as loadBalancer from '../steps/load-balancer.ts'
import { decidingParts, keepsLoadBalancer, loadBalancerOf } from '../steps/preflight/service-load-balancer.ts'
import { deleteCertificate, restoreIngress } from '../steps/put-back.ts'
import * as release from '../steps/release.ts'
import { remarkReturnPath, rollBack } from '../steps/release-rollback.ts'
import { rehearse } from './dry-run.ts'
import { exclusively } from './exclusively.ts'
import { count, look, outputAddress, outputCertificate, type Plan } from './look.ts'
import { prove } from './prove.ts'
import { orPutBack, type WayBack } from './put-back.ts'
import { createRooms, type Held, type Rooms } from './rooms.ts'

/** @throws ActionError of the step that failed */
export async function deploy(context: Context, settings: Settings, environment: NodeJS.ProcessEnv): Promise<void> {
  const rooms = createRooms(context, settings, environment)
  const looked = async () => {
    const outcome = await look(context, settings, rooms)
    if (settings.onFailure === 'rollback') sayWhatStays(context, outcome.result)
    return outcome
  }
  if (settings.dryRun) {
    const plan = await context.step('preflight', looked)
    outputAddress(context, settings, plan.target)
    if (settings.probe.required) certificate.remarkLeftovers(context, plan.certificate.facts)
    await rehearse(context, settings.cutover === 'last' ? plan.changes.toSorted((a, b) => Number(a.step === 'release') - Number(b.step === 'release')) : plan.changes)
    return
  }
  await exclusively(context, settings, rooms, environment, {
    look: looked,
    writes: ({ changes, certificate: { facts } }) => changes.length > 0 || facts.leftovers.length > 0,
    make: async (guarded, plan, held) => {
      await orPutBack(guarded, settings, (remember) => make(guarded, settings, held, plan, remember))
      await cleanUp(guarded, settings, rooms, plan)
      return false
    },
  })
}

/** Earlier certificates of this target go when the new one is proven. */
async function cleanUp(context: Context, settings: Settings, { acm }: Rooms, { certificate: { facts: { leftovers, action } } }: Plan): Promise<void> {
  if (leftovers.length === 0 || !settings.probe.required) return
  await context.step('certificate', async () => {
    await certificate.cleanUp(context, acm, leftovers, action === 'import')
    return { verdict: 'looked after earlier ones', result: undefined }
  })
}

/** Makes what the plan says, in the order that `cutover` says. @param remember told how each change is put back */
async function make(context: Context, settings: Settings, rooms: Held, { target, ...plan }: Plan, remember: (way: WayBack) => void): Promise<void> {
  const served = await context.step('certificate', async () => {
    const result = await certificate.apply(context, rooms.acm, plan.certificate.facts, plan.certificate.changes)
    outputCertificate(context, result)
    return { verdict: verdict(plan.certificate.changes, `valid until ${result.leaf.validToDate.toISOString().slice(0, 10)}`), result }
  })
  if (served.fresh) remember({ step: 'certificate', object: `ACM certificate ${served.arn}`, after: 'ingress', putBack: () => deleteCertificate(context, settings, rooms.acm, served) })

  const upgrade = (): Promise<void> => context.step('release', async () => {
    if (plan.release.changes.length > 0) remember({ step: 'release', object: `release ${target.release?.last.name ?? ''}`, putBack: () => rollBack(context, settings, rooms, target, plan.release.upgrade?.returnPath) })
    const revision = await release.apply(context, settings, rooms, target, plan.release.changes, plan.release.upgrade)
    if (revision !== undefined) context.output('release-revision', String(revision))
    const leftAlone = revision === undefined ? 'no helm release, left alone' : settings.cutover === 'never' ? 'left alone' : undefined
    return { verdict: leftAlone ?? verdict(plan.release.changes, `revision ${revision ?? ''}`), result: undefined }
  })
  // Only when its successor is proven may the Service's own load balancer go.
  const isLast = settings.cutover === 'last' && plan.release.changes.length > 0
  if (!isLast) await upgrade()

  const ingressChanges = ingress.plan(target, settings, served.arn)
  const applied = await context.step('ingress', async () => {
    if (ingressChanges.length > 0) remember({ step: 'ingress', object: `Ingress ${target.ingressName}`, ...(isLast && { after: 'release' as const }), putBack: () => restoreIngress(context, settings, rooms, target, served.arn) })
    const result = await ingress.apply(context, settings, rooms.kubernetes, target, served.arn, ingressChanges)
    return { verdict: verdict(ingressChanges, target.ingressName), result }
  })

  const address = await context.step('load-balancer', async () => {
    const changes = loadBalancer.plan(target, settings, applied, plan.loadBalancer, new Date(context.clock.now()))
    const result = await loadBalancer.apply(context, settings, rooms, target, { ...applied, certificate: served, observed: plan.loadBalancer }, changes)
    return { verdict: `active at ${result}`, result }
  })

  if (!settings.probe.required) {
    context.log.warn('probe is off: that Milvus answers through the ALB was not checked.')
    return
  }
  const proven = (): Promise<void> => prove(context, settings, rooms, target, address, served.leaf)
  await proven()
  if (!isLast) return
  await upgrade()
  await proven()
}

/** Says before anything is changed what a rollback could not put back. */
function sayWhatStays(context: Context, { target: { ingress: live, release: found, service }, certificate: { facts }, release: { changes, upgrade }, changes: all }: Plan): void {
  if (facts.action === 'reimport') context.log.note(`Should this run fail, the certificate under ${facts.arn} stays the new one: ACM has no way back to the one that it replaces. A run with the old certificate and its key is one.`)
  if (found) remarkReturnPath(context, found, upgrade?.returnPath)
  if (changes.length > 0 && found && found.last.status !== 'deployed') context.log.note(`Should this run fail once helm has begun, release ${found.last.name} goes back to revision ${found.current.revision}, the last that was deployed, and the type of its Service with it.`)
  if (hostname(live) !== undefined && all.some(({ path }) => /\/(scheme|group\.name)$/.test(path))) context.log.note('Should this run fail, the Ingress gets its settings back with a new load balancer under a new name: the one that it has now goes.')
  if (changes.length > 0 && service.live?.spec.type === 'LoadBalancer' && !keepsLoadBalancer(decidingParts(service.live))) {
    context.log.note(`Should this run fail once helm has begun, Service ${service.name} comes back with a new load balancer under a new name (${loadBalancerOf(decidingParts(service.live)).text}): that of the old one goes.`)
  }
}

const verdict = (changes: readonly Change[], state: string): string => `${changes.length === 0 ? 'unchanged' : count(changes)}, ${state}`
