/** What deploy and check read before anything else: all steps at once, all problems together. */
import { settleAll, toActionError } from '../failures/thrown.ts'
import { checkAccount as checkCertificateAccount } from '../steps/certificate/account.ts'
import * as certificate from '../steps/certificate/certificate.ts'
import type { CertificateDecision } from '../steps/certificate/selection.ts'
import * as ingress from '../steps/ingress/ingress.ts'
import { parseCertificateArns, getIngressHostname } from '../steps/ingress/manifest.ts'
import type { LoadBalancerSnapshot } from '../steps/load-balancer/snapshot.ts'
import * as loadBalancer from '../steps/load-balancer/load-balancer.ts'
import { helmUpgradePermissions } from '../steps/preflight/helm-permissions.ts'
import {
  PermissionChecker,
  ingressApplyPermissions,
  ingressRollbackPermissions,
  type Permission,
} from '../steps/preflight/permissions.ts'
import * as preflight from '../steps/preflight/preflight.ts'
import { checkSubnets } from '../steps/preflight/subnets.ts'
import { reviewUpgrade, type ReviewedUpgrade } from '../steps/release/preview.ts'
import * as release from '../steps/release/release.ts'
import type { Change } from '../steps/step.ts'
import type { Run } from './clients.ts'
import { expectedArn, planIngressChanges } from './ingress-changes.ts'

/** What the steps read. Each part settles on its own: a check compares those that succeeded. */
interface StepObservations {
  readonly target: Promise<preflight.Target>
  readonly certificateDecision: Promise<CertificateDecision>
  readonly releaseChanges: Promise<readonly Change[]>
  /** The upgrade as helm rendered it. Undefined when none is needed, and in a check. */
  readonly upgrade: Promise<ReviewedUpgrade | undefined>
  readonly loadBalancer: Promise<LoadBalancerSnapshot | undefined>
}

/** All reads of a run, in progress. */
export interface Observations extends StepObservations {
  /** Settles after every read. Rejects with the problems of all, and of the other prerequisites. */
  readonly allChecks: Promise<unknown>
}

/** Starts every read at once. The caller has to await `allChecks`. */
export function startObservations(run: Run): Observations {
  const permissionChecker = createPermissionChecker(run)
  const preflightResult = observePreflight(run, permissionChecker)
  const target = resolveTarget(run, preflightResult)
  const releaseChanges = planRelease(run, target)
  const observations: StepObservations = {
    target,
    certificateDecision: observeCertificate(run, target),
    releaseChanges,
    upgrade: reviewNeededUpgrade(run, target, releaseChanges),
    loadBalancer: observeLoadBalancer(run, target),
  }
  const allChecks = settleAll([
    observations.target,
    observations.certificateDecision,
    observations.releaseChanges,
    observations.upgrade,
    observations.loadBalancer,
    awaitPreflightChecks(preflightResult),
    checkAccount(run),
    checkWritePrerequisites(run, permissionChecker, observations),
  ])
  return { ...observations, allChecks }
}

const isCheck = ({ settings }: Run): boolean => settings.mode === 'check'

async function createPermissionChecker(run: Run): Promise<PermissionChecker> {
  const { kubernetes } = await run.clients.cluster
  return new PermissionChecker(kubernetes, run.settings.namespace, !isCheck(run))
}

type PreflightResult = Awaited<ReturnType<typeof preflight.observe>>

async function observePreflight(
  { context, settings, clients }: Run,
  permissionChecker: Promise<PermissionChecker>,
): Promise<PreflightResult> {
  const [{ kubernetes }, checker] = await Promise.all([clients.cluster, permissionChecker])
  return preflight.observe(context, settings, kubernetes, checker)
}

/** A deploy stops when a check of preflight fails. Mode check still compares the rest. */
async function resolveTarget(
  run: Run,
  preflightResult: Promise<PreflightResult>,
): Promise<preflight.Target> {
  const { target, checks } = await preflightResult
  if (isCheck(run)) return target
  const [resolvedTarget] = await settleAll([target, checks])
  return resolvedTarget
}

async function awaitPreflightChecks(preflightResult: Promise<PreflightResult>): Promise<void> {
  const { checks } = await preflightResult
  await checks
}

async function observeCertificate(
  { context, settings, clients }: Run,
  target: Promise<preflight.Target>,
): Promise<CertificateDecision> {
  try {
    return await certificate.observe(context, settings, clients.acm, target)
  } catch (thrown) {
    throw toActionError(thrown).withStep('certificate')
  }
}

