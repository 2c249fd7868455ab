/** Helm accepts the version of a chart with and without a leading v: both are the same version. */
import { expect, test } from '@jest/globals'
import type { Settings } from '../../../src/inputs/types.ts'
import { ignoreReleaseInputs } from '../../../src/modes/removal-plan.ts'
import type { Target } from '../../../src/steps/preflight/preflight.ts'
import { findDifferences } from '../../../src/steps/release/release.ts'
import type { Run } from '../../../src/steps/run.ts'
import { checkUnrequestedChanges } from '../../../src/steps/release/unrequested-changes.ts'
import { createRevision, createSettings, createTarget } from '../fixtures.ts'
import { createChart, createReleaseTarget } from './release-fixture.ts'

const toChart = (version: string) => ({ name: 'milvus', version, appVersion: '2.6.15' })

test.each<[string, Partial<Target>, requested: string | undefined, expected: object[]]>([
  ['the deployed version with a leading v', {}, 'v5.0.19', []],
  [
    'the deployed version without its leading v',
    createReleaseTarget({ chart: toChart('v5.0.19') }),
    '5.0.19',
    [],
  ],
  [
    'another version with a leading v',
    {},
    'v5.0.20',
    [{ field: 'chart-version', before: '5.0.19', after: 'v5.0.20' }],
  ],
  [
    'a failed upgrade of another tool to the deployed version with a leading v',
    {
      release: {
        latestRevision: createRevision({
          revision: 5,
          status: 'failed',
          chart: toChart('v5.0.19'),
        }),
        deployedRevision: createRevision(),
      },
    },
    undefined,
    [{ field: 'status', before: 'failed' }],
  ],
])('finds differences: %s', (_, target, requested, expected) => {
  const settings = createSettings({ chart: createChart(requested) })
  expect(findDifferences({ settings }, createTarget(target))).toEqual(expected)
})

test.each<{
  version: string
  mode?: Settings['mode']
  allowChartChange?: boolean
  expected?: string
}>([
  { version: '5.0.19' },
  { version: 'v5.0.19' },
  { version: 'v5.0.20', expected: 'release-changes-more' },
  { version: 'v5.0.20', allowChartChange: true },
  { version: '5.0.19', mode: 'destroy' },
  { version: 'v5.0.20', mode: 'destroy', allowChartChange: true, expected: 'release-changes-more' },
])('a chart on a release of 5.0.19: %j', (chartCase) => {
  const { version, mode = 'deploy', allowChartChange = false, expected } = chartCase
  const settings = { ...createSettings({ allowChartChange }), mode } as Settings
  const revision = createRevision({ chart: toChart('5.0.19') })
  const release = { latestRevision: revision, deployedRevision: revision }
  const difference = { added: [], removed: [], changed: [] }
  const failure = checkUnrequestedChanges(
    { ...createTarget(), release },
    settings,
    toChart(version),
    { total: difference, requested: difference, unrequested: difference, isDeployedChart: true },
  )
  expect(failure?.code).toBe(expected)
})

test.each<[chart: string, expected: string]>([
  ['milvus', 'milvus'],
  ['./milvus', './milvus'],
  ['oci://registry.example.com/milvus:6.0.0', 'oci://registry.example.com/milvus'],
  [
    `oci://registry.example.com/milvus@sha256:${'0'.repeat(64)}`,
    'oci://registry.example.com/milvus',
  ],
])('a removal upgrades with the deployed version of chart %s', (name, expected) => {
  const settings = createSettings({
    chart: createChart('6.0.0', name),
    values: { proxy: { replicas: 2 } },
  })
  const run = { settings } as unknown as Run
  expect(ignoreReleaseInputs(run).settings).toMatchObject({
    chart: { name: expected, version: undefined },
    values: {},
  })
})
