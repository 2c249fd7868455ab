/**
 * The action fleet/report: one summary of the targets of all jobs and, for a drift check, one issue
 * that follows the findings, or for a pull request, one comment.
 */
import * as core from '@actions/core'
import {
  heartbeatWithheld,
  issueNotUpdated,
  planIncomplete,
  resultsIncomplete,
  resultsMissing,
} from '../../failures/fleet.ts'
import { getRunUrl } from '../../util/run-url.ts'
import { getErrorMessage } from '../../util/text.ts'
import { GitHub, type DownloadedResults } from '../github/github.ts'
import type { TargetResult } from '../deploy/job-results.ts'
import { isDryRun } from '../job-inputs.ts'
import { writeOutcomes } from '../outcomes.ts'
import type { AbandonedTarget } from '../plan/pull-request.ts'
import { syncComment } from './comment.ts'
import { sendHeartbeat } from './heartbeat.ts'
import { createPlanTitle, renderPlan, type PlanScope } from './plan.ts'
import {
  createFileReport,
  createFleetReport,
  renderReport,
  selectResults,
  type FleetReport,
} from './report.ts'
import { readResultFiles, type ResultFiles } from './result-files.ts'

const label = 'milvus-alb-drift'

/** Characters. Source: GitHub's REST API rejects longer bodies of issues. */
const maxIssueLength = 65_536

/**
 * Characters, of at most 3 bytes each. Source: GitHub drops a step's summary of more than 1 MiB.
 */
const maxSummaryLength = 300_000

async function run(env: NodeJS.ProcessEnv): Promise<void> {
  const token = core.getInput('token', { required: true })
  core.setSecret(token)
  const github = new GitHub({
    apiUrl: env['GITHUB_API_URL'] ?? 'https://api.github.com',
    repository: env['GITHUB_REPOSITORY'] ?? '',
    token,
  })
  // A re-run would otherwise show the issue of the previous attempt.
  core.setOutput('issue', '')
  const heartbeatUrl = core.getInput('heartbeat-url')
  if (heartbeatUrl !== '') core.setSecret(heartbeatUrl)
  const fileProblems = core.getInput('problems')
  if (fileProblems === '') await reportResults(github, env)
  else await publish(github, createFileReport(fileProblems), env)
}

async function reportResults(github: GitHub, env: NodeJS.ProcessEnv): Promise<void> {
  const isPlan = core.getBooleanInput('plan')
  const targetNames = JSON.parse(core.getInput('targets') || '[]') as string[]
  // No job runs for a pull request that changes no target.
  const { jobs, problems } =
    isPlan && targetNames.length === 0
      ? { jobs: [], problems: [] }
      : await readResults(github, targetNames, env)
  for (const problem of problems) core.warning(problem)
  const results = selectResults(jobs, {
    mode: core.getInput('mode'),
    dryRun: isDryRun(),
    plannedIn: Number(core.getInput('planned-in') || '1'),
    targetNames,
    isComplete: problems.length === 0,
  })
  if (results.length === 0 && !isPlan)
    throw problems.length > 0 ? resultsIncomplete() : resultsMissing()
  if (core.getInput('mode') !== 'check' && !isPlan) recordOutcomes(results, env)
  const report = createFleetReport(results)
  // The comment on a pull request would otherwise be about an earlier push.
  if (problems.length === 0 || isPlan) await publish(github, report, env)
  else await writeReport(report)
  if (problems.length > 0) throw isPlan ? planIncomplete() : resultsIncomplete()
  await reportCompletion(results)
}

/** For `only: failed` of a later deployment. */
function recordOutcomes(results: readonly TargetResult[], env: NodeJS.ProcessEnv): void {
  const outcomes = results.map(({ name, outcome }) => ({ name, succeeded: outcome === 'success' }))
  core.setOutput('outcomes-file', writeOutcomes(outcomes, env['RUNNER_TEMP'] ?? '.'))
}

/**
 * Sends the heartbeat when every target was checked and the report has arrived, whatever it says.
 * Without it, the monitor raises an alarm, so a problem is only a warning here.
 */
async function reportCompletion(results: readonly TargetResult[]): Promise<void> {
  const url = core.getInput('heartbeat-url')
  if (url === '') return
  const unchecked = results.filter(({ outcome }) => !['success', 'failure'].includes(outcome))
  try {
    if (unchecked.length > 0) throw heartbeatWithheld(unchecked.length)
    await sendHeartbeat(url)
    console.log('Sent the heartbeat')
  } catch (thrown) {
    core.warning(getErrorMessage(thrown))
  }
}

async function publish(github: GitHub, report: FleetReport, env: NodeJS.ProcessEnv): Promise<void> {
  if (core.getBooleanInput('plan')) {
    await publishPlan(github, report, env)
    return
  }
  await writeReport(report)
  if (core.getBooleanInput('issue')) await syncIssue(github, report, env)
}

