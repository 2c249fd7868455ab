/** Applies the plan of a deployment, in the order that input cutover asks for. */
import * as certificate from '../steps/certificate/certificate.ts'
import type { ServedCertificate } from '../steps/certificate/certificate.ts'
import type { EndpointSettings } from '../inputs/types.ts'
import { known } from '../steps/deferred.ts'
import * as ingress from '../steps/ingress/ingress.ts'
import type { AppliedIngress } from '../steps/ingress/ingress.ts'
import type { IngressOperation } from '../steps/ingress/operations.ts'
import * as loadBalancer from '../steps/load-balancer/load-balancer.ts'
import type { ActiveLoadBalancer } from '../steps/load-balancer/load-balancer.ts'
import type { AwaitedIngress } from '../steps/load-balancer/wait.ts'
import { deleteCertificate, restoreIngress, restoreRestService } from '../steps/rollback.ts'
import type { Release } from '../steps/preflight/preflight.ts'
import * as release from '../steps/release/release.ts'
import { rollbackRelease } from '../steps/release/rollback.ts'
import type { LockedRun } from '../steps/run.ts'
import type { Change } from '../steps/step.ts'
import { formatObjects } from '../util/text.ts'
import { setCertificateOutputs } from './outputs.ts'
import type { Plan } from './plan.ts'
import type { RollbackAction } from './rollback.ts'
import { runProbe } from './run-probe.ts'

/** A deployment in progress. */
export interface PlannedDeployment extends LockedRun<EndpointSettings> {
  readonly plan: Plan
  /** Called before a change, with how to undo it. */
  readonly registerRollback: (action: RollbackAction) => void
}

/** @throws ActionError of the step that failed */
export async function applyPlan(deployment: PlannedDeployment): Promise<void> {
  const { context, settings, plan } = deployment
  const cutsOverLast = isCutoverLast(deployment)
  const served = await applyCertificate(deployment)
  if (!cutsOverLast) await applyRelease(deployment)
  const applied = await applyIngress(deployment, served)
  const active = await applyLoadBalancer(deployment, served, applied)
  if (!settings.probe.required) {
    context.log.warn('Input probe is off. Whether Milvus answers through the ALB was not verified.')
    return
  }
  const isRestServed = settings.ingress.rest
  const endpoint = { ...active, target: plan.target, certificate: served.leaf, isRestServed }
  await runProbe(deployment, endpoint)
  if (!cutsOverLast) return
  await applyRelease(deployment)
  await runProbe(deployment, endpoint)
}

const describeIngress = ({ plan }: PlannedDeployment): string =>
  `Ingress ${plan.target.ingressName}`

const describeRelease = ({ latestRevision }: Release): string => `release ${latestRevision.name}`

/** Whether the Service keeps its own load balancer until the ALB has passed the probe. */
const isCutoverLast = ({ settings, plan }: PlannedDeployment): boolean =>
  settings.cutover === 'last' && plan.release.length > 0

/** @returns the certificate that the ALB has to serve */
async function applyCertificate(deployment: PlannedDeployment): Promise<ServedCertificate> {
  const { context, plan, registerRollback } = deployment
  const { current, operations } = plan.certificate
  const served = await context.step('certificate', async () => {
    const imported = await certificate.apply(deployment, operations)
    const result = imported ?? (current && { ...current, hasNewArn: false })
    if (!result) throw new TypeError('only a check runs without a certificate')
    setCertificateOutputs(deployment, result)
    const expiryDate = result.leaf.validToDate.toISOString().slice(0, 10)
    const changes = certificate.toChanges(operations)
    return { summary: describeOutcome(changes, `valid until ${expiryDate}`), result }
  })
  if (served.hasNewArn)
    registerRollback({
      step: 'certificate',
      object: `ACM certificate ${served.arn}`,
      dependsOn: describeIngress(deployment),
      rollBack: () => deleteCertificate(deployment, served, plan.target.ingress),
    })
  return served
}

async function applyRelease(deployment: PlannedDeployment): Promise<void> {
  const { context, plan } = deployment
  const { target, release: operations } = plan
  registerReleaseRollback(deployment)
  await context.step('release', async () => {
    const newRevision = await release.apply(deployment, operations)
    const revision = newRevision ?? target.release?.latestRevision.revision
    if (revision !== undefined) context.setOutput('release-revision', String(revision))
    return { summary: describeReleaseOutcome(deployment, revision), result: undefined }
  })
}

