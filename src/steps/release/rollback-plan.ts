/**
 * Plans the rollback of a release before anything changes: an upgrade to the chart and the values
 * of the deployed revision. It is not `helm rollback`: docs/decisions/cutover-and-rollback.md.
 */
import { toActionError } from '../../failures/thrown.ts'
import type { IrreversibleChange } from '../step.ts'
import { isSameVersion, parseChartReference } from '../../clients/helm/chart-reference.ts'
import { historyMaxToRetain } from '../../clients/helm/commands.ts'
import type { HelmClient, UpgradeRequest } from '../../clients/helm/client.ts'
import { serializeValues } from '../../clients/helm/values.ts'
import type { Settings } from '../../inputs/types.ts'
import type { Release } from '../preflight/preflight.ts'

/** A rollback that Helm rendered, or why there can be none. */
export type RollbackPlan =
  { readonly chart: string; readonly manifest: string } | { readonly unavailableReason: string }

/**
 * Fetches the chart of the deployed revision, and renders the rollback with it. Helm stores the
 * chart of a revision without its dependencies. Source: Helm, pkg/chart/chart.go, Chart.
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
    const chart = isSameVersion(upgradeChart.version, version)
      ? upgradeChart.path
      : await helm.fetchChart({ ...settings.chart, name: stripTag(settings.chart.name), version })
    const request = rollbackRequest(settings, release, chart, false)
    const preview = await helm.previewUpgrade(request)
    if (isSameVersion(preview.chart.version, version)) return { chart, manifest: preview.manifest }
    const fetched = `chart ${settings.chart.name} is of version ${preview.chart.version}`
    return { unavailableReason: `${fetched}, not ${version}` }
  } catch (thrown) {
    const failure = toActionError(thrown)
    if (failure.code === 'cancelled') throw failure
    return { unavailableReason: failure.message }
  }
}

/** The tag or digest in chart is that of the upgrade. */
function stripTag(name: string): string {
  const reference = parseChartReference(name)
  return reference.kind === 'registry' ? reference.repository : name
}

/** Why a release could not be rolled back, if it could not. */
export function findMissingRollback(
  namespace: string,
  release: Release | undefined,
  rollbackPlan: RollbackPlan | undefined,
): IrreversibleChange | undefined {
  if (!release || rollbackPlan === undefined || !('unavailableReason' in rollbackPlan))
    return undefined
  const { deployedRevision, latestRevision } = release
  const { chart, revision } = deployedRevision
  return {
    object: `release ${namespace}/${latestRevision.name}`,
    // Without the reason: Helm may quote values in it, and only the log is redacted completely.
    why: `chart ${chart.version} of revision ${revision} is not available`,
    note:
      `If this run fails after Helm has started, release ${latestRevision.name} cannot be rolled ` +
      `back, and stays as Helm leaves it. Chart ${chart.version} of revision ${revision} is not ` +
      `available (${rollbackPlan.unavailableReason}).`,
  }
}

/**
 * The upgrade that rolls a release back.
 * @param chart path of the chart of the deployed revision
 */
export function rollbackRequest(
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
    // The values of the revision contain the type.
    serviceType: undefined,
    values: serializeValues(deployedRevision.values),
    resetValues: true,
    timeout: settings.timeouts.release,
    forceConflicts: settings.ingress.forceConflicts && latestRevision.serverSide,
    historyMax: historyMaxToRetain(storedRevisionCount),
  }
}
