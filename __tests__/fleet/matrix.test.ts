import { expect, test } from '@jest/globals'
import { buildMatrix, findCommonInputs, getConcurrencyGroup } from '../../src/fleet/plan/matrix.ts'
import type { Target } from '../../src/fleet/plan/targets.ts'

const createTarget = (
  name: string,
  environment = 'production',
  overrides: Partial<Target> = {},
): Target => ({
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
const createTargets = (count: number, environments: number): Target[] =>
  Array.from({ length: count }, (_, index) => createTarget(`t${index}`, `e${index % environments}`))
const listTargetNames = (jobs: readonly { targets: string }[]): string[] =>
  jobs.flatMap(({ targets }) => (JSON.parse(targets) as { name: string }[]).map(({ name }) => name))

test('each target has its own job', () => {
  expect(
    buildMatrix(
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
      concurrency: 'milvus-alb--us-east-2-a-milvus-',
      targets: '[{"name":"a","inputs":{"region":"us-east-2","cluster":"a"}}]',
    },
    {
      name: 'b',
      environment: 'staging',
      'role-to-assume': 'arn:aws:iam::111122223333:role/r',
      region: 'us-east-2',
      'runs-on': '["self-hosted","vpc"]',
      concurrency: 'milvus-alb-arn:aws:iam::111122223333:role/r-us-east-2-b-milvus-',
      targets: '[{"name":"b","inputs":{"region":"us-east-2","cluster":"b"}}]',
    },
    {
      name: 'c',
      environment: 'dev',
      'role-to-assume': '',
      region: 'us-east-2',
      'runs-on': '"large"',
      concurrency: 'milvus-alb--us-east-2-c-milvus-',
      targets: '[{"name":"c","inputs":{"region":"us-east-2","cluster":"c"}}]',
    },
  ])
})

test('targets of the same release share a job', () => {
  const createReleaseTarget = (name: string, inputs: Record<string, string>): Target =>
    createTarget(name, 'production', { inputs: { region: 'us-east-2', cluster: 'c', ...inputs } })
  const jobs = buildMatrix(
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
    ['public and 1 more', 'milvus-alb--us-east-2-c-milvus-r', ['public', 'internal']],
    ['other', 'milvus-alb--us-east-2-c-milvus-s', ['other']],
    ['elsewhere', 'milvus-alb--us-east-2-c-n-r', ['elsewhere']],
  ])
})

test.each<[inputs: Record<string, string>, rest: string]>([
  [{ cluster: 'c', service: 's' }, 'c-milvus-s'],
  [{ kubeconfig: '/k', context: 'x', release: 'r' }, '/k x-milvus-r'],
  [{ cluster: 'c', namespace: '' }, 'c-milvus-'],
])('the concurrency group of %j', (inputs, expectedSuffix) => {
  expect(getConcurrencyGroup({ roleToAssume: '', inputs })).toBe(`milvus-alb---${expectedSuffix}`)
})

test.each<{ count: number; environments: number; jobs: number; maxTargets: number }>([
  { count: 1, environments: 1, jobs: 1, maxTargets: 1 },
  { count: 256, environments: 1, jobs: 256, maxTargets: 1 },
  { count: 257, environments: 1, jobs: 129, maxTargets: 2 },
  { count: 1000, environments: 1, jobs: 250, maxTargets: 4 },
  { count: 1000, environments: 256, jobs: 256, maxTargets: 4 },
  { count: 1000, environments: 7, jobs: 252, maxTargets: 4 },
])(
  '$count targets in $environments environments are $jobs jobs with at most $maxTargets targets, each target once',
  ({ count, environments, jobs, maxTargets }) => {
    const matrix = buildMatrix(createTargets(count, environments), deployOptions)
    expect(matrix).toHaveLength(jobs)
    expect(
      Math.max(...matrix.map(({ targets }) => (JSON.parse(targets) as unknown[]).length)),
    ).toBe(maxTargets)
    expect(listTargetNames(matrix).sort()).toEqual(
      createTargets(count, environments)
        .map(({ name }) => name)
        .sort(),
    )
  },
)

test('targets leave out the inputs that all of them share', () => {
  const targets = [createTarget('a'), createTarget('b')]
  const commonInputs = findCommonInputs(targets)
  expect(commonInputs).toEqual({ region: 'us-east-2' })
  expect(buildMatrix(targets, { ...deployOptions, commonInputs })).toMatchObject([
    { region: 'us-east-2', targets: '[{"name":"a","inputs":{"cluster":"a"}}]' },
    { region: 'us-east-2', targets: '[{"name":"b","inputs":{"cluster":"b"}}]' },
  ])
})

test('jobs of mode check use the role and the environment of mode check', () => {
  expect(buildMatrix([createTarget('a')], { ...deployOptions, check: true })).toMatchObject([
    { environment: 'check', 'role-to-assume': 'arn:aws:iam::111122223333:role/check' },
  ])
})

test('rejects more environments than a matrix can have jobs', () => {
  expect(() => buildMatrix(createTargets(300, 257), deployOptions)).toThrow(
    'The targets need at least 257 jobs',
  )
})
