/**
 * Before helm changes anything: what an upgrade of the release would do, why, and whether that is
 * what was asked for.
 */
import { ActionError, combineErrors } from '../../failures/action-error.ts'
import type { Context } from '../step.ts'
import type { Preview } from '../../clients/helm/commands.ts'
import { diffManifests, isEmptyDiff, type ManifestDiff } from '../../clients/helm/manifest-diff.ts'
import { getMilvusVersion, findValuesPath } from '../../clients/helm/milvus-chart.ts'
import { findDifferingPaths } from '../../clients/helm/release-storage.ts'
import type { HelmClient } from '../../clients/helm/client.ts'
import {
  findChangedWorkloads,
  findRestartedWorkloads,
  describeRestart,
  findServiceSelector,
  findWorkloads,
  type Workload,
} from '../../clients/helm/workloads.ts'
import { serializeValues } from '../../clients/helm/values.ts'
import type { KubernetesClient } from '../../clients/kubernetes/client.ts'
import type { Settings } from '../../inputs/types.ts'
import type { Release, Target } from '../preflight/preflight.ts'
import type { Permission } from '../preflight/permissions.ts'
import { renderedUpgradePermissions } from '../preflight/helm-permissions.ts'
import { upgradeRequest, type ReleaseTarget } from './release.ts'
import { fetchRequestedChart, checkRenderedServiceType, withMilvusVersion } from './chart.ts'
import { checkReleaseConflicts } from './conflicts.ts'
import { findOrphanedObjects, type OrphanedObject } from './orphans.ts'
import { prepareRollback, type RollbackPlan } from './rollback.ts'
import { requireReady, findUnreadyWorkloads } from './workloads.ts'

/** An upgrade that was rendered, and does no more than was asked for. */
export interface ReviewedUpgrade {
  /** Path of the chart. */
  readonly chart: string
  /** Where the values of Milvus' chart are in those of the release. */
  readonly valuesPath: readonly string[]
  /** Whether helm waits until the workloads of the release are ready. */
  readonly wait: boolean
  /** What helm asks of the cluster for it, beside what every upgrade needs. */
  readonly permissions: readonly Permission[]
  /** What failed revisions of this action have left, and helm would not delete. */
  readonly orphanedObjects: readonly OrphanedObject[]
  /** How the release goes back should the run fail; undefined where it would not. */
  readonly rollbackPlan: RollbackPlan | undefined
}

/** What an upgrade would do, by what makes it do so. */
export interface UpgradeComparison {
  /** All of it: from the deployed manifest to the upgrade that was asked for. */
  readonly total: ManifestDiff
  /** What the request does: from an upgrade that asks for nothing to the one that was asked for. */
  readonly requested: ManifestDiff
  /**
   * What any upgrade of this release does: from the deployed manifest to an upgrade that asks for
   * nothing.
   */
  readonly anyUpgrade: ManifestDiff
  /**
   * Whether the chart is the deployed one: it makes the deployed manifest, as an installation or as
   * an upgrade.
   */
  readonly isDeployedChart: boolean
}

/**
 * Fetches the chart, has helm render the upgrade, and says what it changes and restarts.
 * @throws ActionError `release-changes-more`, `service-type-not-set`, `release-conflict`,
 *   `release-not-ready`, of helm's failures
 */
