/**
 * Plays a workflow that uses the action as a step or calls one of the reusable workflows: GitHub's
 * part (expressions, conditions, matrices, outputs, artifacts, approvals) as far as these workflows
 * use it, and their steps with the built actions.
 */
import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { load } from 'js-yaml'
import { repositoryRoot, type TestEnvironment } from './environment.ts'
import type { GitHubApi } from './github-api.ts'
import { keepUnmaskedOutputs } from './masks.ts'
import {
  evaluateCondition,
  evaluateValue,
  formatInput,
  type ExpressionScope,
} from './workflow-expressions.ts'
import { inOrder, listNeeds, type WorkflowJob, type Workflow } from './workflow-file.ts'
import { playStep, type Contexts, type JobState, type StepRun } from './workflow-steps.ts'

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
  /** A push when absent. Source: GitHub, Events that trigger workflows. */
  readonly event?: { readonly name: string; readonly payload: object }
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

/**
 * By job of the caller, then by job of the called workflow; a matrix job has several. A job with
 * steps of its own has its own id at both levels.
 */
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
  const githubContext = createGitHubContext(options, caller.name)
  const eventPath = `${workspace}-event.json`
  await writeFile(eventPath, JSON.stringify(githubContext['event']))
  const call: CallerRun = {
    ...options,
    workspace,
    githubContext,
    workflowName: caller.name,
    secrets: options.secrets ?? {},
    eventPath,
    env: caller.env ?? {},
  }
  const inputs = options.inputs ?? {}
  const contexts = { inputs, secrets: call.secrets, vars: {}, github: githubContext }
  const played: Record<string, Record<string, PlayedJob[]>> = {}
  const needs: Needs = {}
  for (const [id, job] of inOrder(caller.jobs)) {
    const scope = createScope(contexts, job, needs)
    if (!evaluateCondition(job.if, scope)) {
      needs[id] = { result: 'skipped', outputs: {} }
      continue
    }
    const actionInputs = options.with ?? {}
    played[id] =
      job.uses === undefined
        ? { [id]: await playJob(job, scope, { ...call, actionInputs }) }
        : await playCall(job, scope, call)
    needs[id] = { result: combineResults(Object.values(played[id]).flat()), outputs: {} }
  }
  return played
}

const defaultEvent = { name: 'push', payload: {} }

/** Source: GitHub, contexts. */
const createGitHubContext = (
  { runId, event = defaultEvent }: RunOptions,
  workflow: string,
): Contexts => ({
  workflow,
  server_url: 'https://github.com',
  repository: 'team/infra',
  run_id: String(runId),
  run_attempt: 1,
  event_name: event.name,
  event: event.payload,
})

/** Plays the reusable workflow that a job calls. */
function playCall(
  job: WorkflowJob,
  scope: ExpressionScope,
  run: CallerRun,
): Promise<Record<string, PlayedJob[]>> {
  const path = /(\.github\/workflows\/[\w-]+\.yml)@/.exec(job.uses ?? '')?.[1] ?? ''
  const called = load(readFileSync(join(repositoryRoot, path), 'utf8')) as Workflow
  const given = evaluateValue({ ...job.with, ...run.with }, scope) as Contexts
  const secrets = evaluateValue(job.secrets ?? {}, scope) as Contexts
  return playCalledWorkflow(called, {
    ...run,
    given,
    secrets,
    env: called.env ?? {},
  })
}

type Needs = Record<string, { result: PlayedJob['result']; outputs: Contexts }>

interface CallerRun extends StepRun {
  readonly with?: RunOptions['with']
  readonly rejected?: RunOptions['rejected']
  readonly githubContext: Contexts
  readonly secrets: Contexts
}

interface Call extends CallerRun {
  /** What the caller passes. */
  readonly given: Contexts
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
    github: call.githubContext,
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

function createScope(contexts: Contexts, job: WorkflowJob, allNeeds: Needs): ExpressionScope {
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
async function playJob(
  job: WorkflowJob,
  scope: ExpressionScope,
  call: CallerRun,
): Promise<PlayedJob[]> {
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

async function playSingleJob(
  job: WorkflowJob,
  scope: ExpressionScope,
  call: CallerRun,
): Promise<PlayedJob> {
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
