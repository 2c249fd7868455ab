/** deploy: look at everything, say what differs, change only that, prove it. */
import type { Change, Context } from '../core/step.ts'
import type { Settings } from '../settings/types.ts'
import * as certificate from '../steps/certificate.ts'
import * as ingress from '../steps/ingress.ts'
import * as loadBalancer from '../steps/load-balancer.ts'
import * as release from '../steps/release.ts'
import { rehearse } from './dry-run.ts'
import { count, look, outputAddress, outputCertificate } from './look.ts'
import { prove } from './prove.ts'
import { createRooms } from './rooms.ts'

/** @throws ActionError of the step that failed */
export async function deploy(context: Context, settings: Settings, environment: NodeJS.ProcessEnv): Promise<void> {
  const rooms = createRooms(context, settings, environment)
  const { target, ...plan } = await context.step('preflight', () => look(context, settings, rooms))
  if (settings.dryRun) {
    outputAddress(context, settings, target)
    for (const { arn } of plan.certificate.facts.leftovers) context.log.note(`After the probe ACM certificate ${arn} would be deleted, unless something still uses it.`)
    await rehearse(context, plan.changes)
    return
  }
  const cluster = await rooms.cluster

  const served = await context.step('certificate', async () => {
    const result = await certificate.apply(context, rooms.acm, plan.certificate.facts, plan.certificate.changes)
    outputCertificate(context, result)
    return { verdict: verdict(plan.certificate.changes, `valid until ${result.leaf.validToDate.toISOString().slice(0, 10)}`), result }
  })

  await context.step('release', async () => {
    const revision = await release.apply(context, settings, cluster, target, plan.release.changes, plan.release.chart)
    if (revision !== undefined) context.output('release-revision', String(revision))
    return { verdict: revision === undefined ? 'no helm release, left alone' : verdict(plan.release.changes, `revision ${revision}`), result: undefined }
  })

  const ingressChanges = ingress.plan(target, settings, served.arn)
  const applied = await context.step('ingress', async () => {
    const result = await ingress.apply(context, settings, cluster.kubernetes, target, served.arn, ingressChanges)
    return { verdict: verdict(ingressChanges, target.ingressName), result }
  })

  const address = await context.step('load-balancer', async () => {
    const changes = loadBalancer.plan(target, settings, applied, plan.loadBalancer, new Date(context.clock.now()))
    const result = await loadBalancer.apply(context, settings, { ...rooms, ...cluster }, target, { ...applied, certificate: served, observed: plan.loadBalancer }, changes)
    return { verdict: `active at ${result}`, result }
  })

  if (!settings.probe.required) {
    context.log.warn('probe is off: that Milvus answers through the ALB was not checked.')
    return
  }
  await prove(context, settings, { ...rooms, ...cluster }, target, address, served.leaf)
  const { leftovers, action } = plan.certificate.facts
  if (leftovers.length === 0) return
  await context.step('certificate', async () => {
    await certificate.cleanUp(context, rooms.acm, leftovers, action === 'import')
    return { verdict: 'looked after earlier ones', result: undefined }
  })
}

const verdict = (changes: readonly Change[], state: string): string => `${changes.length === 0 ? 'unchanged' : count(changes)}, ${state}`
