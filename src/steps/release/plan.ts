/** Plans the changes of the release: what an upgrade has to change. Pure. */
import type { Change } from '../step.ts'
import { findServices, serviceTypePath } from '../../clients/helm/milvus-chart.ts'
import { findDifferingPaths } from '../../clients/helm/release-storage.ts'
import { getHelmValue } from '../../clients/helm/values.ts'
import type { ServiceType, Settings } from '../../inputs/types.ts'
import type { Release } from '../preflight/preflight.ts'
import { isFailedByAction } from '../preflight/release.ts'
import { desiredServiceType, getServiceTypePath, type ReleaseTarget } from './target.ts'

/** A change of the release. */
type ReleaseChange = Omit<Change, 'step' | 'object'>

const typeChangeReasons: Readonly<Record<ServiceType, string>> = {
  ClusterIP: 'an ALB with ip targets needs no load balancer of the Service',
  LoadBalancer: 'requested by input restore-service-type',
  NodePort: 'requested by input restore-service-type',
}

/** The changes of an upgrade. They contain the paths of values, and never the values. */
export function plan(
  target: ReleaseTarget & { readonly unreadableReleaseName?: string | undefined },
  settings: Settings,
): Change[] {
  const { release, unreadableReleaseName, service, namespace } = target
  if (settings.cutover === 'never') return []
  const name = release?.latestRevision.name ?? unreadableReleaseName
  if (name === undefined) return []
  const changes = release
    ? planUpgrade(release, service, settings)
    : planLiveType(service.type, serviceTypePath([]), desiredServiceType(settings))
  return changes.map((change) => ({
    step: 'release',
    object: `release ${namespace.name}/${name}`,
    ...change,
  }))
}

function planUpgrade(
  release: Release,
  service: ReleaseTarget['service'],
  settings: Settings,
): ReleaseChange[] {
  const { latestRevision, deployedRevision } = release
  const typePath = getServiceTypePath(release, service.name)
  const chartAndTypeChanges = [
    ...planServiceType(release, service, settings),
    ...planChartVersion(release, settings),
  ]
  const changes = [
    ...chartAndTypeChanges,
    ...findDifferingPaths(settings.values, deployedRevision.values).map(planValue),
  ]
  if (latestRevision.status === 'deployed') return changes
  // A failed revision of someone else that contains all that is requested, and more than that, is
  // not touched.
  const isAlreadyApplied =
    service.type === desiredServiceType(settings) &&
    chartAndTypeChanges.length === 0 &&
    findDifferingPaths(settings.values, latestRevision.values).length === 0
  if (isAlreadyApplied && revertedByUpgrade(release, typePath, settings).length > 0) return []
  const statusChange = {
    path: 'status',
    why: 'an earlier upgrade did not succeed',
    before: latestRevision.status,
    after: 'deployed',
  }
  return [...changes, statusChange]
}

function planServiceType(
  release: Release,
  service: ReleaseTarget['service'],
  settings: Settings,
): ReleaseChange[] {
  const typePath = getServiceTypePath(release, service.name)
  const desiredType = desiredServiceType(settings)
  return service.type === desiredType
    ? planStoredType(release, service.name, typePath, desiredType)
    : planLiveType(service.type, typePath, desiredType)
}

function planLiveType(
  liveType: string,
  typePath: readonly string[],
  desiredType: ServiceType,
): ReleaseChange[] {
  if (liveType === desiredType) return []
  const why = typeChangeReasons[desiredType]
  return [{ path: typePath.join('.'), why, before: liveType, after: desiredType }]
}

/** Of a Service that was changed outside helm: the next upgrade would revert its type. */
function planStoredType(
  { latestRevision }: Release,
  service: string,
  typePath: readonly string[],
  desiredType: ServiceType,
): ReleaseChange[] {
  if (latestRevision.status !== 'deployed') return []
  const rendered = findServices(latestRevision.manifest).find(({ name }) => name === service)
  const storedType = rendered?.type ?? getHelmValue(latestRevision.values, typePath)
  if (typeof storedType !== 'string' || storedType === desiredType) return []
  const why =
    `the Service is of type ${desiredType}, but the release is not: ` +
    `the next helm upgrade would make it ${storedType} again`
  return [{ path: typePath.join('.'), why, before: storedType, after: desiredType }]
}

function planChartVersion(release: Release, { chart }: Settings): ReleaseChange[] {
  const { latestRevision, deployedRevision } = release
  // A failed revision of this action does not count: helm starts from the deployed one.
  const baseRevision = isFailedByAction(release) ? deployedRevision : latestRevision
  const { version } = baseRevision.chart
  if (chart.version === undefined || chart.version === version) return []
  return [
    {
      path: 'chart version',
      why: 'requested by input chart-version, or by the tag in chart',
      before: version,
      after: chart.version,
    },
  ]
}

const planValue = (path: string): ReleaseChange => ({
  path: `values.${path}`,
  why: 'requested by input values',
  after: '(not shown)',
})

/**
 * What an upgrade would undo of a failed revision of someone else, because helm starts from the
 * deployed one: its chart, and those of its values that the inputs do not set.
 * @returns `chart 6.0.0`, `values.proxy.replicas`
 */
export function revertedByUpgrade(
  release: Release,
  typePath: readonly string[],
  settings: Settings,
): string[] {
  if (isFailedByAction(release)) return []
  const { latestRevision, deployedRevision } = release
  const requestedPaths = new Set([typePath.join('.'), ...findDifferingPaths(settings.values, {})])
  const reverted = findDifferingPaths(latestRevision.values, deployedRevision.values)
    .filter((path) => !requestedPaths.has(path))
    .map((path) => `values.${path}`)
  const { version } = latestRevision.chart
  const isChartReverted =
    settings.chart.version === undefined && version !== deployedRevision.chart.version
  return isChartReverted ? [`chart ${version}`, ...reverted] : reverted
}
