/**
 * The last job of .github/workflows/nightly.yml keeps one issue open while the nightly tests fail,
 * and closes it when they pass. NEEDS is the context `needs` of that job as JSON; the other
 * variables are in the environment of every job.
 */
import { GitHub } from '../src/fleet/github/github.ts'

/** The context `needs`: the jobs on which this one depends. Source: GitHub, Contexts reference. */
export type Needs = Readonly<
  Record<string, { readonly result: 'success' | 'failure' | 'cancelled' | 'skipped' }>
>

const label = 'nightly'
const marker = '<!-- milvus-alb-action nightly -->'

/** The text of the issue, or undefined if every job passed. Pure. */
export function formatReport(needs: Needs, runUrl: string): string | undefined {
  const failedJobs = Object.entries(needs).filter(([, { result }]) => result !== 'success')
  if (failedJobs.length === 0) return undefined
  return [
    marker,
    `The [nightly tests](${runUrl}) failed:`,
    '',
    ...failedJobs.map(([job, { result }]) => `- \`${job}\`: ${result}`),
    '',
    'The next nightly run in which every job passes closes this issue.',
  ].join('\n')
}

/** Opens the issue, comments on the open one, or closes it. */
export async function syncIssue(github: GitHub, needs: Needs, runUrl: string): Promise<void> {
  const report = formatReport(needs, runUrl)
  const openIssue = await github.findIssue(label, marker)
  if (report === undefined) {
    if (openIssue === undefined) return
    await github.closeIssue(openIssue, `All [nightly tests](${runUrl}) pass again.`)
  } else if (openIssue === undefined)
    await github.createIssue({
      title: 'The nightly tests are failing',
      body: report,
      labels: [label],
    })
  else await github.addComment(openIssue, report.replace(`${marker}\n`, ''))
}

/**
 * An environment variable that every GitHub job has.
 * @throws Error if it is not set
 */
function requireVariable(name: string): string {
  const value = process.env[name] ?? ''
  if (value === '')
    throw new Error(
      `Variable ${name} is not set. Run this script only from .github/workflows/nightly.yml.`,
    )
  return value
}

if (import.meta.main) {
  const repository = requireVariable('GITHUB_REPOSITORY')
  const repositoryUrl = `${requireVariable('GITHUB_SERVER_URL')}/${repository}`
  const runUrl = `${repositoryUrl}/actions/runs/${requireVariable('GITHUB_RUN_ID')}`
  const github = new GitHub({
    apiUrl: requireVariable('GITHUB_API_URL'),
    repository,
    token: requireVariable('GITHUB_TOKEN'),
  })
  await syncIssue(github, JSON.parse(requireVariable('NEEDS')) as Needs, runUrl)
}
