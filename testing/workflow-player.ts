/**
 * Plays a workflow that calls one of the reusable workflows: GitHub's part (expressions,
 * conditions, matrices, outputs, artifacts, approvals) as far as these workflows use it, and their
 * steps with the built actions.
 */
import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { load } from 'js-yaml'
import { repositoryRoot, type TestEnvironment } from './environment.ts'
import type { GitHubApi } from './github-api.ts'
import { keepUnmaskedOutputs } from './masks.ts'
import { executeAction, readActionMetadata } from './runner.ts'
import {
  evaluateCondition,
  evaluateValue,
  formatInput,
  type ExpressionScope,
} from './workflow-expressions.ts'
import { inOrder, listNeeds, type Job, type Step, type Workflow } from './workflow-file.ts'

/** A repository and the run that is played in it. */
export interface RunOptions {
  readonly environment: TestEnvironment
  readonly github: GitHubApi
  /** The caller. */
  readonly workflow: string
  readonly runId: number
  /** Files of the repository, by path. */
  readonly files?: Readonly<Record<string, string>>
  /** Inputs of `workflow_dispatch`. */
  readonly inputs?: Readonly<Record<string, string>>
  readonly secrets?: Readonly<Record<string, string>>
  /** Replaces values of the caller's `with`, which are about somebody else's cluster. */
  readonly with?: Readonly<Record<string, string>>
  /** Environments for which the reviewers reject each job. */
  readonly rejected?: readonly string[]
}

/** A job of the called workflow that has ended. */
export interface PlayedJob {
  readonly name: string
  readonly result: 'success' | 'failure' | 'skipped'
  readonly outputs: Readonly<Record<string, string>>
  readonly runsOn: unknown
  readonly environment: unknown
  readonly log: string
  readonly summary: string
}

/** By job of the caller, then by job of the called workflow; a matrix job has several. */
export type PlayedRun = Readonly<Record<string, Readonly<Record<string, readonly PlayedJob[]>>>>

/** Plays all jobs of a caller, in the order of their `needs`. */
export async function playWorkflow(options: RunOptions): Promise<PlayedRun> {
  const caller = load(options.workflow) as Workflow
  const workspace = join(options.environment.directory, `workspace-${options.runId}`)
  await mkdir(workspace, { recursive: true })
  for (const [path, text] of Object.entries(options.files ?? {})) {
    await mkdir(dirname(join(workspace, path)), { recursive: true })
    await writeFile(join(workspace, path), text)
  }
  const context = { ...options, workspace, workflowName: caller.name }
  const played: Record<string, Record<string, PlayedJob[]>> = {}
  const needs: Needs = {}
  for (const [id, job] of inOrder(caller.jobs)) {
    const inputs = options.inputs ?? {}
    const scope = createScope({ inputs, secrets: options.secrets ?? {} }, job, needs)
    if (!evaluateCondition(job.if, scope)) {
      needs[id] = { result: 'skipped', outputs: {} }
      continue
    }
    const path = /(\.github\/workflows\/[\w-]+\.yml)@/.exec(job.uses ?? '')?.[1] ?? ''
    const called = load(readFileSync(join(repositoryRoot, path), 'utf8')) as Workflow
    const given = evaluateValue({ ...job.with, ...options.with }, scope) as Contexts
    const secrets = evaluateValue(job.secrets ?? {}, scope) as Contexts
    const call = { ...context, given, secrets, env: called.env ?? {} }
    played[id] = await playCalledWorkflow(called, call)
    needs[id] = { result: combineResults(Object.values(played[id]).flat()), outputs: {} }
  }
  return played
}

type Contexts = Readonly<Record<string, unknown>>
type Needs = Record<string, { result: PlayedJob['result']; outputs: Contexts }>

interface Call extends Omit<RunOptions, 'secrets'> {
  readonly workspace: string
  readonly workflowName: string
  /** What the caller passes. */
  readonly given: Contexts
  readonly secrets: Contexts
  readonly env: Readonly<Record<string, string>>
}

