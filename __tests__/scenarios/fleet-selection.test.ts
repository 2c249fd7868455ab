/** Planning with GitHub's API: environments that do not exist, and targets that did not succeed. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from '@jest/globals'
import { repositoryRoot, type TestEnvironment } from '../../testing/environment.ts'
import { startGitHubApi, type GitHubApi } from '../../testing/github-api.ts'
import type { StoredRun } from '../../testing/github-runs.ts'
import { executeAction, type RunResult } from '../../testing/runner.ts'
import { simulatorScenario } from './harness.ts'

const onlyInSimulator = 'it uses no part of the lab'

/** A repository with a targets file. */
interface Repository {
  readonly environment: TestEnvironment
  readonly github: GitHubApi
  readonly file: string
}

async function withRepository(
  environment: TestEnvironment,
  run: (repository: Repository) => Promise<void>,
): Promise<void> {
  const github = await startGitHubApi()
  try {
    await run({ environment, github, file: join(environment.directory, 'targets.yml') })
  } finally {
    await github.close()
  }
}

/** @param targets the environment of each target */
const writeTargets = ({ file }: Repository, targets: Readonly<Record<string, string>>) =>
  writeFile(
    file,
    JSON.stringify({
      defaults: { region: 'us-east-2' },
      targets: Object.entries(targets).map(([name, environment]) => ({
        name,
        environment,
        cluster: name,
        host: `${name}.example.com`,
      })),
    }),
  )

const runFleetAction = (
  action: 'plan' | 'report',
  { environment, github }: Repository,
  inputs: Record<string, string>,
  env: Record<string, string> = {},
): Promise<RunResult> =>
  executeAction({
    actionDirectory: join(repositoryRoot, 'fleet', action),
    directory: environment.directory,
    inputs: { token: github.token, ...inputs },
    env: {
      ...environment.runnerEnv(),
      GITHUB_API_URL: github.url,
      GITHUB_REPOSITORY: 'team/infra',
      ...env,
    },
  })

/** What a run of fleet/plan or fleet/report would upload for later runs. */
const readOutcomes = ({ outputs, files }: RunResult): string[] =>
  (
    JSON.parse(files[outputs['outcomes-file'] ?? ''] ?? '') as {
      name: string
      succeeded: boolean
    }[]
  ).map(({ name, succeeded }) => `${name}: ${succeeded}`)

const listNames = ({ outputs }: RunResult): unknown => JSON.parse(outputs['targets'] ?? '')

simulatorScenario(
  'targets in environments that do not exist: a warning names both, and require-environments rejects them',
  onlyInSimulator,
  ({ environment }) =>
    withRepository(environment, async (repository) => {
      const { github, file } = repository
      // GitHub returns at most 100 environments in a page.
      github.environments.push(...Array.from({ length: 120 }, (_, index) => `e${index}`))
      await writeTargets(repository, { first: 'E119', typo: 'e121', same: 'e121' })
      const missing =
        'The repository does not have environment e121 (targets typo, same). GitHub would create what is missing, without protection rules and secrets.'
      const warned = await runFleetAction('plan', repository, { file })
      expect([warned.exitCode, warned.log]).toEqual([
        0,
        expect.stringContaining(`::warning::${missing}`),
      ])
      expect(listNames(warned)).toHaveLength(3)
      expect(warned.maskCommands.join()).toContain(github.token)

      const required = { file, 'require-environments': 'true' }
      const rejected = await runFleetAction('plan', repository, required)
      expect([rejected.exitCode, rejected.log]).toEqual([
        1,
        expect.stringContaining(`::error::${missing}`),
      ])
      expect(rejected.outputs['targets']).toBeUndefined()
      // Otherwise, only: failed would take what an earlier run deployed for what is in the file.
      expect(readOutcomes(rejected)).toEqual(['first: false', 'typo: false', 'same: false'])
      await writeFile(file, 'targets: [')
      const broken = await runFleetAction('plan', repository, { file })
      expect([broken.exitCode, readOutcomes(broken)]).toEqual([1, []])
      expect(broken.outputs['outcomes']).toBe(rejected.outputs['outcomes'])
      await writeTargets(repository, { first: 'E119', typo: 'e121', same: 'e121' })
      github.environments.push('e121')
      const clean = await runFleetAction('plan', repository, required)
      expect([clean.exitCode, clean.log]).toEqual([0, '3 targets in 3 jobs\n'])

      github.fail = () => ({
        status: 403,
        message: 'Resource not accessible by integration',
        headers: { 'x-accepted-github-permissions': 'actions=read' },
      })
      const unknown = await runFleetAction('plan', repository, { file })
      const note =
        /Whether the environments of the targets exist is not known: .*Grant the token the permissions actions=read\./
      expect([unknown.exitCode, unknown.log]).toEqual([0, expect.stringMatching(note)])
      expect(unknown.log).not.toContain('::')
      expect((await runFleetAction('plan', repository, required)).exitCode).toBe(1)
    }),
  { start: 'empty' },
)

/** The attempt of a run that is played, and what its jobs report. */
interface PlayedRun {
  readonly id: number
  readonly only: string
  /** The outcomes of targets whose jobs upload a result; no report when absent. */
  readonly results?: Readonly<Record<string, string>>
  readonly attempt?: number
}

