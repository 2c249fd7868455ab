/** Which pods an upgrade would restart, as far as a check can say it. */
import type { Change, Context } from '../step.ts'
import { findRestartedByFirstUpgrade, describeRestart } from '../../clients/helm/workloads.ts'
import type { Target } from '../preflight/preflight.ts'

/**
 * Says what the stored manifest tells of restarts, and what only a rendered upgrade would: a check
 * reads, and does not run helm.
 */
export function logRestartNotes(
  context: Context,
  { release }: Pick<Target, 'release'>,
  changes: readonly Change[],
): void {
  if (changes.length === 0) return
  const hint =
    'a check does not have helm render the chart; a deploy with dry-run: true says which pods restart.'
  const unknown = 'This check cannot tell which pods the upgrade would restart'
  if (!release) {
    context.log.note(`${unknown}: it may not read the releases of helm, and ${hint}`)
    return
  }
  const { manifest, revision } = release.deployedRevision
  const restarted = revision === 1 ? findRestartedByFirstUpgrade(manifest) : []
  if (restarted.length > 0)
    context.log.note(
      `The upgrade would restart pods: ${restarted.map(describeRestart).join('; ')}. Every first upgrade of this release does so. This check cannot tell whether it restarts more: ${hint}`,
    )
  else context.log.note(`${unknown}: ${hint}`)
}
