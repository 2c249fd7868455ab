/** Helm accepts the version of a chart with and without a leading v: both are the same version. */
import { expect, test } from '@jest/globals'
import type { Target } from '../../../src/steps/preflight/preflight.ts'
import { findDifferences } from '../../../src/steps/release/release.ts'
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

test.each<[rendered: string, expected: string | undefined]>([
  ['5.0.19', undefined],
  ['v5.0.19', undefined],
  ['v5.0.20', 'release-changes-more'],
])('a chart of version %s on a release of 5.0.19: %s', (version, expected) => {
  const revision = createRevision({ chart: toChart('5.0.19') })
  const release = { latestRevision: revision, deployedRevision: revision }
  const difference = { added: [], removed: [], changed: [] }
  const failure = checkUnrequestedChanges(
    { ...createTarget(), release },
    createSettings(),
    toChart(version),
    { total: difference, requested: difference, unrequested: difference, isDeployedChart: true },
  )
  expect(failure?.code).toBe(expected)
})
