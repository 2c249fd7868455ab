/** The plan of a removal: what this action created, and what has to be restored. Writes nothing. */
import { stripTag } from '../clients/helm/chart-reference.ts'
import { settleAll, toActionError } from '../failures/thrown.ts'
import type { DeleteCertificate } from '../steps/certificate/operations.ts'
import * as certificate from '../steps/certificate/removal.ts'
import { getIngressHostname } from '../steps/ingress/manifest.ts'
import * as ingress from '../steps/ingress/removal.ts'
import type { IngressRemovalOperation } from '../steps/ingress/removal.ts'
import { describeLoadBalancer, type LoadBalancerSnapshot } from '../steps/load-balancer/snapshot.ts'
import { helmUpgradePermissions } from '../steps/preflight/helm-permissions.ts'
import {
  PermissionChecker,
  removalPermissions,
  restServiceDeletionPermissions,
  type Permission,
} from '../steps/preflight/permissions.ts'
import {
  observeRemoval,
  type RemovalTarget,
  type RestorableService,
} from '../steps/preflight/removal.ts'
import {
  noLoadBalancerClass,
  resolveRestoredLoadBalancer,
  type ServiceLoadBalancer,
} from '../steps/preflight/service-load-balancer.ts'
import type { ReleaseOperation, RestoreLoadBalancerClass } from '../steps/release/operations.ts'
import { reviewUpgrade, type ReviewedUpgrade } from '../steps/release/preview.ts'
import * as release from '../steps/release/release.ts'
import type { Run } from '../steps/run.ts'
import type { Change, Outcome } from '../steps/step.ts'
import { formatObjects } from '../util/text.ts'
import { listUpgradePermissions } from './observations.ts'

/** What exists, and the operations of each step. */
export interface RemovalPlan {
  readonly target: RemovalTarget
  readonly ingress: readonly IngressRemovalOperation[]
  /** What input restore-service-type asks for. */
  readonly release: readonly ReleaseOperation[]
  /** All certificates of this target, also those that are kept. */
  readonly ownedCertificates: readonly certificate.OwnedCertificate[]
  readonly certificate: readonly DeleteCertificate[]
}

/** All changes of a removal, in order of execution. */
export const listRemovalChanges = (plan: RemovalPlan): readonly Change[] => [
  ...ingress.toChanges(plan.ingress),
  ...release.toChanges(plan.release),
  ...certificate.toChanges(plan.certificate),
]

/** @throws ActionError of every problem that the reads and checks found */
export async function buildRemovalPlan(run: Run): Promise<Outcome<RemovalPlan>> {
  const { context } = run
  const permissionChecker = createPermissionChecker(run)
  const targetPromise = observeTarget(run, permissionChecker)
  const observedPromise = observeLoadBalancer(run, targetPromise)
  const ingressPromise = planIngressRemoval(run, targetPromise, observedPromise)
  const releasePromise = planReleaseRestoration(run, targetPromise)
  const [target, ownedCertificates, , ingressOperations, releaseOperations] = await settleAll([
    targetPromise,
    observeCertificates(run, targetPromise),
    observedPromise,
    ingressPromise,
    releasePromise,
    requirePermissions(run, permissionChecker, {
      target: targetPromise,
      ingress: ingressPromise,
      release: releasePromise,
    }),
  ])
  context.setOutput('ingress-name', target.ingressName)
  const plan: RemovalPlan = {
    target,
    ingress: ingressOperations,
    release: releaseOperations,
    ownedCertificates,
    certificate: certificate.planRemoval(ownedCertificates),
  }
  const changes = listRemovalChanges(plan)
  const summary = changes.length === 0 ? 'nothing to remove' : formatObjects(changes, 'to change')
  return { summary, result: plan }
}

async function createPermissionChecker({ settings, clients }: Run): Promise<PermissionChecker> {
  const { kubernetes } = await clients.cluster
  return new PermissionChecker(kubernetes, settings.namespace)
}

async function observeTarget(
  run: Run,
  permissionChecker: Promise<PermissionChecker>,
): Promise<RemovalTarget> {
  const [cluster, checker] = await Promise.all([run.clients.cluster, permissionChecker])
  return observeRemoval({ ...run, clients: cluster }, checker)
}

