/**
 * Step release: sets the type of the release's Service (ClusterIP, unless a removal restores
 * another one), and changes nothing else of the release that the inputs do not request.
 */
import { serviceTypeNotApplied } from '../../failures/release.ts'
import { servicePath } from '../../clients/kubernetes/paths.ts'
import type { Service } from '../../clients/kubernetes/types.ts'
import type { ClusterRun, LockedRun, Run } from '../run.ts'
import type { ReleaseDifference } from './differences.ts'
import {
  isOwnedByAction,
  relinquishOwnership,
  restoreLoadBalancerClass,
} from './load-balancer-class.ts'
import { toChanges, type ReleaseOperation, type UpgradeRelease } from './operations.ts'
import type { ReviewedUpgrade } from './preview.ts'
import { findLatestRevisionNumber } from './revisions.ts'
import { desiredServiceType, type ReleaseTarget } from './target.ts'
import { runHelm, upgradeRequest } from './upgrade.ts'

export { checkUpgrade } from './check.ts'
export { findDifferences, requiresForce } from './differences.ts'
export { logReleaseNotes, reportRestoredService } from './notes.ts'
export { listVisibleChanges, toChanges, toDifferences } from './operations.ts'

/** What the plan of the release depends on. */
export interface ReleasePlanInput {
  readonly target: ReleaseTarget
  readonly differences: readonly ReleaseDifference[]
  /** Undefined without differences, or without a release. */
  readonly review: ReviewedUpgrade | undefined
}

/** Pure. */
export function plan(
  { settings }: Pick<Run, 'settings'>,
  { target, differences, review }: ReleasePlanInput,
): ReleaseOperation[] {
  const { release, service } = target
  if (!release || !review || differences.length === 0) return []
  const { namespace } = settings
  const upgrade: UpgradeRelease = {
    action: 'upgrade',
    namespace,
    release,
    service: service.name,
    differences,
    review,
  }
  return isOwnedByAction(service.live)
    ? [{ action: 'relinquish-ownership', namespace, service: service.name }, upgrade]
    : [upgrade]
}

/**
 * @returns the revision that Helm created; undefined without an upgrade
 * @throws ActionError `service-not-cluster-ip`, `service-not-restored`, and those of
 *   clients/helm/failures.ts
 */
export async function apply(
  run: LockedRun,
  operations: readonly ReleaseOperation[],
): Promise<number | undefined> {
  let revision: number | undefined
  for (const operation of operations) {
    switch (operation.action) {
      case 'restore-load-balancer-class':
        await restoreLoadBalancerClass(run, operation)
        break
      case 'relinquish-ownership':
        await relinquishOwnership(run, operation)
        break
      case 'upgrade':
        revision = await upgrade(run, operation)
    }
  }
  return revision
}

async function upgrade(run: LockedRun, operation: UpgradeRelease): Promise<number | undefined> {
  const { context, settings, clients } = run
  const { release, review, service } = operation
  for (const change of toChanges([operation])) context.recordChange(change)
  await runHelm(run, {
    request: upgradeRequest(release, settings, review),
    revision: release.latestRevision.revision + 1,
    orphanedObjects: review.orphanedObjects,
  })
  const [revision] = await Promise.all([
    findLatestRevisionNumber(clients.kubernetes, settings, release),
    verifyServiceType(run, service),
  ])
  return revision
}

/** @throws ActionError `service-not-cluster-ip`, `service-not-restored` */
async function verifyServiceType(
  { settings, clients }: ClusterRun,
  service: string,
): Promise<void> {
  const live = await clients.kubernetes.get<Service>(
    servicePath(settings.namespace, service),
    `read Service ${service}`,
  )
  const desiredType = desiredServiceType(settings)
  const liveType = live && (live.spec.type ?? 'unknown')
  if (liveType !== desiredType) throw serviceTypeNotApplied(service, desiredType, liveType)
}
