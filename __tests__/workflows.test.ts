/**
 * Checks all workflows against action.yml and against each other; actionlint (npm run workflows)
 * checks their syntax. Templates and pages, which call them: workflow-callers.test.ts.
 */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { load } from 'js-yaml'
import { repositoryRoot } from '../testing/environment.ts'
import { readExamples } from '../scripts/examples.ts'
import { readRepositoryName } from '../scripts/release.ts'
import { sharedInputs } from '../src/fleet/deploy/run-target.ts'

interface Step {
  readonly id?: string
  readonly uses?: string
  readonly with?: Readonly<Record<string, unknown>>
  readonly run?: string
}
interface Job {
  readonly environment?: unknown
  readonly permissions?: Readonly<Record<string, string>>
  readonly steps?: readonly Step[]
}
interface Workflow {
  readonly env?: Readonly<Record<string, string>>
  readonly permissions: object
  readonly jobs: Readonly<Record<string, Job>>
}

const readText = (path: string): string => readFileSync(join(repositoryRoot, path), 'utf8')
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- a file has no type
const parseYaml = <T>(path: string): T => load(readText(path)) as T
const actionRepository = readRepositoryName()

const files = readdirSync(join(repositoryRoot, '.github/workflows'))
const workflows = files.map(
  (file) => [file.replace('.yml', ''), parseYaml<Workflow>(`.github/workflows/${file}`)] as const,
)
const listSteps = ({ jobs }: Workflow): Step[] =>
  Object.values(jobs).flatMap((job) => job.steps ?? [])

/**
 * Logic belongs in scripts and actions with tests: YAML must not contain other commands than these.
 */
const allowedCommands = [
  'bash .ci/run',
  'npm run faults',
  'npm run matrix',
  'npm run matrix -- lab',
  'npm run lab',
  'npm run soak',
  'node scripts/nightly.ts',
  'npm audit --omit=dev',
  'npm run -s setup',
  'node scripts/release.ts check',
  'node scripts/release.ts publish',
  'node scripts/sbom.ts > sbom.cdx.json',
]

/** All permissions of each job. */
const permissions: Readonly<
  Record<string, Readonly<Record<string, Readonly<Record<string, string>>>>>
> = {
  ci: { ci: { contents: 'read' } },
  nightly: {
    faults: { contents: 'read' },
    lab: { contents: 'read' },
    soak: { contents: 'read' },
    issue: { contents: 'read', issues: 'write' },
  },
  codeql: { analyze: { contents: 'read', 'security-events': 'write' } },
  deploy: {
    one: { 'id-token': 'write' },
    targets: { contents: 'read', actions: 'read' },
    fleet: { 'id-token': 'write' },
    'fleet-2': { 'id-token': 'write' },
    'fleet-3': { 'id-token': 'write' },
    'fleet-4': { 'id-token': 'write' },
    report: { actions: 'read' },
  },
  'drift-check': {
    targets: { contents: 'read', actions: 'read' },
    check: { 'id-token': 'write' },
    'check-2': { 'id-token': 'write' },
    'check-3': { 'id-token': 'write' },
    'check-4': { 'id-token': 'write' },
    report: { actions: 'read', issues: 'write' },
  },
  plan: {
    targets: { contents: 'read', actions: 'read' },
    plan: { 'id-token': 'write' },
    'plan-2': { 'id-token': 'write' },
    'plan-3': { 'id-token': 'write' },
    'plan-4': { 'id-token': 'write' },
    report: { actions: 'read', 'pull-requests': 'write' },
  },
  release: {
    check: { contents: 'read' },
    ci: { contents: 'read' },
    publish: { contents: 'write', 'id-token': 'write', attestations: 'write' },
  },
  scorecard: {
    analysis: {
      contents: 'read',
      actions: 'read',
      'security-events': 'write',
      'id-token': 'write',
    },
  },
}

