/** Reviews an upgrade before Helm changes anything: renders it, and checks what it would change. */
import { combineErrors } from '../../failures/action-error.ts'
import type { Context } from '../step.ts'
import { isSameVersion } from '../../clients/helm/chart-reference.ts'
import type { Preview } from '../../clients/helm/commands.ts'
import { findValuesPath } from '../../clients/helm/milvus-chart.ts'
import type { HelmClient, UpgradeRequest } from '../../clients/helm/client.ts'
import type { KubernetesClient } from '../../clients/kubernetes/client.ts'
import type { Settings } from '../../inputs/types.ts'
import type { Release } from '../preflight/preflight.ts'
import { helmStoragePermissions, type Permission } from '../preflight/permissions.ts'
import { renderedUpgradePermissions } from '../preflight/helm-permissions.ts'
import type { ClusterClients, Run } from '../run.ts'
import { checkRenderedServiceType, fetchRequestedChart, withMilvusVersion } from './chart.ts'
import { compareUpgrades, type UpgradeComparison } from './comparison.ts'
import {
  checkReleaseConflicts,
  findReleaseConflicts,
  logConflictNotes,
  type RenderedRelease,
} from './conflicts.ts'
import {
  describeDifference,
  describeMilvusUpgrade,
  findOneWayUpgrade,
  formatVersionChange,
} from './descriptions.ts'
import { findOrphanedObjects, type OrphanedObject } from './orphans.ts'
import { logRestarts } from './restarts.ts'
import { prepareRollback, type RollbackPlan } from './rollback-plan.ts'
import type { ReleaseTarget } from './target.ts'
import { checkUnrequestedChanges } from './unrequested-changes.ts'
import { upgradeRequest } from './upgrade.ts'
import { findUnreadyWorkloads, partitionWorkloads, rejectUnreadyWorkloads } from './workloads.ts'

/** An upgrade that was rendered, and does no more than the inputs request. */
export interface ReviewedUpgrade {
  /** Path of the chart. */
  readonly chart: string
  /** Where the values of Milvus' chart are in those of the release. */
  readonly valuesPath: readonly string[]
  /** Whether Helm waits until the workloads of the release are ready. */
  readonly wait: boolean
  /** What Helm needs for this upgrade, in addition to what every upgrade needs. */
  readonly permissions: readonly Permission[]
  /** What failed revisions of this action left behind, and Helm would not delete. */
  readonly orphanedObjects: readonly OrphanedObject[]
  /** How to roll back if the run fails; undefined when it would not roll back. */
  readonly rollbackPlan: RollbackPlan | undefined
  /** From and to which version of Milvus, if Milvus cannot go back: `2.5.16 to 2.6.15`. */
  readonly oneWayUpgrade: string | undefined
}

/** A release that exists. */
type InstalledTarget = ReleaseTarget & { readonly release: Release }

/** A run that reviews an upgrade. */
type ReviewRun = Run<Pick<ClusterClients, 'helm' | 'kubernetes'>>

/** An upgrade that Helm rendered, and what it changes. */
interface RenderedUpgrade {
  readonly request: UpgradeRequest & { readonly valuesPath: readonly string[] }
  readonly preview: Preview
  readonly comparison: UpgradeComparison
  readonly helmMajorVersion: number
  /** Whether Helm will apply it server-side. */
  readonly serverSide: boolean
}

/** Helm deletes the oldest revision of a long history. A rollback stores another one. */
function listPruningPermissions(
  { helmStorage, onFailure }: Settings,
  helm: HelmClient,
  { storedRevisionCount = 0 }: Release,
): Permission[] {
  const addedRevisions = onFailure === 'rollback' ? 1 : 0
  return helm.prunesHistory(storedRevisionCount + addedRevisions)
    ? helmStoragePermissions(helmStorage, 'delete')
    : []
}

/**
 * Fetches the chart, renders the upgrade, checks it, and logs what it changes and restarts.
 * @throws ActionError `release-changes-more`, `service-type-not-set`, `release-conflict`,
 *   `release-not-ready`, and those of clients/helm/failures.ts
 */
export async function reviewUpgrade(
  run: ReviewRun,
  target: InstalledTarget,
): Promise<ReviewedUpgrade> {
  const { context, settings, clients } = run
  const { helm, kubernetes } = clients
  const { release, service } = target
  context.log.info(`Helm ${await helm.version()}`)
  const rendered = await renderUpgrade(settings, helm, target)
  const { request, preview, comparison } = rendered
  context.log.info(`Helm would ${describeDifference(comparison.total)}`)
  await rejectProblems(run, target, rendered)
  logVersionChange(context, release, rendered)
  const { manifest } = preview
  logRestarts(context, { release, service: service.name, manifest, comparison })
  const wait = await shouldWait(settings, kubernetes, release, manifest)
  const orphanedObjects = await findOrphanedObjects(run, release, manifest)
  return {
    chart: request.chart,
    wait,
    valuesPath: request.valuesPath,
    permissions: [
      ...listPermissions(settings, release, rendered, wait),
      ...orphanedObjects.flatMap(({ permissions }) => permissions),
      ...listPruningPermissions(settings, helm, release),
    ],
    orphanedObjects,
    rollbackPlan: await planRollback(settings, helm, release, rendered),
    oneWayUpgrade: findOneWayUpgrade(release, preview.chart),
  }
}

