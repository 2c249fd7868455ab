/**
 * A simulated organization deploys its fleet: the built fleet actions plan and report, and this
 * file plays what GitHub does between them. It expands the matrices, asks for approvals, starts the
 * jobs, keeps their artifacts, and runs failed jobs again. Two jobs run fleet/deploy; the results
 * of all others are made up.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { JobResults, TargetResult } from '../src/fleet/deploy/job-results.ts'
import type { JobTarget } from '../src/fleet/deploy/run-target.ts'
import type { Job } from '../src/fleet/plan/matrix.ts'
import { repositoryRoot, type TestEnvironment } from './environment.ts'
import type { GitHubApi } from './github-api.ts'
import { executeAction, type RunResult } from './runner.ts'

export const targetCount = 1_000
export const environmentCount = 300

/** As many as the workflows have. */
const matrixCount = 4

/** The environment whose reviewers reject each deployment. */
const rejectedTeam = 5

/** The targets of the test environment, whose jobs run fleet/deploy. The second has no Milvus. */
const [deployedTarget, brokenTarget] = [0, 1]

const isReal = (index: number): boolean => index === deployedTarget || index === brokenTarget

/** The two real targets have an environment of their own. */
const getTeam = (index: number): number =>
  isReal(index) ? index : 2 + ((index - 2) % (environmentCount - 2))

/** Whether a target fails: 3 % in the first attempt, and half of them in the second. */
function fails(index: number, attempt: number): boolean {
  if (index === brokenTarget) return true
  return index % 34 === 17 && (attempt === 1 || index % 68 === 17)
}

const getIndex = (name: string): number => Number(name.replace('target-', ''))

/** What the report has to say about each target after an attempt, by name. */
export function expectedStates(attempt: number): Record<string, string> {
  const describe = (index: number): string => {
    if (getTeam(index) === rejectedTeam)
      return 'no result: the job ended before the action finished'
    if (index === brokenTarget) return 'namespace-not-found in preflight'
    return fails(index, attempt) ? 'load-balancer-timeout in load-balancer' : 'unchanged'
  }
  return Object.fromEntries(
    Array.from({ length: targetCount }, (_, index) => [`target-${index}`, describe(index)]),
  )
}

/** A fleet in a test environment. */
export interface Fleet {
  readonly environment: TestEnvironment
  readonly github: GitHubApi
  /** What the jobs pass to all targets: the secrets. */
  readonly jobInputs: Readonly<Record<string, string>>
}

/** The outputs of fleet/plan. */
export interface FleetPlan {
  readonly outputs: Readonly<Record<string, string>>
  /** The jobs of each matrix. */
  readonly matrices: readonly (readonly Job[])[]
  /** Bytes of all outputs in UTF-16, which GitHub limits. */
  readonly outputBytes: number
  readonly seconds: number
}

/** A report, and what it needed. */
export interface MeasuredReport {
  readonly run: RunResult
  /** Requests to the API of GitHub. */
  readonly requests: number
  readonly seconds: number
}

/** Runs a fleet action in an attempt of the run. */
export const runFleetAction = (
  { environment, github }: Fleet,
  action: string,
  attempt: number,
  inputs: Readonly<Record<string, string>>,
): Promise<RunResult> =>
  executeAction({
    actionDirectory: join(repositoryRoot, 'fleet', action),
    directory: environment.directory,
    env: {
      ...environment.runnerEnv(),
      GITHUB_API_URL: github.url,
      GITHUB_REPOSITORY: 'team/infra',
      GITHUB_RUN_ID: '1',
      GITHUB_RUN_ATTEMPT: String(attempt),
    },
    inputs,
  })