function registerReleaseRollback(deployment: PlannedDeployment): void {
  const { release: installedRelease, service } = deployment.plan.target
  const upgrade = deployment.plan.release.find((operation) => operation.action === 'upgrade')
  if (!upgrade || !installedRelease) return
  deployment.registerRollback({
    step: 'release',
    object: describeRelease(installedRelease),
    rollBack: () =>
      rollbackRelease(deployment, {
        release: installedRelease,
        service,
        rollbackPlan: upgrade.review.rollbackPlan,
      }),
  })
}

/** @param revision undefined when the Service belongs to no release */
function describeReleaseOutcome(
  { settings, plan }: PlannedDeployment,
  revision: number | undefined,
): string {
  if (revision === undefined) return 'skipped, there is no Helm release'
  if (settings.cutover === 'never') return 'skipped, cutover is never'
  return describeOutcome(release.toChanges(plan.release), `revision ${revision}`)
}

async function applyIngress(
  deployment: PlannedDeployment,
  served: ServedCertificate,
): Promise<AppliedIngress> {
  const { context, plan } = deployment
  const { target } = plan
  const { ingressName } = target
  const operations = resolveIngressOperations(deployment, served).filter(
    (operation) => !ingress.isCleanup(operation),
  )
  return context.step('ingress', async () => {
    registerIngressRollbacks(deployment, operations)
    const applied = await ingress.apply(deployment, operations)
    const result =
      applied ?? (target.ingress && { ingress: target.ingress, eventCursor: undefined })
    if (!result) throw new TypeError('an Ingress that does not exist is always applied')
    return { summary: describeOutcome(ingress.toChanges(operations), ingressName), result }
  })
}

/** The Service of the RESTful API is rolled back after the Ingress, which refers to it. */
function registerIngressRollbacks(
  deployment: PlannedDeployment,
  operations: readonly IngressOperation[],
): void {
  const { registerRollback } = deployment
  const { target } = deployment.plan
  let restoredIngress: AwaitedIngress | undefined
  const applyService = operations.find((operation) => operation.action === 'apply-rest-service')
  if (applyService)
    registerRollback({
      step: 'ingress',
      object: `Service ${applyService.name}`,
      dependsOn: describeIngress(deployment),
      isCleanup: true,
      rollBack: () => restoreRestService(deployment, applyService, restoredIngress),
    })
  const apply = operations.find((operation) => operation.action === 'apply')
  if (apply)
    registerRollback({
      step: 'ingress',
      object: describeIngress(deployment),
      ...(isCutoverLast(deployment) &&
        target.release && { dependsOn: describeRelease(target.release) }),
      rollBack: async () => {
        const { outcome, awaited } = await restoreIngress(deployment, {
          target,
          desired: apply.desired,
          isAwaited: applyService !== undefined && applyService.before === undefined,
        })
        restoredIngress = awaited
        return outcome
      },
    })
}

/** Completes the planned operations with the ARN of the certificate. */
function resolveIngressOperations(
  { settings, plan }: PlannedDeployment,
  { arn }: ServedCertificate,
): readonly IngressOperation[] {
  const plannedArn = certificate.expectArn(settings, plan.target, plan.certificate)
  if (!plannedArn.known) return ingress.resolveCertificate(plan.ingress, arn)
  if (plannedArn.value === arn) return plan.ingress
  // ACM rejected the planned re-import, so that the certificate has another ARN.
  return ingress.plan({ settings }, { target: plan.target, certificateArn: known(arn) })
}

async function applyLoadBalancer(
  deployment: PlannedDeployment,
  served: ServedCertificate,
  applied: AppliedIngress,
): Promise<ActiveLoadBalancer> {
  const { context, plan } = deployment
  const { target, snapshot } = plan
  const isReconciling = applied.eventCursor !== undefined
  const operations = isReconciling
    ? []
    : loadBalancer.resolveCertificate(plan.loadBalancer, served.arn)
  return context.step('load-balancer', async () => {
    const requested = await loadBalancer.apply(deployment, operations)
    const awaited = {
      ...(requested ?? applied),
      target,
      snapshot,
      isCertificateNew: served.hasNewArn,
    }
    const active = await loadBalancer.waitUntilActive(deployment, awaited)
    const address = active.addresses.alb
    if (operations.some(({ drift }) => drift.length > 0))
      await loadBalancer.warnRemainingDrift(deployment, awaited, address)
    return { summary: `active at ${address}`, result: active }
  })
}

const describeOutcome = (changes: readonly Change[], state: string): string =>
  `${changes.length === 0 ? 'unchanged' : formatObjects(changes, 'changed')}, ${state}`
