/**
 * The way back of a release: an upgrade to the chart and the values of the revision that was
 * deployed before this run. Not `helm rollback`: docs/decisions/cutover-and-rollback.md.
 */
import { ActionError } from '../../failures/action-error.ts'
import { toActionError } from '../../failures/thrown.ts'
import type { Context } from '../step.ts'
import { parseChartReference } from '../../clients/helm/chart-reference.ts'
import { historyMaxToRetain } from '../../clients/helm/commands.ts'
import type { HelmClient, UpgradeRequest } from '../../clients/helm/client.ts'
import { findChangedWorkloads, findWorkloads } from '../../clients/helm/workloads.ts'
import { serializeValues } from '../../clients/helm/values.ts'
import type { KubernetesClient } from '../../clients/kubernetes/client.ts'
import type { Settings } from '../../inputs/types.ts'
import type { Release, Target } from '../preflight/preflight.ts'
import { findOrphanedObjects, listOrphanRemovals } from './orphans.ts'
import { toInterruptedOperation, isPending, readRevision, recover } from './recovery.ts'
import { findUnreadyWorkloads } from './workloads.ts'
import {
  formatManualRollback,
  findNewestRevision,
  listRevisions,
  runHelm,
  type StoredRevision,
  type ReleaseClients,
} from './release.ts'
import { restoreClassBeforeRollback } from './load-balancer-class.ts'

/** The way back, rendered before anything changes; or why there is none. */
export type RollbackPlan =
  { readonly chart: string; readonly manifest: string } | { readonly missing: string }

/**
 * Fetches the chart of the deployed revision, which helm does not keep whole, and renders the way
 * back with it. Source: helm, pkg/chart/chart.go, Chart: dependencies are not stored with a
 * release.
 * @param upgradeChart the chart of the upgrade
 * @throws ActionError `cancelled`
 */
export async function prepareRollback(
  settings: Settings,
  helm: HelmClient,
  release: Release,
  upgradeChart: { readonly path: string; readonly version: string },
): Promise<RollbackPlan> {
  const { version } = release.deployedRevision.chart
  try {
    const chart =
      upgradeChart.version === version
        ? upgradeChart.path
        : await helm.fetchChart({ ...settings.chart, name: stripTag(settings.chart.name), version })
    const preview = await helm.previewUpgrade(rollbackRequest(settings, release, chart, false))
    return preview.chart.version === version
      ? { chart, manifest: preview.manifest }
      : {
          missing: `chart ${settings.chart.name} is of version ${preview.chart.version}, not ${version}`,
        }
  } catch (thrown) {
    const failure = toActionError(thrown)
    if (failure.code === 'cancelled') throw failure
    return { missing: failure.message }
  }
}

/** A tag or digest is that of the upgrade. */
function stripTag(name: string): string {
  const reference = parseChartReference(name)
  return reference.kind === 'registry' ? reference.repository : name
}

/** Says before anything is changed that the release could not go back. */
export function logRollbackNotes(
  context: Context,
  { deployedRevision, latestRevision }: Release,
  rollbackPlan: RollbackPlan | undefined,
): void {
  if (rollbackPlan === undefined || !('missing' in rollbackPlan)) return
  context.log.note(
    `Should this run fail once helm has begun, release ${latestRevision.name} stays as helm leaves it: there is no way back to chart ${deployedRevision.chart.version} of revision ${deployedRevision.revision} (${rollbackPlan.missing}).`,
  )
}

function rollbackRequest(
  settings: Settings,
  { latestRevision, deployedRevision, storedRevisionCount }: Release,
  chart: string,
  wait: boolean,
): UpgradeRequest {
  return {
    release: latestRevision.name,
    namespace: settings.namespace,
    chart,
    wait,
    // All of the revision's values and no others, its Service's type among them.
    serviceType: undefined,
    values: serializeValues(deployedRevision.values),
    resetValues: true,
    timeout: settings.timeouts.release,
    forceConflicts: settings.ingress.forceConflicts && latestRevision.serverSide,
    historyMax: historyMaxToRetain((storedRevisionCount ?? 0) + 1),
  }
}

/**
 * Takes the release back to what was deployed before this run's upgrade, if that made a revision
 * and nobody made another.
 * @param rollbackPlan undefined when this run was not to upgrade
 * @returns what there is to show for it
 * @throws ActionError `release-pending` when others have upgraded it meanwhile, `chart-not-found`
 *   without a way, and of helm's failures
 */
