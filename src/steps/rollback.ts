/** Rolls the certificate and the Ingress back after a run that failed. */
import { ownedAnnotations } from '../clients/kubernetes/field-ownership.ts'
import { ingressPath, servicePath } from '../clients/kubernetes/paths.ts'
import type { Ingress, Service } from '../clients/kubernetes/types.ts'
import type { Settings } from '../inputs/types.ts'
import type { ServedCertificate } from './certificate/certificate.ts'
import * as certificateRemoval from './certificate/removal.ts'
import { toManifest, type DesiredIngress } from './ingress/desired.ts'
import type { IngressRemovalRun } from './ingress/deletion.ts'
import { applyManifest, getEventCursor } from './ingress/ingress.ts'
import {
  buildPreviousManifest,
  diffIngress,
  fieldManager,
  getIngressHostname,
  parseCertificateArns,
  restPaths,
} from './ingress/manifest.ts'
import type { ApplyRestService } from './ingress/operations.ts'
import { applyRestService, deleteRestService } from './ingress/rest-service-operations.ts'
import { buildPreviousRestService, diffRestService } from './ingress/rest-service.ts'
import { restoreOwnership } from './ingress/ownership.ts'
import { applyRemoval, checkDeletionProtection, planRemoval } from './ingress/removal.ts'
import { describeLoadBalancer } from './load-balancer/snapshot.ts'
import {
  waitForController,
  type AwaitedIngress,
  type LoadBalancerRun,
} from './load-balancer/wait.ts'
import type { Target } from './preflight/preflight.ts'
import type { AcmRun, Run } from './run.ts'
import type { Context } from './step.ts'

/**
 * Seconds that a rollback waits at most for a load balancer to be deleted: what made the run fail
 * may also keep it.
 */
const maxRollbackWait = 120

function withCappedTimeout<C, S extends Settings>(run: Run<C, S>): Run<C, S> {
  const { timeouts } = run.settings
  const loadBalancer = Math.min(maxRollbackWait, timeouts.loadBalancer)
  return { ...run, settings: { ...run.settings, timeouts: { ...timeouts, loadBalancer } } }
}

const why = 'rolled back because the run failed'

/**
 * Deletes the certificate that this run imported, once nothing uses it.
 * @param before the Ingress before the run
 * @returns the outcome, for the log
 * @throws ActionError `certificate-in-use`
 */
export async function deleteCertificate(
  run: AcmRun,
  { arn, leaf }: ServedCertificate,
  before: Ingress | undefined,
): Promise<string> {
  await certificateRemoval.applyRemoval(withCappedTimeout(run), [
    { action: 'delete', arn, leaf, why },
  ])
  resetCertificateOutputs(run.context, before)
  return 'the new certificate is deleted'
}

/** What the run applied. */
export interface AppliedTarget {
  /** With the Ingress as it was before the run. */
  readonly target: Target
  readonly desired: DesiredIngress
  /** Whether a later rollback waits until the controller has reconciled the restored Ingress. */
  readonly isAwaited: boolean
}

/** What restoreIngress did. */
export interface IngressRestoration {
  /** For the log. */
  readonly outcome: string
  /** What to wait for; undefined when there is nothing to reconcile, or nobody waits. */
  readonly awaited: AwaitedIngress | undefined
}

/**
 * Restores the Ingress that existed before the run, or deletes the one that the run created.
 * @throws ActionError `ingress-conflict`, `ingress-refused`, `ingress-not-deleted`,
 *   `load-balancer-protected`
 */
export async function restoreIngress(
  run: LoadBalancerRun,
  { target, desired, isAwaited }: AppliedTarget,
): Promise<IngressRestoration> {
  const { context, settings, clients } = run
  const { ingressName, ingress: before } = target
  const live = await clients.kubernetes.get<Ingress>(
    ingressPath(settings.namespace, ingressName),
    `read Ingress ${ingressName}`,
  )
  if (!live) return done(`Ingress ${ingressName} does not exist`)
  if (ownedAnnotations(live, fieldManager).size === 0)
    return done(`Ingress ${ingressName} was not applied by this run and is unchanged`)
  if (!before) {
    const outcome = await deleteNewIngress(run, target, live)
    clearOutputs(context, before, desired)
    return done(outcome)
  }
  clearOutputs(context, before, desired)
  const manifest = buildPreviousManifest(before, toManifest(desired))
  const differences = diffIngress(manifest, live)
  const object = `Ingress ${settings.namespace}/${ingressName}`
  for (const difference of differences)
    context.recordChange({ step: 'ingress', object, ...difference, why })
  const completeWait = isAwaited ? await prepareWait(run, target, live) : undefined
  const restored = differences.length > 0 ? await applyManifest(run, manifest) : undefined
  if (ownedAnnotations(before, fieldManager).size === 0) await restoreOwnership(run, before)
  return {
    outcome: `Ingress ${ingressName} is restored`,
    awaited: restored && completeWait?.(restored),
  }
}

