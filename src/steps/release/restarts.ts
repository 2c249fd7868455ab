/** Logs which pods an upgrade restarts, as far as a deploy or a check can tell. */
import type { Context } from '../step.ts'
import {
  describeRestart,
  findRestartedByFirstUpgrade,
  findRestartedWorkloads,
  findServiceSelector,
  findWorkloads,
  toRestart,
  type Workload,
} from '../../clients/helm/workloads.ts'
import type { Release, Target } from '../preflight/preflight.ts'
import type { UpgradeComparison } from './comparison.ts'
import type { ReleaseDifference } from './differences.ts'
import { isSameWorkload } from './workloads.ts'

/** An upgrade that Helm rendered. */
interface RenderedUpgrade {
  readonly release: Release
  /** Name of the Service of Milvus' API. */
  readonly service: string
  /** YAML. Secret. */
  readonly manifest: string
  readonly comparison: UpgradeComparison
}

/**
 * Logs and outputs which pods a rendered upgrade restarts. The pods behind the Service are logged
 * also when it does not restart them.
 */
export function logRestarts(context: Context, rendered: RenderedUpgrade): void {
  const { release, service, manifest, comparison } = rendered
  const restarted = findRestartedWorkloads(release.latestRevision.manifest, manifest)
  context.setOutput('restarts', JSON.stringify(restarted.map(toRestart)))
  const unaffected = findWorkloadsBehind(service, manifest).filter(
    (workload) => !restarted.some((each) => isSameWorkload(each, workload)),
  )
  const summary = [
    ...restarted.map(describeRestart),
    ...unaffected.map(({ kind, name }) => `${kind} ${name}: none`),
  ].join('; ')
  if (restarted.length === 0) {
    context.log.info(`The upgrade restarts no pods${summary === '' ? '' : ` (${summary})`}.`)
    return
  }
  const isRestartedByAnyUpgrade = restarted.every(({ kind, name }) =>
    comparison.unrequested.changed.includes(`${kind} ${name}`),
  )
  const why = isRestartedByAnyUpgrade
    ? ' Every first upgrade of this release does so: the chart renders these objects differently ' +
      'at an upgrade than at an installation.'
    : ''
  context.log.note(`The upgrade restarts pods: ${summary}.${why}`)
}

/** The workloads whose pods the Service selects. */
function findWorkloadsBehind(service: string, manifest: string): Workload[] {
  const selector = Object.entries(findServiceSelector(manifest, service) ?? {})
  if (selector.length === 0) return []
  return findWorkloads(manifest).filter(({ podLabels }) =>
    selector.every(([label, value]) => podLabels[label] === value),
  )
}

const unknownRestarts = 'This check cannot tell which pods the upgrade would restart'
const renderingHint =
  'a check does not render the chart. A deploy with dry-run: true lists the pods that restart.'

/**
 * Logs for a check what the stored manifest tells about restarts. A check does not run Helm, and
 * only a rendered upgrade tells the rest.
 */
export function logRestartNotes(
  context: Context,
  { release }: Pick<Target, 'release'>,
  differences: readonly ReleaseDifference[],
): void {
  if (differences.length === 0) return
  if (!release) {
    context.log.note(
      `${unknownRestarts}: it is not allowed to read the releases of Helm, and ${renderingHint}`,
    )
    return
  }
  const { manifest, revision } = release.deployedRevision
  const restarted = revision === 1 ? findRestartedByFirstUpgrade(manifest) : []
  if (restarted.length === 0) {
    context.log.note(`${unknownRestarts}: ${renderingHint}`)
    return
  }
  context.log.note(
    `The upgrade would restart pods: ${restarted.map(describeRestart).join('; ')}. ` +
      'Every first upgrade of this release does so. ' +
      `This check cannot tell whether it restarts more: ${renderingHint}`,
  )
}