/** A targets file with values that are usual for a fleet. */
function createTargetsFile({ environment }: Fleet): object {
  const inputs = environment.inputs()
  const createSubnet = (number: number): string => `subnet-${number.toString(16).padStart(17, '0')}`
  const createTarget = (index: number): object => ({
    name: `target-${index}`,
    environment: `team-${getTeam(index)}`,
    'role-to-assume': `arn:aws:iam::11112222333${getTeam(index) % 10}:role/milvus-alb`,
    cluster: isReal(index) ? environment.cluster : `milvus-${index}`,
    host: isReal(index) ? environment.host : `milvus-${index}.example.com`,
    ...(index === brokenTarget && { namespace: 'nowhere' }),
    ...(!isReal(index) && { subnets: [createSubnet(2 * index), createSubnet(2 * index + 1)] }),
  })
  return {
    defaults: {
      region: environment.region,
      'chart-repository': inputs['chart-repository'],
      'listen-port': inputs['listen-port'],
    },
    targets: Array.from({ length: targetCount }, (_, index) => createTarget(index)),
  }
}

/**
 * Runs fleet/plan.
 * @throws Error when it fails
 */
export async function planFleet(fleet: Fleet): Promise<FleetPlan> {
  const file = join(fleet.environment.directory, 'organization.yml')
  await writeFile(file, JSON.stringify(createTargetsFile(fleet)))
  const inputs = { file, matrices: String(matrixCount), 'max-parallel': '10' }
  const { exitCode, log, outputs, durationMs } = await runFleetAction(fleet, 'plan', 1, inputs)
  if (exitCode !== 0) throw new Error(`fleet/plan failed:\n${log}`)
  const matrices = ['matrix', 'matrix-2', 'matrix-3', 'matrix-4']
    .map((name) => outputs[name] ?? '')
    .filter((matrix) => matrix !== '')
    .map((matrix) => (JSON.parse(matrix) as { include: Job[] }).include)
  const outputBytes = Buffer.byteLength(Object.values(outputs).join(''), 'utf16le')
  return { outputs, matrices, outputBytes, seconds: durationMs / 1_000 }
}

/**
 * Runs jobs, at once as far as this machine is concerned.
 * @returns the jobs that failed, which "Re-run failed jobs" runs again
 */
export async function runJobs(
  fleet: Fleet,
  plan: FleetPlan,
  jobs: readonly Job[],
  attempt: number,
): Promise<Job[]> {
  const failedJobs: Job[] = []
  for (const job of jobs) {
    // Without approval, a job fails before it starts.
    const isApproved = job.environment !== `team-${rejectedTeam}`
    const results = isApproved ? await runJob(fleet, plan, job, attempt) : undefined
    if (results) upload(fleet, `${plan.outputs['artifacts'] ?? ''}${job.index}-${attempt}`, results)
    const isSuccessful = results?.targets.every(({ outcome }) => outcome === 'success') ?? false
    if (!isSuccessful) failedJobs.push(job)
  }
  return failedJobs
}

async function runJob(
  fleet: Fleet,
  plan: FleetPlan,
  job: Job,
  attempt: number,
): Promise<JobResults> {
  const targets = JSON.parse(job.targets) as JobTarget[]
  const results = targets.some(({ name }) => isReal(getIndex(name)))
    ? await deployTargets(fleet, plan, job, attempt)
    : targets.map((target) => createResult(target, attempt))
  return { attempt, mode: 'deploy', dryRun: false, targets: results }
}

async function deployTargets(
  fleet: Fleet,
  plan: FleetPlan,
  job: Job,
  attempt: number,
): Promise<TargetResult[]> {
  const run = await runFleetAction(fleet, 'deploy', attempt, {
    ...fleet.jobInputs,
    targets: job.targets,
    'common-inputs': plan.outputs['common-inputs'] ?? '',
  })
  return JSON.parse(run.outputs['results'] ?? '[]') as TargetResult[]
}