async function planRelease(
  { settings }: Run,
  target: Promise<preflight.Target>,
): Promise<readonly Change[]> {
  return release.plan(await target, settings)
}

async function reviewNeededUpgrade(
  run: Run,
  targetPromise: Promise<preflight.Target>,
  changesPromise: Promise<readonly Change[]>,
): Promise<ReviewedUpgrade | undefined> {
  const { context, settings, clients } = run
  const [{ helm, kubernetes }, target, changes] = await Promise.all([
    clients.cluster,
    targetPromise,
    changesPromise,
  ])
  if (!target.release || changes.length === 0) return undefined
  release.check(target, settings)
  // Helm renders an upgrade only with write permissions, which a check does not have.
  if (isCheck(run)) return undefined
  context.log.info(`helm ${await helm.version()}`)
  const upgradeTarget = { ...target, release: target.release }
  return reviewUpgrade(context, settings, { helm, kubernetes }, upgradeTarget)
}

async function observeLoadBalancer(
  { context, settings, clients }: Run,
  target: Promise<preflight.Target>,
): Promise<LoadBalancerSnapshot | undefined> {
  return loadBalancer.observe(context, settings, clients.loadBalancers, await target)
}

async function checkAccount({ settings, clients }: Run): Promise<void> {
  const { account } = await clients.cluster
  checkCertificateAccount(settings, account)
}

/** What only a run that writes needs. */
async function checkWritePrerequisites(
  run: Run,
  permissionChecker: Promise<PermissionChecker>,
  observations: StepObservations,
): Promise<void> {
  if (isCheck(run)) return
  await settleAll([
    requirePermissions(run, permissionChecker, observations),
    checkSubnetsOfNewLoadBalancer(run, observations),
    checkIngressConflicts(run, observations),
  ])
}

async function requirePermissions(
  run: Run,
  permissionChecker: Promise<PermissionChecker>,
  { target, releaseChanges, upgrade, loadBalancer: loadBalancerSnapshot }: StepObservations,
): Promise<void> {
  const [checker, resolvedTarget, changes, snapshot, upgradePermissions] = await Promise.all([
    permissionChecker,
    target,
    releaseChanges,
    loadBalancerSnapshot,
    listUpgradePermissions(upgrade),
  ])
  const permissions = [
    ...listReleasePermissions(run, resolvedTarget, changes),
    ...listIngressPermissions(run, resolvedTarget, snapshot),
    ...upgradePermissions,
  ]
  await checker.requireAll(permissions)
}

/** The permissions that a reviewed upgrade needs. None after a failed review, which is reported. */
export async function listUpgradePermissions(
  upgrade: Promise<ReviewedUpgrade | undefined>,
): Promise<readonly Permission[]> {
  try {
    return (await upgrade)?.permissions ?? []
  } catch {
    return []
  }
}

function listReleasePermissions(
  { settings }: Run,
  { release: installedRelease }: preflight.Target,
  changes: readonly Change[],
): Permission[] {
  if (!installedRelease || changes.length === 0) return []
  const { manifest } = installedRelease.latestRevision
  return helmUpgradePermissions(settings.helmStorage, settings.namespace, manifest)
}

/** Assumes that the certificate stays the same, because ACM has not answered yet. */
function listIngressPermissions(
  run: Run,
  target: preflight.Target,
  snapshot: LoadBalancerSnapshot | undefined,
): Permission[] {
  const permissions: Permission[] = []
  const arn = target.ingress ? (parseCertificateArns(target.ingress)[0] ?? '') : ''
  if (planIngressChanges(run, target, arn, snapshot).length > 0)
    permissions.push(...ingressApplyPermissions(target.ingress !== undefined))
  if (run.settings.onFailure === 'rollback' && !target.ingress)
    permissions.push(...ingressRollbackPermissions())
  return permissions
}

/** The subnets of an existing ALB need no check. */
async function checkSubnetsOfNewLoadBalancer(
  { context, settings, clients }: Run,
  { target }: StepObservations,
): Promise<void> {
  const [{ subnets }, { ingress: liveIngress }] = await Promise.all([clients.cluster, target])
  if (getIngressHostname(liveIngress) === undefined)
    await checkSubnets(context, settings, subnets())
}

async function checkIngressConflicts(
  { settings }: Run,
  { target, certificateDecision }: StepObservations,
): Promise<void> {
  const [resolvedTarget, decision] = await Promise.all([target, certificateDecision])
  ingress.checkIngressConflicts(resolvedTarget, settings, expectedArn(decision))
}
