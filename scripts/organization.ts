/**
 * `npm run organization` measures a fleet of the size of an organization in the simulator, and
 * writes the figures into docs/workflows.md.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { format, resolveConfig } from 'prettier'
import { startSimulator } from '../simulator/simulator.ts'
import { repositoryRoot, type TestEnvironment } from '../testing/environment.ts'
import { startGitHubApi } from '../testing/github-api.ts'
import {
  checkTargets,
  downloadArtifacts,
  environmentCount,
  planFleet,
  planPacking,
  reportFleet,
  runJobs,
  targetCount,
  type Fleet,
} from '../testing/organization.ts'
import { runAction } from '../testing/run-action.ts'
import { replaceTable, type TableRow } from './tables.ts'

const formatNumber = (value: number): string => Math.round(value).toLocaleString('en-US')
const formatSeconds = (value: number): string => `${value.toFixed(1)} s`

/** A deployment of all targets, a re-run of the failed jobs, and the reports of both. */
async function measureOrganization(fleet: Fleet): Promise<TableRow[]> {
  const plan = await planFleet(fleet)
  const jobs = plan.matrices.flat()
  fleet.github.fail = (_request, index) => (index % 50 === 49 ? { status: 502 } : undefined)
  const failedJobs = await runJobs(fleet, plan, jobs, 1)
  await reportFleet(fleet, plan, 1)
  await runJobs(fleet, plan, failedJobs, 2)
  const report = await reportFleet(fleet, plan, 2, await downloadArtifacts(fleet, 2))
  return Object.entries({
    Targets: formatNumber(targetCount),
    Environments: formatNumber(environmentCount),
    'Jobs, in matrices': `${formatNumber(jobs.length)} in ${plan.matrices.length}`,
    'Jobs of the re-run': formatNumber(failedJobs.length),
    'Bytes of job outputs, of 1,048,576': formatNumber(plan.outputBytes),
    'Requests of a report to the API, of 1,000 an hour': formatNumber(report.requests),
    'Duration of `fleet/plan`': formatSeconds(plan.seconds),
    'Duration of `fleet/report`': formatSeconds(report.seconds),
  }).map(([figure, value]) => ({ figure, value }))
}

/** Seconds that a job takes besides the action: runner, credentials, upload. An assumption. */
const jobOverhead = 20

/** How many targets of a job are checked at a time by default, as in drift-check.yml. */
const defaultParallel = 4

/** A drift check of all targets, converged, in 50 environments. */
async function measurePacking(fleet: Fleet): Promise<TableRow[]> {
  const rows: TableRow[] = []
  for (const maxJobs of [undefined, 100, 50]) {
    const jobSizes = await planPacking(fleet, 50, maxJobs)
    const largest = Math.max(...jobSizes)
    const seconds = await checkTargets(fleet, largest, defaultParallel)
    const minutesPerJob = Math.ceil((jobOverhead + seconds) / 60)
    rows.push({
      '`max-jobs`': maxJobs ?? '(default)',
      jobs: formatNumber(jobSizes.length),
      'targets per job': formatNumber(largest),
      '`fleet/deploy` in a job': formatSeconds(seconds),
      'billed minutes': formatNumber(jobSizes.length * minutesPerJob),
    })
  }
  return rows
}

async function writeFigures(tables: Readonly<Record<string, readonly TableRow[]>>): Promise<void> {
  const path = join(repositoryRoot, 'docs/workflows.md')
  const page = await readFile(path, 'utf8')
  const text = Object.entries(tables).reduce(
    (result, [name, rows]) => replaceTable(result, name, rows),
    page,
  )
  await writeFile(path, await format(text, { ...(await resolveConfig(path)), parser: 'markdown' }))
}

async function deployMilvus(environment: TestEnvironment): Promise<void> {
  await environment.installMilvus({ serviceType: 'ClusterIP' })
  const { exitCode, log } = await runAction(environment)
  if (exitCode !== 0) throw new Error(`the deployment failed:\n${log}`)
}

const environment = await startSimulator()
const github = await startGitHubApi()
try {
  await deployMilvus(environment)
  const { certificate = '', 'private-key': privateKey = '' } = environment.inputs()
  const fleet = { environment, github, jobInputs: { certificate, 'private-key': privateKey } }
  const tables = {
    organization: await measureOrganization(fleet),
    packing: await measurePacking(fleet),
  }
  await writeFigures(tables)
  for (const rows of Object.values(tables)) console.table(rows)
} finally {
  await github.close()
  await environment.close()
}
