/**
 * What the last job of .github/workflows/nightly.yml runs: one issue is open while the nightly tests fail, and closed when they
 * pass. NEEDS is the context `needs` of that job, as JSON; the rest is the environment of every job.
 */
import { GitHub } from '../src/fleet/github.ts'

/** The context `needs`: the jobs that this one waited for. Source: GitHub, Contexts reference. */
export type Needs = Readonly<Record<string, { readonly result: 'success' | 'failure' | 'cancelled' | 'skipped' }>>

const label = 'nightly'
const marker = '<!-- milvus-alb-action nightly -->'

/** What to say of a night: undefined when every job passed. Pure. */
export function reportOf(needs: Needs, runUrl: string): string | undefined {
  const bad = Object.entries(needs).filter(([, { result }]) => result !== 'success')
  if (bad.length === 0) return undefined
  return [marker, `The [nightly tests](${runUrl}) did not pass:`, '', ...bad.map(([job, { result }]) => `- \`${job}\`: ${result}`), '', 'This issue is closed by the next night in which all of them pass.'].join('\n')
}

/** Opens the issue, adds a comment to the open one, or closes it. */
export async function keepIssue(github: GitHub, needs: Needs, runUrl: string): Promise<void> {
  const report = reportOf(needs, runUrl)
  const open = await github.findIssue(label, marker)
  if (report === undefined) {
    if (open === undefined) return
    await github.comment(open, `All [nightly tests](${runUrl}) pass again.`)
    await github.updateIssue(open, { state: 'closed', state_reason: 'completed' })
  } else if (open === undefined) await github.createIssue({ title: 'The nightly tests fail', body: report, labels: [label] })
  else await github.comment(open, report.replace(`${marker}\n`, ''))
}

/** A variable that every job on GitHub has. @throws Error when it is missing */
function required(name: string): string {
  const value = process.env[name] ?? ''
  if (value === '') throw new Error(`The variable ${name} is empty. This script runs in .github/workflows/nightly.yml only.`)
  return value
}

if (import.meta.main) {
  const repository = required('GITHUB_REPOSITORY')
  const runUrl = `${required('GITHUB_SERVER_URL')}/${repository}/actions/runs/${required('GITHUB_RUN_ID')}`
  const github = new GitHub({ api: required('GITHUB_API_URL'), repository, token: required('GITHUB_TOKEN') })
  await keepIssue(github, JSON.parse(required('NEEDS')) as Needs, runUrl)
}
