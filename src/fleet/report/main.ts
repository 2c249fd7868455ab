/**
 * The action fleet/report: one summary of the targets of all jobs and, for a drift check, one issue
 * that follows the findings.
 */
import { getBooleanInput, getInput, setFailed, setOutput, setSecret, summary } from '@actions/core'
import { resultsMissing } from '../../failures/fleet.ts'
import { getErrorMessage } from '../../util/text.ts'
import { GitHub } from './github.ts'
import { createFleetReport, addMissingResults, type FleetReport } from './report.ts'

const label = 'milvus-alb-drift'

async function run(env: NodeJS.ProcessEnv): Promise<void> {
  const token = getInput('token', { required: true })
  setSecret(token)
  const github = new GitHub({
    apiUrl: env['GITHUB_API_URL'] ?? 'https://api.github.com',
    repository: env['GITHUB_REPOSITORY'] ?? '',
    token,
  })
  const artifactPrefix = getInput('artifacts') || 'milvus-alb-results-'
  const targetNames = JSON.parse(getInput('targets') || '[]') as string[]
  const downloaded = await github.downloadResults(env['GITHUB_RUN_ID'] ?? '', artifactPrefix)
  const results = addMissingResults(downloaded, targetNames)
  if (results.length === 0) throw resultsMissing()
  const report = createFleetReport(results, Number(getInput('expiry-days') || '30'), Date.now())
  await summary.addRaw(`### ${report.title}\n\n${report.body}\n`).write()
  setOutput('clean', String(report.clean))
  setOutput('drift', report.drift)
  console.log(report.title)
  if (getBooleanInput('issue')) await syncIssue(github, report, env)
}

/** Opens, updates or closes the issue of this workflow and selection, found by a marker in it. */
async function syncIssue(
  github: GitHub,
  report: FleetReport,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const marker = `<!-- ${label}: ${env['GITHUB_WORKFLOW'] ?? ''} ${getInput('artifacts')} -->`
  const runUrl = createRunUrl(env)
  const openIssue = await github.findIssue(label, marker)
  if (report.clean) {
    if (openIssue !== undefined) await closeIssue(github, openIssue, runUrl)
    return
  }
  const title = `Milvus: ${report.title}`
  const footer =
    `Found by [this run](${runUrl}). The drift check updates this issue, ` +
    'and closes it when no target needs attention.'
  const body = `${marker}\n${report.body}\n\n${footer}`
  if (openIssue !== undefined) {
    await github.updateIssue(openIssue, { title, body })
    setOutput('issue', String(openIssue))
    console.log(`Updated issue #${openIssue}`)
    return
  }
  const newIssue = await github.createIssue({ title, body, labels: [label] })
  setOutput('issue', String(newIssue))
  console.log(`Opened issue #${newIssue}`)
}

async function closeIssue(github: GitHub, issue: number, runUrl: string): Promise<void> {
  await github.addComment(issue, `No target needs attention, according to [this run](${runUrl}).`)
  await github.updateIssue(issue, { state: 'closed', state_reason: 'completed' })
  console.log(`Closed issue #${issue}`)
}

function createRunUrl(env: NodeJS.ProcessEnv): string {
  const server = env['GITHUB_SERVER_URL'] ?? ''
  const repository = env['GITHUB_REPOSITORY'] ?? ''
  return `${server}/${repository}/actions/runs/${env['GITHUB_RUN_ID'] ?? ''}`
}

await run(process.env).catch((thrown: unknown) => setFailed(getErrorMessage(thrown)))
