/** The comment on a pull request: one per workflow and selection of targets, updated in place. */
import { getInput, warning } from '@actions/core'
import { commentNotUpdated } from '../../failures/fleet.ts'
import { createPlanTitle, renderPlan, type PlanScope } from './plan.ts'
import type { GitHub } from '../github/github.ts'
import type { FleetReport } from './report.ts'

/** Characters. Source: GitHub's REST API rejects longer bodies of comments. */
const maxCommentLength = 65_536

/** The run that a comment is about. */
export interface CommentSource {
  /** GITHUB_WORKFLOW. */
  readonly workflow: string
  /** GITHUB_RUN_ID: later runs have larger ones. */
  readonly runId: number
  readonly runUrl: string
}

/**
 * Writes the comment, or updates the one of an earlier push. A re-run of an older run leaves the
 * comment of a newer one as it is.
 * @param number of the pull request
 * @throws Error when GitHub rejects it
 */
export async function syncComment(
  github: GitHub,
  number: number,
  plan: { readonly report: FleetReport; readonly scope: PlanScope; readonly source: CommentSource },
): Promise<void> {
  const { report, scope, source } = plan
  const marker = `<!-- milvus-alb-plan: ${source.workflow} ${getInput('artifacts')} -->`
  const body = createCommentBody(report, scope, { ...source, marker, commit: getInput('commit') })
  try {
    const existing = await github.findOwnComment(number, marker)
    if (existing && readRunId(existing.body) > source.runId)
      warning(
        'The comment on the pull request is about a newer run, and was left as it is. ' +
          'The summary of this run contains its plan.',
      )
    else if (existing) await github.updateComment(existing.id, body)
    else await createComment(github, number, { marker, body })
  } catch (thrown) {
    throw commentNotUpdated(thrown)
  }
}

/** GitHub may have added it despite answering with an error, so search for it again. */
async function createComment(
  github: GitHub,
  number: number,
  { marker, body }: { readonly marker: string; readonly body: string },
): Promise<void> {
  try {
    await github.addComment(number, body)
  } catch {
    if ((await github.findOwnComment(number, marker)) === undefined)
      await github.addComment(number, body)
  }
}

/** The text of the comment, within GitHub's limit. Pure. */
export function createCommentBody(
  report: FleetReport,
  scope: PlanScope,
  source: CommentSource & { readonly marker: string; readonly commit: string },
): string {
  const { marker, commit, runId, runUrl } = source
  const subject = commit === '' ? '' : ` for ${commit}`
  const frame = (text: string): string =>
    [
      marker,
      `<!-- run ${runId} -->`,
      `## Milvus: ${createPlanTitle(report)}`,
      '',
      text,
      '',
      `Planned${subject} by [this run](${runUrl}), which changed nothing. ` +
        'The next push that leaves the file changed updates this comment.',
    ].join('\n')
  return frame(renderPlan(report, scope, maxCommentLength - frame('').length))
}

const readRunId = (body: string): number => Number(/<!-- run (\d+) -->/.exec(body)?.[1] ?? '0')
