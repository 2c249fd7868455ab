/** Plays the steps of a job: the built actions, artifacts and commands. */
import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { repositoryRoot, type TestEnvironment } from './environment.ts'
import type { GitHubApi } from './github-api.ts'
import { executeAction, readActionMetadata } from './runner.ts'
import {
  evaluateCondition,
  evaluateValue,
  formatInput,
  type ExpressionScope,
} from './workflow-expressions.ts'
import type { Step } from './workflow-file.ts'

export type Contexts = Readonly<Record<string, unknown>>

/** The run that a step belongs to. */
export interface StepRun {
  readonly environment: TestEnvironment
  readonly github: GitHubApi
  readonly runId: number
  readonly workspace: string
  readonly workflowName: string
  /** The JSON file of the event that started the run. */
  readonly eventPath: string
  /** `env` of the workflow. */
  readonly env: Readonly<Record<string, string>>
  /** Replaces inputs of the main action, which are about somebody else's cluster. */
  readonly actionInputs?: Readonly<Record<string, string>>
}

/** What the steps of a job have done so far. */
export interface JobState {
  readonly steps: Record<string, { outputs: Contexts; outcome: 'success' | 'failure' }>
  /** Contents of the files that the steps left, by path. */
  readonly files: Record<string, string>
  readonly maskCommands: string[]
  failed: boolean
  log: string
  summary: string
}

const mainAction = 'milvus-alb-action/milvus-alb-action'
const replacedActions = ['actions/checkout', 'aws-actions/configure-aws-credentials']

/** @throws Error for an action that the player does not know */
export async function playStep(
  step: Step,
  state: JobState,
  { scope, call }: { readonly scope: ExpressionScope; readonly call: StepRun },
): Promise<void> {
  const runner = { temp: join(call.workspace, 'temp') }
  const stepScope = {
    contexts: { ...scope.contexts, steps: state.steps, runner },
    status: { success: !state.failed, failure: state.failed, cancelled: false },
  }
  if (!evaluateCondition(step.if, stepScope)) return
  const [action = ''] = step.uses?.split('@') ?? []
  const inputs = evaluateValue(step.with ?? {}, stepScope) as Contexts
  if (step.run !== undefined)
    await runCommands(step.run, evaluateValue(step.env ?? {}, stepScope) as Contexts, state)
  else if (action === mainAction)
    await runOwnAction(step, { ...inputs, ...call.actionInputs }, state, call)
  else if (action.startsWith('$/')) await runOwnAction(step, inputs, state, call)
  else if (action === 'actions/upload-artifact') {
    const content = JSON.parse(state.files[String(inputs['path'])] ?? '') as unknown
    call.github.artifacts.push({ name: String(inputs['name']), content, runId: call.runId })
  } else if (action === 'actions/download-artifact') {
    await downloadArtifacts(inputs, call)
    if (step.id !== undefined) state.steps[step.id] = { outputs: {}, outcome: 'success' }
  } else if (!replacedActions.includes(action))
    throw new Error(`The action ${action} cannot be played`)
}

/** Source: GitHub, workflow syntax: without `shell`, a runner on Linux uses `bash -e {0}`. */
async function runCommands(script: string, variables: Contexts, state: JobState): Promise<void> {
  const texts = Object.entries(variables).map(([name, value]) => [name, formatInput(value)])
  const env = {
    PATH: process.env['PATH'],
    ...(Object.fromEntries(texts) as Record<string, string>),
  }
  const failed = await new Promise<boolean>((resolve) => {
    execFile('bash', ['-e', '-c', script], { env }, (error, stdout, stderr) => {
      state.log += stdout + stderr
      resolve(error !== null)
    })
  })
  state.failed ||= failed
}

/** Writes each artifact of the run to a folder of its own. */
async function downloadArtifacts(inputs: Contexts, { github, runId }: StepRun): Promise<void> {
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
  { environment, github, workspace, workflowName, eventPath, runId, env }: StepRun,
): Promise<void> {
  const path = step.uses?.startsWith('$/') === true ? step.uses.slice(2) : ''
  const actionDirectory = join(repositoryRoot, path)
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
      GITHUB_EVENT_PATH: eventPath,
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
