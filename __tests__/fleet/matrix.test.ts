import { expect, test } from '@jest/globals'
import {
  buildJobs,
  findCommonInputs,
  getConcurrencyGroup,
  splitIntoMatrices,
} from '../../src/fleet/plan/matrix.ts'
import type { FleetTarget } from '../../src/fleet/plan/targets.ts'

const createTarget = (
  name: string,
  environment = 'production',
  overrides: Partial<FleetTarget> = {},
): FleetTarget => ({
  name,
  environment,
  checkEnvironment: 'check',
  roleToAssume: '',
  checkRoleToAssume: 'arn:aws:iam::111122223333:role/check',
  runsOn: [],
  inputs: { region: 'us-east-2', cluster: name },
  ...overrides,
})
const deployOptions = { runsOn: 'ubuntu-latest', check: false }
const createTargets = (count: number, environments: number): FleetTarget[] =>
  Array.from({ length: count }, (_, index) => createTarget(`t${index}`, `e${index % environments}`))
const listTargetNames = (jobs: readonly { targets: string }[]): string[] =>
  jobs.flatMap(({ targets }) => (JSON.parse(targets) as { name: string }[]).map(({ name }) => name))

test('each target has its own job', () => {
  expect(
    buildJobs(
      [
        createTarget('a'),
        createTarget('b', 'staging', {
          roleToAssume: 'arn:aws:iam::111122223333:role/r',
          runsOn: ['self-hosted', 'vpc'],
        }),
        createTarget('c', 'dev', { runsOn: ['large'] }),
      ],
      deployOptions,
    ),
  ).toEqual([
    {
      name: 'a',
      environment: 'production',
      'role-to-assume': '',
      region: 'us-east-2',
      'runs-on': '"ubuntu-latest"',
      index: 0,
      concurrency: 'a-milvus-',
      targets: '[{"name":"a","inputs":{"region":"us-east-2","cluster":"a"}}]',
    },
    {
      name: 'b',
      environment: 'staging',
      'role-to-assume': 'arn:aws:iam::111122223333:role/r',
      region: 'us-east-2',
      'runs-on': '["self-hosted","vpc"]',
      index: 1,
      concurrency: 'b-milvus-',
      targets: '[{"name":"b","inputs":{"region":"us-east-2","cluster":"b"}}]',
    },
    {
      name: 'c',
      environment: 'dev',
      'role-to-assume': '',
      region: 'us-east-2',
      'runs-on': '"large"',
      index: 2,
      concurrency: 'c-milvus-',
      targets: '[{"name":"c","inputs":{"region":"us-east-2","cluster":"c"}}]',
    },
  ])
})

test('targets of the same release share a job', () => {
  const createReleaseTarget = (name: string, inputs: Record<string, string>): FleetTarget =>
    createTarget(name, 'production', { inputs: { region: 'us-east-2', cluster: 'c', ...inputs } })
  const jobs = buildJobs(
    [
      createReleaseTarget('public', { release: 'r' }),
      createReleaseTarget('other', { release: 's' }),
      createReleaseTarget('internal', { release: 'r', 'ingress-name': 'r-internal' }),
      createReleaseTarget('elsewhere', { release: 'r', namespace: 'n' }),
    ],
    deployOptions,
  )
  expect(
    jobs.map(({ name, concurrency, targets }) => [
      name,
      concurrency,
      listTargetNames([{ targets }]),
    ]),
  ).toEqual([
    ['public and 1 more', 'c-milvus-r', ['public', 'internal']],
    ['other', 'c-milvus-s', ['other']],
    ['elsewhere', 'c-n-r', ['elsewhere']],
  ])
})

test.each<[inputs: Record<string, string>, rest: string]>([
  [{ cluster: 'c', service: 's' }, 'c-milvus-s'],
  [{ kubeconfig: '/k', context: 'x', release: 'r' }, '/k x-milvus-r'],
  [{ cluster: 'c', namespace: '' }, 'c-milvus-'],
])('the concurrency group of %j', (inputs, expectedSuffix) => {
  expect(getConcurrencyGroup({ roleToAssume: '', inputs })).toBe(`milvus-alb---${expectedSuffix}`)
})

interface PackingCase {
  readonly count: number
  readonly environments: number
  readonly matrixCount?: number
  readonly maxJobs?: number
  /** Expected. */
  readonly jobs: number
  readonly maxTargets: number
  readonly matrices: readonly number[]
}

