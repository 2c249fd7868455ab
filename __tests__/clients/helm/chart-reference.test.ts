import { expect, test } from '@jest/globals'
import { parseChartReference, versionFromTag } from '../../../src/clients/helm/chart-reference.ts'

const digest = `sha256:${'0'.repeat(64)}`
const createRegistryReference = (overrides: object) => ({
  kind: 'registry',
  repository: 'oci://registry.example.com/charts/milvus',
  host: 'registry.example.com',
  chart: 'milvus',
  tag: undefined,
  digest: undefined,
  ...overrides,
})

test.each<[name: string, reference: object]>([
  ['milvus', { kind: 'repository', chart: 'milvus' }],
  ['corp/milvus', { kind: 'path-or-alias', path: 'corp/milvus', alias: 'corp', chart: 'milvus' }],
  ['charts/team/milvus', { kind: 'path', path: 'charts/team/milvus' }],
  ['charts/milvus/', { kind: 'path', path: 'charts/milvus/' }],
  ['charts/', { kind: 'path', path: 'charts/' }],
  ['./charts/milvus', { kind: 'path', path: './charts/milvus' }],
  ['../milvus', { kind: 'path', path: '../milvus' }],
  ['.', { kind: 'path', path: '.' }],
  ['/charts/milvus', { kind: 'path', path: '/charts/milvus' }],
  ['milvus-5.0.19.tgz', { kind: 'path', path: 'milvus-5.0.19.tgz' }],
  ['charts/milvus-5.0.19.tar.gz', { kind: 'path', path: 'charts/milvus-5.0.19.tar.gz' }],
  [
    'https://example.com/milvus-5.0.19.tgz',
    { kind: 'archive', url: 'https://example.com/milvus-5.0.19.tgz' },
  ],
  ['oci://registry.example.com/charts/milvus', createRegistryReference({})],
  ['oci://registry.example.com/charts/milvus/', createRegistryReference({})],
  ['oci://registry.example.com/charts/milvus:5.0.19', createRegistryReference({ tag: '5.0.19' })],
  [`oci://registry.example.com/charts/milvus@${digest}`, createRegistryReference({ digest })],
  [
    `oci://registry.example.com/charts/milvus:5.0.19@${digest}`,
    createRegistryReference({ tag: '5.0.19', digest }),
  ],
  [
    'oci://localhost:5000/milvus:5.0.19',
    createRegistryReference({
      repository: 'oci://localhost:5000/milvus',
      host: 'localhost:5000',
      tag: '5.0.19',
    }),
  ],
  [
    'oci://registry.example.com',
    createRegistryReference({ repository: 'oci://registry.example.com/', chart: '' }),
  ],
  ['oci://', createRegistryReference({ repository: 'oci:///', host: '', chart: '' })],
])('parseChartReference: %s', (name, reference) => {
  expect(parseChartReference(name)).toEqual(reference)
})

test.each<[tag: string | undefined, version: string | undefined]>([
  ['5.0.19', '5.0.19'],
  ['v5.0.19-rc.1', 'v5.0.19-rc.1'],
  ['5.0.19_build.7', '5.0.19+build.7'],
  ['stable', undefined],
  ['5', undefined],
  [undefined, undefined],
])('versionFromTag: tag %s, version %s', (tag, version) => {
  expect(versionFromTag(tag)).toBe(version)
})
