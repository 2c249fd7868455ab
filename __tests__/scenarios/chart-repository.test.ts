/** Chart repositories that fail, lack the chart, or require credentials. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from '@jest/globals'
import { startChartRegistry } from '../../simulator/charts/oci-registry.ts'
import { buildMilvusChart } from '../../simulator/charts/package.ts'
import type { Fault } from '../../testing/fault-injector.ts'
import {
  expectFailure,
  expectFailureWithoutWrites,
  expectSuccess,
  listChanges,
} from './expectations.ts'
import { scenario } from './harness.ts'
import { dryRunInputs } from './run-inputs.ts'
import type { Scenario } from './scenario-run.ts'

scenario(
  'a chart version missing from the repository, and a local copy that works',
  async (scenario) => {
    const { environment, run } = scenario
    environment.chartRepository.unpublish('4.2.58')
    expect(await expectFailureWithoutWrites(scenario, {}, 'chart-not-found')).toContain(
      'chart "milvus" version "4.2.58" not found',
    )
    const text = await expectFailureWithoutWrites(
      scenario,
      { 'chart-version': '9.9.9' },
      'chart-not-found',
    )
    expect(text).toContain('set chart-version to an available version')
    const chart = join(environment.directory, 'milvus.tgz')
    await writeFile(chart, await buildMilvusChart('5.0.19'))
    expect(await expectFailureWithoutWrites(scenario, { chart }, 'release-changes-more')).toContain(
      'to 5.0.19',
    )
    await writeFile(chart, await buildMilvusChart('4.2.58'))
    expectSuccess(await run({ chart }))
  },
)

scenario(
  'a repository that is down, broken, not a repository, or interrupted',
  async (scenario) => {
    const { chartRepository: charts, faults } = scenario.environment
    expect(
      await expectFailureWithoutWrites(
        scenario,
        { 'chart-repository': 'http://127.0.0.1:1' },
        'chart-repository-unreachable',
      ),
    ).toContain('connection refused')
    const error = { status: 503, code: '', message: 'away' }
    for (const { fault, expectedText } of [
      {
        fault: { operation: 'GET /index.yaml', error },
        expectedText: `Run the job again when ${charts.url} answers`,
      },
      { fault: { operation: /tgz$/, reset: 'before' }, expectedText: 'EOF' },
      {
        fault: { operation: 'GET /index.yaml', error: { ...error, status: 404 } },
        expectedText: `There is no chart repository at ${charts.url}`,
      },
    ] as const) {
      const removeFault = faults.inject({ service: 'charts', ...fault })
      expect(
        await expectFailureWithoutWrites(scenario, {}, 'chart-repository-unreachable'),
      ).toContain(expectedText)
      removeFault()
    }
    expectSuccess(await scenario.run())
  },
)

const chartCredentials = { 'chart-username': 'charts', 'chart-password': 'canary-71d0c2f4-chart' }

scenario(
  'a private repository rejects missing and wrong credentials, and its password is sent nowhere else',
  async (scenario) => {
    scenario.environment.chartRepository.credentials = {
      username: 'charts',
      password: chartCredentials['chart-password'],
    }
    expect(
      await expectFailureWithoutWrites(scenario, {}, 'chart-repository-unreachable'),
    ).toContain('Set chart-username and chart-password')
    expect(
      await expectFailureWithoutWrites(
        scenario,
        { ...chartCredentials, 'chart-password': 'canary-of-another' },
        'chart-repository-unreachable',
      ),
    ).toContain('rejects chart-username and chart-password')
    expectSuccess(await scenario.run(chartCredentials))
  },
)

scenario(
  'a private OCI registry rejects missing credentials, and works with them',
  async (scenario) => {
    const { environment } = scenario
    const registry = await startChartRegistry({
      requestLog: environment.requestLog,
      authority: environment.certificateAuthority,
      credentials: { username: 'charts', password: chartCredentials['chart-password'] },
      version: '4.2.58',
    })
    try {
      const chart = registry.reference
      expect(
        await expectFailureWithoutWrites(scenario, { chart }, 'chart-repository-unreachable'),
      ).toContain('Set chart-username and chart-password')
      expect(
        await expectFailureWithoutWrites(
          scenario,
          { chart: chart.replace('charts/milvus', 'other/milvus'), ...chartCredentials },
          'chart-not-found',
        ),
      ).toContain('not found')
      expect(
        listChanges(expectSuccess(await scenario.run({ chart, ...chartCredentials }))),
      ).toContain('release service.type')
    } finally {
      await registry.close()
    }
  },
)

/** The number of Helm's requests to the repository since the last run began. */
const countChartRequests = (
  { environment }: Pick<Scenario, 'environment'>,
  requestOffset: number,
  operation: RegExp,
): number =>
  environment.requestLog.requests
    .slice(requestOffset)
    .filter((request) => request.service === 'charts' && operation.test(request.operation)).length

for (const major of [3, 4] as const) {
  scenario(
    `a repository that fails briefly is retried, one that rejects the request is not, with Helm ${major}`,
    async ({ environment, run }) => {
      await environment.useHelm(major)
      const { chartRepository: charts, faults, requestLog } = environment
      const error = (status: number): Pick<Fault, 'error'> => ({
        error: { status, code: '', message: 'not now' },
      })
      const injectChartFault = (
        operation: RegExp,
        fault: Pick<Fault, 'error' | 'reset'>,
        times: number,
      ): void => void faults.inject({ service: 'charts', operation, times, ...fault })
      injectChartFault(/index\.yaml$/, error(503), 1)
      injectChartFault(/index\.yaml$/, error(429), 1)
      injectChartFault(/tgz$/, { reset: 'before' }, 1)
      const { log } = expectSuccess(await run(dryRunInputs))
      expect(log).toContain('Helm fetches the chart again: attempt 4 of 6')

      const password = 'canary-3d7f6a52-chart'
      charts.credentials = { username: 'charts', password }
      injectChartFault(/index\.yaml$/, error(502), 1)
      expect(
        expectSuccess(
          await run({ ...dryRunInputs, 'chart-username': 'charts', 'chart-password': password }),
        ).log,
      ).toContain('Helm reads the repository again: attempt 2 of 6')

      for (const status of [401, 404]) {
        const requestOffset = requestLog.requests.length
        injectChartFault(/index\.yaml$/, error(status), 1)
        expectFailure(
          await run({ ...dryRunInputs, 'chart-username': 'charts', 'chart-password': password }),
          'preflight',
          'chart-repository-unreachable',
        )
        expect({
          status,
          requests: countChartRequests({ environment }, requestOffset, /index\.yaml$/),
        }).toEqual({
          status,
          requests: 1,
        })
      }
    },
  )
}
