/** How a release differs from the inputs: what an upgrade has to change. Pure. */
import { findFieldManagers } from '../../clients/kubernetes/field-ownership.ts'
import { isSameVersion } from '../../clients/helm/chart-reference.ts'
import { findServices, serviceTypePath } from '../../clients/helm/milvus-chart.ts'
import { findDifferingPaths } from '../../clients/helm/release-storage.ts'
import { getHelmValue } from '../../clients/helm/values.ts'
import type { ServiceType, Settings } from '../../inputs/types.ts'
import type { Release } from '../preflight/preflight.ts'
import { isFailedByAction } from '../preflight/release.ts'
import { fieldManager } from '../ingress/manifest.ts'
import type { Run } from '../run.ts'
import { helmManager } from './object-dry-run.ts'
import { desiredServiceType, getServiceTypePath, type ReleaseTarget } from './target.ts'

/** One difference. Those of values contain their paths, and never the values. */
export type ReleaseDifference =
  /** The type of the Service of Milvus' API. */
  | {
      readonly field: 'service-type'
      /** Path of the value that sets the type. */
      readonly path: readonly string[]
      readonly before: string
      readonly after: ServiceType
      /** Whether the Service has the type, but the release does not. */
      readonly isOnlyStored: boolean
    }
  | { readonly field: 'chart-version'; readonly before: string; readonly after: string }
  /** A value that input values sets. `path` is joined with dots. */
  | { readonly field: 'value'; readonly path: string }
  /** An earlier upgrade that did not succeed. */
  | { readonly field: 'status'; readonly before: string }

/** What is compared. */
export type ComparedRelease = ReleaseTarget & {
  /** Name of a release that the identity may not read. */
  readonly unreadableReleaseName?: string | undefined
}

export function findDifferences(
  { settings }: Pick<Run, 'settings'>,
  { release, unreadableReleaseName, service }: ComparedRelease,
): ReleaseDifference[] {
  if (settings.cutover === 'never') return []
  if (release) return compareRelease(release, service, settings)
  if (unreadableReleaseName === undefined) return []
  return compareLiveType(service.type, serviceTypePath([]), desiredServiceType(settings))
}

function compareRelease(
  release: Release,
  service: ReleaseTarget['service'],
  settings: Settings,
): ReleaseDifference[] {
  const { latestRevision, deployedRevision } = release
  const typePath = getServiceTypePath(release, service.name)
  const chartAndType = [
    ...compareServiceType(release, service, settings),
    ...compareChartVersion(release, settings),
  ]
  const differences = [
    ...chartAndType,
    ...findDifferingPaths(settings.values, deployedRevision.values).map(toValueDifference),
  ]
  if (latestRevision.status === 'deployed') return differences
  // A failed revision of someone else that contains all that is requested, and more than that, is
  // not touched.
  const isAlreadyApplied =
    service.type === desiredServiceType(settings) &&
    chartAndType.length === 0 &&
    findDifferingPaths(settings.values, latestRevision.values).length === 0
  if (isAlreadyApplied && revertedByUpgrade(release, typePath, settings).length > 0) return []
  return [...differences, { field: 'status', before: latestRevision.status }]
}

const toValueDifference = (path: string): ReleaseDifference => ({ field: 'value', path })

function compareServiceType(
  release: Release,
  service: ReleaseTarget['service'],
  settings: Settings,
): ReleaseDifference[] {
  const typePath = getServiceTypePath(release, service.name)
  const desiredType = desiredServiceType(settings)
  return service.type === desiredType
    ? compareStoredType(release, service.name, typePath, desiredType)
    : compareLiveType(service.type, typePath, desiredType)
}

function compareLiveType(
  liveType: string,
  path: readonly string[],
  desiredType: ServiceType,
): ReleaseDifference[] {
  if (liveType === desiredType) return []
  return [
    { field: 'service-type', path, before: liveType, after: desiredType, isOnlyStored: false },
  ]
}

/** Of a Service that was changed outside Helm: the next upgrade would revert its type. */
function compareStoredType(
  { latestRevision }: Release,
  service: string,
  path: readonly string[],
  desiredType: ServiceType,
): ReleaseDifference[] {
  if (latestRevision.status !== 'deployed') return []
  const rendered = findServices(latestRevision.manifest).find(({ name }) => name === service)
  const storedType = rendered?.type ?? getHelmValue(latestRevision.values, path)
  if (typeof storedType !== 'string' || storedType === desiredType) return []
  return [
    { field: 'service-type', path, before: storedType, after: desiredType, isOnlyStored: true },
  ]
}

function compareChartVersion(release: Release, { chart }: Settings): ReleaseDifference[] {
  const { latestRevision, deployedRevision } = release
  // A failed revision of this action does not count: Helm starts from the deployed one.
  const baseRevision = isFailedByAction(release) ? deployedRevision : latestRevision
  const { version } = baseRevision.chart
  if (chart.version === undefined || isSameVersion(chart.version, version)) return []
  return [{ field: 'chart-version', before: version, after: chart.version }]
}

/**
 * What an upgrade would undo of a failed revision of someone else, because Helm starts from the
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
    settings.chart.version === undefined && !isSameVersion(version, deployedRevision.chart.version)
  return isChartReverted ? [`chart ${version}`, ...reverted] : reverted
}

/**
 * Whether Helm 4 would stop at the type of the Service, because someone else set it. Where else an
 * upgrade would stop shows only once the chart is rendered, which a check does not do.
 */
export function requiresForce(
  { settings }: Pick<Run, 'settings'>,
  { release, service }: ComparedRelease,
  differences: readonly ReleaseDifference[],
): boolean {
  if (settings.ingress.forceConflicts || release?.latestRevision.serverSide !== true) return false
  const changesType = differences.some(
    (difference) => difference.field === 'service-type' && !difference.isOnlyStored,
  )
  if (!changesType || !service.live) return false
  const ownManagers: (string | undefined)[] = [helmManager, fieldManager]
  return findFieldManagers(service.live, ['f:spec', 'f:type']).some(
    ({ manager }) => !ownManagers.includes(manager),
  )
}