export async function reviewUpgrade(
  context: Context,
  settings: Settings,
  { helm, kubernetes }: { readonly helm: HelmClient; readonly kubernetes: KubernetesClient },
  releaseTarget: ReleaseTarget & { readonly release: Release },
): Promise<ReviewedUpgrade> {
  const { release, service } = releaseTarget
  const chart = await fetchRequestedChart(settings, helm, release)
  const valuesPath = findValuesPath(release.deployedRevision, service.name)
  const request = upgradeRequest(release, settings, { chart, wait: false, valuesPath })
  const preview = withMilvusVersion(release, await helm.previewUpgrade(request))
  const comparison = await compareUpgrades(settings, helm, releaseTarget, { chart, preview })
  context.log.info(`helm would ${describeDifference(comparison.total)}`)
  const helmMajor = Number.parseInt(await helm.version())
  const serverSide = helmMajor >= 4 && release.latestRevision.serverSide
  const renderedRelease = {
    name: release.latestRevision.name,
    namespace: settings.namespace,
    service: service.name,
    before: [release.deployedRevision.manifest, release.latestRevision.manifest],
    after: preview.manifest,
    serverSide,
  }
  const problems = [
    checkUnrequestedChanges(releaseTarget, settings, preview.chart, comparison),
    checkRenderedServiceType(settings, service.name, request, preview.manifest),
    await checkReleaseConflicts(
      context,
      kubernetes,
      renderedRelease,
      settings.ingress.forceConflicts,
    ),
  ].filter((each) => each !== undefined)
  if (problems.length > 0) throw combineErrors(problems)
  if (preview.chart.version !== release.deployedRevision.chart.version)
    context.log.note(
      `Chart ${formatVersionChange(release, preview.chart)}: helm would ${describeDifference(comparison.total)}.${describeMilvusUpgrade(release, preview.chart)}`,
    )
  logRestarts(context, { release, service, manifest: preview.manifest }, comparison)
  // A failed revision may have changed the workloads that are there; an upgrade starts from the
  // last that was deployed.
  const changed = [release.deployedRevision, release.latestRevision].flatMap(({ manifest }) =>
    findChangedWorkloads(manifest, preview.manifest),
  )
  const wait = await shouldWait(
    settings,
    kubernetes,
    release.latestRevision.name,
    findWorkloads(preview.manifest),
    changed,
  )
  const permissions = renderedUpgradePermissions({
    namespace: settings.namespace,
    currentManifest: release.deployedRevision.manifest,
    newManifest: preview.manifest,
    helmMajorVersion: helmMajor,
    serverSide,
    wait,
  })
  const orphanedObjects = await findOrphanedObjects(
    context,
    kubernetes,
    settings.namespace,
    release,
    preview.manifest,
  )
  const rollbackPlan =
    settings.mode === 'deploy' && settings.onFailure === 'rollback'
      ? await prepareRollback(settings, helm, release, {
          path: chart,
          version: preview.chart.version,
        })
      : undefined
  return {
    chart,
    wait,
    valuesPath,
    permissions: [...permissions, ...orphanedObjects.flatMap((each) => each.permissions)],
    orphanedObjects,
    rollbackPlan,
  }
}

/**
 * Whether helm waits until the release is ready: when it changes workloads, and for a new load
 * balancer when nothing keeps it from ending.
 * @throws ActionError `release-not-ready`
 */
async function shouldWait(
  { namespace, serviceType }: Settings,
  kubernetes: KubernetesClient,
  release: string,
  workloads: readonly Workload[],
  changed: readonly Workload[],
): Promise<boolean> {
  if (changed.length === 0 && serviceType !== 'LoadBalancer') return false
  const unready = await findUnreadyWorkloads(
    kubernetes,
    namespace,
    workloads.filter(
      ({ kind, name }) => !changed.some((each) => each.kind === kind && each.name === name),
    ),
  )
  if (changed.length > 0) requireReady(release, namespace, unready)
  return changed.length > 0 || unready.length === 0
}

/**
 * Renders what tells the request from what any upgrade would do, where there is something to tell
 * apart.
 */
async function compareUpgrades(
  settings: Settings,
  helm: HelmClient,
  { release, service }: ReleaseTarget & { readonly release: Release },
  { chart, preview }: { readonly chart: string; readonly preview: Preview },
): Promise<UpgradeComparison> {
  const { deployedRevision } = release
  const total = diffManifests(deployedRevision.manifest, preview.manifest)
  const isOtherVersion = preview.chart.version !== deployedRevision.chart.version
  if (isOtherVersion || isEmptyDiff(excludeObject(total, `Service ${service.name}`)))
    return { total, requested: total, anyUpgrade: emptyDifference, isDeployedChart: true }
  const unchangedPreview = await helm.previewUpgrade({
    ...upgradeRequest(release, settings, { chart, wait: false, valuesPath: [] }),
    serviceType: undefined,
    values: undefined,
  })
  const anyUpgrade = diffManifests(deployedRevision.manifest, unchangedPreview.manifest)
  const requested = diffManifests(unchangedPreview.manifest, preview.manifest)
  return {
    total,
    requested,
    anyUpgrade,
    isDeployedChart:
      isEmptyDiff(anyUpgrade) || (await isFreshInstall(settings, helm, release, chart)),
  }
}

