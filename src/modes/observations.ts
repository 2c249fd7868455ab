/**
 * What deploy and check read before anything else, and what each step plans from it: all steps at
 * once, all problems together.
 */
import type { Ingress } from '../clients/kubernetes/types.ts'
import { settleAll, toActionError } from '../failures/thrown.ts'
import { checkAccount as checkCertificateAccount } from '../steps/certificate/account.ts'
import * as certificate from '../steps/certificate/certificate.ts'
import { readMaterial } from '../steps/certificate/secret.ts'
import type { CertificatePlan } from '../steps/certificate/selection.ts'
import type { Deferred } from '../steps/deferred.ts'
import * as ingress from '../steps/ingress/ingress.ts'
import type { IngressOperation } from '../steps/ingress/operations.ts'
import { checkReplacement } from '../steps/ingress/protection.ts'
import * as loadBalancer from '../steps/load-balancer/load-balancer.ts'
import type { LoadBalancerOperation } from '../steps/load-balancer/operations.ts'
import { helmUpgradePermissions } from '../steps/preflight/helm-permissions.ts'
import {
  PermissionChecker,
  helmStoragePermissions,
  type Permission,
} from '../steps/preflight/permissions.ts'
import * as preflight from '../steps/preflight/preflight.ts'
import { checkSubnets, needsSubnets } from '../steps/preflight/subnets.ts'
import type { ReleaseDifference } from '../steps/release/differences.ts'
import { reviewUpgrade, type ReviewedUpgrade } from '../steps/release/preview.ts'
import * as release from '../steps/release/release.ts'
import type { EndpointRun } from '../steps/run.ts'
import type { CertificateMaterial } from '../x509/certificate.ts'
import { listIngressPermissions } from './ingress-permissions.ts'

/** What the steps read and plan. Each part settles on its own: a check uses those that succeed. */
interface StepObservations {
  readonly target: Promise<preflight.Target>
  readonly certificatePlan: Promise<CertificatePlan>
  /** The ARN that the Ingress should contain, also when ACM could not be read. */
  readonly certificateArn: Promise<Deferred<string>>
  readonly releaseDifferences: Promise<readonly ReleaseDifference[]>
  /** The upgrade as Helm rendered it. Undefined when none is needed, and in a check. */
  readonly upgradeReview: Promise<ReviewedUpgrade | undefined>
  readonly ingressOperations: Promise<readonly IngressOperation[]>
  readonly observedLoadBalancer: Promise<loadBalancer.ObservedLoadBalancer>
  /** What is needed unless the apply of the Ingress makes the controller reconcile. */
  readonly loadBalancerOperations: Promise<readonly LoadBalancerOperation[]>
}

/** All reads of a run, in progress. */
export interface Observations extends StepObservations {
  /** Settles after every read. Rejects with the problems of all, and of the other prerequisites. */
  readonly allChecks: Promise<unknown>
}

/** Starts every read at once. The caller has to await `allChecks`. */
export function startObservations(run: EndpointRun): Observations {
  const permissionChecker = createPermissionChecker(run)
  const material = readMaterial(run)
  const preflightResult = observePreflight(run, permissionChecker, material)
  const target = resolveTarget(run, preflightResult)
  const certificatePlan = planCertificate(run, target, material)
  const certificateArn = expectCertificateArn(run, target, certificatePlan)
  const releaseDifferences = findReleaseDifferences(run, target)
  const observedLoadBalancer = loadBalancer.observe(run, findIngress(preflightResult))
  const observations: StepObservations = {
    target,
    certificatePlan,
    certificateArn,
    releaseDifferences,
    upgradeReview: reviewNeededUpgrade(run, target, releaseDifferences),
    ingressOperations: planIngress(run, target, certificateArn),
    observedLoadBalancer,
    loadBalancerOperations: planLoadBalancer(run, { target, certificateArn, observedLoadBalancer }),
  }
  const allChecks = settleAll([
    observations.target,
    observations.certificatePlan,
    observations.certificateArn,
    observations.releaseDifferences,
    observations.upgradeReview,
    observations.ingressOperations,
    observations.observedLoadBalancer,
    observations.loadBalancerOperations,
    awaitPreflightChecks(preflightResult),
    checkAccount(run),
    checkWritePrerequisites(run, permissionChecker, observations),
  ])
  return { ...observations, allChecks }
}

