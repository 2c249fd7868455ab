/**
 * Before and after the chart is rendered: whether it is the one that was asked for, and whether it
 * sets the type of the Service.
 */
import { ActionError } from '../../failures/action-error.ts'
import { parseChartReference } from '../../clients/helm/chart-reference.ts'
import type { Preview } from '../../clients/helm/commands.ts'
import { getMilvusVersion, serviceTypePath, findServices } from '../../clients/helm/milvus-chart.ts'
import type { HelmClient, UpgradeRequest } from '../../clients/helm/client.ts'
import type { Settings } from '../../inputs/types.ts'
import type { Release } from '../preflight/preflight.ts'
import { requireChart } from './release.ts'

/**
 * Fetches the chart of the release, in the version that the inputs ask for or that is deployed.
 * @returns its path
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
  // The index of a repository has led to this name and version.
  if (parseChartReference(name).kind === 'repository') return path
  const chart = await helm.readChartMetadata(path)
  if (!settings.allowChartChange) requireChart(release, chart.name)
  if (version === undefined || stripVersionPrefix(version) === stripVersionPrefix(chart.version))
    return path
  throw new ActionError({
    code: 'chart-not-found',
    problem: `Input chart leads to version ${chart.version} of chart ${chart.name}, and version ${version} is asked for.`,
    remedy: 'Take chart-version out, or set chart to where that version is.',
  })
}

const stripVersionPrefix = (version: string): string => version.replace(/^v/, '')

/** What was rendered, with the version of Milvus where the release's chart is another one. */
export function withMilvusVersion({ deployedRevision }: Release, preview: Preview): Preview {
  const chart = { ...preview.chart, name: deployedRevision.chart.name }
  return {
    ...preview,
    chart: {
      ...preview.chart,
      appVersion: getMilvusVersion({
        name: deployedRevision.name,
        chart,
        manifest: preview.manifest,
      }),
    },
  }
}

/**
 * Why the upgrade would not give the Service the type that it should have: a value that the
 * templates do not read changes nothing. Pure.
 * @param manifest of the rendered upgrade
 * @returns undefined when it does
 */
export function checkRenderedServiceType(
  { mode }: Settings,
  service: string,
  {
    release,
    serviceType = '',
    valuesPath = [],
  }: Pick<UpgradeRequest, 'release' | 'serviceType' | 'valuesPath'>,
  manifest: string,
): ActionError | undefined {
  const rendered = findServices(manifest).find(({ name }) => name === service)
  if (rendered?.type === serviceType) return undefined
  const path = serviceTypePath(valuesPath).join('.')
  const alternative =
    mode === 'destroy'
      ? 'Take restore-service-type out, and set the type where the chart takes it from'
      : `Set with values where the chart takes the type from; or give service: ${service} in place of release, and set its type to ${serviceType} where it is managed`
  return new ActionError({
    code: 'service-type-not-set',
    problem: `With ${path}: ${serviceType} the chart of release ${release} ${rendered ? `still makes Service ${service} of type ${rendered.type}` : `makes no Service ${service}`}.`,
    remedy: `${alternative} ("helm show values" lists the values of the chart).`,
  })
}
