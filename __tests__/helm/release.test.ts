import { describe, expect, test } from '@jest/globals'
import { gunzipSync, gzipSync } from 'node:zlib'
import { decodeRevision, differingPaths, readLabels, withoutStoredNulls, withStatus } from '../../src/helm/release.ts'
import { everythingIn, failureOf } from '../caught.ts'

const base64 = (bytes: string | Buffer): string => Buffer.from(bytes).toString('base64')
const stored = {
  name: 'milvus-demo', version: 4, info: { status: 'deployed', last_deployed: '2026-01-02T03:04:05.678901234Z' },
  chart: { metadata: { name: 'milvus', version: '5.0.19', appVersion: '2.6.15' }, values: { big: 'x' } },
  config: { service: { type: 'LoadBalancer' } }, manifest: '---\napiVersion: v1\nkind: Service\n---\nkind: Deployment\nspec:\n  kind: Pod\n---\nkind: Service\n', namespace: 'milvus',
}
const packed = (release: unknown): string => base64(gzipSync(JSON.stringify(release)))

describe('decodeRevision', () => {
  const decoded = {
    name: 'milvus-demo', revision: 4, status: 'deployed', chart: { name: 'milvus', version: '5.0.19', appVersion: '2.6.15' },
    values: { service: { type: 'LoadBalancer' } }, manifest: stored.manifest, deployedAt: '2026-01-02T03:04:05.678901234Z', serverSide: false,
  }
  test.each<[string, string, 'Secret' | 'ConfigMap', object]>([
    ['a Secret, which the API encodes once more', base64(packed(stored)), 'Secret', decoded],
    ['a ConfigMap', packed(stored), 'ConfigMap', decoded],
    ['one that is not compressed', base64(JSON.stringify(stored)), 'ConfigMap', decoded],
    ['one without values of the user', packed({ ...stored, config: undefined }), 'ConfigMap', { ...decoded, values: {} }],
    ['one whose values are null', packed({ ...stored, config: null }), 'ConfigMap', { ...decoded, values: {} }],
    ['one whose chart has no appVersion', packed({ ...stored, chart: { metadata: { name: 'milvus', version: '5.0.19' } } }), 'ConfigMap', { ...decoded, chart: { name: 'milvus', version: '5.0.19', appVersion: '' } }],
    ['one whose chart says whose it is and has subcharts', packed({ ...stored, chart: { metadata: { ...stored.chart.metadata, home: 'https://bitnami.com', maintainers: [{ name: 'Broadcom, Inc.' }, 7], dependencies: [{ name: 'etcd' }, null] } } }), 'ConfigMap', { ...decoded, chart: { ...decoded.chart, origin: 'Broadcom, Inc., https://bitnami.com', dependencies: ['etcd'] } }],
    ['one that helm 4 applied server-side', packed({ ...stored, apply_method: 'ssa' }), 'ConfigMap', { ...decoded, serverSide: true }],
    ['one that helm 4 applied client-side', packed({ ...stored, apply_method: 'csa' }), 'ConfigMap', decoded],
    ['text beyond ASCII', base64(packed({ ...stored, config: { note: 'größer — 向量' } })), 'Secret', { ...decoded, values: { note: 'größer — 向量' } }],
  ])('%s', (_, encoded, kind, expected) => {
    expect(decodeRevision(encoded, kind, 'sh.helm.release.v1.milvus-demo.v4')).toEqual(expected)
  })

  const secret = 'canary-hunter2'
  test.each<[string, string, 'Secret' | 'ConfigMap']>([
    ['nothing', '', 'Secret'],
    ['a Secret that is encoded once', packed(stored), 'Secret'],
    ['a ConfigMap that is encoded twice', base64(packed(stored)), 'ConfigMap'],
    ['gzip that is cut off', gzipSync(JSON.stringify(stored)).subarray(0, 60).toString('base64'), 'ConfigMap'],
    ['JSON that is no release', packed({ hello: 'world' }), 'ConfigMap'],
    ['null', packed(null), 'ConfigMap'],
    ['a name that is a number', packed({ ...stored, name: 7 }), 'ConfigMap'],
    ['values that are a text', packed({ ...stored, config: secret }), 'ConfigMap'],
    ['a version that is none', packed({ ...stored, version: 'four' }), 'ConfigMap'],
    ['an appVersion that is a number', packed({ ...stored, chart: { metadata: { name: 'milvus', version: '5.0.19', appVersion: 2.6 } } }), 'ConfigMap'],
    ['gzip that becomes a thousand times as much', base64(gzipSync(`${JSON.stringify(stored)}${' '.repeat(80 * 2 ** 20)}`)), 'ConfigMap'],
    ['JSON that breaks off near a secret', base64(`{"config":{"password":"${secret}",oops`), 'ConfigMap'],
    ['JSON with a secret that lacks its quotes', base64(`{"config":{"password":${secret}}}`), 'ConfigMap'],
  ])('%s cannot be read, and is not quoted', async (_, encoded, kind) => {
    const error = await failureOf(() => decodeRevision(encoded, kind, 'sh.helm.release.v1.milvus-demo.v4'))
    expect(error.code).toBe('release-unreadable')
    expect(everythingIn(error)).not.toMatch(/hunter2|canary/)
  })
})

