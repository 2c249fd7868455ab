/** The action `fleet-report`: one summary over the targets of all jobs, and for a drift check one issue that opens, changes and closes with what is found. */
import { getBooleanInput, getInput, setFailed, setOutput, setSecret, summary } from '@actions/core'
import { messageOf } from './core/text.ts'
import { GitHub } from './fleet/github.ts'
import { fleetReport, withMissing, type FleetReport } from './fleet/report.ts'

const label = 'milvus-alb-drift'

async function run(environment: NodeJS.ProcessEnv): Promise<void> {
  const token = getInput('token', { required: true })
  setSecret(token)
  const github = new GitHub({ api: environment['GITHUB_API_URL'] ?? 'https://api.github.com', repository: environment['GITHUB_REPOSITORY'] ?? '', token })
  const found = await github.results(environment['GITHUB_RUN_ID'] ?? '', getInput('artifacts') || 'milvus-alb-results-')
  const results = withMissing(found, JSON.parse(getInput('targets') || '[]') as string[])
  if (results.length === 0) throw new Error('No job of this run left results: look at the jobs themselves.')
  const report = fleetReport(results, Number(getInput('expiry-days') || '30'), Date.now())
  await summary.addRaw(`### ${report.title}\n\n${report.body}\n`).write()
  setOutput('clean', String(report.clean))
  setOutput('drift', report.drift)
  console.log(report.title)
  if (getBooleanInput('issue')) await keepIssue(github, report, environment)
}

/** One issue for a selection of targets that a workflow looks at: found again by a marker in its body. */
async function keepIssue(github: GitHub, { clean, title, body }: FleetReport, environment: NodeJS.ProcessEnv): Promise<void> {
  const marker = `<!-- ${label}: ${environment['GITHUB_WORKFLOW'] ?? ''} ${getInput('artifacts')} -->`
  const link = `${environment['GITHUB_SERVER_URL'] ?? ''}/${environment['GITHUB_REPOSITORY'] ?? ''}/actions/runs/${environment['GITHUB_RUN_ID'] ?? ''}`
  const text = `${marker}\n${body}\n\n[The run that found it](${link}). This issue is kept up to date by the drift check, and closed when all is as it should be.`
  const open = await github.findIssue(label, marker)
  if (clean) {
    if (open === undefined) return
    await github.comment(open, `All targets are as they should be: [the run that says so](${link}).`)
    await github.updateIssue(open, { state: 'closed', state_reason: 'completed' })
    console.log(`issue #${open} is closed`)
    return
  }
  if (open !== undefined) await github.updateIssue(open, { title: `Milvus: ${title}`, body: text })
  const number = open ?? await github.createIssue({ title: `Milvus: ${title}`, body: text, labels: [label] })
  setOutput('issue', String(number))
  console.log(`issue #${number} is ${open === undefined ? 'opened' : 'up to date'}`)
}

await run(process.env).catch((thrown: unknown) => setFailed(messageOf(thrown)))
