/**
 * Plans the rollback of a release before anything changes: an upgrade to the chart and the values
 * of the deployed revision. It is not `helm rollback`: docs/decisions/cutover-and-rollback.md.
 */
import { toActionError } from '../../failures/thrown.ts'
import type { IrreversibleChange } from '../step.ts'
import { isSameVersion, stripTag } from '../../clients/helm/chart-reference.ts'
import { historyMaxToRetain } from '../../clients/helm/commands.ts'
import type { HelmClient, UpgradeRequest } from '../../clients/helm/client.ts'
import { serializeValues } from '../../clients/helm/values.ts'
import { diffManifests, isEmptyDiff } from '../../clients/helm/manifest-diff.ts'
import type { Settings } from '../../inputs/types.ts'
import type { Release } from '../preflight/preflight.ts'
import { isFreshInstall } from './comparison.ts'
import { describeDifference } from './descriptions.ts'

/** A rollback that Helm rendered. */
export interface AvailableRollback {
  /** Path of the chart. */
  readonly chart: string
  readonly manifest: string
  /**
   * What it would change of the deployed revision, to continue "Helm would". Undefined when its
   * chart renders that revision.
   */
  readonly deviation: string | undefined
}

/** A rollback, or why there can be none. */
export type RollbackPlan = AvailableRollback | { readonly unavailableReason: string }

/**
 * Fetches the chart of the deployed revision, and renders the rollback with it. Helm stores the
 * chart of a revision without its dependencies. Source: Helm, pkg/chart/chart.go, Chart. A chart of
 * that version may be another one: republished, from another source, or rendered differently. It
 * still restores the values, and with them the type of the Service.
 * @param upgradeChart the chart of the upgrade; if it is of the deployed version, whether it is the
 *   deployed one
 * @throws ActionError `cancelled`
 */
export async function prepareRollback(
  settings: Settings,
  helm: HelmClient,
  release: Release,
  upgradeChart: {
    readonly path: string
    readonly version: string
    readonly isDeployedChart: boolean
  },
): Promise<RollbackPlan> {
  const { manifest: deployedManifest, chart: deployedChart } = release.deployedRevision
  const { version } = deployedChart
  try {
    const isUpgradeChart = isSameVersion(upgradeChart.version, version)
    // A tag or digest in chart is that of the upgrade.
    const chart = isUpgradeChart
      ? upgradeChart.path
      : await helm.fetchChart({ ...settings.chart, name: stripTag(settings.chart.name), version })
    const request = rollbackRequest(settings, release, chart, false)
    const { chart: metadata, manifest } = await helm.previewUpgrade(request)
    if (!isSameVersion(metadata.version, version)) {
      const fetched = `chart ${settings.chart.name} is of version ${metadata.version}`
      return { unavailableReason: `${fetched}, not ${version}` }
    }
    const difference = diffManifests(deployedManifest, manifest)
    const isDeployedChart =
      isEmptyDiff(difference) ||
      (isUpgradeChart
        ? upgradeChart.isDeployedChart
        : await isFreshInstall(settings, helm, release, chart))
    const deviation = isDeployedChart ? undefined : describeDifference(difference)
    return { chart, manifest, deviation }
  } catch (thrown) {
    const failure = toActionError(thrown)
    if (failure.code === 'cancelled') throw failure
    return { unavailableReason: failure.message }
  }
}

/** What a rollback of a release could not restore, if anything. */
export function findInexactRollback(
  namespace: string,
  release: Release | undefined,
  rollbackPlan: RollbackPlan | undefined,
): IrreversibleChange | undefined {
  if (!release || rollbackPlan === undefined) return undefined
  const { name } = release.latestRevision
  const { chart, revision } = release.deployedRevision
  const object = `release ${namespace}/${name}`
  const start = `If this run fails after Helm has started, release ${name}`
  if ('unavailableReason' in rollbackPlan)
    return {
      object,
      // Without the reason: Helm may quote values in it, and only the log is redacted completely.
      why: `chart ${chart.version} of revision ${revision} is not available`,
      note:
        `${start} cannot be rolled back, and stays as Helm leaves it. Chart ${chart.version} of ` +
        `revision ${revision} is not available (${rollbackPlan.unavailableReason}).`,
    }
  if (rollbackPlan.deviation === undefined) return undefined
  return {
    object,
    why: `chart ${chart.version} renders other objects than revision ${revision} has`,
    note:
      `${start} is rolled back to the values of revision ${revision}, but not to all of its ` +
      `objects: chart ${chart.version} renders others now, so that Helm would ` +
      `${rollbackPlan.deviation}.`,
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
