/** The workflows to paste of docs/workflows, played with the built actions. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from '@jest/globals'
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
import { getObject } from './manual-operations.ts'

const targetsPath = '.github/milvus-targets.yml'

/** The YAML of a page: its workflow, and its targets file if it has one. */
function readPage(name: string): { readonly workflow: string; readonly targets: string } {
  const text = readFileSync(join(repositoryRoot, 'docs/workflows', name), 'utf8')
  const [workflow = '', targets = ''] = [...text.matchAll(/```yaml\n([\s\S]*?)```/g)].map(
    ([, block = '']) => block,
  )
  return { workflow, targets }
}

/** What the page leaves to its reader: the inputs of a target, and the secrets. */
function splitInputs(environment: TestEnvironment) {
  const { certificate, 'private-key': privateKey, ...inputs } = environment.inputs()
  const secrets = { TLS_CERTIFICATE: certificate ?? '', TLS_PRIVATE_KEY: privateKey ?? '' }
  return { inputs: { ...inputs, region: environment.region }, secrets }
}

type Entry = Readonly<Record<string, unknown>>

/** A targets file in which every target is the Milvus of the environment. */
function localizeTargets(
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

interface Played {
  readonly environment: TestEnvironment
  readonly github: GitHubApi
  readonly play: (options: Pick<RunOptions, 'workflow'> & Partial<RunOptions>) => Promise<PlayedRun>
}

/** Plays pages in a repository with the environments of all of them. */
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

const pageScenario = (
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

const describeJobs = (jobs: Readonly<Record<string, readonly PlayedJob[]>>): string[] =>
  Object.entries(jobs)
    .filter(([id]) => !/-\d$/.test(id))
    .flatMap(([id, played]) =>
      played.length === 0
        ? [`${id} skipped`]
        : played.map(({ name, result }) => `${id}: ${name} ${result}`),
    )

pageScenario(
  'page deploy-one.md deploys, and the deployment links to the endpoint',
  'cluster-ip',
  async ({ environment, play }) => {
    const { workflow } = readPage('deploy-one.md')
    const { inputs } = splitInputs(environment)
    const { deploy = {} } = await play({ workflow, with: inputs })
    expect(describeJobs(deploy)).toEqual([
      `one: ${environment.host} success`,
      'targets skipped',
      'fleet skipped',
      'report skipped',
    ])
    const [one] = deploy['one'] ?? []
    const endpoint = `https://${environment.host}:${environment.listenPort}`
    expect(one?.environment).toEqual({ name: 'production', url: endpoint, deployment: true })
    expect(one?.outputs).toMatchObject({ endpoint, changed: 'true', 'failure-code': '' })
    expect(await getObject(environment, 'ingress', 'milvus-demo')).toBeDefined()
  },
)

pageScenario(
  'page re-deploy-what-failed.md: a fleet in which a target fails, then only that one, then none',
  'cluster-ip',
  async ({ environment, github, play }) => {
    const { targets } = readPage('deploy-a-fleet.md')
    const { workflow } = readPage('re-deploy-what-failed.md')
    const broken = localizeTargets(environment, targets, { staging: { namespace: 'nowhere' } })
    const { deploy: first = {} } = await play({ workflow, files: { [targetsPath]: broken } })
    expect(describeJobs(first)).toEqual([
      'one skipped',
      'targets: targets success',
      'fleet: production success',
      'fleet: staging failure',
      'report: report success',
    ])
    expect(first['fleet']?.[0]?.environment).toEqual({
      name: 'production',
      url: `https://${environment.host}:${environment.listenPort}`,
      deployment: true,
    })
    expect(first['report']?.[0]?.outputs).toEqual({ clean: 'false' })

    const inputs = { only: 'failed' }
    const files = { [targetsPath]: localizeTargets(environment, targets) }
    const { deploy: second = {} } = await play({ workflow, inputs, files })
    expect(describeJobs(second)).toEqual([
      'one skipped',
      'targets: targets success',
      'fleet: staging success',
      'report: report success',
    ])
    expect(second['report']?.[0]?.outputs).toEqual({ clean: 'true' })
    const { deploy: third = {} } = await play({ workflow, inputs, files })
    expect(describeJobs(third)).toEqual([
      'one skipped',
      'targets: targets success',
      'fleet skipped',
      'report skipped',
    ])
    expect(github.issues).toEqual([])
  },
)

pageScenario(
  'page deploy-a-fleet.md: a misspelled environment ends the run before any job',
  'cluster-ip',
  async ({ environment, play }) => {
    const { workflow, targets } = readPage('deploy-a-fleet.md')
    const misspelled = localizeTargets(environment, targets, { staging: { environment: 'stagin' } })
    const { deploy = {} } = await play({ workflow, files: { [targetsPath]: misspelled } })
    expect(describeJobs(deploy)).toEqual([
      'one skipped',
      'targets: targets failure',
      'fleet skipped',
      'report skipped',
    ])
    expect(deploy['targets']?.[0]?.log).toContain('environment stagin (target staging)')
    const files = { [targetsPath]: localizeTargets(environment, targets) }
    const corrected = await play({ workflow, inputs: { only: 'prod*' }, files })
    expect(describeJobs(corrected['deploy'] ?? {})).toContain('fleet: production success')
  },
)

pageScenario(
  'page fleet-behind-approvals.md: a rejected target has no result and is deployed again by only: failed',
  'cluster-ip',
  async ({ environment, play }) => {
    const { workflow, targets } = readPage('fleet-behind-approvals.md')
    const files = { [targetsPath]: localizeTargets(environment, targets) }
    const { deploy = {} } = await play({ workflow, files, rejected: ['production'] })
    expect(describeJobs(deploy)).toEqual([
      'one skipped',
      'targets: targets success',
      'fleet: production failure',
      'fleet: staging success',
      'report: report success',
    ])
    expect(deploy['report']?.[0]?.summary).toContain('| ✗ | production |  | no result')
    const again = await play({
      workflow: readPage('re-deploy-what-failed.md').workflow,
      inputs: { only: 'failed' },
      files,
    })
    expect(describeJobs(again['deploy'] ?? {})).toContain('fleet: production success')
  },
)

pageScenario(
  'page check-for-drift.md opens an issue about drift, and the check after a correction closes it',
  'deployed',
  async ({ environment, github, play }) => {
    const { targets } = readPage('deploy-a-fleet.md')
    const { workflow } = readPage('check-for-drift.md')
    const files = { [targetsPath]: localizeTargets(environment, targets) }
    const annotation = 'alb.ingress.kubernetes.io/ssl-policy'
    await environment.kubectl('annotate', 'ingress', 'milvus-demo', `${annotation}-`)
    const { check: drifted = {} } = await play({ workflow, files })
    expect(describeJobs(drifted)).toEqual([
      'targets: targets success',
      'check: production failure',
      'check: staging failure',
      'report: report success',
    ])
    expect(drifted['report']?.[0]?.outputs).toMatchObject({ drift: 'true', issue: '1' })
    expect(github.issues).toMatchObject([
      { state: 'open', title: 'Milvus: 2 of 2 targets need attention' },
    ])
    await play({
      workflow: readPage('deploy-a-fleet.md').workflow,
      inputs: { only: 'production' },
      files,
    })
    const { check: clean = {} } = await play({ workflow, files })
    expect(clean['report']?.[0]?.outputs).toEqual({ drift: 'false', clean: 'true', issue: '' })
    expect(github.issues).toMatchObject([{ state: 'closed' }])
  },
)

pageScenario(
  'page self-hosted-runners.md: no job needs a hosted runner',
  'cluster-ip',
  async ({ environment, play }) => {
    const { workflow, targets } = readPage('self-hosted-runners.md')
    const files = { [targetsPath]: localizeTargets(environment, targets) }
    const { deploy = {} } = await play({ workflow, files })
    const runners = Object.values(deploy).flatMap((jobs) =>
      jobs.map(({ name, runsOn }) => [name, runsOn]),
    )
    expect(runners).toEqual([
      ['targets', { group: 'infrastructure' }],
      ['production', ['self-hosted', 'vpc']],
      ['frankfurt', ['self-hosted', 'vpc-eu']],
      ['report', { group: 'infrastructure' }],
    ])
    const ingress = await getObject(environment, 'ingress', 'milvus-demo')
    expect(ingress?.metadata.annotations).toMatchObject({
      'alb.ingress.kubernetes.io/scheme': 'internal',
    })
  },
)