async function publishPlan(
  github: GitHub,
  report: FleetReport,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const scope: PlanScope = {
    unchangedCount: Number(core.getInput('unchanged') || '0'),
    abandoned: JSON.parse(core.getInput('abandoned') || '[]') as AbandonedTarget[],
  }
  const text = renderPlan(report, scope, maxSummaryLength)
  await writeSummary(report, createPlanTitle(report), text)
  const pullRequest = core.getInput('pull-request')
  if (pullRequest === '') return
  const source = {
    workflow: env['GITHUB_WORKFLOW'] ?? '',
    runId: Number(env['GITHUB_RUN_ID'] ?? '0'),
    runUrl: getRunUrl(env),
  }
  await syncComment(github, Number(pullRequest), { report, scope, source })
}

/**
 * The results in the folder, and those of GitHub's API if targets are missing in it: after "Re-run
 * failed jobs", the service of the runner may lack the artifacts of earlier attempts
 * (actions/download-artifact, issue 486). A report of what could be read is better than none.
 */
async function readResults(
  github: GitHub,
  targetNames: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<DownloadedResults> {
  const directory = core.getInput('directory')
  const local = directory === '' ? noResultFiles : await readResultFiles(directory)
  const found = new Set(local.jobs.flatMap(({ targets }) => targets.map(({ name }) => name)))
  const isComplete = targetNames.every((name) => found.has(name))
  if (directory !== '' && (isComplete || local.problems.length > 0)) return local
  const prefix = core.getInput('artifacts', { required: true })
  try {
    const remote = await github.downloadResults(
      Number(env['GITHUB_RUN_ID']),
      prefix,
      local.artifacts,
    )
    return { jobs: [...local.jobs, ...remote.jobs], problems: remote.problems }
  } catch (thrown) {
    return { jobs: local.jobs, problems: [getErrorMessage(thrown)] }
  }
}

const noResultFiles: ResultFiles = { jobs: [], problems: [], artifacts: [] }

async function writeReport(report: FleetReport): Promise<void> {
  const text = renderReport(report, { maxLength: maxSummaryLength, listClean: true })
  await writeSummary(report, report.title, text)
}

async function writeSummary(
  { clean, drift }: FleetReport,
  title: string,
  text: string,
): Promise<void> {
  await core.summary.addRaw(`### ${title}\n\n${text}\n`).write()
  core.setOutput('clean', String(clean))
  core.setOutput('drift', drift)
  console.log(title)
}

/**
 * Opens, updates or closes the issue of this workflow and selection, found by a marker in it.
 * @throws Error when GitHub rejects it
 */
async function syncIssue(
  github: GitHub,
  report: FleetReport,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const marker = `<!-- ${label}: ${env['GITHUB_WORKFLOW'] ?? ''} ${core.getInput('artifacts')} -->`
  const runUrl = getRunUrl(env)
  try {
    const existing = await github.findIssue(label, marker)
    if (!report.clean) {
      const issue = { title: `Milvus: ${report.title}`, body: createBody(report, marker, runUrl) }
      if (existing === undefined) await openIssue(github, issue, marker)
      else await updateIssue(github, existing, issue)
    } else if (existing !== undefined) {
      await github.closeIssue(
        existing,
        `No target needs attention, according to [this run](${runUrl}).`,
      )
      console.log(`Closed issue #${existing}`)
    }
  } catch (thrown) {
    throw issueNotUpdated(thrown)
  }
}

function createBody(report: FleetReport, marker: string, runUrl: string): string {
  const footer =
    `Found by [this run](${runUrl}). The drift check updates this issue, ` +
    'and closes it when no target needs attention.'
  const frame = (text: string): string => `${marker}\n${text}\n\n${footer}`
  const maxLength = maxIssueLength - frame('').length
  return frame(renderReport(report, { maxLength, listClean: false }))
}

async function updateIssue(
  github: GitHub,
  number: number,
  issue: { title: string; body: string },
): Promise<void> {
  await github.updateIssue(number, issue)
  core.setOutput('issue', String(number))
  console.log(`Updated issue #${number}`)
}

/** GitHub may have opened the issue despite answering with an error, so search for it again. */
async function openIssue(
  github: GitHub,
  issue: { title: string; body: string },
  marker: string,
): Promise<void> {
  const create = (): Promise<number> => github.createIssue({ ...issue, labels: [label] })
  const number = await create().catch(
    async () => (await github.findIssue(label, marker)) ?? (await create()),
  )
  core.setOutput('issue', String(number))
  console.log(`Opened issue #${number}`)
}

await run(process.env).catch((thrown: unknown) => core.setFailed(getErrorMessage(thrown)))
