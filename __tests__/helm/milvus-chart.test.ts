import { describe, expect, test } from '@jest/globals'
import { apiServicesOf, hasMilvusComponents, isMilvusRelease, milvusVersionOf, valueAt, valuesPathOf } from '../../src/helm/milvus-chart.ts'

type Revision = Parameters<typeof valuesPathOf>[0]

const labels = (name: string): string => `{app.kubernetes.io/name: ${name}, app.kubernetes.io/instance: demo, app.kubernetes.io/version: "2.5.16", component: proxy}`
const service = (source: string, name: string, ofLabels: string, port = 'milvus, port: 19530'): string => `---\n${source}apiVersion: v1\nkind: Service\nmetadata:\n  name: ${name}\n  labels: ${ofLabels}\nspec:\n  ports: [{name: ${port}}]\n`
const own = service('# Source: milvus/templates/service.yaml\n', 'demo-milvus', labels('milvus'))
const subchart = service('# Source: platform/charts/vectors/templates/service.yaml\n', 'demo-vectors', labels('vectors'))
const nested = service('# Source: platform/charts/backend/charts/vectors/templates/service.yaml\n', 'demo-vectors', labels('vectors'))
const second = service('# Source: platform/charts/other/templates/service.yaml\n', 'demo-other', labels('other'))
const rewritten = service('', 'demo-vectors', labels('vectors'))
const ofPlatform = service('# Source: platform/templates/milvus.yaml\n', 'demo-vectors', labels('vectors'))
const kafka = service('# Source: platform/charts/kafka/templates/service.yaml\n', 'demo-kafka', labels('kafka'), 'kafka, port: 9092')
const vendor = service('# Source: milvus/templates/proxy/service.yaml\n', 'demo-proxy', '{app.kubernetes.io/name: milvus, app.kubernetes.io/instance: demo, app.kubernetes.io/component: proxy}', 'grpc, port: 19530')

const release = (manifest: string, chart: Partial<Revision['chart']> = {}): Revision => ({ name: 'demo', manifest, chart: { name: 'platform', version: '1.0.0', appVersion: '1.0', ...chart } })
const milvus = { name: 'milvus', appVersion: '2.6.15' }

describe('valuesPathOf', () => {
  test.each<[string, Revision, service: string | undefined, readonly string[]]>([
    ["the release's own chart", release(own, milvus), 'demo-milvus', []],
    ['a subchart', release(subchart), 'demo-vectors', ['vectors']],
    ['a subchart whose Service is not named', release(kafka + subchart), undefined, ['vectors']],
    ['a subchart of a subchart', release(nested), 'demo-vectors', ['backend', 'vectors']],
    ['the one of two that is meant', release(subchart + second), 'demo-other', ['other']],
    ["a template of the umbrella chart's own", release(ofPlatform), 'demo-vectors', []],
    ['objects without comments', release(rewritten, { dependencies: ['etcd', 'milvus'] }), 'demo-vectors', ['milvus']],
    ['objects without comments, of two subcharts', release(rewritten, { dependencies: ['milvus', 'milvus-two'] }), 'demo-vectors', []],
    ["objects without comments, of the release's own chart", release(rewritten, { ...milvus, dependencies: ['milvus'] }), 'demo-vectors', []],
    ['nothing at all', release('', milvus), undefined, []],
  ])('of %s', (_, revision, name, path) => {
    expect(valuesPathOf(revision, name)).toEqual(path)
  })
})

test.each<[string, Revision, isMilvus: boolean, components: boolean, version: string]>([
  ["Milvus' own chart", release(own, milvus), true, true, '2.6.15'],
  ['an umbrella chart with an alias', release(subchart), true, true, '2.5.16'],
  ['a chart with a proxy of something else', release(kafka), false, true, '2.5.16'],
  ['a chart of another vendor', release(vendor, milvus), true, false, '2.6.15'],
  ['another chart', release(vendor, { name: 'redis' }), false, false, 'of an unknown version'],
  ['no object', release(''), false, false, 'of an unknown version'],
])('%s', (_, revision, isMilvus, components, version) => {
  expect([isMilvusRelease(revision), hasMilvusComponents(revision), milvusVersionOf(revision)]).toEqual([isMilvus, components, version])
})

test('the Services of the API are known by their labels', () => {
  expect(apiServicesOf(release(vendor + subchart)).map(({ name }) => name)).toEqual(['demo-vectors'])
})

test.each<[string, unknown, readonly string[], unknown]>([
  ['a value', { a: { b: 1 } }, ['a', 'b'], 1],
  ['a key that is not there', { a: {} }, ['a', 'b'], undefined],
  ['a text on the way', { a: 'text' }, ['a', 'length'], undefined],
  ['a null on the way', { a: null }, ['a', 'b'], undefined],
  ['a key that every object has', {}, ['constructor'], undefined],
])('valueAt: %s', (_, values, path, value) => {
  expect(valueAt(values, path)).toEqual(value)
})
