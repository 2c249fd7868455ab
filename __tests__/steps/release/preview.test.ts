import { expect, test } from '@jest/globals'
import type { ManifestDiff } from '../../../src/clients/helm/manifest-diff.ts'
import type { UpgradeComparison } from '../../../src/steps/release/comparison.ts'
import { checkUnrequestedChanges } from '../../../src/steps/release/unrequested-changes.ts'
import { createRevision, createSettings, createTarget } from '../fixtures.ts'

const deployedChart = { name: 'milvus', version: '4.2.30', appVersion: '2.5.4' }
const deployedRevision = createRevision({ chart: deployedChart })
const releaseTarget = {
  ...createTarget(),
  release: { latestRevision: deployedRevision, deployedRevision },
}
const noDifference: ManifestDiff = { added: [], removed: [], changed: [] }

/** The message of the failure; undefined without one. */
function findProblem(
  settingsOverrides: Parameters<typeof createSettings>[0],
  chart: { version: string; appVersion: string },
  difference: Partial<ManifestDiff>,
): string | undefined {
  const total = { ...noDifference, ...difference }
  return getMessage(
    checkUnrequestedChanges(releaseTarget, createSettings(settingsOverrides), chart, {
      total,
      requested: total,
      unrequested: noDifference,
      isDeployedChart: true,
    }),
  )
}

function getMessage(error: ReturnType<typeof checkUnrequestedChanges>): string | undefined {
  if (!error) return undefined
  expect([error.code, error.remedy]).toEqual([
    'release-changes-more',
    expect.stringMatching(
      /\. If all of these changes are intended, set allow-chart-change: true\.$/,
    ),
  ])
  return error.message
}

const newerChart = { version: '5.0.19', appVersion: '2.6.15' }
const values = { proxy: { replicas: 2 } }

test.each<
  [
    string,
    {
      readonly settings: Parameters<typeof createSettings>[0]
      readonly chart: { version: string; appVersion: string }
      readonly difference: Partial<ManifestDiff>
      readonly expected: RegExp | undefined
    },
  ]
>([
  [
    'a change of the Service only',
    {
      settings: {},
      chart: deployedChart,
      difference: { changed: ['Service milvus-demo'] },
      expected: undefined,
    },
  ],
  [
    'no change',
    {
      settings: {},
      chart: deployedChart,
      difference: {},
      expected: undefined,
    },
  ],
  [
    'a change of another Service',
    {
      settings: {},
      chart: deployedChart,
      difference: { changed: ['Service milvus-demo', 'Service milvus-demo-attu'] },
      expected:
        /^To set the type of Service milvus-demo, Helm would also change Service milvus-demo-attu: the templates of chart milvus 4\.2\.30 make these objects depend on service\.type\.$/,
    },
  ],
  [
    'a type on which other objects depend',
    {
      settings: {},
      chart: deployedChart,
      difference: { added: ['ConfigMap x'], removed: ['Job y'] },
      expected: /would also remove Job y; add ConfigMap x:/,
    },
  ],
  [
    'a type on which other objects depend, allowed',
    {
      settings: { allowChartChange: true },
      chart: deployedChart,
      difference: { added: ['ConfigMap x'] },
      expected: undefined,
    },
  ],
  [
    'values that change and add',
    {
      settings: { values },
      chart: deployedChart,
      difference: {
        changed: ['Deployment milvus-demo-proxy', 'ConfigMap milvus-demo'],
        added: ['Deployment attu'],
      },
      expected: undefined,
    },
  ],
  [
    'values that remove an object',
    {
      settings: { values },
      chart: deployedChart,
      difference: { removed: ['Deployment milvus-demo-attu'] },
      expected:
        /^With input values Helm would remove Deployment milvus-demo-attu\. Adding or removing Deployment milvus-demo-attu is more than setting values\.$/,
    },
  ],
  [
    'values that disable a component',
    {
      settings: { values: { attu: { enabled: false } } },
      chart: deployedChart,
      difference: { removed: ['Deployment milvus-demo-attu', 'Service milvus-demo-attu'] },
      expected: undefined,
    },
  ],
  [
    "values that disable the chart's Ingress",
    {
      settings: { values: { ingress: { enabled: false } } },
      chart: deployedChart,
      difference: { removed: ['Ingress milvus-demo'] },
      expected: undefined,
    },
  ],
  [
    'values that disable storage',
    {
      settings: { values: { minio: { enabled: false } } },
      chart: deployedChart,
      difference: { removed: ['StatefulSet milvus-demo-minio', 'Service milvus-demo-minio'] },
      expected: /Adding or removing StatefulSet milvus-demo-minio is more than setting values\.$/,
    },
  ],
  [
    'values that add storage',
    {
      settings: { values },
      chart: deployedChart,
      difference: { added: ['StatefulSet milvus-demo-minio', 'Service milvus-demo-minio'] },
      expected: /Adding or removing StatefulSet milvus-demo-minio is more than setting values\.$/,
    },
  ],
  [
    'values that remove a volume claim',
    {
      settings: { values },
      chart: deployedChart,
      difference: { removed: ['PersistentVolumeClaim milvus-demo'] },
      expected: /PersistentVolumeClaim milvus-demo/,
    },
  ],
  [
    'another chart',
    {
      settings: {},
      chart: { version: '4.2.58', appVersion: '2.5.16' },
      difference: { changed: ['Deployment d'] },
      expected:
        /^The upgrade would move release milvus-demo from chart 4\.2\.30 \(Milvus 2\.5\.4\) to 4\.2\.58 \(Milvus 2\.5\.16\): Helm would change Deployment d\.$/,
    },
  ],
  [
    'another chart that changes nothing',
    {
      settings: {},
      chart: { version: '4.2.31', appVersion: '2.5.4' },
      difference: {},
      expected: /Helm would change no object\.$/,
    },
  ],
  [
    'an upgrade that Milvus does not allow',
    {
      settings: {},
      chart: newerChart,
      difference: {},
      expected:
        /Milvus allows upgrades to 2\.6 only from 2\.5\.16 or later with mixCoordinator on: upgrade to chart 4\.2\.58 \(Milvus 2\.5\.16\) first\.$/,
    },
  ],
  [
    'another chart, allowed',
    {
      settings: { allowChartChange: true },
      chart: newerChart,
      difference: { removed: ['StatefulSet s'] },
      expected: undefined,
    },
  ],
  [
    'more objects than are listed',
    {
      settings: {},
      chart: newerChart,
      difference: { removed: Array.from({ length: 30 }, (_, index) => `Deployment d${index}`) },
      expected: /Deployment d11 and 18 more\./,
    },
  ],
])(
  'checks the changes of an upgrade: %s',
  (_, { settings: settingsOverrides, chart, difference, expected }) => {
    const message = findProblem(settingsOverrides, chart, difference)
    if (expected) expect(message).toMatch(expected)
    else expect(message).toBeUndefined()
  },
)

