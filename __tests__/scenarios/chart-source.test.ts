/** Where the chart comes from: each form of its name, and a repository that fails for a moment. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from '@jest/globals'
import { otherChart } from '../../sandbox/charts/others.ts'
import { milvusChart } from '../../sandbox/charts/package.ts'
import { startChartRegistry } from '../../sandbox/charts/registry.ts'
import type { RunOptions } from '../../sandbox/runner.ts'
import type { Fault } from '../../sandbox/traffic.ts'
import type { World } from '../../sandbox/world.ts'
import { annotation, changed, expectFailure, expectSuccess, scenario, type Scenario } from './harness.ts'

/** Everything up to the first write: the chart is fetched and rendered. */
const rehearsal = { 'dry-run': 'true', values: '' }

/** The working directory of a job that has checked out a chart, and a helm that has been told of a repository. */
async function makeWorkspace(world: World): Promise<Partial<RunOptions> & { workspace: string }> {
  const workspace = join(world.directory, 'workspace')
  await mkdir(workspace)
  await world.helm('pull', 'milvus', '--repo', world.charts.url, '--version', '4.2.58', '--untar', '--untardir', join(workspace, 'charts'))
  await writeFile(join(workspace, 'milvus-4.2.58.tgz'), await milvusChart('4.2.58'))
  const repositories = join(world.directory, 'repositories.yaml')
  await world.helm('repo', 'add', 'corp', world.charts.url, '--repository-config', repositories)
  return { workspace, environment: { HELM_REPOSITORY_CONFIG: repositories } }
}

for (const major of [3, 4] as const) {
  scenario(`a chart as a directory, an archive, its URL, and an alias of helm repo add, with helm ${major}`, async ({ world, run }) => {
    await world.useHelm(major)
    const options = await makeWorkspace(world)
    for (const chart of ['charts/milvus', 'milvus-4.2.58.tgz', `${world.charts.url}/milvus-4.2.58.tgz`, 'corp/milvus']) {
      expect({ chart, changes: changed(expectSuccess(await run({ ...rehearsal, chart }, options))) }).toEqual({ chart, changes: expect.arrayContaining(['release service.type']) as unknown })
    }
  })
}

scenario('names of charts that lead nowhere, or to another chart', async ({ world, run }) => {
  const options = await makeWorkspace(world)
  await writeFile(join(options.workspace, 'cache.tgz'), otherChart('cache', '1.2.3').archive)
  for (const { inputs, code, says } of [
    { inputs: { chart: 'charts/nothing' }, code: 'chart-not-found', says: 'Set chart-repository to the URL of the repository and chart to nothing' },
    { inputs: { chart: 'milvus-9.9.9.tgz' }, code: 'chart-not-found', says: `Input chart is the path milvus-9.9.9.tgz, and ${options.workspace}/milvus-9.9.9.tgz does not exist` },
    { inputs: { chart: './charts' }, code: 'chart-not-found', says: './charts is not a chart that helm can read' },
    { inputs: { chart: './cache.tgz' }, code: 'release-chart-differs', says: 'was made with chart milvus, not cache' },
    { inputs: { chart: './milvus-4.2.58.tgz', 'chart-version': '5.0.19' }, code: 'chart-not-found', says: 'leads to version 4.2.58 of chart milvus, and version 5.0.19 is asked for' },
  ]) expect({ inputs, text: annotation(expectFailure(await run({ ...rehearsal, ...inputs }, options), 'preflight', code)) }).toEqual({ inputs, text: expect.stringContaining(says) as unknown })
})

scenario('an OCI reference with a tag, a digest or both', async ({ world, run }) => {
  const registry = await startChartRegistry({ traffic: world.traffic, authority: world.authority, version: '4.2.58' })
  try {
    const { reference, digest } = registry
    for (const chart of [reference, `${reference}:4.2.58`, `${reference}@${digest}`, `${reference}:4.2.58@${digest}`]) expectSuccess(await run({ ...rehearsal, chart }))
    const gone = `${reference}@sha256:${'0'.repeat(64)}`
    expect(annotation(expectFailure(await run({ ...rehearsal, chart: gone }), 'preflight', 'chart-not-found'))).toContain('not found')
    expect(annotation(expectFailure(await run({ ...rehearsal, chart: `${reference}@${digest}`, 'chart-version': '5.0.19' }), 'preflight', 'chart-not-found'))).toContain('version 5.0.19 is asked for')
  } finally {
    await registry.close()
  }
})

/** How often helm asked the repository for something since the last run began. */
const asked = ({ world }: Pick<Scenario, 'world'>, since: number, operation: RegExp): number => world.traffic.requests.slice(since).filter((request) => request.part === 'charts' && operation.test(request.operation)).length

for (const major of [3, 4] as const) {
  scenario(`a repository that fails for a moment is asked again, one that refuses is not, with helm ${major}`, async ({ world, run }) => {
    await world.useHelm(major)
    const { charts, traffic } = world
    const error = (status: number): Pick<Fault, 'error'> => ({ error: { status, code: '', message: 'not now' } })
    const fail = (operation: RegExp, fault: Pick<Fault, 'error' | 'reset'>, times: number): void => void traffic.inject({ part: 'charts', operation, times, ...fault })
    fail(/index\.yaml$/, error(503), 1)
    fail(/index\.yaml$/, error(429), 1)
    fail(/tgz$/, { reset: true }, 1)
    const { log } = expectSuccess(await run(rehearsal))
    expect(log).toContain('helm fetches the chart again: attempt 4 of 6')

    const password = 'canary-3d7f6a52-chart'
    charts.credentials = { username: 'charts', password }
    fail(/index\.yaml$/, error(502), 1)
    expect(expectSuccess(await run({ ...rehearsal, 'chart-username': 'charts', 'chart-password': password })).log).toContain('helm reads the repository again: attempt 2 of 6')

    for (const status of [401, 404]) {
      const since = traffic.requests.length
      fail(/index\.yaml$/, error(status), 1)
      expectFailure(await run({ ...rehearsal, 'chart-username': 'charts', 'chart-password': password }), 'preflight', 'chart-repository-unreachable')
      expect({ status, asked: asked({ world }, since, /index\.yaml$/) }).toEqual({ status, asked: 1 })
    }
  })
}
