/** Fleets: a file of targets becomes jobs, and a job deploys its targets one after the other. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from '@jest/globals'
import { startGitHub } from '../../sandbox/github.ts'
import { runAction, type ActionRun } from '../../sandbox/runner.ts'
import { repository, type World } from '../../sandbox/world.ts'
import { get } from './hands.ts'
import { scenario } from './harness.ts'

interface Result { readonly name: string; readonly outcome: string; readonly outputs: Readonly<Record<string, string>> }

const runOther = (world: World, action: string, inputs: Record<string, string>): Promise<ActionRun> =>
  runAction({ action: join(repository, action), directory: world.directory, environment: world.environment(), inputs })

scenario('two targets of one job: the second is deployed though the first fails, and the job fails with both results', async ({ world }) => {
  const { certificate, 'private-key': privateKey, ...inputs } = world.inputs()
  const file = join(world.directory, 'targets.yml')
  await writeFile(file, JSON.stringify({ defaults: { ...inputs, region: world.region, environment: 'production' }, targets: [{ name: 'gone', namespace: 'nowhere' }, { name: 'here' }] }))
  const matrix = await runOther(world, 'targets', { file })
  expect(matrix.exitCode).toBe(0)
  const [job, ...others] = (JSON.parse(matrix.outputs['matrix'] ?? '') as { include: Record<string, string>[] }).include
  expect(others.map(({ name }) => name)).toEqual(['here'])

  const both = JSON.stringify([job, ...others].flatMap((each) => JSON.parse(each?.['targets'] ?? '') as object[]))
  const rehearsal = await runOther(world, 'fleet', { targets: both, 'dry-run': 'true', certificate: certificate ?? '', 'private-key': privateKey ?? '' })
  expect((JSON.parse(rehearsal.outputs['results'] ?? '') as Result[])[1]?.outputs).toMatchObject({ changed: 'false', changes: expect.stringContaining('service.type') })
  expect(await get(world, 'ingress', 'milvus-demo')).toBeUndefined()

  const run = await runOther(world, 'fleet', { targets: both, certificate: certificate ?? '', 'private-key': privateKey ?? '' })
  expect(run.exitCode).toBe(1)
  const results = JSON.parse(run.outputs['results'] ?? '') as Result[]
  expect(results.map(({ name, outcome }) => `${name} ${outcome}`)).toEqual(['gone failure', 'here success'])
  expect(results[0]?.outputs).toMatchObject({ 'failure-code': 'namespace-not-found' })
  expect(results[1]?.outputs['alb-address']).toMatch(/elb\.amazonaws\.com$/)
  expect(run.log).toContain('1 of 2 targets did not succeed: gone (namespace-not-found)')
  for (const text of [run.log, JSON.stringify(run.outputs), run.summary]) expect(text).not.toContain((privateKey ?? '').split('\n')[1])
})

scenario('a targets file with mistakes: every one is said', async ({ world }) => {
  const file = join(world.directory, 'targets.yml')
  await writeFile(file, 'targets: [{name: a, host: x}, {name: b, region: us-east-2, cluster: c, host: b.example.com, scheme: open}]')
  const run = await runOther(world, 'targets', { file })
  expect(run.exitCode).toBe(1)
  for (const part of ['a: Input cluster is empty', 'a: Input region is empty', 'a: Input host is "x"', 'b: Input scheme is "open"']) {
    expect(decodeURIComponent(run.log)).toContain(part)
    expect(run.summary).toContain(part)
  }
  expect((await runOther(world, 'targets', { file: join(world.directory, 'none.yml') })).log).toContain('which cannot be read')
}, { start: 'empty' })

scenario('a file of 1,000 targets becomes 250 jobs, and a part of it those that are named', async ({ world }) => {
  const file = join(world.directory, 'targets.yml')
  const names = Array.from({ length: 1000 }, (_, index) => `target-${index}`)
  await writeFile(file, `defaults: {region: us-east-2}\ntargets:\n${names.map((name, index) => `  - {name: ${name}, environment: e${index % 50}, cluster: c${index}, host: ${name}.example.com, role-to-assume: "arn:aws:iam::111122223333:role/milvus-alb-${index % 50}"}`).join('\n')}\n`)
  const { exitCode, outputs, log } = await runOther(world, 'targets', { file })
  expect([exitCode, log]).toEqual([0, expect.stringContaining('1000 targets in 250 jobs')])
  const { include } = JSON.parse(outputs['matrix'] ?? '') as { include: { targets: string }[] }
  expect(include.flatMap(({ targets }) => (JSON.parse(targets) as Result[]).map(({ name }) => name)).sort()).toEqual([...names].sort())
  expect(JSON.parse(outputs['targets'] ?? '')).toEqual(names)
  // Source: GitHub, workflow syntax, jobs.<job_id>.outputs: 1 MB a job. Linux, execve(2): 128 KiB a variable, which an input is.
  expect((outputs['matrix'] ?? '').length).toBeLessThan(2 ** 20 - 2 ** 17)
  expect((outputs['targets'] ?? '').length).toBeLessThan(2 ** 17)

  const part = await runOther(world, 'targets', { file, only: 'target-99*, target-1' })
  expect(JSON.parse(part.outputs['targets'] ?? '')).toEqual(['target-1', 'target-99', ...Array.from({ length: 10 }, (_, index) => `target-99${index}`)])
  expect(part.outputs['artifacts']).not.toBe(outputs['artifacts'])
  expect((await runOther(world, 'targets', { file, mode: 'check' })).outputs['artifacts']).not.toBe(outputs['artifacts'])
  expect((await runOther(world, 'targets', { file, only: 'target-1, tarket-2' })).log).toContain('Input only says tarket-2, which matches none of the 1000 targets')
}, { start: 'empty' })

scenario('a drift check over all jobs opens one issue, updates that one, and closes it when all is well', async ({ world }) => {
  const github = await startGitHub()
  const report = (inputs: Record<string, string> = {}): Promise<ActionRun> => runAction({
    action: join(repository, 'fleet-report'), directory: world.directory, inputs: { token: github.token, issue: 'true', ...inputs },
    environment: { ...world.environment(), GITHUB_API_URL: github.url, GITHUB_REPOSITORY: 'team/infra', GITHUB_RUN_ID: '1', GITHUB_WORKFLOW: 'Drift', GITHUB_SERVER_URL: 'https://github.com' },
  })
  const result = (name: string, drift: string) => ({ name, host: `${name}.example.com`, outcome: 'success', outputs: { drift, changes: '[]' } })
  try {
    for (let job = 0; job < 120; job += 1) github.artifacts.set(`milvus-alb-results-${job}`, [result(`t${job}`, 'false')])
    github.artifacts.set('milvus-alb-results-bad', [result('bad', 'true')])
    github.artifacts.set('coverage', { not: 'ours' })
    const first = await report()
    expect({ exit: first.exitCode, log: first.exitCode === 0 ? '' : first.log, ...first.outputs }).toEqual({ exit: 0, log: '', clean: 'false', drift: 'true', issue: '1' })
    expect(github.issues).toMatchObject([{ title: 'Milvus: 1 of 121 targets needs attention', state: 'open', labels: ['milvus-alb-drift'] }])
    expect(first.summary).toContain('| ✗ | bad |')

    github.artifacts.set('milvus-alb-results-worse', [result('worse', 'unknown')])
    expect((await report()).outputs).toEqual({ clean: 'false', drift: 'true', issue: '1' })
    expect(github.issues).toMatchObject([{ title: 'Milvus: 2 of 122 targets need attention', state: 'open' }])

    for (const name of ['bad', 'worse']) github.artifacts.set(`milvus-alb-results-${name}`, [result(name, 'false')])
    expect((await report()).outputs).toEqual({ clean: 'true', drift: 'false' })
    expect(github.issues).toMatchObject([{ state: 'closed', comments: [expect.stringContaining('as they should be')] }])
    // What else the workflow looks at has an issue of its own.
    expect((await report({ artifacts: 'milvus-alb-results-0', targets: '["other"]' })).outputs).toEqual({ clean: 'false', drift: 'unknown', issue: '2' })
    expect((await report({ issue: 'false', targets: '["bad","lost"]' })).summary).toContain('| ✗ | lost |  | no result: its job ended before the action did |')
    // The archive's address carries its own right.
    expect(github.requests.filter((request) => request.includes('/blobs/') && request.endsWith('with a token'))).toEqual([])
    const refused = await runAction({ action: join(repository, 'fleet-report'), directory: world.directory, inputs: { token: 'wrong' }, environment: { ...world.environment(), GITHUB_API_URL: github.url, GITHUB_REPOSITORY: 'team/infra', GITHUB_RUN_ID: '1' } })
    expect([refused.exitCode, refused.log]).toEqual([1, expect.stringContaining('GitHub answered 401')])
  } finally {
    await github.close()
  }
}, { start: 'empty' })