async function renderUpgrade(
  settings: Settings,
  helm: HelmClient,
  { release, service }: InstalledTarget,
): Promise<RenderedUpgrade> {
  const chart = await fetchRequestedChart(settings, helm, release)
  const valuesPath = findValuesPath(release.deployedRevision, service.name)
  const request = {
    ...upgradeRequest(release, settings, { chart, wait: false, valuesPath }),
    valuesPath,
  }
  const preview = withMilvusVersion(release, await helm.previewUpgrade(request))
  const comparison = await compareUpgrades(
    settings,
    helm,
    { release, service: service.name },
    { chart, preview },
  )
  const helmMajorVersion = Number.parseInt(await helm.version())
  const serverSide = helmMajorVersion >= 4 && release.latestRevision.serverSide
  return { request, preview, comparison, helmMajorVersion, serverSide }
}

/** @throws ActionError of all reasons not to make this upgrade */
async function rejectProblems(
  { context, settings, clients }: ReviewRun,
  target: InstalledTarget,
  rendered: RenderedUpgrade,
): Promise<void> {
  const { release, service } = target
  const { request, preview, comparison, serverSide } = rendered
  const renderedRelease: RenderedRelease = {
    name: release.latestRevision.name,
    namespace: settings.namespace,
    service: service.name,
    before: [release.deployedRevision.manifest, release.latestRevision.manifest],
    after: preview.manifest,
    serverSide,
  }
  const { forceConflicts } = settings.ingress
  const conflicts = await findReleaseConflicts(clients.kubernetes, renderedRelease)
  logConflictNotes(context, renderedRelease, conflicts, forceConflicts)
  const problems = [
    checkUnrequestedChanges(target, settings, preview.chart, comparison),
    checkRenderedServiceType(settings, service.name, request, preview.manifest),
    forceConflicts ? undefined : checkReleaseConflicts(renderedRelease, conflicts),
  ].filter((problem) => problem !== undefined)
  if (problems.length > 0) throw combineErrors(problems)
}

function logVersionChange(
  context: Context,
  release: Release,
  { preview: { chart }, comparison }: RenderedUpgrade,
): void {
  if (isSameVersion(chart.version, release.deployedRevision.chart.version)) return
  const versions = formatVersionChange(release, chart)
  const changes = describeDifference(comparison.total)
  const milvusUpgrade = describeMilvusUpgrade(release, chart)
  context.log.note(`Chart ${versions}: Helm would ${changes}.${milvusUpgrade}`)
}

/**
 * Whether Helm waits until the release is ready: when the upgrade changes workloads, and for a new
 * load balancer unless an unready workload would block the wait.
 * @throws ActionError `release-not-ready`
 */
async function shouldWait(
  { namespace, serviceType }: Settings,
  kubernetes: KubernetesClient,
  { deployedRevision, latestRevision }: Release,
  manifest: string,
): Promise<boolean> {
  // Live workloads may be those of a failed revision, but Helm starts from the deployed one.
  const { changed, unchanged } = partitionWorkloads(
    [deployedRevision.manifest, latestRevision.manifest],
    manifest,
  )
  if (changed.length === 0 && serviceType !== 'LoadBalancer') return false
  const unready = await findUnreadyWorkloads(kubernetes, namespace, unchanged)
  if (changed.length === 0) return unready.length === 0
  rejectUnreadyWorkloads(latestRevision.name, namespace, unready)
  return true
}

const listPermissions = (
  { namespace }: Settings,
  { deployedRevision }: Release,
  { preview, helmMajorVersion, serverSide }: RenderedUpgrade,
  wait: boolean,
): readonly Permission[] =>
  renderedUpgradePermissions({
    namespace,
    currentManifest: deployedRevision.manifest,
    newManifest: preview.manifest,
    helmMajorVersion,
    serverSide,
    wait,
  })

async function planRollback(
  settings: Settings,
  helm: HelmClient,
  release: Release,
  { request, preview, comparison: { isDeployedChart } }: RenderedUpgrade,
): Promise<RollbackPlan | undefined> {
  if (settings.mode !== 'deploy' || settings.onFailure !== 'rollback') return undefined
  const { version } = preview.chart
  const upgradeChart = { path: request.chart, version, isDeployedChart }
  return prepareRollback(settings, helm, release, upgradeChart)
}