const done = (outcome: string): IngressRestoration => ({ outcome, awaited: undefined })

/**
 * Reads what a wait for the controller compares with. It does without the load balancer.
 * @param live before it is applied again
 */
async function prepareWait(
  run: LoadBalancerRun,
  target: Target,
  live: Ingress,
): Promise<(ingress: Ingress) => AwaitedIngress> {
  const address = getIngressHostname(live)
  const [eventCursor, snapshot] = await Promise.all([
    // Without it, an earlier event may end the wait, which is better than no restoration.
    getEventCursor(run).catch(() => 0n),
    address === undefined
      ? undefined
      : describeLoadBalancer(run.settings, run.clients.loadBalancers, address).catch(
          () => undefined,
        ),
  ])
  return (ingress) => ({ ingress, eventCursor, target, snapshot, isCertificateNew: false })
}

/**
 * Restores the Service of the RESTful API as it was before the run, or deletes a new one once the
 * controller has reconciled the Ingress, which no longer refers to it.
 * @param restoredIngress undefined when the controller has nothing to reconcile
 * @returns the outcome, for the log
 * @throws ActionError `ingress-refused`, and those of the wait for the controller
 */
export async function restoreRestService(
  run: LoadBalancerRun,
  { namespace, name, desired, before }: ApplyRestService,
  restoredIngress: AwaitedIngress | undefined,
): Promise<string> {
  const path = servicePath(namespace, name)
  const live = await run.clients.kubernetes.get<Service>(path, `read Service ${name}`)
  const change = { step: 'ingress', object: `Service ${namespace}/${name}`, why } as const
  if (before) {
    const manifest = buildPreviousRestService(before, desired)
    const differences = diffRestService(manifest, live)
    for (const difference of differences) run.context.recordChange({ ...change, ...difference })
    if (differences.length > 0) await applyRestService(run, manifest)
    return `Service ${name} is restored`
  }
  // One that someone else created in the meantime is not ours to delete.
  if (!live || ownedAnnotations(live, fieldManager).size === 0)
    return `Service ${name} was not created`
  if (restoredIngress) await waitForReconcile(withCappedTimeout(run), restoredIngress)
  run.context.recordChange({ ...change, path: 'RESTful API', before: restPaths.join(', ') })
  await deleteRestService(run, { namespace, name, uid: live.metadata.uid })
  return `Service ${name} is deleted`
}

async function waitForReconcile(run: LoadBalancerRun, ingress: AwaitedIngress): Promise<void> {
  const { context, settings } = run
  const deadline = context.clock.now() + settings.timeouts.loadBalancer * 1000
  await waitForController(run, { ...ingress, deadline })
}

async function deleteNewIngress(
  run: IngressRemovalRun,
  { namespace, ingressName }: Target,
  ingress: Ingress,
): Promise<string> {
  const target = {
    namespace,
    ingressName,
    ingress,
    otherIngresses: undefined,
    restService: undefined,
  }
  const { settings, clients } = run
  const address = getIngressHostname(ingress)
  const observed =
    address === undefined
      ? undefined
      : await describeLoadBalancer(settings, clients.loadBalancers, address)
  // A deletion that is prevented could not be undone: the Ingress would stay in deletion for ever.
  checkDeletionProtection(target, observed)
  const operations = planRemoval(run, { target, observed, why })
  return (await applyRemoval(withCappedTimeout(run), operations)) ?? `${ingressName} is deleted`
}

/** Resets the outputs that the run set for what is now rolled back. */
function clearOutputs(
  context: Context,
  before: Ingress | undefined,
  { certificateArn }: DesiredIngress,
): void {
  context.setOutput('alb-address', '')
  context.setOutput('nlb-address', '')
  context.setOutput('endpoint', '')
  context.setOutput('rest-endpoint', '')
  if (certificateArn.known && getCertificateArn(before) === certificateArn.value) return
  resetCertificateOutputs(context, before)
}

/** The certificate that the ALB serves again; what is known of it is only its ARN. */
function resetCertificateOutputs(context: Context, before: Ingress | undefined): void {
  context.setOutput('certificate-arn', getCertificateArn(before))
  context.setOutput('certificate-expiry', '')
  context.setOutput('certificate-expires-soon', '')
}

/** Empty without an Ingress. */
function getCertificateArn(ingress: Ingress | undefined): string {
  const [arn = ''] = ingress ? parseCertificateArns(ingress) : []
  return arn
}
