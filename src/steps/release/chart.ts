/**
 * The chart of an upgrade: whether it is the requested one, and whether it sets the type of the
 * Service.
 */
import type { ActionError } from '../../failures/action-error.ts'
import { chartVersionDiffers, serviceTypeNotRendered } from '../../failures/chart.ts'
import { isSameVersion, parseChartReference } from '../../clients/helm/chart-reference.ts'
import type { Preview } from '../../clients/helm/commands.ts'
import { getMilvusVersion, serviceTypePath, findServices } from '../../clients/helm/milvus-chart.ts'
import type { HelmClient, UpgradeRequest } from '../../clients/helm/client.ts'
import type { Settings } from '../../inputs/types.ts'
import type { Release } from '../preflight/preflight.ts'
import { requireChart } from './check.ts'

/**
 * Fetches the chart of the release, in the version of the inputs or in the deployed one.
 * @returns its path on this machine
 * @throws ActionError `chart-not-found`, `chart-repository-unreachable`, `release-chart-differs`,
 *   `cancelled`
 */
export async function fetchRequestedChart(
  settings: Settings,
  helm: HelmClient,
  release: Release,
): Promise<string> {
  const { name, version } = settings.chart
  const path = await helm.fetchChart({
    ...settings.chart,
    version: version ?? release.deployedRevision.chart.version,
  })
  // The index of a repository guarantees the name and the version.
  if (parseChartReference(name).kind === 'repository') return path
  const chart = await helm.readChartMetadata(path)
  if (!settings.allowChartChange) requireChart(release, chart.name)
  if (version !== undefined && !isSameVersion(version, chart.version))
    throw chartVersionDiffers(chart.name, chart.version, version)
  return path
}

/** The preview with the version of Milvus, which is not the appVersion of an umbrella chart. */
export function withMilvusVersion({ deployedRevision }: Release, preview: Preview): Preview {
  const appVersion = getMilvusVersion({
    name: deployedRevision.name,
    chart: { ...preview.chart, name: deployedRevision.chart.name },
    manifest: preview.manifest,
  })
  return { ...preview, chart: { ...preview.chart, appVersion } }
}

/**
 * Checks that a rendered upgrade sets the type of the Service: a value that the templates do not
 * read has no effect. Pure.
 * @param manifest of the rendered upgrade
 */
export function checkRenderedServiceType(
  { mode }: Settings,
  service: string,
  { release, serviceType = '', valuesPath = [] }: UpgradeRequest,
  manifest: string,
): ActionError | undefined {
  const rendered = findServices(manifest).find(({ name }) => name === service)
  if (rendered?.type === serviceType) return undefined
  return serviceTypeNotRendered({
    release,
    service,
    typePath: serviceTypePath(valuesPath).join('.'),
    desiredType: serviceType,
    renderedType: rendered?.type,
    isRestoration: mode === 'destroy',
  })
}
