/**
 * What the last job of .github/workflows/nightly.yml runs: one issue is open while the nightly
 * tests fail, and closed when they pass. NEEDS is the context `needs` of that job, as JSON; the
 * rest is the environment of every job.
 */
import { GitHub } from '../src/fleet/report/github.ts'

/** The context `needs`: the jobs that this one waited for. Source: GitHub, Contexts reference. */
export type Needs = Readonly<
  Record<string, { readonly result: 'success' | 'failure' | 'cancelled' | 'skipped' }>
>

const label = 'nightly'
const marker = '<!-- milvus-alb-action nightly -->'

/** What to say of a night: undefined when every job passed. Pure. */
export function formatReport(needs: Needs, runUrl: string): string | undefined {
  const failedJobs = Object.entries(needs).filter(([, { result }]) => result !== 'success')
  if (failedJobs.length === 0) return undefined
  return [
    marker,
    `The [nightly tests](${runUrl}) did not pass:`,
    '',
    ...failedJobs.map(([job, { result }]) => `- \`${job}\`: ${result}`),
    '',
    'This issue is closed by the next night in which all of them pass.',
  ].join('\n')
}

/** Opens the issue, adds a comment to the open one, or closes it. */
export async function syncIssue(github: GitHub, needs: Needs, runUrl: string): Promise<void> {
  const report = formatReport(needs, runUrl)
  const openIssue = await github.findIssue(label, marker)
  if (report === undefined) {
    if (openIssue === undefined) return
    await github.addComment(openIssue, `All [nightly tests](${runUrl}) pass again.`)
    await github.updateIssue(openIssue, { state: 'closed', state_reason: 'completed' })
  } else if (openIssue === undefined)
    await github.createIssue({ title: 'The nightly tests fail', body: report, labels: [label] })
  else await github.addComment(openIssue, report.replace(`${marker}\n`, ''))
}

/**
 * A variable that every job on GitHub has.
 * @throws Error when it is missing
 */
function requireVariable(name: string): string {
  const value = process.env[name] ?? ''
  if (value === '')
    throw new Error(
      `The variable ${name} is empty. This script runs in .github/workflows/nightly.yml only.`,
    )
  return value
}

if (import.meta.main) {
  const repository = requireVariable('GITHUB_REPOSITORY')
  const runUrl = `${requireVariable('GITHUB_SERVER_URL')}/${repository}/actions/runs/${requireVariable('GITHUB_RUN_ID')}`
  const github = new GitHub({
    apiUrl: requireVariable('GITHUB_API_URL'),
    repository,
    token: requireVariable('GITHUB_TOKEN'),
  })
  await syncIssue(github, JSON.parse(requireVariable('NEEDS')) as Needs, runUrl)
}
