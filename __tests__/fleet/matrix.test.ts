import { expect, test } from '@jest/globals'
import { matrixOf } from '../../src/fleet/matrix.ts'
import { readTargets, type Target } from '../../src/fleet/targets.ts'

const target = (name: string, environment = 'production', more: Partial<Target> = {}): Target => ({ name, environment, roleToAssume: '', checkRoleToAssume: 'arn:aws:iam::111122223333:role/look', runsOn: [], inputs: { region: 'us-east-2' }, ...more })
const deploy = { runsOn: 'ubuntu-latest', check: false }
const many = (count: number, environments: number): Target[] => Array.from({ length: count }, (_, index) => target(`t${index}`, `e${index % environments}`))
const named = (jobs: readonly { targets: string }[]): string[] => jobs.flatMap(({ targets }) => (JSON.parse(targets) as { name: string }[]).map(({ name }) => name))

test('each target a job, with what the job needs', () => {
  expect(matrixOf([target('a'), target('b', 'staging', { roleToAssume: 'arn:aws:iam::111122223333:role/r', runsOn: ['self-hosted', 'vpc'] }), target('c', 'dev', { runsOn: ['large'] })], deploy)).toEqual([
    { name: 'a', environment: 'production', 'role-to-assume': '', region: 'us-east-2', 'runs-on': '"ubuntu-latest"', targets: '[{"name":"a","inputs":{"region":"us-east-2"}}]' },
    { name: 'b', environment: 'staging', 'role-to-assume': 'arn:aws:iam::111122223333:role/r', region: 'us-east-2', 'runs-on': '["self-hosted","vpc"]', targets: '[{"name":"b","inputs":{"region":"us-east-2"}}]' },
    { name: 'c', environment: 'dev', 'role-to-assume': '', region: 'us-east-2', 'runs-on': '"large"', targets: '[{"name":"c","inputs":{"region":"us-east-2"}}]' },
  ])
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

test('jobs that only look take the role for that', () => {
  expect(matrixOf([target('a')], { ...deploy, check: true })).toMatchObject([{ 'role-to-assume': 'arn:aws:iam::111122223333:role/look' }])
})

test('more environments than jobs', () => {
  expect(() => matrixOf(many(300, 257), deploy)).toThrow('257 different environments')
})

test('a file of 1,000 targets is read in a second, and its matrix is below what a job may output', () => {
  const text = `defaults: {region: us-east-2, cluster: c}\ntargets:\n${Array.from({ length: 1000 }, (_, index) => `  - {name: t${index}, environment: e${index % 50}, host: t${index}.example.com, role-to-assume: "arn:aws:iam::111122223333:role/milvus-alb-${index % 50}"}`).join('\n')}\n`
  const start = performance.now()
  const reading = readTargets(text)
  expect(performance.now() - start).toBeLessThan(1000)
  if ('problems' in reading) throw new Error(reading.problems.join('\n'))
  const jobs = matrixOf(reading.targets, deploy)
  expect(jobs).toHaveLength(250)
  // Source: GitHub, workflow syntax, jobs.<job_id>.outputs: 1 MB a job.
  expect(JSON.stringify({ include: jobs }).length).toBeLessThan(1024 * 1024)
})
