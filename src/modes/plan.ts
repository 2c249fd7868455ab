/**
 * What every mode begins with: every step's reads at once, every problem together, and what each
 * step would change. Writes nothing.
 */
import type { X509Certificate } from 'node:crypto'
import { toActionError, settleAll } from '../failures/thrown.ts'
import type { Change, Context } from '../steps/step.ts'
import type { Settings } from '../inputs/types.ts'
import { checkAccount } from '../steps/certificate/account.ts'
import * as certificate from '../steps/certificate/certificate.ts'
import type { CertificateDecision } from '../steps/certificate/selection.ts'
import * as ingress from '../steps/ingress/ingress.ts'
import { parseCertificateArns, getIngressHostname } from '../steps/ingress/manifest.ts'
import * as loadBalancer from '../steps/load-balancer/load-balancer.ts'
import type { LoadBalancerSnapshot } from '../steps/load-balancer/drift.ts'
import * as preflight from '../steps/preflight/preflight.ts'
import {
  PermissionChecker,
  ingressApplyPermissions,
  ingressRollbackPermissions,
  type Permission,
} from '../steps/preflight/permissions.ts'
import { helmUpgradePermissions } from '../steps/preflight/helm-permissions.ts'
import { checkSubnets } from '../steps/preflight/subnets.ts'
import * as release from '../steps/release/release.ts'
import { listOrphanRemovals } from '../steps/release/orphans.ts'
import { reviewUpgrade, type ReviewedUpgrade } from '../steps/release/preview.ts'
import { getCertificateDetails } from '../x509/certificate.ts'
import type { Clients } from './clients.ts'

/**
 * What is there, and what has to change. The Ingress' changes are planned again when the
 * certificate's ARN is known.
 */
export interface Plan {
  readonly target: preflight.Target
  readonly certificate: {
    readonly decision: CertificateDecision
    readonly changes: readonly Change[]
  }
  readonly release: {
    readonly changes: readonly Change[]
    readonly upgrade: ReviewedUpgrade | undefined
  }
  /** What ELBv2 says of the load balancer that is there. */
  readonly loadBalancer: LoadBalancerSnapshot | undefined
  /** What all steps would change, in their order, as far as it is known before the first has. */
  readonly changes: readonly Change[]
}

/** What every step reads. Each settles by itself: a check says what it could see. */
export interface Observations {
  readonly target: Promise<preflight.Target>
  readonly certificateDecision: Promise<CertificateDecision>
  readonly releaseChanges: Promise<readonly Change[]>
  /** The upgrade that helm rendered; undefined when there is none to make, or none may be made. */
  readonly upgrade: Promise<ReviewedUpgrade | undefined>
  readonly loadBalancer: Promise<LoadBalancerSnapshot | undefined>
  /** All of that, and whether what a deploy needs besides is so. */
  readonly allChecks: Promise<unknown>
}

