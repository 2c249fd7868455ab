import { describe, expect, test } from '@jest/globals'
import {
  findApiServices,
  hasMilvusComponents,
  isMilvusRelease,
  getMilvusVersion,
  findValuesPath,
} from '../../../src/clients/helm/milvus-chart.ts'

type Revision = Parameters<typeof findValuesPath>[0]

const createLabels = (name: string): string =>
  `{app.kubernetes.io/name: ${name}, app.kubernetes.io/instance: demo, app.kubernetes.io/version: "2.5.16", component: proxy}`
const createService = (
  source: string,
  name: string,
  labelsYaml: string,
  port = 'milvus, port: 19530',
): string =>
  `---\n${source}apiVersion: v1\nkind: Service\nmetadata:\n  name: ${name}\n  labels: ${labelsYaml}\nspec:\n  ports: [{name: ${port}}]\n`
const ownService = createService(
  '# Source: milvus/templates/service.yaml\n',
  'demo-milvus',
  createLabels('milvus'),
)
const subchartService = createService(
  '# Source: platform/charts/vectors/templates/service.yaml\n',
  'demo-vectors',
  createLabels('vectors'),
)
const nestedSubchartService = createService(
  '# Source: platform/charts/backend/charts/vectors/templates/service.yaml\n',
  'demo-vectors',
  createLabels('vectors'),
)
const secondSubchartService = createService(
  '# Source: platform/charts/other/templates/service.yaml\n',
  'demo-other',
  createLabels('other'),
)
const serviceWithoutSource = createService('', 'demo-vectors', createLabels('vectors'))
const umbrellaService = createService(
  '# Source: platform/templates/milvus.yaml\n',
  'demo-vectors',
  createLabels('vectors'),
)
const kafkaService = createService(
  '# Source: platform/charts/kafka/templates/service.yaml\n',
  'demo-kafka',
  createLabels('kafka'),
  'kafka, port: 9092',
)
const vendorService = createService(
  '# Source: milvus/templates/proxy/service.yaml\n',
  'demo-proxy',
  '{app.kubernetes.io/name: milvus, app.kubernetes.io/instance: demo, app.kubernetes.io/component: proxy}',
  'grpc, port: 19530',
)

const createRevision = (manifest: string, chart: Partial<Revision['chart']> = {}): Revision => ({
  name: 'demo',
  manifest,
  chart: { name: 'platform', version: '1.0.0', appVersion: '1.0', ...chart },
})
const milvusChart = { name: 'milvus', appVersion: '2.6.15' }

describe('findValuesPath', () => {
  test.each<[string, Revision, service: string | undefined, readonly string[]]>([
    ["the release's own chart", createRevision(ownService, milvusChart), 'demo-milvus', []],
    ['a subchart', createRevision(subchartService), 'demo-vectors', ['vectors']],
    [
      'a subchart, without a Service name',
      createRevision(kafkaService + subchartService),
      undefined,
      ['vectors'],
    ],
    [
      'a subchart of a subchart',
      createRevision(nestedSubchartService),
      'demo-vectors',
      ['backend', 'vectors'],
    ],
    [
      'the selected one of two subcharts',
      createRevision(subchartService + secondSubchartService),
      'demo-other',
      ['other'],
    ],
    [
      'a template of the umbrella chart itself',
      createRevision(umbrellaService),
      'demo-vectors',
      [],
    ],
    [
      'objects without source comments',
      createRevision(serviceWithoutSource, { dependencies: ['etcd', 'milvus'] }),
      'demo-vectors',
      ['milvus'],
    ],
    [
      'objects without source comments, of two subcharts',
      createRevision(serviceWithoutSource, { dependencies: ['milvus', 'milvus-two'] }),
      'demo-vectors',
      [],
    ],
    [
      "objects without source comments, of the release's own chart",
      createRevision(serviceWithoutSource, { ...milvusChart, dependencies: ['milvus'] }),
      'demo-vectors',
      [],
    ],
    ['an empty manifest', createRevision('', milvusChart), undefined, []],
  ])('of %s', (_, revision, name, path) => {
    expect(findValuesPath(revision, name)).toEqual(path)
  })
})

test.each<
  [
    string,
    {
      readonly revision: Revision
      readonly isMilvus: boolean
      readonly hasComponents: boolean
      readonly version: string
    },
  ]
>([
  [
    "Milvus' own chart",
    {
      revision: createRevision(ownService, milvusChart),
      isMilvus: true,
      hasComponents: true,
      version: '2.6.15',
    },
  ],
  [
    'an umbrella chart with an alias',
    {
      revision: createRevision(subchartService),
      isMilvus: true,
      hasComponents: true,
      version: '2.5.16',
    },
  ],
  [
    'a chart with a proxy of another product',
    {
      revision: createRevision(kafkaService),
      isMilvus: false,
      hasComponents: true,
      version: '2.5.16',
    },
  ],
  [
    'a chart of another vendor',
    {
      revision: createRevision(vendorService, milvusChart),
      isMilvus: true,
      hasComponents: false,
      version: '2.6.15',
    },
  ],
  [
    'another chart',
    {
      revision: createRevision(vendorService, { name: 'redis' }),
      isMilvus: false,
      hasComponents: false,
      version: 'of an unknown version',
    },
  ],
  [
    'a release without objects',
    {
      revision: createRevision(''),
      isMilvus: false,
      hasComponents: false,
      version: 'of an unknown version',
    },
  ],
])('identifies %s', (_, { revision, isMilvus, hasComponents, version }) => {
  expect([
    isMilvusRelease(revision),
    hasMilvusComponents(revision),
    getMilvusVersion(revision),
  ]).toEqual([isMilvus, hasComponents, version])
})

test('findApiServices finds the Services of the API by their labels', () => {
  expect(
    findApiServices(createRevision(vendorService + subchartService)).map(({ name }) => name),
  ).toEqual(['demo-vectors'])
})
