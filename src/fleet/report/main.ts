/**
 * The action `fleet-report`: one summary over the targets of all jobs, and for a drift check one
 * issue that opens, changes and closes with what is found.
 */
import { getBooleanInput, getInput, setFailed, setOutput, setSecret, summary } from '@actions/core'
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
  const downloaded = await github.downloadResults(
    env['GITHUB_RUN_ID'] ?? '',
    getInput('artifacts') || 'milvus-alb-results-',
  )
  const results = addMissingResults(downloaded, JSON.parse(getInput('targets') || '[]') as string[])
  if (results.length === 0)
    throw new Error('No job of this run left results: look at the jobs themselves.')
  const report = createFleetReport(results, Number(getInput('expiry-days') || '30'), Date.now())
  await summary.addRaw(`### ${report.title}\n\n${report.body}\n`).write()
  setOutput('clean', String(report.clean))
  setOutput('drift', report.drift)
  console.log(report.title)
  if (getBooleanInput('issue')) await syncIssue(github, report, env)
}

/**
 * One issue for a selection of targets that a workflow looks at: found again by a marker in its
 * body.
 */
async function syncIssue(
  github: GitHub,
  { clean, title, body }: FleetReport,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const marker = `<!-- ${label}: ${env['GITHUB_WORKFLOW'] ?? ''} ${getInput('artifacts')} -->`
  const runUrl = `${env['GITHUB_SERVER_URL'] ?? ''}/${env['GITHUB_REPOSITORY'] ?? ''}/actions/runs/${env['GITHUB_RUN_ID'] ?? ''}`
  const issueBody = `${marker}\n${body}\n\n[The run that found it](${runUrl}). This issue is kept up to date by the drift check, and closed when all is as it should be.`
  const issueNumber = await github.findIssue(label, marker)
  if (clean) {
    if (issueNumber === undefined) return
    await github.addComment(
      issueNumber,
      `All targets are as they should be: [the run that says so](${runUrl}).`,
    )
    await github.updateIssue(issueNumber, { state: 'closed', state_reason: 'completed' })
    console.log(`issue #${issueNumber} is closed`)
    return
  }
  if (issueNumber !== undefined)
    await github.updateIssue(issueNumber, { title: `Milvus: ${title}`, body: issueBody })
  const number =
    issueNumber ??
    (await github.createIssue({ title: `Milvus: ${title}`, body: issueBody, labels: [label] }))
  setOutput('issue', String(number))
  console.log(`issue #${number} is ${issueNumber === undefined ? 'opened' : 'up to date'}`)
}

await run(process.env).catch((thrown: unknown) => setFailed(getErrorMessage(thrown)))
