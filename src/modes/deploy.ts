/** deploy: look at everything, say what differs, change only that, prove it. */
import type { Change, Context } from '../steps/step.ts'
import type { Settings } from '../inputs/types.ts'
import * as certificate from '../steps/certificate/certificate.ts'
import { deleteSuperseded, logSupersededNotes } from '../steps/certificate/superseded.ts'
import * as ingress from '../steps/ingress/ingress.ts'
import { getIngressHostname } from '../steps/ingress/manifest.ts'
import * as loadBalancer from '../steps/load-balancer/load-balancer.ts'
import {
  serviceLoadBalancerConfig,
  isKeptByController,
  resolveServiceLoadBalancer,
} from '../steps/preflight/service-load-balancer.ts'
import { deleteCertificate, restoreIngress } from '../steps/rollback.ts'
import * as release from '../steps/release/release.ts'
import { logRollbackNotes, rollbackRelease } from '../steps/release/rollback.ts'
import { printPlan } from './dry-run.ts'
import { withLock } from './with-lock.ts'
import {
  formatChangeCount,
  buildPlan,
  setAddressOutputs,
  setCertificateOutputs,
  type Plan,
} from './plan.ts'
import { runProbe } from './run-probe.ts'
import { withRollback, type RollbackAction } from './rollback.ts'
import { createClients, type LockedClients, type Clients } from './clients.ts'

/** @throws ActionError of the step that failed */
export async function deploy(
  context: Context,
  settings: Settings,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const clients = createClients(context, settings, env)
  const planDeployment = async () => {
    const outcome = await buildPlan(context, settings, clients)
    if (settings.onFailure === 'rollback') warnIrreversibleChanges(context, outcome.result)
    return outcome
  }
  if (settings.dryRun) {
    const plan = await context.step('preflight', planDeployment)
    setAddressOutputs(context, settings, plan.target)
    if (settings.probe.required) logSupersededNotes(context, plan.certificate.decision)
    await printPlan(
      context,
      settings.cutover === 'last'
        ? plan.changes.toSorted(
            (a, b) => Number(a.step === 'release') - Number(b.step === 'release'),
          )
        : plan.changes,
    )
    return
  }
  await withLock(context, settings, clients, env, {
    buildPlan: planDeployment,
    requiresLock: ({ changes, certificate: { decision } }) =>
      changes.length > 0 || decision.superseded.length > 0,
    apply: async (guardedContext, plan, lockedClients) => {
      await withRollback(guardedContext, settings, (registerRollback) =>
        applyPlan(guardedContext, settings, lockedClients, plan, registerRollback),
      )
      await deleteSupersededCertificates(guardedContext, settings, clients, plan)
      return false
    },
  })
}

/** Earlier certificates of this target go when the new one is proven. */
async function deleteSupersededCertificates(
  context: Context,
  settings: Settings,
  { acm }: Clients,
  {
    certificate: {
      decision: { superseded, action },
    },
  }: Plan,
): Promise<void> {
  if (superseded.length === 0 || !settings.probe.required) return
  await context.step('certificate', async () => {
    await deleteSuperseded(context, acm, superseded, action === 'import')
    return { summary: 'looked after earlier ones', result: undefined }
  })
}

/**
 * Makes what the plan says, in the order that `cutover` says.
 * @param registerRollback told how each change is put back
 */
