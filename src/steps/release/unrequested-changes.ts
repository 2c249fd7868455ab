/** Checks that an upgrade does no more than the inputs request. Pure. */
import type { ActionError } from '../../failures/action-error.ts'
import {
  chartVersionWouldChange,
  deployedChartDiffers,
  removalChangesChart,
  serviceTypeChangesObjects,
  valuesChangeObjects,
} from '../../failures/chart.ts'
import { isSameVersion } from '../../clients/helm/chart-reference.ts'
import type { Preview } from '../../clients/helm/commands.ts'
import { isEmptyDiff, type ManifestDiff } from '../../clients/helm/manifest-diff.ts'
import { findDifferingPaths } from '../../clients/helm/release-storage.ts'
import type { Settings } from '../../inputs/types.ts'
import type { Release } from '../preflight/preflight.ts'
import type { ReleaseTarget } from './target.ts'
import { excludeObject, type UpgradeComparison } from './comparison.ts'
import {
  describeDifference,
  describeMilvusUpgrade,
  formatObjectNames,
  formatVersionChange,
} from './descriptions.ts'

/**
 * Checks that an upgrade does no more than the inputs request, unless allow-chart-change is true. A
 * removal never changes the version of the chart.
 * @param chart the chart that was rendered
 */
export function checkUnrequestedChanges(
  { release, service }: Pick<ReleaseTarget, 'service'> & { readonly release: Release },
  settings: Settings,
  chart: Preview['chart'],
  comparison: UpgradeComparison,
): ActionError | undefined {
  const { deployedRevision } = release
  const isSameChart = isSameVersion(chart.version, deployedRevision.chart.version)
  if (settings.mode === 'destroy' && !isSameChart)
    return removalChangesChart(
      deployedRevision.name,
      deployedRevision.chart.version,
      formatVersionChange(release, chart),
    )
  if (settings.allowChartChange) return undefined
  if (!isSameChart) return versionFailure(release, settings, chart, comparison.total)
  const renderedChart = `${deployedRevision.chart.name} ${chart.version}`
  if (!comparison.isDeployedChart)
    return deployedChartDiffers({
      release: deployedRevision.name,
      chart: renderedChart,
      changes: describeDifference(comparison.unrequested),
    })
  const areValuesRequested = findDifferingPaths(settings.values, deployedRevision.values).length > 0
  return areValuesRequested
    ? checkValueChanges(settings.values, comparison.requested)
    : checkTypeChanges(service.name, renderedChart, comparison.requested)
}

function versionFailure(
  release: Release,
  settings: Settings,
  chart: Preview['chart'],
  total: ManifestDiff,
): ActionError {
  const { name, chart: deployedChart } = release.deployedRevision
  return chartVersionWouldChange({
    release: name,
    deployedVersion: deployedChart.version,
    versionChange: formatVersionChange(release, chart),
    changes: describeDifference(total),
    milvusUpgrade: describeMilvusUpgrade(release, chart),
    isRequested: settings.chart.version !== undefined,
  })
}

/** Values may change and add objects, except for storage, and remove those that they disable. */
function checkValueChanges(
  values: Settings['values'],
  requested: ManifestDiff,
): ActionError | undefined {
  const disabledParts = findDisabledParts(values)
  const isDisabled = (object: string): boolean =>
    disabledParts.some((part) => object.toLowerCase().includes(part))
  const unrequested = [
    ...requested.removed.filter((object) => isStateful(object) || !isDisabled(object)),
    ...requested.added.filter(isStateful),
  ]
  if (unrequested.length === 0) return undefined
  return valuesChangeObjects(describeDifference(requested), formatObjectNames(unrequested))
}

function checkTypeChanges(
  service: string,
  chart: string,
  requested: ManifestDiff,
): ActionError | undefined {
  const unrequested = excludeObject(requested, `Service ${service}`)
  if (isEmptyDiff(unrequested)) return undefined
  return serviceTypeChangesObjects({ service, chart, changes: describeDifference(unrequested) })
}

const isStateful = (object: string): boolean => /^(StatefulSet|PersistentVolumeClaim) /.test(object)

/**
 * The parts that values disable (`attu: {enabled: false}`), in lower case: the removal of their
 * objects is requested.
 */
function findDisabledParts(values: object): string[] {
  return Object.entries(values).flatMap(([name, value]: [string, unknown]) => {
    if (typeof value !== 'object' || value === null) return []
    const nestedParts = findDisabledParts(value)
    const isDisabled = 'enabled' in value && value.enabled === false
    return isDisabled ? [name.toLowerCase(), ...nestedParts] : nestedParts
  })
}