/** Plays deploy.yml: plans, uploads, reports the results of the jobs, and uploads again. */
async function playRun(repository: Repository, { id, only, results, attempt = 1 }: PlayedRun) {
  const { github, file } = repository
  const run: StoredRun = github.runs.find((other) => other.id === id) ?? {
    id,
    workflowId: 7,
    branch: 'main',
    status: 'in_progress',
  }
  run.status = 'in_progress'
  if (attempt === 1) github.runs.push(run)
  const env = { GITHUB_RUN_ID: String(id), GITHUB_RUN_ATTEMPT: String(attempt) }
  const plan = await runFleetAction('plan', repository, { file, only }, env)
  const { artifacts = '', outcomes = '', targets = '' } = plan.outputs
  const upload = ({ outputs, files }: RunResult): void => {
    const content = JSON.parse(files[outputs['outcomes-file'] ?? ''] ?? '') as unknown
    github.artifacts.push({ name: outcomes, content, runId: id })
  }
  if (outcomes !== '') upload(plan)
  if (results !== undefined) {
    const jobTargets = Object.entries(results).map(([name, outcome]) => ({
      name,
      host: '',
      outcome,
      outputs: {},
    }))
    const content = { attempt, mode: 'deploy', dryRun: false, targets: jobTargets }
    github.artifacts.push({ name: `${artifacts}0`, content, runId: id })
    const inputs = { artifacts, targets, 'planned-in': String(attempt) }
    upload(await runFleetAction('report', repository, inputs, env))
  }
  run.status = 'completed'
  return plan
}

simulatorScenario(
  'only: failed selects what did not succeed in the newest run that planned it, over runs of the whole file and of parts',
  onlyInSimulator,
  ({ environment }) =>
    withRepository(environment, async (repository) => {
      const { github, file } = repository
      github.environments.push('production')
      const names = { a: 'production', b: 'production', c: 'production', d: 'production' }
      await writeTargets(repository, names)
      const tooEarly = await playRun(repository, { id: 1, only: 'failed' })
      expect([tooEarly.exitCode, tooEarly.log]).toEqual([
        1,
        expect.stringContaining('none of the last 50 completed runs'),
      ])

      // The job of c was not approved, so it has no result.
      const all = { a: 'success', b: 'failure', d: 'success' }
      await playRun(repository, { id: 2, only: '', results: all })
      const results = { b: 'success', c: 'cancelled' }
      const third = await playRun(repository, { id: 3, only: 'failed', results })
      expect(listNames(third)).toEqual(['b', 'c'])
      expect(third.log).toContain('::notice::2 targets did not succeed in the last run: b, c.')
      // This run ended before its report.
      await playRun(repository, { id: 4, only: 'd' })

      // None of these is a run of this workflow and branch of this repository.
      const foreign = { id: 0, workflowId: 7, branch: 'main', status: 'completed' } as const
      github.runs.push({ ...foreign, id: 101, fork: 'existing' })
      github.runs.push({ ...foreign, id: 104, fork: 'deleted' })
      github.runs.push({ ...foreign, id: 102, branch: 'feature' })
      github.runs.push({ ...foreign, id: 103, workflowId: 8 })
      const forged = Object.keys(names).map((name) => ({ name, succeeded: true }))
      const outcomesOfFile = github.artifacts.find(({ name }) => name.endsWith('-all'))?.name ?? ''
      for (const runId of [101, 102, 103, 104])
        github.artifacts.push({ name: outcomesOfFile, content: forged, runId })
      await writeTargets(repository, { ...names, new: 'production' })
      const fifth = {
        id: 5,
        only: 'failed',
        results: { c: 'failure', d: 'success', new: 'success' },
      }
      const partial = await playRun(repository, fifth)
      expect(listNames(partial)).toEqual(['c', 'd', 'new'])
      expect(partial.log).toContain('2 targets did not succeed in the last run: c, d.')
      expect(partial.log).toContain('1 target in no earlier run: new.')

      // "Re-run all jobs" repeats only what still failed.
      const again = await playRun(repository, { ...fifth, attempt: 2, results: { c: 'success' } })
      expect(listNames(again)).toEqual(['c'])
      const none = await playRun(repository, { id: 6, only: 'failed' })
      expect(none.outputs).toMatchObject({ matrix: '', targets: '[]', outcomes: '' })
      expect(none.log).toContain('::notice::Every target succeeded in its last run.')

      const planExpectingFailure = async (inputs: Record<string, string>): Promise<string> =>
        (
          await runFleetAction(
            'plan',
            repository,
            { file, only: 'failed', ...inputs },
            { GITHUB_RUN_ID: '6' },
          )
        ).log
      expect(await planExpectingFailure({ 'dry-run': 'true' })).toContain(
        '::error::Input only is failed, but none',
      )
      expect(await planExpectingFailure({ mode: 'check' })).toContain(
        '::error::Input only is failed, which',
      )
      const expired = github.artifacts.map((artifact) => ({ ...artifact, expired: true }))
      github.artifacts.splice(0, Infinity, ...expired)
      expect(await planExpectingFailure({})).toContain(
        'https://github.com/team/infra/actions/runs/5 have expired. Leave only empty',
      )
    }),
  { start: 'empty' },
)
