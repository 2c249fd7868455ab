/** Each form of a reference to a chart. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from '@jest/globals'
import { startChartRegistry } from '../../simulator/charts/oci-registry.ts'
import { buildMilvusChart } from '../../simulator/charts/package.ts'
import { buildUnrelatedChart } from '../../simulator/charts/third-party-charts.ts'
import type { TestEnvironment } from '../../testing/environment.ts'
import type { RunOptions } from '../../testing/runner.ts'
import { expectFailure, expectSuccess, getErrorAnnotation, listChanges } from './expectations.ts'
import { scenario } from './harness.ts'
import { dryRunInputs } from './run-inputs.ts'

/**
 * The working directory of a job that checked out a chart, and a Helm configuration with a
 * repository.
 */
async function createWorkspace(
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
    `a chart as a directory, an archive, a URL, and an alias of a configured repository, with Helm ${major}`,
    async ({ environment, run }) => {
      await environment.useHelm(major)
      const options = await createWorkspace(environment)
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
    const options = await createWorkspace(environment)
    await writeFile(
      join(options.workspace, 'cache.tgz'),
      buildUnrelatedChart('cache', '1.2.3').archive,
    )
    const withoutCheckout = {
      ...options,
      env: { ...options.env, MILVUS_ALB_WITHOUT_CHECKOUT: 'true' },
    }
    expect(
      getErrorAnnotation(
        expectFailure(
          await run({ ...dryRunInputs, chart: 'charts/milvus' }, withoutCheckout),
          'preflight',
          'chart-not-found',
        ),
      ),
    ).toContain(
      'This job does not check out your repository, so charts/milvus is chart milvus of a Helm repository named charts, which this runner does not have.',
    )
    for (const { inputs, code, expectedText } of [
      {
        inputs: { chart: 'charts/nothing' },
        code: 'chart-not-found',
        expectedText: 'Set chart-repository to the URL of the repository and chart to nothing',
      },
      {
        inputs: { chart: 'milvus-9.9.9.tgz' },
        code: 'chart-not-found',
        expectedText: `Input chart is the path milvus-9.9.9.tgz, but ${options.workspace}/milvus-9.9.9.tgz does not exist`,
      },
      {
        inputs: { chart: './charts' },
        code: 'chart-not-found',
        expectedText: './charts is not a chart that Helm can read',
      },
      {
        inputs: { chart: './cache.tgz' },
        code: 'release-chart-differs',
        expectedText: 'uses chart milvus, not cache',
      },
      {
        inputs: { chart: './milvus-4.2.58.tgz', 'chart-version': '5.0.19' },
        code: 'chart-not-found',
        expectedText: 'points to version 4.2.58 of chart milvus, but version 5.0.19 is requested',
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