const isCheck = ({ settings }: EndpointRun): boolean => settings.mode === 'check'

async function createPermissionChecker(run: EndpointRun): Promise<PermissionChecker> {
  const { kubernetes } = await run.clients.cluster
  return new PermissionChecker(kubernetes, run.settings.namespace, !isCheck(run))
}

async function observePreflight(
  run: EndpointRun,
  permissionChecker: Promise<PermissionChecker>,
  material: Promise<CertificateMaterial | undefined>,
): Promise<preflight.PreflightResult> {
  const [cluster, checker] = await Promise.all([run.clients.cluster, permissionChecker])
  return preflight.observe({ ...run, clients: cluster }, checker, material)
}

/** A deploy stops when a check of preflight fails. Mode check still compares the rest. */
async function resolveTarget(
  run: EndpointRun,
  preflightResult: Promise<preflight.PreflightResult>,
): Promise<preflight.Target> {
  const { target, checks } = await preflightResult
  if (isCheck(run)) return target
  const [resolvedTarget] = await settleAll([target, checks])
  return resolvedTarget
}

/** The load balancer is read while the rest of the target is. */
async function findIngress(
  preflightResult: Promise<preflight.PreflightResult>,
): Promise<Ingress | undefined> {
  const result = await preflightResult.catch(() => undefined)
  return result?.ingress
}

async function awaitPreflightChecks(
  preflightResult: Promise<preflight.PreflightResult>,
): Promise<void> {
  const { checks } = await preflightResult
  await checks
}

async function planCertificate(
  run: EndpointRun,
  target: Promise<preflight.Target>,
  material: Promise<CertificateMaterial | undefined>,
): Promise<CertificatePlan> {
  try {
    return certificate.plan(run, await certificate.observe(run, target, material))
  } catch (thrown) {
    throw toActionError(thrown).withStep('certificate')
  }
}

async function expectCertificateArn(
  { settings }: EndpointRun,
  target: Promise<preflight.Target>,
  certificatePlan: Promise<CertificatePlan>,
): Promise<Deferred<string>> {
  const plan = await certificatePlan.catch(() => undefined)
  return certificate.expectArn(settings, await target, plan)
}

const findReleaseDifferences = async (
  run: EndpointRun,
  target: Promise<preflight.Target>,
): Promise<readonly ReleaseDifference[]> => release.findDifferences(run, await target)

async function reviewNeededUpgrade(
  run: EndpointRun,
  targetPromise: Promise<preflight.Target>,
  differencesPromise: Promise<readonly ReleaseDifference[]>,
): Promise<ReviewedUpgrade | undefined> {
  const [cluster, target, differences] = await Promise.all([
    run.clients.cluster,
    targetPromise,
    differencesPromise,
  ])
  if (differences.length === 0) return undefined
  release.checkUpgrade(target, run.settings)
  if (!target.release) return undefined
  // Helm renders an upgrade only with write permissions, which a check does not have.
  if (isCheck(run)) return undefined
  const upgradeTarget = { ...target, release: target.release }
  return reviewUpgrade({ ...run, clients: cluster }, upgradeTarget)
}

const planIngress = async (
  run: EndpointRun,
  target: Promise<preflight.Target>,
  certificateArn: Promise<Deferred<string>>,
): Promise<readonly IngressOperation[]> =>
  ingress.plan(run, { target: await target, certificateArn: await certificateArn })

