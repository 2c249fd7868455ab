/**
 * destroy: look at what this action made, remove that and nothing else. The Service, when it is
 * restored, comes before ACM's minutes.
 */
import { toActionError, settleAll } from '../failures/thrown.ts'
import type { Change, Context } from '../steps/step.ts'
import type { Settings } from '../inputs/types.ts'
import * as certificate from '../steps/certificate/removal.ts'
import { getIngressHostname } from '../steps/ingress/manifest.ts'
import * as ingress from '../steps/ingress/removal.ts'
import type { LoadBalancerSnapshot } from '../steps/load-balancer/drift.ts'
import { describeLoadBalancer } from '../steps/load-balancer/wait.ts'
import {
  PermissionChecker,
  removalPermissions,
  type Permission,
} from '../steps/preflight/permissions.ts'
import { helmUpgradePermissions } from '../steps/preflight/helm-permissions.ts'
import { observeRemoval, type RemovalTarget } from '../steps/preflight/removal.ts'
import {
  noLoadBalancerClass,
  resolveRestoredLoadBalancer,
} from '../steps/preflight/service-load-balancer.ts'
import * as release from '../steps/release/release.ts'
import { listOrphanRemovals } from '../steps/release/orphans.ts'
import { reviewUpgrade, type ReviewedUpgrade } from '../steps/release/preview.ts'
import {
  describeClassChange,
  restoreLoadBalancerClass,
  type LoadBalancerClassRestoration,
} from '../steps/release/load-balancer-class.ts'
import { printPlan } from './dry-run.ts'
import { withLock } from './with-lock.ts'
import { formatChangeCount, getUpgradePermissions } from './plan.ts'
import { createClients, type LockedClients, type Clients } from './clients.ts'

/** What is there, and what goes. */
export interface RemovalPlan {
  readonly target: RemovalTarget
  /** What ELBv2 says of the load balancer of the Ingress. */
  readonly observed: LoadBalancerSnapshot | undefined
  readonly ingress: readonly Change[]
  /** Only with restore-service-type. */
  readonly release: {
    readonly changes: readonly Change[]
    readonly upgrade: ReviewedUpgrade | undefined
    readonly restoredClass: LoadBalancerClassRestoration | undefined
  }
  readonly certificate: certificate.CertificateRemoval
}

/** Every change of a removal, in the order in which they are made. */
export const listRemovalChanges = ({
  ingress: ingressChanges,
  release: { changes, restoredClass },
  certificate: { changes: certificateChanges },
}: RemovalPlan): readonly Change[] => [
  ...ingressChanges,
  ...(restoredClass ? [describeClassChange(restoredClass)] : []),
  ...changes,
  ...certificateChanges,
]

/** @throws ActionError of the step that failed */
export async function destroy(
  context: Context,
  settings: Settings,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const clients = createClients(context, settings, env)
  const buildPlan = () => buildRemovalPlan(context, settings, clients)
  if (settings.dryRun) {
    await printPlan(context, listRemovalChanges(await context.step('preflight', buildPlan)))
    return
  }
  await withLock(context, settings, clients, env, {
    buildPlan,
    requiresLock: (plan, { exists }) => exists || listRemovalChanges(plan).length > 0,
    apply: async (guardedContext, plan, lockedClients) => {
      await applyRemoval(guardedContext, settings, lockedClients, plan)
      return true
    },
  })
}

async function applyRemoval(
  context: Context,
  settings: Settings,
  clients: LockedClients,
  { target, observed, ...changes }: RemovalPlan,
): Promise<void> {
  await context.step('ingress', async () => ({
    summary: await ingress.remove(context, settings, clients, {
      target,
      observed,
      changes: changes.ingress,
    }),
    result: undefined,
  }))

  const { serviceToRestore: restored } = target
  if (restored) {
    await context.step('release', async () => {
      const { name, type } = restored.service
      if (changes.release.changes.length === 0)
        return { summary: `unchanged, Service ${name} is of type ${type}`, result: undefined }
      if (changes.release.restoredClass)
        await restoreLoadBalancerClass(context, clients.kubernetes, changes.release.restoredClass)
      const revision = await release.apply(
        context,
        ignoreReleaseInputs(settings),
        clients,
        restored,
        changes.release.changes,
        changes.release.upgrade,
      )
      if (revision !== undefined) context.setOutput('release-revision', String(revision))
      return {
        summary: await release.reportRestoredService(context, settings, clients.kubernetes, name),
        result: undefined,
      }
    })
  }

  await context.step('certificate', async () => {
    const { certificates } = changes.certificate
    const deleted = await certificate.remove(context, settings, clients.acm, changes.certificate)
    return {
      summary:
        certificates.length === 0
          ? 'ACM has none of this target'
          : `${deleted} of ${certificates.length} deleted`,
      result: undefined,
    }
  })
}

