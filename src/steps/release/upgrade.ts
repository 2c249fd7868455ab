/** Runs `helm upgrade`, for the upgrade of a release and for its rollback. */
import type { LockedRun } from '../run.ts'
import { progressLogger } from '../step.ts'
import { withProgress } from '../../util/polling.ts'
import { omitStoredNulls } from '../../clients/helm/release-storage.ts'
import { historyMaxToRetain } from '../../clients/helm/commands.ts'
import type { UpgradeRequest } from '../../clients/helm/client.ts'
import { serializeValues } from '../../clients/helm/values.ts'
import type { Settings } from '../../inputs/types.ts'
import { revisionLabels } from '../../locking/revision-labels.ts'
import type { Release } from '../preflight/preflight.ts'
import { removeOrphanedObjects, type OrphanedObject } from './orphans.ts'
import { desiredServiceType } from './target.ts'

/** The upgrade that the inputs request. */
export function upgradeRequest(
  { latestRevision, deployedRevision, storedRevisionCount }: Release,
  settings: Settings,
  { chart, wait, valuesPath }: Required<Pick<UpgradeRequest, 'chart' | 'wait' | 'valuesPath'>>,
): UpgradeRequest {
  const values = omitStoredNulls(settings.values, deployedRevision.values)
  return {
    release: latestRevision.name,
    namespace: settings.namespace,
    chart,
    serviceType: desiredServiceType(settings),
    valuesPath,
    values: Object.keys(values).length === 0 ? undefined : serializeValues(values),
    wait,
    timeout: settings.timeouts.release,
    // Helm 4 applies as it applied the latest revision, and rejects the flag for a client-side
    // apply. Source: Helm 4, pkg/action/upgrade.go.
    forceConflicts: settings.ingress.forceConflicts && latestRevision.serverSide,
    historyMax: historyMaxToRetain(storedRevisionCount),
  }
}

/** A run of Helm, the revision that it creates, and what has to be removed before it. */
interface HelmRun {
  readonly request: UpgradeRequest
  readonly revision: number
  readonly orphanedObjects: readonly OrphanedObject[]
}

/**
 * Removes orphaned objects, then runs Helm and logs progress. The order matters: if the run is
 * killed in between, the next one finds the failed revision, and with it the remaining objects.
 * @throws ActionError of clients/helm/failures.ts
 */
export async function runHelm(
  { context, clients }: LockedRun,
  { request, revision, orphanedObjects }: HelmRun,
): Promise<void> {
  const { helm, kubernetes, lock } = clients
  const labels = revisionLabels(lock.holder.id, revision)
  const upgrade = lock.runRecorded({ release: request.release, revision }, async () => {
    await removeOrphanedObjects(kubernetes, orphanedObjects)
    await helm.upgrade({ ...request, labels })
  })
  const logProgress = progressLogger(context.log, 'release')
  await withProgress(upgrade, context.clock, (elapsed) =>
    logProgress(elapsed, 'Helm waits for the objects of the release to become ready'),
  )
}