async function applyPlan(
  context: Context,
  settings: Settings,
  clients: LockedClients,
  { target, ...plan }: Plan,
  registerRollback: (action: RollbackAction) => void,
): Promise<void> {
  const servedCertificate = await context.step('certificate', async () => {
    const result = await certificate.apply(
      context,
      clients.acm,
      plan.certificate.decision,
      plan.certificate.changes,
    )
    setCertificateOutputs(context, result)
    return {
      summary: describeOutcome(
        plan.certificate.changes,
        `valid until ${result.leaf.validToDate.toISOString().slice(0, 10)}`,
      ),
      result,
    }
  })
  if (servedCertificate.newlyImported)
    registerRollback({
      step: 'certificate',
      object: `ACM certificate ${servedCertificate.arn}`,
      dependsOn: 'ingress',
      rollBack: () => deleteCertificate(context, settings, clients.acm, servedCertificate),
    })

  const applyRelease = (): Promise<void> =>
    context.step('release', async () => {
      if (plan.release.changes.length > 0)
        registerRollback({
          step: 'release',
          object: `release ${target.release?.latestRevision.name ?? ''}`,
          rollBack: () =>
            rollbackRelease(context, settings, clients, {
              release: target.release,
              service: target.service,
              rollbackPlan: plan.release.upgrade?.rollbackPlan,
            }),
        })
      const revision = await release.apply(context, settings, clients, {
        target,
        changes: plan.release.changes,
        upgrade: plan.release.upgrade,
      })
      if (revision !== undefined) context.setOutput('release-revision', String(revision))
      const unmanagedReason =
        revision === undefined
          ? 'no helm release, left alone'
          : settings.cutover === 'never'
            ? 'left alone'
            : undefined
      return {
        summary:
          unmanagedReason ?? describeOutcome(plan.release.changes, `revision ${revision ?? ''}`),
        result: undefined,
      }
    })
  // Only when its successor is proven may the Service's own load balancer go.
  const isCutoverLast = settings.cutover === 'last' && plan.release.changes.length > 0
  if (!isCutoverLast) await applyRelease()

  const ingressChanges = ingress.plan(target, settings, servedCertificate.arn)
  const appliedIngress = await context.step('ingress', async () => {
    if (ingressChanges.length > 0)
      registerRollback({
        step: 'ingress',
        object: `Ingress ${target.ingressName}`,
        ...(isCutoverLast && { dependsOn: 'release' as const }),
        rollBack: () =>
          restoreIngress(context, settings, clients, {
            target,
            certificateArn: servedCertificate.arn,
          }),
      })
    const result = await ingress.apply(context, settings, clients.kubernetes, {
      target,
      certificateArn: servedCertificate.arn,
      changes: ingressChanges,
    })
    return { summary: describeOutcome(ingressChanges, target.ingressName), result }
  })

  const address = await context.step('load-balancer', async () => {
    const changes = loadBalancer.plan(target, settings, {
      applied: appliedIngress,
      observed: plan.loadBalancer,
      now: new Date(context.clock.now()),
    })
    const result = await loadBalancer.apply(context, settings, clients, {
      ...appliedIngress,
      target,
      certificate: servedCertificate,
      observed: plan.loadBalancer,
      changes,
    })
    return { summary: `active at ${result}`, result }
  })

  if (!settings.probe.required) {
    context.log.warn('probe is off: that Milvus answers through the ALB was not checked.')
    return
  }
  const probeEndpoint = (): Promise<void> =>
    runProbe(context, settings, clients, target, address, servedCertificate.leaf)
  await probeEndpoint()
  if (!isCutoverLast) return
  await applyRelease()
  await probeEndpoint()
}

/** Says before anything is changed what a rollback could not put back. */
function warnIrreversibleChanges(
  context: Context,
  {
    target: { ingress: liveIngress, release: installedRelease, service },
    certificate: { decision },
    release: { changes, upgrade },
    changes: allChanges,
  }: Plan,
): void {
  if (decision.action === 'reimport')
    context.log.note(
      `Should this run fail, the certificate under ${decision.arn} stays the new one: ACM has no way back to the one that it replaces. A run with the old certificate and its key is one.`,
    )
  if (installedRelease) logRollbackNotes(context, installedRelease, upgrade?.rollbackPlan)
  if (
    changes.length > 0 &&
    installedRelease &&
    installedRelease.latestRevision.status !== 'deployed'
  )
    context.log.note(
      `Should this run fail once helm has begun, release ${installedRelease.latestRevision.name} goes back to revision ${installedRelease.deployedRevision.revision}, the last that was deployed, and the type of its Service with it.`,
    )
  if (
    getIngressHostname(liveIngress) !== undefined &&
    allChanges.some(({ path }) => /\/(scheme|group\.name)$/.test(path))
  )
    context.log.note(
      'Should this run fail, the Ingress gets its settings back with a new load balancer under a new name: the one that it has now goes.',
    )
  if (
    changes.length > 0 &&
    service.live?.spec.type === 'LoadBalancer' &&
    !isKeptByController(serviceLoadBalancerConfig(service.live))
  ) {
    context.log.note(
      `Should this run fail once helm has begun, Service ${service.name} comes back with a new load balancer under a new name (${resolveServiceLoadBalancer(serviceLoadBalancerConfig(service.live)).description}): that of the old one goes.`,
    )
  }
}

const describeOutcome = (changes: readonly Change[], state: string): string =>
  `${changes.length === 0 ? 'unchanged' : formatChangeCount(changes)}, ${state}`