export async function rollbackRelease(
  context: Context,
  settings: Settings,
  rooms: ReleaseClients,
  { release, service }: Target,
  rollbackPlan: RollbackPlan | undefined,
): Promise<string> {
  if (!release || !rollbackPlan) return 'there is no upgrade to take back'
  const { kubernetes } = rooms
  const { latestRevision, deployedRevision } = release
  const revisions = await listRevisions(kubernetes, settings, latestRevision.name)
  const [newest] = revisions
  if (!newest || !revisions.some(({ holderId: maker }) => maker === rooms.lock.holder.id))
    return 'helm made no revision of it for this run'
  if (newest.holderId !== rooms.lock.holder.id)
    throw concurrentUpgradeError(settings, release, newest)
  if ('missing' in rollbackPlan) {
    throw new ActionError({
      code: 'chart-not-found',
      problem: `There is no way back to chart ${deployedRevision.chart.version} of revision ${deployedRevision.revision}: ${rollbackPlan.missing}`,
      remedy: `When the chart is there again, by hand: ${formatManualRollback(settings, release)}.`,
    })
  }
  const ownRevision = await readRevision(settings, kubernetes, newest)
  // Its helm has ended: it was killed, or could not say any more how it ended.
  const interrupted = isPending(newest)
    ? toInterruptedOperation(latestRevision.name, newest, revisions)
    : undefined
  if (interrupted) await recover(context, settings, rooms, interrupted)
  const isDeployed = (interrupted?.finalStatus ?? newest.status) === 'deployed'
  const ownFailedRevisions = isDeployed ? [] : [...(release.failedOwnRevisions ?? []), ownRevision]
  const orphanedObjects = await findOrphanedObjects(
    context,
    kubernetes,
    settings.namespace,
    { deployedRevision, latestRevision: ownRevision, failedOwnRevisions: ownFailedRevisions },
    rollbackPlan.manifest,
  )
  context.recordChange({
    step: 'release',
    object: `release ${settings.namespace}/${latestRevision.name}`,
    path: 'revision',
    before: String(newest.revision),
    after: `as ${deployedRevision.revision}`,
    why: 'put back, because the run failed',
  })
  listOrphanRemovals(settings.namespace, orphanedObjects).forEach((change) =>
    context.recordChange(change),
  )
  const wait = await shouldWait(
    kubernetes,
    settings,
    [deployedRevision.manifest, ownRevision.manifest],
    rollbackPlan.manifest,
  )
  await restoreClassBeforeRollback(context, kubernetes, {
    namespace: settings.namespace,
    service,
    manifest: rollbackPlan.manifest,
  })
  await runHelm(context, rooms, {
    request: rollbackRequest(settings, release, rollbackPlan.chart, wait),
    revision: newest.revision + 1,
    orphanedObjects,
  }).catch((thrown: unknown) => {
    const { code, message, remedy } = toActionError(thrown)
    throw new ActionError({
      code,
      problem: message,
      remedy: `${remedy} By hand: ${formatManualRollback(settings, release)}.`,
      cause: thrown,
    })
  })
  context.setOutput(
    'release-revision',
    String(await findNewestRevision(kubernetes, settings, release)),
  )
  if (service.type === 'LoadBalancer')
    context.log.note(
      `Service ${service.name} is of type LoadBalancer again. Look at its address before you point clients at it: "kubectl -n ${settings.namespace} get service ${service.name}".`,
    )
  return `as in revision ${deployedRevision.revision}`
}

/**
 * helm waits for all workloads of the release: in vain, when one is not ready that the way back
 * does not change.
 */
async function shouldWait(
  kubernetes: KubernetesClient,
  { namespace }: Settings,
  before: readonly string[],
  after: string,
): Promise<boolean> {
  const changed = before.flatMap((manifest) => findChangedWorkloads(manifest, after))
  const unchangedWorkloads = findWorkloads(after).filter(
    ({ kind, name }) => !changed.some((each) => each.kind === kind && each.name === name),
  )
  return (await findUnreadyWorkloads(kubernetes, namespace, unchangedWorkloads)).length === 0
}

const concurrentUpgradeError = (
  { namespace }: Settings,
  { latestRevision }: Release,
  { revision, status }: StoredRevision,
): ActionError =>
  new ActionError({
    code: 'release-pending',
    problem: `Somebody else has upgraded release ${latestRevision.name} too: revision ${revision} is ${status}, and this run had seen ${latestRevision.revision}.`,
    remedy: `Look who did what ("helm history ${latestRevision.name} -n ${namespace}"), and go back by hand to the revision that is meant.`,
  })
