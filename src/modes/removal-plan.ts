/** The plan of a removal: what this action created, and what has to be restored. Writes nothing. */
import { settleAll, toActionError } from '../failures/thrown.ts'
import type { Change, Outcome } from '../steps/step.ts'
import type { Settings } from '../inputs/types.ts'
import * as certificate from '../steps/certificate/removal.ts'
import { getIngressHostname } from '../steps/ingress/manifest.ts'
import * as ingress from '../steps/ingress/removal.ts'
import { describeLoadBalancer, type LoadBalancerSnapshot } from '../steps/load-balancer/snapshot.ts'
import { helmUpgradePermissions } from '../steps/preflight/helm-permissions.ts'
import {
  PermissionChecker,
  removalPermissions,
  type Permission,
} from '../steps/preflight/permissions.ts'
import { observeRemoval, type RemovalTarget } from '../steps/preflight/removal.ts'
import {
  noLoadBalancerClass,
  resolveRestoredLoadBalancer,
} from '../steps/preflight/service-load-balancer.ts'
import {
  describeClassChange,
  type LoadBalancerClassRestoration,
} from '../steps/release/load-balancer-class.ts'
import { listOrphanRemovals } from '../steps/release/orphans.ts'
import { reviewUpgrade, type ReviewedUpgrade } from '../steps/release/preview.ts'
import * as release from '../steps/release/release.ts'
import { formatCount } from '../util/text.ts'
import type { Run } from './clients.ts'
import { listUpgradePermissions } from './observations.ts'

/** What exists, and what is deleted or restored. */
export interface RemovalPlan {
  readonly target: RemovalTarget
  /** The load balancer of the Ingress in ELBv2. */
  readonly observed: LoadBalancerSnapshot | undefined
  readonly ingress: readonly Change[]
  readonly release: ReleaseRestoration
  readonly certificate: certificate.CertificateRemoval
}

/** How input restore-service-type changes the release. Without it, there are no changes. */
interface ReleaseRestoration {
  readonly changes: readonly Change[]
  readonly upgrade: ReviewedUpgrade | undefined
  readonly restoredClass: LoadBalancerClassRestoration | undefined
}

/** All changes of a removal, in order of execution. */
export function listRemovalChanges(plan: RemovalPlan): readonly Change[] {
  const { changes, restoredClass } = plan.release
  const classChanges = restoredClass ? [describeClassChange(restoredClass)] : []
  return [...plan.ingress, ...classChanges, ...changes, ...plan.certificate.changes]
}

/** @throws ActionError of every problem that the reads and checks found */
export async function buildRemovalPlan(run: Run): Promise<Outcome<RemovalPlan>> {
  const { context, settings } = run
  const permissionChecker = createPermissionChecker(run)
  const targetPromise = observeTarget(run, permissionChecker)
  const restorationPromise = planReleaseRestoration(run, targetPromise)
  const [target, certificates, observed, restoration] = await settleAll([
    targetPromise,
    observeCertificates(run, targetPromise),
    observeLoadBalancer(run, targetPromise),
    restorationPromise,
    requirePermissions(run, permissionChecker, {
      target: targetPromise,
      restoration: restorationPromise,
    }),
  ])
  context.setOutput('ingress-name', target.ingressName)
  const plan: RemovalPlan = {
    target,
    observed,
    ingress: ingress.planRemoval(target, settings),
    release: restoration,
    certificate: { certificates, changes: certificate.planRemoval(certificates) },
  }
  const changes = listRemovalChanges(plan)
  return {
    summary:
      changes.length === 0
        ? 'nothing to remove'
        : `${formatCount(changes.length, 'change')} planned`,
    result: plan,
  }
}

async function createPermissionChecker({ settings, clients }: Run): Promise<PermissionChecker> {
  const { kubernetes } = await clients.cluster
  return new PermissionChecker(kubernetes, settings.namespace)
}

async function observeTarget(
  { context, settings, clients }: Run,
  permissionChecker: Promise<PermissionChecker>,
): Promise<RemovalTarget> {
  const [{ kubernetes }, checker] = await Promise.all([clients.cluster, permissionChecker])
  return observeRemoval(context, settings, kubernetes, checker)
}