/** Begins every step's reads at once. `all` has to be awaited. */
export function startObservations(
  context: Context,
  settings: Settings,
  clients: Clients,
): Observations {
  const isCheck = settings.mode === 'check'
  const access = clients.cluster.then(
    ({ kubernetes }) => new PermissionChecker(kubernetes, settings.namespace, !isCheck),
  )
  const preflightResult = Promise.all([clients.cluster, access]).then(
    ([{ kubernetes }, accessReview]) =>
      preflight.observe(context, settings, kubernetes, accessReview),
  )
  const preflightChecks = preflightResult.then((result) => result.checks)
  // A deploy goes no further when something does not hold; a check still compares.
  const target = preflightResult.then(async (result) =>
    isCheck ? result.target : (await settleAll([result.target, result.checks]))[0],
  )
  const certificateDecision = certificate
    .observe(context, settings, clients.acm, target)
    .catch((thrown: unknown) => {
      throw toActionError(thrown).withStep('certificate')
    })
  const releaseChanges = target.then((resolvedTarget) => release.plan(resolvedTarget, settings))
  const upgrade = Promise.all([clients.cluster, target, releaseChanges]).then(
    async ([{ helm, kubernetes }, resolvedTarget, changes]) => {
      if (!resolvedTarget.release || changes.length === 0) return undefined
      release.check(resolvedTarget, settings)
      // Only what helm may write can be previewed.
      if (isCheck) return undefined
      context.log.info(`helm ${await helm.version()}`)
      return reviewUpgrade(
        context,
        settings,
        { helm, kubernetes },
        { ...resolvedTarget, release: resolvedTarget.release },
      )
    },
  )
  const loadBalancerSnapshot = target.then((resolvedTarget) =>
    loadBalancer.observe(context, settings, clients.loadBalancers, resolvedTarget),
  )
  const accountCheck = clients.cluster.then(({ account }) => checkAccount(settings, account))
  const writeChecks = isCheck
    ? Promise.resolve()
    : checkWritePreconditions(context, settings, clients, {
        access,
        target,
        certificateDecision,
        releaseChanges,
        upgrade,
        loadBalancerSnapshot,
      })
  return {
    target,
    certificateDecision,
    releaseChanges,
    upgrade,
    loadBalancer: loadBalancerSnapshot,
    allChecks: settleAll([
      target,
      certificateDecision,
      releaseChanges,
      upgrade,
      loadBalancerSnapshot,
      preflightChecks,
      accountCheck,
      writeChecks,
    ]),
  }
}

/** What only a run that writes needs. */
async function checkWritePreconditions(
  context: Context,
  settings: Settings,
  clients: Clients,
  observations: Pick<
    Observations,
    'target' | 'certificateDecision' | 'releaseChanges' | 'upgrade'
  > & {
    readonly access: Promise<PermissionChecker>
    readonly loadBalancerSnapshot: Observations['loadBalancer']
  },
): Promise<void> {
  const {
    access,
    target,
    certificateDecision: decision,
    releaseChanges,
    upgrade,
    loadBalancerSnapshot,
  } = observations
  const upgradePermissions = getUpgradePermissions(upgrade)
  await settleAll([
    Promise.all([access, target, releaseChanges, loadBalancerSnapshot, upgradePermissions]).then(
      ([accessReview, resolvedTarget, changes, snapshot, additionalPermissions]) =>
        accessReview.requireAll([
          ...requiredPermissions(context, settings, resolvedTarget, changes, snapshot),
          ...additionalPermissions,
        ]),
    ),
    // Where there is an ALB already, its subnets were good enough.
    Promise.all([clients.cluster, target]).then(([{ subnets }, resolvedTarget]) =>
      getIngressHostname(resolvedTarget.ingress) === undefined
        ? checkSubnets(context, settings, subnets())
        : undefined,
    ),
    Promise.all([target, decision]).then(([resolvedTarget, knownDecision]) =>
      ingress.checkIngressConflicts(resolvedTarget, settings, expectedArn(knownDecision)),
    ),
  ])
}

/** What a reviewed upgrade needs; nothing when the review failed, which is a problem of its own. */
export const getUpgradePermissions = (
  upgrade: Promise<ReviewedUpgrade | undefined>,
): Promise<readonly Permission[]> =>
  upgrade.then(
    (reviewed) => reviewed?.permissions ?? [],
    () => [],
  )

/** Every step's reads at once, every problem together. */
export async function buildPlan(
  context: Context,
  settings: Settings,
  clients: Clients,
): Promise<{ summary: string; result: Plan }> {
  const observations = startObservations(context, settings, clients)
  await observations.allChecks
  const [target, decision, releaseChanges, upgrade, loadBalancerSnapshot] = await Promise.all([
    observations.target,
    observations.certificateDecision,
    observations.releaseChanges,
    observations.upgrade,
    observations.loadBalancer,
  ])
  setTargetOutputs(context, target)
  if (decision.action === 'use') setCertificateOutputs(context, decision)
  release.logReleaseNotes(context, settings, target, releaseChanges)
  const certificateChanges = certificate.plan(decision)
  const allReleaseChanges = [
    ...releaseChanges,
    ...listOrphanRemovals(settings.namespace, upgrade?.orphanedObjects ?? []),
  ]
  const changes = [
    ...certificateChanges,
    ...allReleaseChanges,
    ...planIngressChanges(context, settings, target, expectedArn(decision), loadBalancerSnapshot),
  ]
  const plan: Plan = {
    target,
    certificate: { decision, changes: certificateChanges },
    release: { changes: allReleaseChanges, upgrade },
    loadBalancer: loadBalancerSnapshot,
    changes,
  }
  return {
    summary:
      changes.length === 0
        ? 'everything is as it should be'
        : `${formatChangeCount(changes)} to make`,
    result: plan,
  }
}

