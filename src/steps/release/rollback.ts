/** Rolls a release back to the revision that was deployed before this run. */
import type { ActionError } from '../../failures/action-error.ts'
import { toActionError } from '../../failures/thrown.ts'
import {
  releaseRollbackFailed,
  releaseUpgradedConcurrently,
  rollbackChartDiffers,
  rollbackChartMissing,
} from '../../failures/release.ts'
import type { ReleaseRevision } from '../../clients/helm/release-storage.ts'
import type { Settings } from '../../inputs/types.ts'
import type { Release, Target } from '../preflight/preflight.ts'
import type { StoredRevision } from '../preflight/revisions.ts'
import type { ClusterRun, LockedRun } from '../run.ts'
import { restoreClassBeforeRollback } from './load-balancer-class.ts'
import { formatManualRollback } from './manual-rollback.ts'
import { toOrphanChanges } from './operations.ts'
import { findOrphanedObjects, type OrphanedObject } from './orphans.ts'
import { isPending, recover, toInterruptedOperation } from './recovery.ts'
import { findLatestRevisionNumber, listRevisions, readRevision } from './revisions.ts'
import { rollbackRequest, type AvailableRollback, type RollbackPlan } from './rollback-plan.ts'
import { runHelm } from './upgrade.ts'
import { findUnreadyWorkloads, partitionWorkloads } from './workloads.ts'

export { findInexactRollback } from './rollback-plan.ts'

/** The revision that this run created. */
interface OwnRevision {
  readonly number: number
  readonly content: ReleaseRevision
  /** Whether Helm completed it. */
  readonly isDeployed: boolean
}

/**
 * Rolls the release back, if this run created its latest revision.
 * @param target.rollbackPlan undefined when this run was not to upgrade
 * @returns a phrase for the step's line
 * @throws ActionError `release-pending` when someone else upgraded the release during this run,
 *   `chart-not-found` when the chart is not available, or renders other objects now, and those of
 *   clients/helm/failures.ts
 */
export async function rollbackRelease(
  run: LockedRun,
  target: Pick<Target, 'release' | 'service'> & {
    readonly rollbackPlan: RollbackPlan | undefined
  },
): Promise<string> {
  const { release, service, rollbackPlan } = target
  if (!release || !rollbackPlan) return 'there was no upgrade'
  const { settings, clients } = run
  const { kubernetes, lock } = clients
  const revisions = await listRevisions(kubernetes, settings, release.latestRevision.name)
  const [latest] = revisions
  if (!latest || !revisions.some(({ holderId }) => holderId === lock.holder.id))
    return 'Helm created no revision in this run'
  if (latest.holderId !== lock.holder.id) throw upgradedConcurrently(settings, release, latest)
  if ('unavailableReason' in rollbackPlan)
    throw chartMissing(settings, release, rollbackPlan.unavailableReason)
  const ownRevision = await completeOwnRevision(run, latest, revisions)
  await performRollback(run, { release, service, ownRevision, rollbackPlan })
  await reportRollback(run, release, service)
  if (rollbackPlan.deviation !== undefined)
    throw chartDiffers(settings, release, rollbackPlan.deviation)
  return `as in revision ${release.deployedRevision.revision}`
}

async function performRollback(
  run: LockedRun,
  rollback: {
    readonly release: Release
    readonly service: Target['service']
    readonly ownRevision: OwnRevision
    readonly rollbackPlan: AvailableRollback
  },
): Promise<void> {
  const { release, service, ownRevision, rollbackPlan } = rollback
  const { manifest } = rollbackPlan
  const orphanedObjects = await findOwnOrphans(run, release, ownRevision, manifest)
  recordRollback(run, release, ownRevision.number, orphanedObjects)
  const wait = await canWait(run, {
    before: [release.deployedRevision.manifest, ownRevision.content.manifest],
    after: manifest,
  })
  await restoreClassBeforeRollback(run, { service, manifest })
  await runRollback(run, {
    release,
    rollbackPlan,
    wait,
    revision: ownRevision.number + 1,
    orphanedObjects,
  })
}

const upgradedConcurrently = (
  { namespace }: Settings,
  { latestRevision }: Release,
  { revision, status }: StoredRevision,
): ActionError =>
  releaseUpgradedConcurrently({
    release: latestRevision.name,
    namespace,
    revision,
    status,
    initialRevision: latestRevision.revision,
  })