const upgradeSideEffects = {
  removed: ['Job milvus-demo-pulsar-init'],
  changed: ['StatefulSet milvus-demo-etcd'],
}

/** A comparison, by what any upgrade does and what the request does. */
const createComparison = (
  unrequested: Partial<ManifestDiff>,
  requested: Partial<ManifestDiff>,
  isDeployedChart: boolean,
): UpgradeComparison => ({
  total: { ...noDifference, ...unrequested },
  requested: { ...noDifference, ...requested },
  unrequested: { ...noDifference, ...unrequested },
  isDeployedChart,
})

test.each<[string, Parameters<typeof createSettings>[0], UpgradeComparison, RegExp | undefined]>([
  [
    'side effects of any upgrade',
    {},
    createComparison(upgradeSideEffects, { changed: ['Service milvus-demo'] }, true),
    undefined,
  ],
  [
    'side effects of any upgrade, with values',
    { values },
    createComparison(upgradeSideEffects, { changed: ['Deployment milvus-demo-proxy'] }, true),
    undefined,
  ],
  [
    'an additional change by the request',
    {},
    createComparison(upgradeSideEffects, { changed: ['ConfigMap milvus-demo'] }, true),
    /^To set the type .* also change ConfigMap milvus-demo:/,
  ],
  [
    'an additional removal by values',
    { values },
    createComparison(upgradeSideEffects, { removed: ['ConfigMap x'] }, true),
    /^With input values Helm would remove ConfigMap x\. Adding/,
  ],
  [
    'a chart other than the deployed one',
    {},
    createComparison({ added: ['ConfigMap x'] }, {}, false),
    /^Chart milvus 4\.2\.30 is not the one that release milvus-demo was installed with: any upgrade with it would add ConfigMap x, and an installation/,
  ],
  [
    'a chart other than the deployed one, with values',
    { values },
    createComparison({ added: ['ConfigMap x'] }, {}, false),
    /is not the one that release/,
  ],
  [
    'a chart other than the deployed one, allowed',
    { allowChartChange: true },
    createComparison({ added: ['ConfigMap x'] }, {}, false),
    undefined,
  ],
])('separates the side effects of any upgrade: %s', (_, settingsOverrides, compared, expected) => {
  const message = getMessage(
    checkUnrequestedChanges(
      releaseTarget,
      createSettings(settingsOverrides),
      deployedChart,
      compared,
    ),
  )
  if (expected) expect(message).toMatch(expected)
  else expect(message).toBeUndefined()
})
