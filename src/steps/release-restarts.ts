/** Which pods an upgrade would restart, as far as a check can say it. */
import type { Change, Context } from '../core/step.ts'
import { restartedByFirstUpgrade, restartInWords } from '../helm/workloads.ts'
import type { Target } from './preflight.ts'

/** Says what the stored manifest tells of restarts, and what only a rendered upgrade would: a check reads, and does not run helm. */
export function remarkRestarts(context: Context, { release }: Pick<Target, 'release'>, changes: readonly Change[]): void {
  if (changes.length === 0) return
  const how = 'a check does not have helm render the chart; a deploy with dry-run: true says which pods restart.'
  const unknown = 'This check cannot tell which pods the upgrade would restart'
  if (!release) {
    context.log.note(`${unknown}: it may not read the releases of helm, and ${how}`)
    return
  }
  const { manifest, revision } = release.current
  const restarted = revision === 1 ? restartedByFirstUpgrade(manifest) : []
  if (restarted.length > 0) context.log.note(`The upgrade would restart pods: ${restarted.map(restartInWords).join('; ')}. Every first upgrade of this release does so. This check cannot tell whether it restarts more: ${how}`)
  else context.log.note(`${unknown}: ${how}`)
}
