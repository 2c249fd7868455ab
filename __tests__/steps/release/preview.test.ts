import { expect, test } from '@jest/globals'
import type { ManifestDiff } from '../../../src/clients/helm/manifest-diff.ts'
import {
  checkUnrequestedChanges,
  type UpgradeComparison,
} from '../../../src/steps/release/preview.ts'
import { createRevision, createSettings, createTarget } from '../fixtures.ts'

const deployedChart = { name: 'milvus', version: '4.2.30', appVersion: '2.5.4' }
const deployedRevision = createRevision({ chart: deployedChart })
const releaseTarget = {
  ...createTarget(),
  release: { latestRevision: deployedRevision, deployedRevision },
}
const noDifference: ManifestDiff = { added: [], removed: [], changed: [] }

/** The problem; undefined when it may go on. */
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
      anyUpgrade: noDifference,
      isDeployedChart: true,
    }),
  )
}

function getMessage(error: ReturnType<typeof checkUnrequestedChanges>): string | undefined {
  if (!error) return undefined
  expect([error.code, error.remedy]).toEqual([
    'release-changes-more',
    expect.stringMatching(/; if all of it is meant, set allow-chart-change: true\.$/),
  ])
  return error.message
}

const newerChart = { version: '5.0.19', appVersion: '2.6.15' }
const values = { proxy: { replicas: 2 } }

test.each<
  [
    string,
    Parameters<typeof createSettings>[0],
    { version: string; appVersion: string },
    Partial<ManifestDiff>,
    RegExp | undefined,
  ]
>([
  ['only the Service', {}, deployedChart, { changed: ['Service milvus-demo'] }, undefined],
  ['nothing at all', {}, deployedChart, {}, undefined],
  [
    'another Service too',
    {},
    deployedChart,
    { changed: ['Service milvus-demo', 'Service milvus-demo-attu'] },
    /^To set the type of Service milvus-demo helm would also change Service milvus-demo-attu: the templates of chart milvus 4\.2\.30 make these objects depend on service\.type\.$/,
  ],
  [
    'a type on which other objects depend',
    {},
    deployedChart,
    { added: ['ConfigMap x'], removed: ['Job y'] },
    /would also remove Job y; add ConfigMap x:/,
  ],
  [
    'a type on which other objects depend, allowed',
    { allowChartChange: true },
    deployedChart,
    { added: ['ConfigMap x'] },
    undefined,
  ],
  [
    'values that change and add',
    { values },
    deployedChart,
    {
      changed: ['Deployment milvus-demo-proxy', 'ConfigMap milvus-demo'],
      added: ['Deployment attu'],
    },
    undefined,
  ],
  [
    'values by which an object goes',
    { values },
    deployedChart,
    { removed: ['Deployment milvus-demo-attu'] },
    /^With values helm would remove Deployment milvus-demo-attu, which is more than to set values: Deployment milvus-demo-attu\.$/,
  ],
  [
    'values that switch it off',
    { values: { attu: { enabled: false } } },
    deployedChart,
    { removed: ['Deployment milvus-demo-attu', 'Service milvus-demo-attu'] },
    undefined,
  ],
  [
    "values that switch the chart's Ingress off",
    { values: { ingress: { enabled: false } } },
    deployedChart,
    { removed: ['Ingress milvus-demo'] },
    undefined,
  ],
  [
    'values that switch storage off',
    { values: { minio: { enabled: false } } },
    deployedChart,
    { removed: ['StatefulSet milvus-demo-minio', 'Service milvus-demo-minio'] },
    /more than to set values: StatefulSet milvus-demo-minio\.$/,
  ],
  [
    'values by which storage comes',
    { values },
    deployedChart,
    { added: ['StatefulSet milvus-demo-minio', 'Service milvus-demo-minio'] },
    /more than to set values: StatefulSet milvus-demo-minio\.$/,
  ],
  [
    'values by which a volume claim goes',
    { values },
    deployedChart,
    { removed: ['PersistentVolumeClaim milvus-demo'] },
    /PersistentVolumeClaim milvus-demo/,
  ],
  [
    'another chart',
    {},
    { version: '4.2.58', appVersion: '2.5.16' },
    { changed: ['Deployment d'] },
    /^Release milvus-demo would go from chart 4\.2\.30 \(Milvus 2\.5\.4\) to 4\.2\.58 \(Milvus 2\.5\.16\): helm would change Deployment d\.$/,
  ],
  [
    'another chart that changes nothing',
    {},
    { version: '4.2.31', appVersion: '2.5.4' },
    {},
    /helm would change no object\.$/,
  ],
  [
    'a step that Milvus does not allow',
    {},
    newerChart,
    {},
    /Milvus allows the step to 2\.6 only from 2\.5\.16 or later with mixCoordinator on: go to chart 4\.2\.58 \(Milvus 2\.5\.16\) first\.$/,
  ],
  [
    'another chart, allowed',
    { allowChartChange: true },
    newerChart,
    { removed: ['StatefulSet s'] },
    undefined,
  ],
  [
    'many objects are counted',
    {},
    newerChart,
    { removed: Array.from({ length: 30 }, (_, index) => `Deployment d${index}`) },
    /Deployment d11 and 18 more\./,
  ],
])('%s', (_, settingsOverrides, chart, difference, expected) => {
  const message = findProblem(settingsOverrides, chart, difference)
  if (expected) expect(message).toMatch(expected)
  else expect(message).toBeUndefined()
})

const upgradeSideEffects = {
  removed: ['Job milvus-demo-pulsar-init'],
  changed: ['StatefulSet milvus-demo-etcd'],
}

/** What any upgrade does and what the request does, each from nothing. */
const createComparison = (
  anyUpgrade: Partial<ManifestDiff>,
  requested: Partial<ManifestDiff>,
  isDeployedChart: boolean,
): UpgradeComparison => ({
  total: { ...noDifference, ...anyUpgrade },
  requested: { ...noDifference, ...requested },
  anyUpgrade: { ...noDifference, ...anyUpgrade },
  isDeployedChart,
})

test.each<[string, Parameters<typeof createSettings>[0], UpgradeComparison, RegExp | undefined]>([
  [
    'what any upgrade does is no reason',
    {},
    createComparison(upgradeSideEffects, { changed: ['Service milvus-demo'] }, true),
    undefined,
  ],
  [
    'what any upgrade does is no reason, with values',
    { values },
    createComparison(upgradeSideEffects, { changed: ['Deployment milvus-demo-proxy'] }, true),
    undefined,
  ],
  [
    'what the request does beside it is one',
    {},
    createComparison(upgradeSideEffects, { changed: ['ConfigMap milvus-demo'] }, true),
    /^To set the type .* also change ConfigMap milvus-demo:/,
  ],
  [
    'what values remove beside it is one',
    { values },
    createComparison(upgradeSideEffects, { removed: ['ConfigMap x'] }, true),
    /^With values helm would remove ConfigMap x, which/,
  ],
  [
    'a chart that is not the deployed one',
    {},
    createComparison({ added: ['ConfigMap x'] }, {}, false),
    /^Chart milvus 4\.2\.30 is not the one that release milvus-demo was made with: any upgrade with it would add ConfigMap x, and an installation/,
  ],
  [
    'a chart that is not the deployed one, with values',
    { values },
    createComparison({ added: ['ConfigMap x'] }, {}, false),
    /is not the one that release/,
  ],
  [
    'a chart that is not the deployed one, allowed',
    { allowChartChange: true },
    createComparison({ added: ['ConfigMap x'] }, {}, false),
    undefined,
  ],
])('%s', (_, settingsOverrides, compared, expected) => {
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