test.each(workflows)(
  '%s: each step is an action pinned by commit, an action of this repository with valid inputs, or a tested command',
  (_name, workflow) => {
    for (const step of listSteps(workflow)) {
      const [uses = '', reference = ''] = step.uses?.split('@') ?? []
      if (step.uses === undefined) expect(allowedCommands).toContain(step.run)
      // The repository of the workflow at its own commit. Source: GitHub, workflow syntax,
      // jobs.<job_id>.steps[*].uses.
      else if (uses.startsWith('$/')) {
        const { inputs } = parseYaml<{ inputs: object }>(join(uses.slice(2), 'action.yml'))
        expect(Object.keys(inputs)).toEqual(expect.arrayContaining(Object.keys(step.with ?? {})))
      } else expect(reference).toMatch(/^[0-9a-f]{40}$/)
      if (uses === 'actions/checkout')
        expect(step.with).toMatchObject({ 'persist-credentials': false })
    }
  },
)

test('each action is pinned to the same commit and version in all files', () => {
  const pinnedReferences = new Map<string, Set<string>>()
  for (const path of [
    'README.md',
    ...readExamples(repositoryRoot).map(({ path }) => path),
    ...files.map((file) => `.github/workflows/${file}`),
  ]) {
    for (const [, name = '', reference = ''] of readText(path).matchAll(
      /uses: ([\w-]+\/[\w-]+)[\w/-]*@(.*)/g,
    ))
      if (name !== actionRepository)
        pinnedReferences.set(name, (pinnedReferences.get(name) ?? new Set()).add(reference))
  }
  expect([...pinnedReferences].filter(([, references]) => references.size > 1)).toEqual([])
  for (const [reference] of pinnedReferences.values())
    expect(reference).toMatch(/^[0-9a-f]{40} # v\d+\.\d+\.\d+$/)
})

test.each(workflows)(
  '%s: each job has only the permissions that it needs, and no command contains an expression',
  (name, workflow) => {
    expect(workflow.permissions).toEqual({})
    expect(
      Object.fromEntries(
        Object.entries(workflow.jobs).map(([job, { permissions: actual }]) => [job, actual]),
      ),
    ).toEqual(permissions[name])
    expect(listSteps(workflow).filter(({ run }) => run?.includes('${{'))).toEqual([])
  },
)

test.each(['deploy', 'drift-check'])('the jobs of %s reject paths of a repository', (name) => {
  const { env } = parseYaml<Workflow>(`.github/workflows/${name}.yml`)
  expect(env).toEqual({ MILVUS_ALB_WITHOUT_CHECKOUT: 'true' })
})

test('each deployment links to its endpoint, and a check is none', () => {
  const jobs = ['deploy', 'drift-check'].flatMap((name) =>
    Object.values(parseYaml<Workflow>(`.github/workflows/${name}.yml`).jobs),
  )
  const environments = jobs.flatMap(({ environment }) => environment ?? [])
  const deployment = '${{ !inputs.dry-run }}'
  const url = '${{ steps.fleet.outputs.endpoint }}'
  const fleet = { name: '${{ matrix.environment }}', url, deployment }
  const check = { name: '${{ matrix.environment }}', deployment: false }
  expect(environments).toEqual([
    { name: '${{ inputs.environment }}', url: '${{ steps.alb.outputs.endpoint }}', deployment },
    ...Array<object>(4).fill(fleet),
    ...Array<object>(4).fill(check),
  ])
})

test('the shared inputs of a fleet are inputs of the action', () => {
  const readInputs = (path: string): string[] =>
    Object.keys(parseYaml<{ inputs: object }>(path).inputs)
  expect(readInputs('fleet/deploy/action.yml').sort()).toEqual(
    ['targets', 'common-inputs', 'parallel', ...sharedInputs].sort(),
  )
  expect(sharedInputs.filter((name) => !readInputs('action.yml').includes(name))).toEqual([])
})

test('the job that can push tags installs no dependencies', () => {
  const { jobs } = parseYaml<Workflow>('.github/workflows/release.yml')
  expect(jobs['publish']?.steps?.flatMap(({ run }) => run ?? [])).toEqual([
    'node scripts/sbom.ts > sbom.cdx.json',
    'node scripts/release.ts publish',
  ])
  expect(
    [...readText('scripts/release.ts').matchAll(/from '(.*)'/g)].filter(
      ([, module]) => !module?.startsWith('node:'),
    ),
  ).toEqual([])
})
