/** Plays workflows of the examples and pages against the Milvus of an environment. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { load } from 'js-yaml'
import { repositoryRoot, type TestEnvironment } from '../../testing/environment.ts'
import { startGitHubApi, type GitHubApi } from '../../testing/github-api.ts'
import {
  playWorkflow,
  type PlayedJob,
  type PlayedRun,
  type RunOptions,
} from '../../testing/workflow-player.ts'
import { simulatorScenario } from './harness.ts'

export const targetsPath = '.github/milvus-targets.yml'

export const readExample = (name: string): string =>
  readFileSync(join(repositoryRoot, 'examples', name), 'utf8')

/** What an example leaves to its reader: the inputs of a target, and the secrets. */
export function splitInputs(environment: TestEnvironment) {
  const { certificate, 'private-key': privateKey, ...inputs } = environment.inputs()
  const secrets = { TLS_CERTIFICATE: certificate ?? '', TLS_PRIVATE_KEY: privateKey ?? '' }
  return { inputs: { ...inputs, region: environment.region }, secrets }
}

type Entry = Readonly<Record<string, unknown>>

/** A targets file in which every target is the Milvus of the environment. */
export function localizeTargets(
  environment: TestEnvironment,
  targets: string,
  overrides: Readonly<Record<string, Entry>> = {},
): string {
  const file = load(targets) as { defaults: Entry; targets: { readonly name: string }[] }
  const { inputs } = splitInputs(environment)
  return JSON.stringify({
    defaults: file.defaults,
    targets: file.targets.map((target) => ({
      ...target,
      ...inputs,
      ...overrides[target.name],
    })),
  })
}

export interface Played {
  readonly environment: TestEnvironment
  readonly github: GitHubApi
  readonly play: (options: Pick<RunOptions, 'workflow'> & Partial<RunOptions>) => Promise<PlayedRun>
}

/** Plays workflows in a repository with the environments of all of them. */
async function withGitHub(
  environment: TestEnvironment,
  body: (played: Played) => Promise<void>,
): Promise<void> {
  const github = await startGitHubApi()
  github.environments.push('production', 'production-check', 'staging', 'frankfurt')
  const { secrets } = splitInputs(environment)
  try {
    await body({
      environment,
      github,
      async play(options) {
        const runId = github.runs.length + 1
        github.runs.push({ id: runId, workflowId: 1, branch: 'main', status: 'in_progress' })
        const run = await playWorkflow({ environment, github, runId, secrets, ...options })
        Object.assign(github.runs[runId - 1] ?? {}, { status: 'completed' })
        return run
      },
    })
  } finally {
    await github.close()
  }
}

export const workflowScenario = (
  name: string,
  start: 'cluster-ip' | 'deployed',
  body: (played: Played) => Promise<void>,
) =>
  simulatorScenario(
    name,
    "it plays GitHub's part",
    ({ environment }) => withGitHub(environment, body),
    { start },
  )

export const describeJobs = (jobs: Readonly<Record<string, readonly PlayedJob[]>>): string[] =>
  Object.entries(jobs)
    .filter(([id]) => !/-\d$/.test(id))
    .flatMap(([id, played]) =>
      played.length === 0
        ? [`${id} skipped`]
        : played.map(({ name, result }) => `${id}: ${name} ${result}`),
    )