/** A result as fleet/deploy would write it. */
function createResult({ name, inputs }: JobTarget, attempt: number): TargetResult {
  const host = inputs['host'] ?? ''
  const isFailure = fails(getIndex(name), attempt)
  const outputs = {
    'alb-address': `k8s-milvus-${name}-2f72215c02-778371620.us-east-2.elb.amazonaws.com`,
    endpoint: `https://${host}:443`,
    'certificate-expires-soon': 'false',
    changed: 'false',
    changes: '[]',
    'failed-step': isFailure ? 'load-balancer' : '',
    'failure-code': isFailure ? 'load-balancer-timeout' : '',
  }
  return { name, host, outcome: isFailure ? 'failure' : 'success', outputs }
}

/** As actions/upload-artifact: a re-run of the job keeps the earlier artifact. */
function upload({ github }: Fleet, name: string, content: JobResults): void {
  github.artifacts.push({ name, content })
}

/**
 * Writes the artifacts of an attempt into a folder, as actions/download-artifact does. It is
 * limited to that attempt, which the service of the runner may be.
 */
export async function downloadArtifacts(
  { environment, github }: Fleet,
  attempt: number,
): Promise<string> {
  const directory = join(environment.directory, `milvus-alb-results-${attempt}`)
  for (const { name, content } of github.artifacts.filter(({ name: each }) =>
    each.endsWith(`-${attempt}`),
  )) {
    await mkdir(join(directory, name), { recursive: true })
    await writeFile(join(directory, name, 'milvus-alb-results.json'), JSON.stringify(content))
  }
  return directory
}

/**
 * Runs fleet/report.
 * @param directory with downloaded artifacts; empty to download all by the API
 */
export async function reportFleet(
  fleet: Fleet,
  plan: FleetPlan,
  attempt: number,
  directory = '',
): Promise<MeasuredReport> {
  const requestsBefore = fleet.github.requests.length
  const { artifacts = '', targets = '', attempt: plannedIn = '' } = plan.outputs
  const run = await runFleetAction(fleet, 'report', attempt, {
    token: fleet.github.token,
    artifacts,
    targets,
    'planned-in': plannedIn,
    directory,
  })
  const requests = fleet.github.requests.length - requestsBefore
  return { run, requests, seconds: run.durationMs / 1_000 }
}

/**
 * Plans a drift check of as many targets.
 * @returns the number of targets of each job
 */
export async function planPacking(
  fleet: Fleet,
  environments: number,
  maxJobs: number | undefined,
): Promise<number[]> {
  const file = join(fleet.environment.directory, 'packing.yml')
  const targets = Array.from({ length: targetCount }, (_, index) => ({
    name: `target-${index}`,
    environment: `team-${index % environments}`,
    cluster: `milvus-${index}`,
    host: `milvus-${index}.example.com`,
  }))
  await writeFile(file, JSON.stringify({ defaults: { region: 'us-east-2' }, targets }))
  const inputs = { file, mode: 'check', 'max-jobs': String(maxJobs ?? '') }
  const { outputs } = await runFleetAction(fleet, 'plan', 1, inputs)
  const { include } = JSON.parse(outputs['matrix'] ?? '') as { include: Job[] }
  return include.map((job) => (JSON.parse(job.targets) as JobTarget[]).length)
}

/**
 * Checks the deployed target as often as a job has targets.
 * @returns seconds
 * @throws Error when a check fails
 */
export async function checkTargets(fleet: Fleet, count: number, parallel: number): Promise<number> {
  const { environment, jobInputs } = fleet
  // The inputs of the job take precedence over secrets that do not belong here.
  const target = { name: 'target', inputs: { ...environment.inputs(), region: environment.region } }
  const run = await runFleetAction(fleet, 'deploy', 1, {
    ...jobInputs,
    'private-key': '',
    targets: JSON.stringify(Array(count).fill(target)),
    mode: 'check',
    parallel: String(parallel),
  })
  if (run.exitCode !== 0) throw new Error(`a check failed:\n${run.log}`)
  return run.durationMs / 1_000
}
