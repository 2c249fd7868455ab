/** Checks whether Helm may upgrade the release with these inputs. Pure. */
import {
  failedRevisionWouldBeReverted,
  releaseChartDiffers,
  releaseManagedElsewhere,
  valuesSetServiceType,
} from '../../failures/release.ts'
import { parseChartReference } from '../../clients/helm/chart-reference.ts'
import { serviceTypePath } from '../../clients/helm/milvus-chart.ts'
import { getHelmValue } from '../../clients/helm/values.ts'
import type { Settings } from '../../inputs/types.ts'
import type { Release } from '../preflight/preflight.ts'
import { formatManualRollback } from './manual-rollback.ts'
import { revertedByUpgrade, type ComparedRelease } from './differences.ts'
import { desiredServiceType, getServiceTypePath, type ReleaseTarget } from './target.ts'

/**
 * Checks whether Helm may make the planned changes. Of a release that the identity may not read,
 * only its Service is checked.
 * @throws ActionError `input-invalid`, `release-failed`, `release-managed-elsewhere`,
 *   `release-chart-differs`
 */
export function checkUpgrade(target: ComparedRelease, settings: Settings): void {
  const { release, unreadableReleaseName, service } = target
  if (unreadableReleaseName !== undefined)
    rejectManagingTool(target, unreadableReleaseName, serviceTypePath([]), settings)
  if (!release) return
  const typePath = getServiceTypePath(release, service.name)
  rejectOtherServiceType(settings, typePath)
  rejectManagingTool(target, release.latestRevision.name, typePath, settings)
  rejectReverts(release, typePath, settings)
  const reference = parseChartReference(settings.chart.name)
  // A path or an archive may have any name: its metadata is checked when it is fetched.
  if (reference.kind === 'repository' || reference.kind === 'registry')
    requireChart(release, reference.chart)
}

/** With --set, the desired type overrides values, so that every run would find a difference. */
function rejectOtherServiceType(settings: Settings, typePath: readonly string[]): void {
  const requestedType = getHelmValue(settings.values, typePath)
  const desiredType = desiredServiceType(settings)
  if (requestedType !== undefined && requestedType !== desiredType)
    throw valuesSetServiceType(typePath.join('.'), desiredType)
}

function rejectManagingTool(
  { service, manager }: ReleaseTarget,
  release: string,
  typePath: readonly string[],
  settings: Settings,
): void {
  if (!manager) return
  const setting = manager.serviceTypeSetting(typePath.join('.'))
  throw releaseManagedElsewhere({
    release,
    service: service.name,
    manager: `${manager.tool} (${manager.owner})`,
    setting: `${setting}: ${desiredServiceType(settings)}`,
    isRestoration: settings.mode === 'destroy',
  })
}

function rejectReverts(release: Release, typePath: readonly string[], settings: Settings): void {
  const { latestRevision, deployedRevision } = release
  const reverted = revertedByUpgrade(release, typePath, settings)
  if (reverted.length === 0) return
  throw failedRevisionWouldBeReverted({
    release: latestRevision.name,
    revision: latestRevision.revision,
    status: latestRevision.status,
    deployedRevision: deployedRevision.revision,
    reverted,
    rollbackCommand: formatManualRollback(settings, release),
  })
}

/** @throws ActionError `release-chart-differs` */
export function requireChart({ latestRevision, deployedRevision }: Release, chart: string): void {
  const deployedChart = deployedRevision.chart.name
  if (deployedChart === chart) return
  throw releaseChartDiffers({
    release: latestRevision.name,
    deployedChart,
    requestedChart: chart,
  })
}