/** Whether the deployed manifest is what an installation of this chart makes. */
async function isFreshInstall(
  { namespace }: Settings,
  helm: HelmClient,
  { deployedRevision }: Release,
  chart: string,
): Promise<boolean> {
  const installation = await helm.previewInstall({
    release: deployedRevision.name,
    namespace,
    chart,
    values: serializeValues(deployedRevision.values),
  })
  return isEmptyDiff(diffManifests(deployedRevision.manifest, installation.manifest))
}

const emptyDifference: ManifestDiff = { added: [], removed: [], changed: [] }

/** A difference without a change of this object. */
const excludeObject = (difference: ManifestDiff, object: string): ManifestDiff => ({
  ...difference,
  changed: difference.changed.filter((each) => each !== object),
})

/**
 * Says which pods the upgrade replaces, and for the pods behind the Service also that it replaces
 * none.
 */
function logRestarts(
  context: Context,
  {
    release,
    service,
    manifest,
  }: Pick<Target, 'service'> & { readonly release: Release; readonly manifest: string },
  { anyUpgrade }: UpgradeComparison,
): void {
  const restarted = findRestartedWorkloads(release.latestRevision.manifest, manifest)
  const selector = Object.entries(findServiceSelector(manifest, service.name) ?? {})
  const isBehindService = ({ podLabels }: Workload): boolean =>
    selector.length > 0 && selector.every(([label, value]) => podLabels[label] === value)
  const unaffected = findWorkloads(manifest).filter(
    (workload) =>
      isBehindService(workload) &&
      !restarted.some(({ kind, name }) => kind === workload.kind && name === workload.name),
  )
  const restartSummary = [
    ...restarted.map(describeRestart),
    ...unaffected.map(({ kind, name }) => `${kind} ${name}: none`),
  ].join('; ')
  if (restarted.length === 0) {
    context.log.info(
      `The upgrade restarts no pods${restartSummary === '' ? '' : ` (${restartSummary})`}.`,
    )
    return
  }
  const isOfAnyUpgrade = restarted.every(({ kind, name }) =>
    anyUpgrade.changed.includes(`${kind} ${name}`),
  )
  const why = isOfAnyUpgrade
    ? ' Every first upgrade of this release does so: the chart renders these objects differently at an upgrade than at an installation.'
    : ''
  context.log.note(`The upgrade restarts pods: ${restartSummary}.${why}`)
}

/**
 * Why an upgrade is more than was asked for; undefined when it is not, or when that is allowed.
 * Pure.
 */