/** Every read at once, every problem together, and what would change. Writes nothing. */
export async function buildRemovalPlan(
  context: Context,
  settings: Settings,
  clients: Clients,
): Promise<{ summary: string; result: RemovalPlan }> {
  const accessReview = clients.cluster.then(
    ({ kubernetes }) => new PermissionChecker(kubernetes, settings.namespace),
  )
  const removalTarget = Promise.all([clients.cluster, accessReview]).then(
    ([{ kubernetes }, review]) => observeRemoval(context, settings, kubernetes, review),
  )
  const ownedCertificates = certificate
    .observe(context, clients.acm, clients.loadBalancers, removalTarget)
    .catch((thrown: unknown) => {
      throw toActionError(thrown).withStep('certificate')
    })
  const loadBalancerLookup = removalTarget.then(async (found) => {
    const address = getIngressHostname(found.ingress)
    const observed =
      address === undefined
        ? undefined
        : await describeLoadBalancer(settings, clients.loadBalancers, address)
    ingress.checkDeletionProtection(found, observed)
    return observed
  })
  const releaseRestoration = Promise.all([clients.cluster, removalTarget]).then(
    async ([{ helm, kubernetes }, { serviceToRestore: restored }]) => {
      const changes = restored ? release.plan(restored, ignoreReleaseInputs(settings)) : []
      if (!restored?.release || changes.length === 0)
        return { changes, upgrade: undefined, restoredClass: undefined }
      release.check(restored, ignoreReleaseInputs(settings))
      const classPlan = Promise.resolve().then(() =>
        planLoadBalancerClass(context, settings, restored),
      )
      const upgradeReview = reviewUpgrade(
        context,
        ignoreReleaseInputs(settings),
        { helm, kubernetes },
        { ...restored, release: restored.release },
      )
      const [restoredClass, upgrade] = await settleAll([classPlan, upgradeReview] as const)
      return {
        changes: [...changes, ...listOrphanRemovals(settings.namespace, upgrade.orphanedObjects)],
        restoredClass,
        upgrade,
      }
    },
  )
  const upgradePermissions = getUpgradePermissions(
    releaseRestoration.then(({ upgrade }) => upgrade),
  )
  const permissionCheck = Promise.all([accessReview, removalTarget, upgradePermissions]).then(
    ([review, found, additionalPermissions]) =>
      review.requireAll([...requiredPermissions(settings, found), ...additionalPermissions]),
  )
  const [target, found, observed, restoration] = await settleAll([
    removalTarget,
    ownedCertificates,
    loadBalancerLookup,
    releaseRestoration,
    permissionCheck,
  ] as const)
  context.setOutput('ingress-name', target.ingressName)
  const plan: RemovalPlan = {
    target,
    observed,
    ingress: ingress.planRemoval(target, settings),
    release: restoration,
    certificate: { certificates: found, changes: certificate.planRemoval(found) },
  }
  const changes = listRemovalChanges(plan)
  return {
    summary:
      changes.length === 0 ? 'nothing is left to remove' : `${formatChangeCount(changes)} to make`,
    result: plan,
  }
}

/**
 * What the inputs ask of the release beside the type of its Service was for a deployment: it stays
 * as it is.
 */
const ignoreReleaseInputs = (settings: Settings): Settings => ({
  ...settings,
  cutover: 'first',
  values: {},
  chart: { ...settings.chart, version: undefined },
})

/**
 * Says which load balancer the restored Service gets.
 * @returns its class, where helm cannot set it.
 * @throws ActionError `service-class-lost`
 */
function planLoadBalancerClass(
  context: Context,
  settings: Settings,
  { namespace, service }: NonNullable<RemovalTarget['serviceToRestore']>,
): LoadBalancerClassRestoration | undefined {
  if (settings.serviceType !== 'LoadBalancer' || service.type === 'LoadBalancer' || !service.live)
    return undefined
  context.log.note(
    `Service ${service.name} gets ${resolveRestoredLoadBalancer(settings, service.live).description}.`,
  )
  const { restoreLoadBalancerClass: restoredClass } = settings
  if (restoredClass === undefined || restoredClass === noLoadBalancerClass) return undefined
  return {
    namespace: namespace.name,
    service: service.name,
    loadBalancerClass: restoredClass,
    why: 'restore-load-balancer-class asks for it',
  }
}

function requiredPermissions(settings: Settings, target: RemovalTarget): Permission[] {
  const { serviceToRestore: restored } = target
  const releaseToUpgrade =
    restored && release.plan(restored, ignoreReleaseInputs(settings)).length > 0
      ? restored.release
      : undefined
  return [
    ...(ingress.planRemoval(target, settings).length > 0
      ? removalPermissions(settings.namespace, undefined)
      : []),
    ...(releaseToUpgrade
      ? helmUpgradePermissions(
          settings.helmStorage,
          settings.namespace,
          releaseToUpgrade.latestRevision.manifest,
        )
      : []),
  ]
}