async function playCalledWorkflow(
  workflow: Workflow,
  call: Call,
): Promise<Record<string, PlayedJob[]>> {
  const declared = Object.entries(workflow.on.workflow_call?.inputs ?? {})
  const undeclared = Object.keys(call.given).filter(
    (name) => !declared.some(([input]) => input === name),
  )
  if (undeclared.length > 0) throw new Error(`Invalid inputs: ${undeclared.join(', ')}`)
  const defaults = declared.map(([name, input]) => [name, input.default])
  const inputs = { ...(Object.fromEntries(defaults) as Contexts), ...call.given }
  const contexts = {
    inputs,
    secrets: call.secrets,
    github: { workflow: call.workflowName, run_attempt: 1 },
  }
  const needs: Needs = {}
  const played: Record<string, PlayedJob[]> = {}
  for (const [id, job] of inOrder(workflow.jobs)) {
    const scope = createScope(contexts, job, needs)
    const jobs = evaluateCondition(job.if, scope) ? await playJob(job, scope, call) : []
    played[id] = jobs
    needs[id] = {
      result: jobs.length === 0 ? 'skipped' : combineResults(jobs),
      outputs: jobs.at(-1)?.outputs ?? {},
    }
  }
  return played
}

function createScope(contexts: Contexts, job: Job, allNeeds: Needs): ExpressionScope {
  const needs = Object.fromEntries(listNeeds(job).map((id) => [id, allNeeds[id]]))
  const results = Object.values(needs).map((need) => need?.result)
  const success = results.every((result) => result === 'success')
  return {
    contexts: { ...contexts, needs, matrix: {}, strategy: {}, steps: {}, runner: {} },
    status: { success, failure: results.includes('failure'), cancelled: false },
  }
}

function combineResults(jobs: readonly PlayedJob[]): PlayedJob['result'] {
  if (jobs.some(({ result }) => result === 'failure')) return 'failure'
  return jobs.every(({ result }) => result === 'skipped') ? 'skipped' : 'success'
}

/** One job, or one per entry of its matrix. */
async function playJob(job: Job, scope: ExpressionScope, call: Call): Promise<PlayedJob[]> {
  if (job.strategy === undefined) return [await playSingleJob(job, scope, call)]
  const matrix = evaluateValue(job.strategy.matrix, scope) as { include: Contexts[] }
  // Source: actions/runner, WorkflowTemplateConverter.
  if (matrix.include.length === 0) throw new Error('Matrix must define at least one vector')
  const played: PlayedJob[] = []
  for (const [index, entry] of matrix.include.entries()) {
    const contexts = { ...scope.contexts, matrix: entry, strategy: { 'job-index': index } }
    played.push(await playSingleJob(job, { ...scope, contexts }, call))
  }
  return played
}

async function playSingleJob(job: Job, scope: ExpressionScope, call: Call): Promise<PlayedJob> {
  const name = formatInput(evaluateValue(job.name ?? '', scope))
  const runsOn = evaluateValue(job['runs-on'], scope)
  const state: JobState = {
    steps: {},
    files: {},
    maskCommands: [],
    failed: false,
    log: '',
    summary: '',
  }
  const getEnvironment = (): unknown => {
    const contexts = { ...scope.contexts, steps: state.steps }
    return evaluateValue(job.environment, { ...scope, contexts })
  }
  const { name: environmentName = '' } = (getEnvironment() ?? {}) as { name?: string }
  const { log, summary } = state
  if (call.rejected?.includes(environmentName) === true)
    return { name, runsOn, log, summary, result: 'failure', outputs: {}, environment: undefined }
  for (const step of job.steps ?? []) await playStep(step, state, { scope, call })
  const contexts = { ...scope.contexts, steps: state.steps }
  const outputs = Object.entries(
    evaluateValue(job.outputs ?? {}, { ...scope, contexts }) as Contexts,
  ).map(([output, value]) => [output, formatInput(value)])
  const usesSecrets = JSON.stringify(job).includes('secrets.')
  return {
    name,
    runsOn,
    result: state.failed ? 'failure' : 'success',
    outputs: keepUnmaskedOutputs(
      {
        outputs: Object.fromEntries(outputs) as Record<string, string>,
        maskCommands: state.maskCommands,
      },
      usesSecrets ? Object.values(call.secrets).map(String) : [],
    ),
    environment: getEnvironment(),
    log: state.log,
    summary: state.summary,
  }
}

