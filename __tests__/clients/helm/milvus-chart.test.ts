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
  test.each<{
    name: string
    revision: Revision
    service: string | undefined
    path: readonly string[]
  }>([
    {
      name: "the release's own chart",
      revision: createRevision(ownService, milvusChart),
      service: 'demo-milvus',
      path: [],
    },
    {
      name: 'a subchart',
      revision: createRevision(subchartService),
      service: 'demo-vectors',
      path: ['vectors'],
    },
    {
      name: 'a subchart, without a Service name',
      revision: createRevision(kafkaService + subchartService),
      service: undefined,
      path: ['vectors'],
    },
    {
      name: 'a subchart of a subchart',
      revision: createRevision(nestedSubchartService),
      service: 'demo-vectors',
      path: ['backend', 'vectors'],
    },
    {
      name: 'the selected one of two subcharts',
      revision: createRevision(subchartService + secondSubchartService),
      service: 'demo-other',
      path: ['other'],
    },
    {
      name: 'a template of the umbrella chart itself',
      revision: createRevision(umbrellaService),
      service: 'demo-vectors',
      path: [],
    },
    {
      name: 'objects without source comments',
      revision: createRevision(serviceWithoutSource, { dependencies: ['etcd', 'milvus'] }),
      service: 'demo-vectors',
      path: ['milvus'],
    },
    {
      name: 'objects without source comments, of two subcharts',
      revision: createRevision(serviceWithoutSource, { dependencies: ['milvus', 'milvus-two'] }),
      service: 'demo-vectors',
      path: [],
    },
    {
      name: "objects without source comments, of the release's own chart",
      revision: createRevision(serviceWithoutSource, { ...milvusChart, dependencies: ['milvus'] }),
      service: 'demo-vectors',
      path: [],
    },
    {
      name: 'an empty manifest',
      revision: createRevision('', milvusChart),
      service: undefined,
      path: [],
    },
  ])('of $name', ({ revision, service: name, path }) => {
    expect(findValuesPath(revision, name)).toEqual(path)
  })
})

test.each<{
  readonly name: string

  readonly revision: Revision
  readonly isMilvus: boolean
  readonly hasComponents: boolean
  readonly version: string
}>([
  {
    name: "Milvus' own chart",
    revision: createRevision(ownService, milvusChart),
    isMilvus: true,
    hasComponents: true,
    version: '2.6.15',
  },
  {
    name: 'an umbrella chart with an alias',
    revision: createRevision(subchartService),
    isMilvus: true,
    hasComponents: true,
    version: '2.5.16',
  },
  {
    name: 'a chart with a proxy of another product',
    revision: createRevision(kafkaService),
    isMilvus: false,
    hasComponents: true,
    version: '2.5.16',
  },
  {
    name: 'a chart of another vendor',
    revision: createRevision(vendorService, milvusChart),
    isMilvus: true,
    hasComponents: false,
    version: '2.6.15',
  },
  {
    name: 'another chart',
    revision: createRevision(vendorService, { name: 'redis' }),
    isMilvus: false,
    hasComponents: false,
    version: 'of an unknown version',
  },
  {
    name: 'a release without objects',
    revision: createRevision(''),
    isMilvus: false,
    hasComponents: false,
    version: 'of an unknown version',
  },
])('identifies $name', ({ revision, isMilvus, hasComponents, version }) => {
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
