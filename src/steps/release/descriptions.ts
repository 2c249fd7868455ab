/** Phrases for what an upgrade changes. Objects appear by their names, never by their contents. */
import type { Preview } from '../../clients/helm/commands.ts'
import type { ManifestDiff } from '../../clients/helm/manifest-diff.ts'
import { getMilvusVersion } from '../../clients/helm/milvus-chart.ts'
import type { Release } from '../preflight/preflight.ts'

/** How many objects a message lists. */
const maxListed = 12

/** `Service milvus-demo, StatefulSet milvus-demo-etcd and 3 more` */
export function formatObjectNames(objects: readonly string[]): string {
  const listed = objects.slice(0, maxListed).join(', ')
  const remaining = objects.length - maxListed
  return remaining > 0 ? `${listed} and ${remaining} more` : listed
}

/** `remove Job x; add ConfigMap y`, to continue "Helm would" */
export function describeDifference({ added, removed, changed }: ManifestDiff): string {
  const parts = Object.entries({ remove: removed, add: added, change: changed })
    .filter(([, objects]) => objects.length > 0)
    .map(([verb, objects]) => `${verb} ${formatObjectNames(objects)}`)
  return parts.length === 0 ? 'change no object' : parts.join('; ')
}

/** `4.2.30 (Milvus 2.5.4) to 4.2.58 (Milvus 2.5.16)` */
export function formatVersionChange(
  { deployedRevision }: Release,
  { version, appVersion }: Preview['chart'],
): string {
  const deployedVersion = deployedRevision.chart.version
  const milvusVersion = getMilvusVersion(deployedRevision)
  return `${deployedVersion} (Milvus ${milvusVersion}) to ${version} (Milvus ${appVersion})`
}

/**
 * An upgrade to Milvus 2.6, which cannot be undone. Source: milvus-helm, charts/milvus/README.md.
 * @returns `2.5.16 to 2.6.15`; undefined for other upgrades
 */
export function findOneWayUpgrade(
  { deployedRevision }: Release,
  { appVersion }: Preview['chart'],
): string | undefined {
  const milvusVersion = getMilvusVersion(deployedRevision)
  const isBefore26 = (version: string): boolean =>
    toComparableVersion(version) < toComparableVersion('2.6.0')
  if (!isBefore26(milvusVersion) || isBefore26(appVersion)) return undefined
  return `${milvusVersion} to ${appVersion}`
}

/**
 * What an upgrade to Milvus 2.6 requires: 2.5.16 with mixCoordinator.
 * Source: milvus-helm, charts/milvus/README.md.
 * @returns a sentence with a space before it; empty for other upgrades
 */
export function describeMilvusUpgrade(release: Release, chart: Preview['chart']): string {
  if (findOneWayUpgrade(release, chart) === undefined) return ''
  const before = toComparableVersion(getMilvusVersion(release.deployedRevision))
  const detour =
    before < toComparableVersion('2.5.16') ? ': upgrade to chart 4.2.58 (Milvus 2.5.16) first' : ''
  return ` Milvus allows upgrades to 2.6 only from 2.5.16 or later with mixCoordinator on${detour}.`
}

/** A number that is larger for a later version. */
const toComparableVersion = (version: string): number =>
  version
    .replace(/^v/, '')
    .split('.')
    .slice(0, 3)
    .reduce((sum, part) => sum * 1000 + (Number.parseInt(part) || 0), 0)
