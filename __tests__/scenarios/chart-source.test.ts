/** The source of the chart: each form of a reference, and a repository that fails temporarily. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from '@jest/globals'
import { buildUnrelatedChart } from '../../simulator/charts/third-party-charts.ts'
import { buildMilvusChart } from '../../simulator/charts/package.ts'
import { startChartRegistry } from '../../simulator/charts/oci-registry.ts'
import type { RunOptions } from '../../testing/runner.ts'
import type { Fault } from '../../testing/request-log.ts'
import type { TestEnvironment } from '../../testing/environment.ts'
import {
  getErrorAnnotation,
  listChanges,
  expectFailure,
  expectSuccess,
  scenario,
  type Scenario,
} from './harness.ts'

/** Everything up to the first write: the chart is downloaded and rendered. */
const dryRunInputs = { 'dry-run': 'true', values: '' }

/**
 * The working directory of a job that checked out a chart, and a helm with a configured repository.
 */
async function makeWorkspace(
  environment: TestEnvironment,
): Promise<Partial<RunOptions> & { workspace: string }> {
  const workspace = join(environment.directory, 'workspace')
  await mkdir(workspace)
  await environment.helm(
    'pull',
    'milvus',
    '--repo',
    environment.chartRepository.url,
    '--version',
    '4.2.58',
    '--untar',
    '--untardir',
    join(workspace, 'charts'),
  )
  await writeFile(join(workspace, 'milvus-4.2.58.tgz'), await buildMilvusChart('4.2.58'))
  const repositoryConfig = join(environment.directory, 'repositories.yaml')
  await environment.helm(
    'repo',
    'add',
    'corp',
    environment.chartRepository.url,
    '--repository-config',
    repositoryConfig,
  )
  return { workspace, env: { HELM_REPOSITORY_CONFIG: repositoryConfig } }
}

for (const major of [3, 4] as const) {
  scenario(
    `a chart as a directory, an archive, a URL, and an alias of helm repo add, with helm ${major}`,
    async ({ environment, run }) => {
      await environment.useHelm(major)
      const options = await makeWorkspace(environment)
      for (const chart of [
        'charts/milvus',
        'milvus-4.2.58.tgz',
        `${environment.chartRepository.url}/milvus-4.2.58.tgz`,
        'corp/milvus',
      ]) {
        expect({
          chart,
          changes: listChanges(expectSuccess(await run({ ...dryRunInputs, chart }, options))),
        }).toEqual({ chart, changes: expect.arrayContaining(['release service.type']) as unknown })
      }
    },
  )
}

scenario(
  'chart references that do not exist, or are another chart',
  async ({ environment, run }) => {
    const options = await makeWorkspace(environment)
    await writeFile(
      join(options.workspace, 'cache.tgz'),
      buildUnrelatedChart('cache', '1.2.3').archive,
    )
    for (const { inputs, code, says: expectedText } of [
      {
        inputs: { chart: 'charts/nothing' },
        code: 'chart-not-found',
        says: 'Set chart-repository to the URL of the repository and chart to nothing',
      },
      {
        inputs: { chart: 'milvus-9.9.9.tgz' },
        code: 'chart-not-found',
        says: `Input chart is the path milvus-9.9.9.tgz, but ${options.workspace}/milvus-9.9.9.tgz does not exist`,
      },
      {
        inputs: { chart: './charts' },
        code: 'chart-not-found',
        says: './charts is not a chart that helm can read',
      },
      {
        inputs: { chart: './cache.tgz' },
        code: 'release-chart-differs',
        says: 'uses chart milvus, not cache',
      },
      {
        inputs: { chart: './milvus-4.2.58.tgz', 'chart-version': '5.0.19' },
        code: 'chart-not-found',
        says: 'points to version 4.2.58 of chart milvus, but version 5.0.19 is requested',
      },
    ])
      expect({
        inputs,
        text: getErrorAnnotation(
          expectFailure(await run({ ...dryRunInputs, ...inputs }, options), 'preflight', code),
        ),
      }).toEqual({ inputs, text: expect.stringContaining(expectedText) as unknown })
  },
)

scenario('an OCI reference with a tag, a digest or both', async ({ environment, run }) => {
  const registry = await startChartRegistry({
    requestLog: environment.requestLog,
    authority: environment.certificateAuthority,
    version: '4.2.58',
  })
  try {
    const { reference, digest } = registry
    for (const chart of [
      reference,
      `${reference}:4.2.58`,
      `${reference}@${digest}`,
      `${reference}:4.2.58@${digest}`,
    ])
      expectSuccess(await run({ ...dryRunInputs, chart }))
    const missingReference = `${reference}@sha256:${'0'.repeat(64)}`
    expect(
      getErrorAnnotation(
        expectFailure(
          await run({ ...dryRunInputs, chart: missingReference }),
          'preflight',
          'chart-not-found',
        ),
      ),
    ).toContain('not found')
    expect(
      getErrorAnnotation(
        expectFailure(
          await run({
            ...dryRunInputs,
            chart: `${reference}@${digest}`,
            'chart-version': '5.0.19',
          }),
          'preflight',
          'chart-not-found',
        ),
      ),
    ).toContain('version 5.0.19 is requested')
  } finally {
    await registry.close()
  }
})

/** The number of helm's requests to the repository since the last run began. */
const asked = (
  { environment }: Pick<Scenario, 'environment'>,
  requestOffset: number,
  operation: RegExp,
): number =>
  environment.requestLog.requests
    .slice(requestOffset)
    .filter((request) => request.service === 'charts' && operation.test(request.operation)).length

for (const major of [3, 4] as const) {
  scenario(
    `a repository that fails briefly is retried, one that rejects the request is not, with helm ${major}`,
    async ({ environment, run }) => {
      await environment.useHelm(major)
      const { chartRepository: charts, requestLog: traffic } = environment
      const error = (status: number): Pick<Fault, 'error'> => ({
        error: { status, code: '', message: 'not now' },
      })
      const injectChartFault = (
        operation: RegExp,
        fault: Pick<Fault, 'error' | 'reset'>,
        times: number,
      ): void => void traffic.injectFault({ service: 'charts', operation, times, ...fault })
      injectChartFault(/index\.yaml$/, error(503), 1)
      injectChartFault(/index\.yaml$/, error(429), 1)
      injectChartFault(/tgz$/, { reset: true }, 1)
      const { log } = expectSuccess(await run(dryRunInputs))
      expect(log).toContain('helm fetches the chart again: attempt 4 of 6')

      const password = 'canary-3d7f6a52-chart'
      charts.credentials = { username: 'charts', password }
      injectChartFault(/index\.yaml$/, error(502), 1)
      expect(
        expectSuccess(
          await run({ ...dryRunInputs, 'chart-username': 'charts', 'chart-password': password }),
        ).log,
      ).toContain('helm reads the repository again: attempt 2 of 6')

      for (const status of [401, 404]) {
        const requestOffset = traffic.requests.length
        injectChartFault(/index\.yaml$/, error(status), 1)
        expectFailure(
          await run({ ...dryRunInputs, 'chart-username': 'charts', 'chart-password': password }),
          'preflight',
          'chart-repository-unreachable',
        )
        expect({ status, asked: asked({ environment }, requestOffset, /index\.yaml$/) }).toEqual({
          status,
          asked: 1,
        })
      }
    },
  )
}