/** What the steps of a job have done so far. */
interface JobState {
  readonly steps: Record<string, { outputs: Contexts; outcome: 'success' | 'failure' }>
  /** Contents of the files that the steps left, by path. */
  readonly files: Record<string, string>
  readonly maskCommands: string[]
  failed: boolean
  log: string
  summary: string
}

async function playStep(
  step: Step,
  state: JobState,
  { scope, call }: { readonly scope: ExpressionScope; readonly call: Call },
): Promise<void> {
  const runner = { temp: join(call.workspace, 'temp') }
  const stepScope = {
    contexts: { ...scope.contexts, steps: state.steps, runner },
    status: { success: !state.failed, failure: state.failed, cancelled: false },
  }
  if (!evaluateCondition(step.if, stepScope)) return
  const [action = ''] = step.uses?.split('@') ?? []
  const inputs = evaluateValue(step.with ?? {}, stepScope) as Contexts
  if (action.startsWith('$/')) await runOwnAction(step, inputs, state, call)
  else if (action === 'actions/upload-artifact') {
    const content = JSON.parse(state.files[String(inputs['path'])] ?? '') as unknown
    call.github.artifacts.push({ name: String(inputs['name']), content, runId: call.runId })
  } else if (action === 'actions/download-artifact') {
    await downloadArtifacts(inputs, call)
    if (step.id !== undefined) state.steps[step.id] = { outputs: {}, outcome: 'success' }
  } else if (!['actions/checkout', 'aws-actions/configure-aws-credentials'].includes(action))
    throw new Error(`The action ${action} cannot be played`)
}

/** Writes each artifact of the run to a folder of its own. */
async function downloadArtifacts(inputs: Contexts, { github, runId }: Call): Promise<void> {
  const prefix = String(inputs['pattern']).replace(/\*$/, '')
  for (const { name, content, runId: ofRun } of github.artifacts) {
    if (ofRun !== runId || !name.startsWith(prefix)) continue
    const directory = join(String(inputs['path']), name)
    await mkdir(directory, { recursive: true })
    await writeFile(join(directory, 'milvus-alb-results.json'), JSON.stringify(content))
  }
}

async function runOwnAction(
  step: Step,
  inputs: Contexts,
  state: JobState,
  { environment, github, workspace, workflowName, runId, env }: Call,
): Promise<void> {
  const actionDirectory = join(repositoryRoot, step.uses?.slice(2) ?? '')
  const token = readActionMetadata(actionDirectory).inputs['token'] && { token: github.token }
  const texts = Object.entries(inputs).map(([name, value]) => [name, formatInput(value)])
  const run = await executeAction({
    actionDirectory,
    directory: environment.directory,
    workspace,
    inputs: { ...token, ...(Object.fromEntries(texts) as Record<string, string>) },
    env: {
      ...environment.runnerEnv(),
      ...env,
      GITHUB_API_URL: github.url,
      GITHUB_REPOSITORY: 'team/infra',
      GITHUB_RUN_ID: String(runId),
      GITHUB_SERVER_URL: 'https://github.com',
      GITHUB_WORKFLOW: workflowName,
    },
  })
  const outcome = run.exitCode === 0 ? 'success' : 'failure'
  if (step.id !== undefined) state.steps[step.id] = { outputs: run.outputs, outcome }
  Object.assign(state.files, run.files)
  state.maskCommands.push(...run.maskCommands)
  state.failed ||= run.exitCode !== 0
  state.log += run.log
  state.summary += run.summary
}
