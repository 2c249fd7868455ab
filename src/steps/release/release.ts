/**
 * Step release: sets the type of the release's Service (ClusterIP, unless a removal restores
 * another one), and changes nothing else of the release that the inputs do not request.
 */
import { serviceTypeNotApplied } from '../../failures/release.ts'
import type { Change, Context } from '../step.ts'
import type { KubernetesClient } from '../../clients/kubernetes/client.ts'
import * as paths from '../../clients/kubernetes/paths.ts'
import type { Service } from '../../clients/kubernetes/types.ts'
import type { Settings } from '../../inputs/types.ts'
import { isOwnedByAction, releaseOwnership } from './load-balancer-class.ts'
import type { ReviewedUpgrade } from './preview.ts'
import { findLatestRevisionNumber } from './revisions.ts'
import { desiredServiceType, type ReleaseClients, type ReleaseTarget } from './target.ts'
import { runHelm, upgradeRequest } from './upgrade.ts'

export { check } from './check.ts'
export { logReleaseNotes, reportRestoredService } from './notes.ts'
export { plan } from './plan.ts'

/** The changes of a release, and the upgrade that makes them. */
export interface PlannedUpgrade {
  readonly target: ReleaseTarget
  readonly changes: readonly Change[]
  /** Undefined when there is nothing to change. */
  readonly upgrade: ReviewedUpgrade | undefined
}

/**
 * Runs helm if there is anything to change.
 * @returns the latest revision of the release; undefined without a release
 */
export async function apply(
  context: Context,
  settings: Settings,
  clients: ReleaseClients,
  { target, changes, upgrade }: PlannedUpgrade,
): Promise<number | undefined> {
  const { release, service } = target
  if (!release || !upgrade || changes.length === 0) return release?.latestRevision.revision
  changes.forEach((change) => context.recordChange(change))
  if (isOwnedByAction(service.live))
    await releaseOwnership(context, clients.kubernetes, {
      namespace: settings.namespace,
      name: service.name,
    })
  await runHelm(context, clients, {
    request: upgradeRequest(release, settings, upgrade),
    revision: release.latestRevision.revision + 1,
    orphanedObjects: upgrade.orphanedObjects,
  })
  const [revision] = await Promise.all([
    findLatestRevisionNumber(clients.kubernetes, settings, release),
    verifyServiceType(clients.kubernetes, settings, service.name),
  ])
  return revision
}

/** @throws ActionError `service-not-cluster-ip`, `service-not-restored` */
async function verifyServiceType(
  kubernetes: KubernetesClient,
  settings: Settings,
  service: string,
): Promise<void> {
  const live = await kubernetes.get<Service>(
    paths.servicePath(settings.namespace, service),
    `read Service ${service}`,
  )
  const desiredType = desiredServiceType(settings)
  const liveType = live && (live.spec.type ?? 'unknown')
  if (liveType !== desiredType) throw serviceTypeNotApplied(service, desiredType, liveType)
}