const packingCases: readonly PackingCase[] = [
  { count: 1, environments: 1, jobs: 1, maxTargets: 1, matrices: [1] },
  { count: 256, environments: 1, jobs: 256, maxTargets: 1, matrices: [256] },
  { count: 257, environments: 1, jobs: 129, maxTargets: 2, matrices: [129] },
  { count: 1000, environments: 1, jobs: 250, maxTargets: 4, matrices: [250] },
  { count: 1000, environments: 256, jobs: 256, maxTargets: 4, matrices: [256] },
  { count: 1000, environments: 7, jobs: 252, maxTargets: 4, matrices: [252] },
  // Environments need more than one matrix.
  {
    count: 1000,
    environments: 300,
    matrixCount: 4,
    jobs: 300,
    maxTargets: 4,
    matrices: [150, 150],
  },
  {
    count: 1000,
    environments: 1000,
    matrixCount: 4,
    jobs: 1000,
    maxTargets: 1,
    matrices: [250, 250, 250, 250],
  },
  // More matrices alone do not lead to more jobs.
  { count: 1000, environments: 50, matrixCount: 4, jobs: 250, maxTargets: 4, matrices: [250] },
  // Input max-jobs.
  { count: 1000, environments: 50, maxJobs: 50, jobs: 50, maxTargets: 20, matrices: [50] },
  { count: 1000, environments: 50, maxJobs: 99, jobs: 50, maxTargets: 20, matrices: [50] },
  { count: 10, environments: 1, maxJobs: 1, jobs: 1, maxTargets: 10, matrices: [1] },
  { count: 10, environments: 1, maxJobs: 50, jobs: 10, maxTargets: 1, matrices: [10] },
  {
    count: 1000,
    environments: 50,
    matrixCount: 4,
    maxJobs: 1024,
    jobs: 1000,
    maxTargets: 1,
    matrices: [250, 250, 250, 250],
  },
  { count: 1000, environments: 50, maxJobs: 1024, jobs: 250, maxTargets: 4, matrices: [250] },
]

test.each(packingCases.map((each) => ({ matrixCount: 1, maxJobs: undefined, ...each })))(
  '$count targets in $environments environments, with matrices $matrixCount and max-jobs $maxJobs, are $jobs jobs with at most $maxTargets targets, each target once',
  ({ count, environments, matrixCount, maxJobs, jobs, maxTargets, matrices }) => {
    const actualJobs = buildJobs(createTargets(count, environments), {
      ...deployOptions,
      matrixCount,
      maxJobs,
    })
    expect(actualJobs).toHaveLength(jobs)
    expect(
      Math.max(...actualJobs.map(({ targets }) => (JSON.parse(targets) as unknown[]).length)),
    ).toBe(maxTargets)
    expect(listTargetNames(actualJobs).sort()).toEqual(
      createTargets(count, environments)
        .map(({ name }) => name)
        .sort(),
    )
    const actualMatrices = splitIntoMatrices(actualJobs)
    expect(actualMatrices.map(({ length }) => length)).toEqual(matrices)
    expect(actualMatrices.flat().map(({ index }) => index)).toEqual([...actualJobs.keys()])
  },
)

test('targets leave out the inputs that all of them share', () => {
  const targets = [createTarget('a'), createTarget('b')]
  const commonInputs = findCommonInputs(targets)
  expect(commonInputs).toEqual({ region: 'us-east-2' })
  expect(buildJobs(targets, { ...deployOptions, commonInputs })).toMatchObject([
    { region: 'us-east-2', targets: '[{"name":"a","inputs":{"cluster":"a"}}]' },
    { region: 'us-east-2', targets: '[{"name":"b","inputs":{"cluster":"b"}}]' },
  ])
})

test('jobs of mode check use the role and the environment of mode check, and no concurrency group', () => {
  const [job] = buildJobs([createTarget('a')], { ...deployOptions, check: true })
  expect(job).toMatchObject({
    environment: 'check',
    'role-to-assume': 'arn:aws:iam::111122223333:role/check',
  })
  expect(job).not.toHaveProperty('concurrency')
})

test.each<[name: string, targets: FleetTarget[], options: object, message: string]>([
  [
    'more environments than a matrix can have jobs',
    createTargets(300, 257),
    {},
    'The targets need at least 257 jobs, one per combination of environment, role, region and runner. GitHub allows at most 256 here, 256 per matrix.',
  ],
  [
    'more environments than four matrices can have jobs',
    createTargets(1025, 1025),
    { matrixCount: 4 },
    'The targets need at least 1025 jobs, one per combination of environment, role, region and runner. GitHub allows at most 1024 here, 256 per matrix.',
  ],
  [
    'more environments than max-jobs',
    createTargets(300, 50),
    { maxJobs: 49 },
    'Input max-jobs is 49, and the targets need at least 50 jobs, one per combination of environment, role, region and runner. Set it to 50 or more.',
  ],
  [
    'more targets in a job than its step can receive',
    createTargets(3000, 1),
    { maxJobs: 1 },
    'The job of t0 has targets of ',
  ],
])('rejects %s', (_name, targets, options, message) => {
  expect(() => buildJobs(targets, { ...deployOptions, ...options })).toThrow(message)
})
