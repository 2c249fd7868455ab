import { expect, test } from '@jest/globals'
import { concurrencyOf, matrixOf } from '../../src/fleet/matrix.ts'
import type { Target } from '../../src/fleet/targets.ts'

const target = (name: string, environment = 'production', more: Partial<Target> = {}): Target => ({ name, environment, checkEnvironment: 'look', roleToAssume: '', checkRoleToAssume: 'arn:aws:iam::111122223333:role/look', runsOn: [], inputs: { region: 'us-east-2', cluster: name }, ...more })
const deploy = { runsOn: 'ubuntu-latest', check: false }
const many = (count: number, environments: number): Target[] => Array.from({ length: count }, (_, index) => target(`t${index}`, `e${index % environments}`))
const named = (jobs: readonly { targets: string }[]): string[] => jobs.flatMap(({ targets }) => (JSON.parse(targets) as { name: string }[]).map(({ name }) => name))

test('each target a job, with what the job needs', () => {
  expect(matrixOf([target('a'), target('b', 'staging', { roleToAssume: 'arn:aws:iam::111122223333:role/r', runsOn: ['self-hosted', 'vpc'] }), target('c', 'dev', { runsOn: ['large'] })], deploy)).toEqual([
    { name: 'a', environment: 'production', 'role-to-assume': '', region: 'us-east-2', 'runs-on': '"ubuntu-latest"', concurrency: 'milvus-alb--us-east-2-a-milvus-', targets: '[{"name":"a","inputs":{"region":"us-east-2","cluster":"a"}}]' },
    { name: 'b', environment: 'staging', 'role-to-assume': 'arn:aws:iam::111122223333:role/r', region: 'us-east-2', 'runs-on': '["self-hosted","vpc"]', concurrency: 'milvus-alb-arn:aws:iam::111122223333:role/r-us-east-2-b-milvus-', targets: '[{"name":"b","inputs":{"region":"us-east-2","cluster":"b"}}]' },
    { name: 'c', environment: 'dev', 'role-to-assume': '', region: 'us-east-2', 'runs-on': '"large"', concurrency: 'milvus-alb--us-east-2-c-milvus-', targets: '[{"name":"c","inputs":{"region":"us-east-2","cluster":"c"}}]' },
  ])
})

test('targets of the same release are one after the other in one job, those of other releases in others', () => {
  const of = (name: string, inputs: Record<string, string>): Target => target(name, 'production', { inputs: { region: 'us-east-2', cluster: 'c', ...inputs } })
  const jobs = matrixOf([of('public', { release: 'r' }), of('other', { release: 's' }), of('internal', { release: 'r', 'ingress-name': 'r-internal' }), of('elsewhere', { release: 'r', namespace: 'n' })], deploy)
  expect(jobs.map(({ name, concurrency, targets }) => [name, concurrency, named([{ targets }])])).toEqual([
    ['public and 1 more', 'milvus-alb--us-east-2-c-milvus-r', ['public', 'internal']],
    ['other', 'milvus-alb--us-east-2-c-milvus-s', ['other']],
    ['elsewhere', 'milvus-alb--us-east-2-c-n-r', ['elsewhere']],
  ])
})

test.each<[inputs: Record<string, string>, rest: string]>([
  [{ cluster: 'c', service: 's' }, 'c-milvus-s'],
  [{ kubeconfig: '/k', context: 'x', release: 'r' }, '/k x-milvus-r'],
  [{ cluster: 'c', namespace: '' }, 'c-milvus-'],
])('the group of %j', (inputs, rest) => {
  expect(concurrencyOf({ roleToAssume: '', inputs })).toBe(`milvus-alb---${rest}`)
})

test.each<[count: number, environments: number, jobs: number, most: number]>([
  [1, 1, 1, 1],
  [256, 1, 256, 1],
  [257, 1, 129, 2],
  [1000, 1, 250, 4],
  [1000, 256, 256, 4],
  [1000, 7, 252, 4],
])('%i targets in %i environments are %i jobs with at most %i targets, each target once', (count, environments, jobs, most) => {
  const made = matrixOf(many(count, environments), deploy)
  expect(made).toHaveLength(jobs)
  expect(Math.max(...made.map(({ targets }) => (JSON.parse(targets) as unknown[]).length))).toBe(most)
  expect(named(made).sort()).toEqual(many(count, environments).map(({ name }) => name).sort())
})

test('jobs that only look take the role and the environment for that', () => {
  expect(matrixOf([target('a')], { ...deploy, check: true })).toMatchObject([{ environment: 'look', 'role-to-assume': 'arn:aws:iam::111122223333:role/look' }])
})

test('more environments than jobs', () => {
  expect(() => matrixOf(many(300, 257), deploy)).toThrow('257 different environments')
})