describe('withStatus', () => {
  const failed = { status: 'failed', description: 'its helm died' }
  test.each(['Secret', 'ConfigMap'] as const)('of a %s changes nothing else', (kind) => {
    const encoded = kind === 'Secret' ? base64(packed(stored)) : packed(stored)
    const decoded = decodeRevision(encoded, kind, 'v4')
    expect(decodeRevision(withStatus(encoded, kind, 'v4', failed), kind, 'v4')).toEqual({ ...decoded, status: 'failed' })
  })

  test('numbers stay as helm wrote them', () => {
    const json = '{"name":"m","info":{"status":"pending-upgrade","first_deployed":"x"},"chart":{"metadata":{}},"config":{"a":12345678901234567890,"b":1.0,"c":1e+06,"d":[-0]},"version":2}'
    const written = gunzipSync(Buffer.from(withStatus(base64(gzipSync(json)), 'ConfigMap', 'v2', failed), 'base64')).toString()
    expect(written).toBe(json.replace('"status":"pending-upgrade","first_deployed":"x"', '"status":"failed","first_deployed":"x","description":"its helm died"'))
  })

  test('of what is no release says so, and quotes nothing', async () => {
    const error = await failureOf(() => withStatus(base64('{"config":{"password":canary}}'), 'ConfigMap', 'v2', failed))
    expect(error.code).toBe('release-unreadable')
    expect(everythingIn(error)).not.toContain('canary')
  })
})

test.each<[string, Record<string, string> | undefined, object | undefined]>([
  ['a revision', { name: 'milvus-demo', version: '12', status: 'superseded', owner: 'helm' }, { name: 'milvus-demo', revision: 12, status: 'superseded' }],
  ['no labels', undefined, undefined],
  ['other labels', { app: 'x', name: 'y' }, undefined],
])('readLabels of %s', (_, labels, expected) => {
  expect(readLabels(labels)).toEqual(expected)
})

test.each<[string, Record<string, unknown>, unknown, Record<string, unknown>]>([
  ['a null that is stored', { a: null, b: { c: null, d: 1 } }, { a: null, b: { c: null } }, { b: { d: 1 } }],
  ['a null for a value, and for what is not there', { a: null, b: null, c: { d: null } }, { a: 1 }, { a: null, b: null, c: { d: null } }],
  ['lists and texts', { a: [null], b: 'x' }, { a: [null], b: null }, { a: [null], b: 'x' }],
])('withoutStoredNulls: %s', (_, wanted, present, expected) => {
  expect(withoutStoredNulls(wanted, present)).toEqual(expected)
})

describe('differingPaths', () => {
  test.each<[string, Record<string, unknown>, unknown, string[]]>([
    ['nothing wanted', {}, { a: 1 }, []],
    ['the same', { a: 1, b: { c: [1, { d: 2 }] } }, { b: { c: [1, { d: 2 }], more: true }, a: 1 }, []],
    ['another value', { a: 1 }, { a: 2 }, ['a']],
    ['a value that is not there', { a: { b: 1 } }, {}, ['a.b']],
    ['nothing there at all', { a: { b: 1 }, c: 2 }, undefined, ['a.b', 'c']],
    ['deep inside', { a: { b: { c: 1, d: 2 } } }, { a: { b: { c: 1, d: 3 } } }, ['a.b.d']],
    ['a number is no text', { a: 2 }, { a: '2' }, ['a']],
    ['false is no absence', { a: false }, {}, ['a']],
    ['zero and an empty text are none either', { a: 0, b: '' }, {}, ['a', 'b']],
    ['lists are whole', { a: [1, 2] }, { a: [2, 1] }, ['a']],
    ['an empty list is a value', { a: [] }, {}, ['a']],
    ['a map where a value was', { a: { b: 1 } }, { a: 'text' }, ['a.b']],
    ['a map where a list was', { a: { b: 1 } }, { a: [1] }, ['a.b']],
    ['a value where a map was', { a: 'text' }, { a: { b: 1 } }, ['a']],
    ['a null takes away what is there', { a: { b: null } }, { a: { b: { c: 1 } } }, ['a.b']],
    ['a null for what is not there takes the default of the chart away', { a: { b: null }, c: null }, { a: {} }, ['a.b', 'c']],
    ['a null in a map that is not there', { a: { b: null } }, undefined, ['a.b']],
    ['a null that is stored', { a: { b: null } }, { a: { b: null } }, []],
    ['a value where a null is stored', { a: 1, b: {} }, { a: null, b: null }, ['a', 'b']],
    ['a null for a null', { a: null }, { a: null }, []],
    ['a null for the map above', { a: null }, { a: { b: 1 } }, ['a']],
    ['an empty map changes nothing that is a map', { a: {} }, { a: { b: 1 } }, []],
    ['an empty map where a value was', { a: {} }, { a: 'text' }, ['a']],
    ['a key that every object has', { constructor: 'x', toString: { a: 1 } }, {}, ['constructor', 'toString.a']],
    ['the order of keys does not count', { a: [{ x: 1, y: 2 }] }, { a: [{ y: 2, x: 1 }] }, []],
  ])('%s', (_, wanted, present, paths) => {
    expect(differingPaths(wanted, present)).toEqual(paths)
  })
})