export function checkUnrequestedChanges(
  { release, service }: Pick<Target, 'service'> & { readonly release: Release },
  settings: Settings,
  chart: Preview['chart'],
  { total, requested, anyUpgrade, isDeployedChart }: UpgradeComparison,
): ActionError | undefined {
  if (settings.allowChartChange) return undefined
  const { deployedRevision } = release
  const toError = (problem: string, remedy: string): ActionError =>
    new ActionError({
      code: 'release-changes-more',
      problem,
      remedy: `${remedy}; if all of it is meant, set allow-chart-change: true.`,
    })
  if (chart.version !== deployedRevision.chart.version) {
    return toError(
      `Release ${deployedRevision.name} would go from chart ${formatVersionChange(release, chart)}: helm would ${describeDifference(total)}.${describeMilvusUpgrade(release, chart)}`,
      settings.chart.version === undefined
        ? `Give chart ${deployedRevision.chart.version} to keep it`
        : `Take chart-version out to keep chart ${deployedRevision.chart.version}`,
    )
  }
  if (!isDeployedChart) {
    return toError(
      `Chart ${deployedRevision.chart.name} ${chart.version} is not the one that release ${deployedRevision.name} was made with: any upgrade with it would ${describeDifference(anyUpgrade)}, and an installation with it makes other objects too. It was published anew under its version, comes from elsewhere, or renders differently on this version of Kubernetes.`,
      'Set chart-repository and chart to where the release came from',
    )
  }
  if (findDifferingPaths(settings.values, deployedRevision.values).length > 0) {
    const disabledParts = findDisabledParts(settings.values)
    const isRequestedRemoval = (object: string): boolean =>
      disabledParts.some((part) => object.toLowerCase().includes(part))
    const unrequested = [
      ...requested.removed.filter((object) => isStateful(object) || !isRequestedRemoval(object)),
      ...requested.added.filter(isStateful),
    ]
    return unrequested.length === 0
      ? undefined
      : toError(
          `With values helm would ${describeDifference(requested)}, which is more than to set values: ${formatObjects(unrequested)}.`,
          'Take out of values what makes these objects come or go',
        )
  }
  const serviceObject = `Service ${service.name}`
  const unrequested = excludeObject(requested, serviceObject)
  if (isEmptyDiff(unrequested)) return undefined
  return toError(
    `To set the type of ${serviceObject} helm would also ${describeDifference(unrequested)}: the templates of chart ${deployedRevision.chart.name} ${chart.version} make these objects depend on service.type.`,
    'Change them in the release first, in an upgrade of its own',
  )
}

const formatVersionChange = (
  { deployedRevision }: Release,
  { version, appVersion }: Preview['chart'],
): string =>
  `${deployedRevision.chart.version} (Milvus ${getMilvusVersion(deployedRevision)}) to ${version} (Milvus ${appVersion})`

/**
 * Source: milvus-helm, charts/milvus/README.md: 2.6 only from 2.5.16 with mixCoordinator on; no way
 * back.
 */
function describeMilvusUpgrade({ deployedRevision }: Release, chart: Preview['chart']): string {
  const [before, after] = [getMilvusVersion(deployedRevision), chart.appVersion].map(
    toComparableVersion,
  )
  if (
    before === undefined ||
    after === undefined ||
    before >= toComparableVersion('2.6.0') ||
    after < toComparableVersion('2.6.0')
  )
    return ''
  return ` Milvus allows the step to 2.6 only from 2.5.16 or later with mixCoordinator on${before < toComparableVersion('2.5.16') ? ': go to chart 4.2.58 (Milvus 2.5.16) first' : ''}.`
}

const toComparableVersion = (version: string): number =>
  version
    .replace(/^v/, '')
    .split('.')
    .slice(0, 3)
    .reduce((sum, part) => sum * 1000 + (Number.parseInt(part) || 0), 0)

const isStateful = (object: string): boolean => /^(StatefulSet|PersistentVolumeClaim) /.test(object)

/**
 * The parts that values switch off (`attu: {enabled: false}`), in lower case: that their objects go
 * is what was asked for.
 */
const findDisabledParts = (values: object): string[] =>
  Object.entries(values).flatMap(([name, value]: [string, unknown]) =>
    typeof value !== 'object' || value === null
      ? []
      : [
          ...('enabled' in value && value.enabled === false ? [name.toLowerCase()] : []),
          ...findDisabledParts(value),
        ],
  )

/** More names than a person reads are counted. */
const maxListed = 12

const formatObjects = (objects: readonly string[]): string =>
  `${objects.slice(0, maxListed).join(', ')}${objects.length > maxListed ? ` and ${objects.length - maxListed} more` : ''}`

function describeDifference({ added, removed, changed }: ManifestDiff): string {
  const parts = Object.entries({ remove: removed, add: added, change: changed }).flatMap(
    ([verb, objects]) => (objects.length === 0 ? [] : [`${verb} ${formatObjects(objects)}`]),
  )
  return parts.length === 0 ? 'change no object' : parts.join('; ')
}