async function observeCertificates(
  run: Run,
  target: Promise<RemovalTarget>,
): Promise<readonly certificate.OwnedCertificate[]> {
  try {
    return await certificate.observe(run, target)
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

const planIngressRemoval = async (
  run: Run,
  target: Promise<RemovalTarget>,
  observed: Promise<LoadBalancerSnapshot | undefined>,
): Promise<readonly IngressRemovalOperation[]> =>
  ingress.planRemoval(run, { target: await target, observed: await observed })

async function planReleaseRestoration(
  run: Run,
  targetPromise: Promise<RemovalTarget>,
): Promise<readonly ReleaseOperation[]> {
  const [cluster, { serviceToRestore }] = await Promise.all([run.clients.cluster, targetPromise])
  if (!serviceToRestore?.release) return []
  const releaseRun = { ...ignoreReleaseInputs(run), clients: cluster }
  const differences = release.findDifferences(releaseRun, serviceToRestore)
  if (differences.length === 0) return []
  release.checkUpgrade(serviceToRestore, releaseRun.settings)
  const target = { ...serviceToRestore, release: serviceToRestore.release }
  // Not called directly: an exception has to become a rejection, to be reported with the other one.
  const classPlan = Promise.resolve().then(() => planLoadBalancerClass(run, serviceToRestore))
  const [classOperations, review] = await settleAll([classPlan, reviewUpgrade(releaseRun, target)])
  noteRestoredLoadBalancer(run, serviceToRestore)
  return [...classOperations, ...release.plan(releaseRun, { target, differences, review })]
}

/**
 * A removal changes only the type of the Service. All other inputs of the release are about a
 * deployment.
 */
export function ignoreReleaseInputs<C>(run: Run<C>): Run<C> {
  const { settings } = run
  const chart = { ...settings.chart, name: stripTag(settings.chart.name), version: undefined }
  return { ...run, settings: { ...settings, cutover: 'first', values: {}, chart } }
}

/** The load balancer that the Service gets; undefined when it gets none. */
const findRestoredLoadBalancer = (
  { settings }: Run,
  { service }: RestorableService,
): ServiceLoadBalancer | undefined =>
  settings.serviceType === 'LoadBalancer' && service.type !== 'LoadBalancer' && service.live
    ? resolveRestoredLoadBalancer(settings, service.live)
    : undefined

function noteRestoredLoadBalancer(run: Run, restorable: RestorableService): void {
  const loadBalancer = findRestoredLoadBalancer(run, restorable)
  if (!loadBalancer) return
  run.context.log.note(`Service ${restorable.service.name} gets ${loadBalancer.description}.`)
}

/**
 * Plans to restore the class of the load balancer, which Helm cannot set.
 * @throws ActionError `service-class-lost`
 */
function planLoadBalancerClass(
  run: Run,
  restorable: RestorableService,
): readonly RestoreLoadBalancerClass[] {
  if (!findRestoredLoadBalancer(run, restorable)) return []
  const { namespace, service } = restorable
  const { restoreLoadBalancerClass: loadBalancerClass } = run.settings
  if (loadBalancerClass === undefined || loadBalancerClass === noLoadBalancerClass) return []
  return [
    {
      action: 'restore-load-balancer-class',
      namespace: namespace.name,
      service: service.name,
      loadBalancerClass,
      why: 'requested by input restore-load-balancer-class',
    },
  ]
}

interface RemovalPromises {
  readonly target: Promise<RemovalTarget>
  readonly ingress: Promise<readonly IngressRemovalOperation[]>
  readonly release: Promise<readonly ReleaseOperation[]>
}

async function requirePermissions(
  run: Run,
  permissionChecker: Promise<PermissionChecker>,
  promises: RemovalPromises,
): Promise<void> {
  const [checker, target, ingressOperations, upgradePermissions] = await Promise.all([
    permissionChecker,
    promises.target,
    promises.ingress,
    listUpgradePermissions(promises.release.then(findReview)),
  ])
  await checker.requireAll([
    ...listIngressPermissions(run, ingressOperations),
    ...listReleasePermissions(run, target),
    ...upgradePermissions,
  ])
}

const findReview = (operations: readonly ReleaseOperation[]): ReviewedUpgrade | undefined =>
  operations.find((operation) => operation.action === 'upgrade')?.review

function listIngressPermissions(
  { settings }: Run,
  operations: readonly IngressRemovalOperation[],
): Permission[] {
  const isDeleted = operations.some(({ action }) => action === 'delete')
  const isServiceDeleted = operations.some(({ action }) => action === 'delete-rest-service')
  return [
    ...(isDeleted ? removalPermissions(settings.namespace, undefined) : []),
    ...(isServiceDeleted ? restServiceDeletionPermissions() : []),
  ]
}

/** Also reported when the review of the upgrade fails. */
function listReleasePermissions(run: Run, { serviceToRestore }: RemovalTarget): Permission[] {
  if (!serviceToRestore?.release) return []
  const differences = release.findDifferences(ignoreReleaseInputs(run), serviceToRestore)
  if (differences.length === 0) return []
  const { helmStorage, namespace } = run.settings
  return helmUpgradePermissions(
    helmStorage,
    namespace,
    serviceToRestore.release.latestRevision.manifest,
  )
}
