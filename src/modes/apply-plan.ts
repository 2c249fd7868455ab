/** Applies the plan of a deployment, in the order that input cutover asks for. */
import * as certificate from '../steps/certificate/certificate.ts'
import type { CertificateRef } from '../steps/certificate/certificate.ts'
import * as ingress from '../steps/ingress/ingress.ts'
import type { AppliedIngress } from '../steps/ingress/ingress.ts'
import * as loadBalancer from '../steps/load-balancer/load-balancer.ts'
import { deleteCertificate, restoreIngress } from '../steps/rollback.ts'
import * as release from '../steps/release/release.ts'
import { rollbackRelease } from '../steps/release/rollback.ts'
import type { Change } from '../steps/step.ts'
import type { Settings } from '../inputs/types.ts'
import { formatCount } from '../util/text.ts'
import type { LockedClients, Run } from './clients.ts'
import { setCertificateOutputs } from './outputs.ts'
import type { Plan } from './plan.ts'
import type { RollbackAction } from './rollback.ts'
import { runProbe } from './run-probe.ts'

/** A deployment in progress. */
export interface Deployment extends Run<LockedClients> {
  readonly plan: Plan
  /** Called before a change, with how to undo it. */
  readonly registerRollback: (action: RollbackAction) => void
}

/** @throws ActionError of the step that failed */
export async function applyPlan(deployment: Deployment): Promise<void> {
  const { context, settings, plan } = deployment
  const cutsOverLast = isCutoverLast(deployment)
  const served = await applyCertificate(deployment)
  if (!cutsOverLast) await applyRelease(deployment)
  const appliedIngress = await applyIngress(deployment, served)
  const address = await applyLoadBalancer(deployment, served, appliedIngress)
  if (!settings.probe.required) {
    context.log.warn('Input probe is off. Whether Milvus answers through the ALB was not verified.')
    return
  }
  const endpoint = { target: plan.target, address, certificate: served.leaf }
  await runProbe(deployment, endpoint)
  if (!cutsOverLast) return
  await applyRelease(deployment)
  await runProbe(deployment, endpoint)
}

/** Whether the Service keeps its own load balancer until the ALB has passed the probe. */
const isCutoverLast = ({ settings, plan }: Deployment): boolean =>
  settings.cutover === 'last' && plan.release.changes.length > 0

async function applyCertificate(deployment: Deployment): Promise<CertificateRef> {
  const { context, settings, clients, plan, registerRollback } = deployment
  const { decision, changes } = plan.certificate
  const served = await context.step('certificate', async () => {
    const result = await certificate.apply(context, clients.acm, decision, changes)
    setCertificateOutputs(context, result)
    const expiryDate = result.leaf.validToDate.toISOString().slice(0, 10)
    return { summary: describeOutcome(changes, `valid until ${expiryDate}`), result }
  })
  if (served.newlyImported)
    registerRollback({
      step: 'certificate',
      object: `ACM certificate ${served.arn}`,
      dependsOn: 'ingress',
      rollBack: () => deleteCertificate(context, settings, clients.acm, served),
    })
  return served
}

async function applyRelease(deployment: Deployment): Promise<void> {
  const { context, settings, clients, plan, registerRollback } = deployment
  const { target } = plan
  const { changes, upgrade } = plan.release
  await context.step('release', async () => {
    if (changes.length > 0)
      registerRollback({
        step: 'release',
        object: `release ${target.release?.latestRevision.name ?? ''}`,
        rollBack: () =>
          rollbackRelease(context, settings, clients, {
            release: target.release,
            service: target.service,
            rollbackPlan: upgrade?.rollbackPlan,
          }),
      })
    const revision = await release.apply(context, settings, clients, { target, changes, upgrade })
    if (revision !== undefined) context.setOutput('release-revision', String(revision))
    return { summary: describeReleaseOutcome(settings, changes, revision), result: undefined }
  })
}

/** @param revision undefined when the Service belongs to no release */
function describeReleaseOutcome(
  { cutover }: Settings,
  changes: readonly Change[],
  revision: number | undefined,
): string {
  if (revision === undefined) return 'skipped, there is no helm release'
  if (cutover === 'never') return 'skipped, cutover is never'
  return describeOutcome(changes, `revision ${revision}`)
}

async function applyIngress(
  deployment: Deployment,
  { arn }: CertificateRef,
): Promise<AppliedIngress> {
  const { context, settings, clients, plan, registerRollback } = deployment
  const { target } = plan
  const { ingressName } = target
  const changes = ingress.plan(target, settings, arn)
  return context.step('ingress', async () => {
    if (changes.length > 0)
      registerRollback({
        step: 'ingress',
        object: `Ingress ${ingressName}`,
        ...(isCutoverLast(deployment) && { dependsOn: 'release' }),
        rollBack: () => restoreIngress(context, settings, clients, { target, certificateArn: arn }),
      })
    const result = await ingress.apply(context, settings, clients.kubernetes, {
      target,
      certificateArn: arn,
      changes,
    })
    return { summary: describeOutcome(changes, ingressName), result }
  })
}

/** @returns the DNS name of the ALB */
async function applyLoadBalancer(
  { context, settings, clients, plan }: Deployment,
  served: CertificateRef,
  appliedIngress: AppliedIngress,
): Promise<string> {
  const { target, loadBalancer: observed } = plan
  return context.step('load-balancer', async () => {
    const now = new Date(context.clock.now())
    const changes = loadBalancer.plan(target, settings, { applied: appliedIngress, observed, now })
    const result = await loadBalancer.apply(context, settings, clients, {
      ...appliedIngress,
      target,
      certificate: served,
      observed,
      changes,
    })
    return { summary: `active at ${result}`, result }
  })
}

const describeOutcome = (changes: readonly Change[], state: string): string =>
  `${changes.length === 0 ? 'unchanged' : formatCount(changes.length, 'change')}, ${state}`