const chartMissing = (settings: Settings, release: Release, reason: string): ActionError =>
  rollbackChartMissing({
    version: release.deployedRevision.chart.version,
    revision: release.deployedRevision.revision,
    reason,
    rollbackCommand: formatManualRollback(settings, release),
  })

const chartDiffers = (
  { namespace }: Settings,
  { deployedRevision: { name, revision, chart } }: Release,
  deviation: string,
): ActionError =>
  rollbackChartDiffers({ release: name, namespace, revision, version: chart.version, deviation })

/**
 * Reads the latest revision. If it is pending, its Helm was killed or could not store how it ended:
 * its status is stored now.
 */
async function completeOwnRevision(
  run: LockedRun,
  latest: StoredRevision,
  revisions: readonly StoredRevision[],
): Promise<OwnRevision> {
  const content = await readRevision(run.settings, run.clients.kubernetes, latest)
  const ownRevision = { number: latest.revision, content }
  if (!isPending(latest)) return { ...ownRevision, isDeployed: latest.status === 'deployed' }
  const interrupted = toInterruptedOperation(latest.name, latest, revisions)
  await recover(run, interrupted)
  return { ...ownRevision, isDeployed: interrupted.finalStatus === 'deployed' }
}

/**
 * Finds what this run's revision would leave behind, as a failed revision does.
 * @param manifest of the rollback
 */
function findOwnOrphans(
  run: ClusterRun,
  { deployedRevision, failedOwnRevisions = [] }: Release,
  { content, isDeployed }: OwnRevision,
  manifest: string,
): Promise<OrphanedObject[]> {
  const revisions = {
    deployedRevision,
    latestRevision: content,
    failedOwnRevisions: isDeployed ? [] : [...failedOwnRevisions, content],
  }
  return findOrphanedObjects(run, revisions, manifest)
}

function recordRollback(
  { context, settings: { namespace } }: LockedRun,
  { latestRevision, deployedRevision }: Release,
  revision: number,
  orphanedObjects: readonly OrphanedObject[],
): void {
  context.recordChange({
    step: 'release',
    object: `release ${namespace}/${latestRevision.name}`,
    path: 'revision',
    before: String(revision),
    after: `as ${deployedRevision.revision}`,
    why: 'rolled back, because the run failed',
  })
  for (const change of toOrphanChanges(namespace, orphanedObjects)) context.recordChange(change)
}

/**
 * Whether Helm can wait until the release is ready: it would wait in vain for an unready workload
 * that the rollback does not change.
 */
async function canWait(
  { settings, clients }: ClusterRun,
  { before, after }: { readonly before: readonly string[]; readonly after: string },
): Promise<boolean> {
  const { unchanged } = partitionWorkloads(before, after)
  const unready = await findUnreadyWorkloads(clients.kubernetes, settings.namespace, unchanged)
  return unready.length === 0
}

async function runRollback(
  run: LockedRun,
  rollback: {
    readonly release: Release
    readonly rollbackPlan: AvailableRollback
    readonly wait: boolean
    /** The number of the revision that Helm creates. */
    readonly revision: number
    readonly orphanedObjects: readonly OrphanedObject[]
  },
): Promise<void> {
  const { release, rollbackPlan, wait, revision, orphanedObjects } = rollback
  const request = rollbackRequest(run.settings, release, rollbackPlan.chart, wait)
  try {
    await runHelm(run, { request, revision, orphanedObjects })
  } catch (thrown) {
    const command = formatManualRollback(run.settings, release)
    throw releaseRollbackFailed(toActionError(thrown), command)
  }
}

async function reportRollback(
  { context, settings, clients }: ClusterRun,
  release: Release,
  service: Target['service'],
): Promise<void> {
  const revision = await findLatestRevisionNumber(clients.kubernetes, settings, release)
  context.setOutput('release-revision', String(revision))
  if (service.type !== 'LoadBalancer') return
  const command = `kubectl -n ${settings.namespace} get service ${service.name}`
  context.log.note(
    `Service ${service.name} is of type LoadBalancer again. Its address may have changed: check ` +
      `it before you point clients at it ("${command}").`,
  )
}