async function observeCertificates(
  { context, clients }: Run,
  target: Promise<RemovalTarget>,
): Promise<readonly certificate.OwnedCertificate[]> {
  try {
    return await certificate.observe(context, clients.acm, clients.loadBalancers, target)
  } catch (thrown) {
    throw toActionError(thrown).withStep('certificate')
  }
}

async function observeLoadBalancer(
  { settings, clients }: Run,
  targetPromise: Promise<RemovalTarget>,
): Promise<LoadBalancerSnapshot | undefined> {
  const target = await targetPromise
  const address = getIngressHostname(target.ingress)
  const observed =
    address === undefined
      ? undefined
      : await describeLoadBalancer(settings, clients.loadBalancers, address)
  ingress.checkDeletionProtection(target, observed)
  return observed
}

async function planReleaseRestoration(
  run: Run,
  target: Promise<RemovalTarget>,
): Promise<ReleaseRestoration> {
  const [{ helm, kubernetes }, { serviceToRestore }] = await Promise.all([
    run.clients.cluster,
    target,
  ])
  const settings = ignoreReleaseInputs(run.settings)
  const changes = serviceToRestore ? release.plan(serviceToRestore, settings) : []
  if (!serviceToRestore?.release || changes.length === 0)
    return { changes, upgrade: undefined, restoredClass: undefined }
  release.check(serviceToRestore, settings)
  const upgradeTarget = { ...serviceToRestore, release: serviceToRestore.release }
  // Not called directly: an exception has to become a rejection, to be reported with the other one.
  const classPlan = Promise.resolve().then(() => planLoadBalancerClass(run, serviceToRestore))
  const [restoredClass, upgrade] = await settleAll([
    classPlan,
    reviewUpgrade(run.context, settings, { helm, kubernetes }, upgradeTarget),
  ])
  const orphanRemovals = listOrphanRemovals(settings.namespace, upgrade.orphanedObjects)
  return { changes: [...changes, ...orphanRemovals], upgrade, restoredClass }
}

/**
 * A removal changes only the type of the Service. All other inputs of the release are about a
 * deployment.
 */
export const ignoreReleaseInputs = (settings: Settings): Settings => ({
  ...settings,
  cutover: 'first',
  values: {},
  chart: { ...settings.chart, version: undefined },
})

/**
 * Notes which load balancer the restored Service gets.
 * @returns its class, which helm cannot set
 * @throws ActionError `service-class-lost`
 */
function planLoadBalancerClass(
  { context, settings }: Run,
  { namespace, service }: NonNullable<RemovalTarget['serviceToRestore']>,
): LoadBalancerClassRestoration | undefined {
  if (settings.serviceType !== 'LoadBalancer' || service.type === 'LoadBalancer' || !service.live)
    return undefined
  const { description } = resolveRestoredLoadBalancer(settings, service.live)
  context.log.note(`Service ${service.name} gets ${description}.`)
  const { restoreLoadBalancerClass } = settings
  if (restoreLoadBalancerClass === undefined || restoreLoadBalancerClass === noLoadBalancerClass)
    return undefined
  return {
    namespace: namespace.name,
    service: service.name,
    loadBalancerClass: restoreLoadBalancerClass,
    why: 'requested by input restore-load-balancer-class',
  }
}

async function requirePermissions(
  { settings }: Run,
  permissionChecker: Promise<PermissionChecker>,
  promises: { target: Promise<RemovalTarget>; restoration: Promise<ReleaseRestoration> },
): Promise<void> {
  const upgrade = promises.restoration.then((restoration) => restoration.upgrade)
  const [checker, target, upgradePermissions] = await Promise.all([
    permissionChecker,
    promises.target,
    listUpgradePermissions(upgrade),
  ])
  await checker.requireAll([
    ...listIngressPermissions(settings, target),
    ...listReleasePermissions(settings, target),
    ...upgradePermissions,
  ])
}

function listIngressPermissions(settings: Settings, target: RemovalTarget): Permission[] {
  if (ingress.planRemoval(target, settings).length === 0) return []
  return removalPermissions(settings.namespace, undefined)
}

function listReleasePermissions(
  settings: Settings,
  { serviceToRestore }: RemovalTarget,
): Permission[] {
  if (!serviceToRestore?.release) return []
  if (release.plan(serviceToRestore, ignoreReleaseInputs(settings)).length === 0) return []
  const { manifest } = serviceToRestore.release.latestRevision
  return helmUpgradePermissions(settings.helmStorage, settings.namespace, manifest)
}
