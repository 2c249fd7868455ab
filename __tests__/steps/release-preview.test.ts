import { expect, test } from '@jest/globals'
import type { Difference } from '../../src/helm/manifest.ts'
import { refuseMore, type Comparison } from '../../src/steps/release-preview.ts'
import { revision, settings, target } from './fixtures.ts'

const deployed = { name: 'milvus', version: '4.2.30', appVersion: '2.5.4' }
const current = revision({ chart: deployed })
const found = { ...target(), release: { last: current, current } }
const nothing: Difference = { added: [], removed: [], changed: [] }

/** The problem; undefined when it may go on. */
function problem(wanted: Parameters<typeof settings>[0], chart: { version: string; appVersion: string }, difference: Partial<Difference>): string | undefined {
  const total = { ...nothing, ...difference }
  return said(refuseMore(found, settings(wanted), chart, { total, requested: total, anyUpgrade: nothing, isDeployedChart: true }))
}

function said(error: ReturnType<typeof refuseMore>): string | undefined {
  if (!error) return undefined
  expect([error.code, error.remedy]).toEqual(['release-changes-more', expect.stringMatching(/; if all of it is meant, set allow-chart-change: true\.$/)])
  return error.message
}

const newer = { version: '5.0.19', appVersion: '2.6.15' }
const values = { proxy: { replicas: 2 } }

test.each<[string, Parameters<typeof settings>[0], { version: string; appVersion: string }, Partial<Difference>, RegExp | undefined]>([
  ['only the Service', {}, deployed, { changed: ['Service milvus-demo'] }, undefined],
  ['nothing at all', {}, deployed, {}, undefined],
  ['another Service too', {}, deployed, { changed: ['Service milvus-demo', 'Service milvus-demo-attu'] }, /^To set the type of Service milvus-demo helm would also change Service milvus-demo-attu: the templates of chart milvus 4\.2\.30 make these objects depend on service\.type\.$/],
  ['a type on which other objects depend', {}, deployed, { added: ['ConfigMap x'], removed: ['Job y'] }, /would also remove Job y; add ConfigMap x:/],
  ['a type on which other objects depend, allowed', { allowChartChange: true }, deployed, { added: ['ConfigMap x'] }, undefined],
  ['values that change and add', { values }, deployed, { changed: ['Deployment milvus-demo-proxy', 'ConfigMap milvus-demo'], added: ['Deployment attu'] }, undefined],
  ['values by which an object goes', { values }, deployed, { removed: ['Deployment milvus-demo-attu'] }, /^With values helm would remove Deployment milvus-demo-attu, which is more than to set values: Deployment milvus-demo-attu\.$/],
  ['values that switch it off', { values: { attu: { enabled: false } } }, deployed, { removed: ['Deployment milvus-demo-attu', 'Service milvus-demo-attu'] }, undefined],
  ["values that switch the chart's Ingress off", { values: { ingress: { enabled: false } } }, deployed, { removed: ['Ingress milvus-demo'] }, undefined],
  ['values that switch storage off', { values: { minio: { enabled: false } } }, deployed, { removed: ['StatefulSet milvus-demo-minio', 'Service milvus-demo-minio'] }, /more than to set values: StatefulSet milvus-demo-minio\.$/],
  ['values by which storage comes', { values }, deployed, { added: ['StatefulSet milvus-demo-minio', 'Service milvus-demo-minio'] }, /more than to set values: StatefulSet milvus-demo-minio\.$/],
  ['values by which a volume claim goes', { values }, deployed, { removed: ['PersistentVolumeClaim milvus-demo'] }, /PersistentVolumeClaim milvus-demo/],
  ['another chart', {}, { version: '4.2.58', appVersion: '2.5.16' }, { changed: ['Deployment d'] }, /^Release milvus-demo would go from chart 4\.2\.30 \(Milvus 2\.5\.4\) to 4\.2\.58 \(Milvus 2\.5\.16\): helm would change Deployment d\.$/],
  ['another chart that changes nothing', {}, { version: '4.2.31', appVersion: '2.5.4' }, {}, /helm would change no object\.$/],
  ['a step that Milvus does not allow', {}, newer, {}, /Milvus allows the step to 2\.6 only from 2\.5\.16 or later with mixCoordinator on: go to chart 4\.2\.58 \(Milvus 2\.5\.16\) first\.$/],
  ['another chart, allowed', { allowChartChange: true }, newer, { removed: ['StatefulSet s'] }, undefined],
  ['many objects are counted', {}, newer, { removed: Array.from({ length: 30 }, (_, index) => `Deployment d${index}`) }, /Deployment d11 and 18 more\./],
])('%s', (_, wanted, chart, difference, expected) => {
  const text = problem(wanted, chart, difference)
  if (expected) expect(text).toMatch(expected)
  else expect(text).toBeUndefined()
})

const jobs = { removed: ['Job milvus-demo-pulsar-init'], changed: ['StatefulSet milvus-demo-etcd'] }

/** What any upgrade does and what the request does, each from nothing. */
const comparison = (anyUpgrade: Partial<Difference>, requested: Partial<Difference>, isDeployedChart: boolean): Comparison => ({ total: { ...nothing, ...anyUpgrade }, requested: { ...nothing, ...requested }, anyUpgrade: { ...nothing, ...anyUpgrade }, isDeployedChart })

test.each<[string, Parameters<typeof settings>[0], Comparison, RegExp | undefined]>([
  ['what any upgrade does is no reason', {}, comparison(jobs, { changed: ['Service milvus-demo'] }, true), undefined],
  ['what any upgrade does is no reason, with values', { values }, comparison(jobs, { changed: ['Deployment milvus-demo-proxy'] }, true), undefined],
  ['what the request does beside it is one', {}, comparison(jobs, { changed: ['ConfigMap milvus-demo'] }, true), /^To set the type .* also change ConfigMap milvus-demo:/],
  ['what values remove beside it is one', { values }, comparison(jobs, { removed: ['ConfigMap x'] }, true), /^With values helm would remove ConfigMap x, which/],
  ['a chart that is not the deployed one', {}, comparison({ added: ['ConfigMap x'] }, {}, false), /^Chart milvus 4\.2\.30 is not the one that release milvus-demo was made with: any upgrade with it would add ConfigMap x, and an installation/],
  ['a chart that is not the deployed one, with values', { values }, comparison({ added: ['ConfigMap x'] }, {}, false), /is not the one that release/],
  ['a chart that is not the deployed one, allowed', { allowChartChange: true }, comparison({ added: ['ConfigMap x'] }, {}, false), undefined],
])('%s', (_, wanted, compared, expected) => {
  const text = said(refuseMore(found, settings(wanted), deployed, compared))
  if (expected) expect(text).toMatch(expected)
  else expect(text).toBeUndefined()
})