interface LoadBalancerPlanPromises {
  readonly target: Promise<preflight.Target>
  readonly certificateArn: Promise<Deferred<string>>
  readonly observedLoadBalancer: Promise<loadBalancer.ObservedLoadBalancer>
}

async function planLoadBalancer(
  run: EndpointRun,
  promises: LoadBalancerPlanPromises,
): Promise<readonly LoadBalancerOperation[]> {
  const [target, certificateArn, observed] = await Promise.all([
    promises.target,
    promises.certificateArn,
    promises.observedLoadBalancer,
  ])
  return loadBalancer.plan(run, { target, certificateArn, observed })
}

async function checkAccount({ settings, clients }: EndpointRun): Promise<void> {
  const { account } = await clients.cluster
  checkCertificateAccount(settings, account)
}

/** What only a run that writes needs. */
async function checkWritePrerequisites(
  run: EndpointRun,
  permissionChecker: Promise<PermissionChecker>,
  observations: StepObservations,
): Promise<void> {
  if (isCheck(run)) return
  await settleAll([
    requirePermissions(run, permissionChecker, observations),
    checkChosenSubnets(run, observations),
    checkIngressConflicts(observations),
    checkReplacedLoadBalancer(observations),
  ])
}

async function requirePermissions(
  run: EndpointRun,
  permissionChecker: Promise<PermissionChecker>,
  observations: StepObservations,
): Promise<void> {
  const [checker, releasePermissions, ingressPermissions, upgradePermissions] = await Promise.all([
    permissionChecker,
    listReleasePermissions(run, observations),
    listObservedIngressPermissions(run, observations),
    listUpgradePermissions(observations.upgradeReview),
  ])
  const required = [...releasePermissions, ...ingressPermissions, ...upgradePermissions]
  if (run.settings.dryRun) await checker.requireForDryRun(run.context, required)
  else await checker.requireAll(required)
}

/** The permissions that a reviewed upgrade needs. None after a failed review, which is reported. */
export async function listUpgradePermissions(
  review: Promise<ReviewedUpgrade | undefined>,
): Promise<readonly Permission[]> {
  try {
    return (await review)?.permissions ?? []
  } catch {
    return []
  }
}

async function listReleasePermissions(
  { settings }: EndpointRun,
  { target, releaseDifferences }: StepObservations,
): Promise<readonly Permission[]> {
  const [{ release: installedRelease, unreadableReleaseName }, differences] = await Promise.all([
    target,
    releaseDifferences,
  ])
  if (unreadableReleaseName !== undefined)
    return helmStoragePermissions(settings.helmStorage, 'list', 'get')
  if (!installedRelease || differences.length === 0) return []
  const { manifest } = installedRelease.latestRevision
  return helmUpgradePermissions(settings.helmStorage, settings.namespace, manifest)
}

async function listObservedIngressPermissions(
  { settings }: EndpointRun,
  observations: StepObservations,
): Promise<readonly Permission[]> {
  const [{ ingress: liveIngress }, ingressOperations, loadBalancerOperations] = await Promise.all([
    observations.target,
    observations.ingressOperations,
    observations.loadBalancerOperations,
  ])
  return listIngressPermissions(settings, {
    liveIngress,
    ingressOperations,
    loadBalancerOperations,
  })
}

async function checkChosenSubnets(
  { context, settings, clients }: EndpointRun,
  observations: StepObservations,
): Promise<void> {
  const [{ subnets }, target] = await Promise.all([clients.cluster, observations.target])
  if (needsSubnets(settings, target)) await checkSubnets(context, settings, subnets())
}

async function checkIngressConflicts({ ingressOperations }: StepObservations): Promise<void> {
  ingress.checkConflicts(await ingressOperations)
}

async function checkReplacedLoadBalancer({
  ingressOperations,
  observedLoadBalancer,
}: StepObservations): Promise<void> {
  const { snapshot } = await observedLoadBalancer
  checkReplacement(await ingressOperations, snapshot)
}
