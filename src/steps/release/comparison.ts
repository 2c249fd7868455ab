/** Compares an upgrade with the deployed release, and with an upgrade that requests nothing. */
import { isSameVersion } from '../../clients/helm/chart-reference.ts'
import type { Preview } from '../../clients/helm/commands.ts'
import { diffManifests, isEmptyDiff, type ManifestDiff } from '../../clients/helm/manifest-diff.ts'
import type { HelmClient } from '../../clients/helm/client.ts'
import { serializeValues } from '../../clients/helm/values.ts'
import type { Settings } from '../../inputs/types.ts'
import type { Release } from '../preflight/preflight.ts'
import { upgradeRequest } from './upgrade.ts'

/** What an upgrade would do, by what causes it. */
export interface UpgradeComparison {
  /** All of it: from the deployed manifest to the requested upgrade. */
  readonly total: ManifestDiff
  /** Caused by the request: from an upgrade that requests nothing to the requested one. */
  readonly requested: ManifestDiff
  /** Caused by any upgrade: from the deployed manifest to an upgrade that requests nothing. */
  readonly unrequested: ManifestDiff
  /**
   * Whether a chart of the deployed version renders the deployed manifest, as an installation or as
   * an upgrade. True for another version.
   */
  readonly isDeployedChart: boolean
}

/** Compares upgrades; an upgrade that requests nothing is rendered only where it tells more. */
export async function compareUpgrades(
  settings: Settings,
  helm: HelmClient,
  { release, service }: { readonly release: Release; readonly service: string },
  { chart, preview }: { readonly chart: string; readonly preview: Preview },
): Promise<UpgradeComparison> {
  const { manifest: deployed, chart: deployedChart } = release.deployedRevision
  const total = diffManifests(deployed, preview.manifest)
  const isOtherVersion = !isSameVersion(preview.chart.version, deployedChart.version)
  if (isOtherVersion || isEmptyDiff(excludeObject(total, `Service ${service}`)))
    return { total, requested: total, unrequested: emptyDiff, isDeployedChart: true }
  const unchangedPreview = await helm.previewUpgrade({
    ...upgradeRequest(release, settings, { chart, wait: false, valuesPath: [] }),
    serviceType: undefined,
    values: undefined,
  })
  const unrequested = diffManifests(deployed, unchangedPreview.manifest)
  return {
    total,
    requested: diffManifests(unchangedPreview.manifest, preview.manifest),
    unrequested,
    isDeployedChart:
      isEmptyDiff(unrequested) || (await isFreshInstall(settings, helm, release, chart)),
  }
}

/** Whether an installation of this chart renders the deployed manifest. */
export async function isFreshInstall(
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

const emptyDiff: ManifestDiff = { added: [], removed: [], changed: [] }

/** A difference without a change of this object. */
export const excludeObject = (difference: ManifestDiff, object: string): ManifestDiff => ({
  ...difference,
  changed: difference.changed.filter((each) => each !== object),
})