/** The ARN that the Ingress should name, as far as it is known before anything is imported. */
export function expectedArn(decision: CertificateDecision): string {
  if (decision.action === 'none') return '(of the certificate that a deploy is given)'
  return decision.action === 'import' ? '(known after the import)' : decision.arn
}

/**
 * What changes of the Ingress: because it differs, or else because the controller has to look
 * again.
 */
function planIngressChanges(
  context: Context,
  settings: Settings,
  target: preflight.Target,
  arn: string,
  loadBalancerSnapshot: LoadBalancerSnapshot | undefined,
): readonly Change[] {
  const changes = ingress.plan(target, settings, arn)
  return changes.length > 0 || !target.ingress
    ? changes
    : loadBalancer.plan(
        target,
        settings,
        { ingress: target.ingress, eventCursor: undefined },
        loadBalancerSnapshot,
        new Date(context.clock.now()),
      )
}

/**
 * What this run will write, as far as can be told before ACM has answered: an Ingress that keeps
 * its certificate may need nothing.
 */
function requiredPermissions(
  context: Context,
  settings: Settings,
  target: preflight.Target,
  releaseChanges: readonly Change[],
  loadBalancerSnapshot: LoadBalancerSnapshot | undefined,
): Permission[] {
  const arn = target.ingress ? (parseCertificateArns(target.ingress)[0] ?? '') : ''
  return [
    ...(target.release && releaseChanges.length > 0
      ? helmUpgradePermissions(
          settings.helmStorage,
          settings.namespace,
          target.release.latestRevision.manifest,
        )
      : []),
    ...(planIngressChanges(context, settings, target, arn, loadBalancerSnapshot).length > 0
      ? ingressApplyPermissions(target.ingress !== undefined)
      : []),
    ...(settings.onFailure === 'rollback' && !target.ingress ? ingressRollbackPermissions() : []),
  ]
}

/**
 * Outputs that are known before anything changes, for a run that fails later. The address is not:
 * an old one proves nothing.
 */
export function setTargetOutputs(
  context: Context,
  { ingressName, release, service }: preflight.Target,
): void {
  context.recordTopology({ service })
  context.setOutput('ingress-name', ingressName)
  if (release) context.setOutput('release-revision', String(release.latestRevision.revision))
}

/**
 * Where the ALB is, as the Ingress says: for a run that changes nothing.
 * @returns its name
 */
export function setAddressOutputs(
  context: Context,
  { host, ingress: { listenPort } }: Settings,
  { ingress }: preflight.Target,
): string | undefined {
  const address = getIngressHostname(ingress)
  if (address === undefined) return undefined
  context.setOutput('alb-address', address)
  context.setOutput('endpoint', `https://${host}:${listenPort}`)
  return address
}

/** What a certificate is, for later steps of the workflow and for the summary. */
export function setCertificateOutputs(
  context: Context,
  { arn, leaf }: { arn: string; leaf: X509Certificate },
): void {
  context.recordTopology({ certificate: getCertificateDetails(leaf) })
  context.setOutput('certificate-arn', arn)
  context.setOutput('certificate-expiry', leaf.validToDate.toISOString())
}

/** `1 change`, `2 changes`. */
export const formatChangeCount = (changes: readonly Change[]): string =>
  `${changes.length} change${changes.length === 1 ? '' : 's'}`
