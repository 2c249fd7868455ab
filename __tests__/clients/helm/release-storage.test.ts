import { describe, expect, test } from '@jest/globals'
import { gunzipSync, gzipSync } from 'node:zlib'
import {
  decodeRevision,
  findDifferingPaths,
  parseRevisionLabels,
  omitStoredNulls,
  replaceStatus,
} from '../../../src/clients/helm/release-storage.ts'
import { collectErrorText, captureActionError } from '../../capture-error.ts'

const encodeBase64 = (content: string | Buffer): string => Buffer.from(content).toString('base64')
const storedRelease = {
  name: 'milvus-demo',
  version: 4,
  info: { status: 'deployed', last_deployed: '2026-01-02T03:04:05.678901234Z' },
  chart: {
    metadata: { name: 'milvus', version: '5.0.19', appVersion: '2.6.15' },
    values: { big: 'x' },
  },
  config: { service: { type: 'LoadBalancer' } },
  manifest:
    '---\napiVersion: v1\nkind: Service\n---\nkind: Deployment\nspec:\n  kind: Pod\n---\nkind: Service\n',
  namespace: 'milvus',
}
const encodeRelease = (release: unknown): string => encodeBase64(gzipSync(JSON.stringify(release)))

describe('decodeRevision', () => {
  const decodedRevision = {
    name: 'milvus-demo',
    revision: 4,
    status: 'deployed',
    chart: { name: 'milvus', version: '5.0.19', appVersion: '2.6.15' },
    values: { service: { type: 'LoadBalancer' } },
    manifest: storedRelease.manifest,
    deployedAt: '2026-01-02T03:04:05.678901234Z',
    serverSide: false,
  }
  test.each<[string, string, 'Secret' | 'ConfigMap', object]>([
    [
      'a Secret, which is base64-encoded twice',
      encodeBase64(encodeRelease(storedRelease)),
      'Secret',
      decodedRevision,
    ],
    ['a ConfigMap', encodeRelease(storedRelease), 'ConfigMap', decodedRevision],
    [
      'an uncompressed revision',
      encodeBase64(JSON.stringify(storedRelease)),
      'ConfigMap',
      decodedRevision,
    ],
    [
      'a revision without user values',
      encodeRelease({ ...storedRelease, config: undefined }),
      'ConfigMap',
      { ...decodedRevision, values: {} },
    ],
    [
      'a revision with null values',
      encodeRelease({ ...storedRelease, config: null }),
      'ConfigMap',
      { ...decodedRevision, values: {} },
    ],
    [
      'a chart without appVersion',
      encodeRelease({
        ...storedRelease,
        chart: { metadata: { name: 'milvus', version: '5.0.19' } },
      }),
      'ConfigMap',
      { ...decodedRevision, chart: { name: 'milvus', version: '5.0.19', appVersion: '' } },
    ],
    [
      'a chart with maintainers and subcharts',
      encodeRelease({
        ...storedRelease,
        chart: {
          metadata: {
            ...storedRelease.chart.metadata,
            home: 'https://bitnami.com',
            maintainers: [{ name: 'Broadcom, Inc.' }, 7],
            dependencies: [{ name: 'etcd' }, null],
          },
        },
      }),
      'ConfigMap',
      {
        ...decodedRevision,
        chart: {
          ...decodedRevision.chart,
          origin: 'Broadcom, Inc., https://bitnami.com',
          dependencies: ['etcd'],
        },
      },
    ],
    [
      'a revision that helm 4 applied server-side',
      encodeRelease({ ...storedRelease, apply_method: 'ssa' }),
      'ConfigMap',
      { ...decodedRevision, serverSide: true },
    ],
    [
      'a revision that helm 4 applied client-side',
      encodeRelease({ ...storedRelease, apply_method: 'csa' }),
      'ConfigMap',
      decodedRevision,
    ],
    [
      'text beyond ASCII',
      encodeBase64(encodeRelease({ ...storedRelease, config: { note: 'größer — 向量' } })),
      'Secret',
      { ...decodedRevision, values: { note: 'größer — 向量' } },
    ],
  ])('%s', (_, encoded, kind, expected) => {
    expect(decodeRevision(encoded, kind, 'sh.helm.release.v1.milvus-demo.v4')).toEqual(expected)
  })

  const secret = 'canary-hunter2'
  test.each<[string, string, 'Secret' | 'ConfigMap']>([
    ['an empty string', '', 'Secret'],
    ['a Secret that is base64-encoded once', encodeRelease(storedRelease), 'Secret'],
    [
      'a ConfigMap that is base64-encoded twice',
      encodeBase64(encodeRelease(storedRelease)),
      'ConfigMap',
    ],
    [
      'truncated gzip',
      gzipSync(JSON.stringify(storedRelease)).subarray(0, 60).toString('base64'),
      'ConfigMap',
    ],
    ['JSON that is not a release', encodeRelease({ hello: 'world' }), 'ConfigMap'],
    ['null', encodeRelease(null), 'ConfigMap'],
    ['a name that is a number', encodeRelease({ ...storedRelease, name: 7 }), 'ConfigMap'],
    ['values that are a string', encodeRelease({ ...storedRelease, config: secret }), 'ConfigMap'],
    [
      'a version that is not a number',
      encodeRelease({ ...storedRelease, version: 'four' }),
      'ConfigMap',
    ],
    [
      'an appVersion that is a number',
      encodeRelease({
        ...storedRelease,
        chart: { metadata: { name: 'milvus', version: '5.0.19', appVersion: 2.6 } },
      }),
      'ConfigMap',
    ],
    [
      'gzip that expands a thousandfold',
      encodeBase64(gzipSync(`${JSON.stringify(storedRelease)}${' '.repeat(80 * 2 ** 20)}`)),
      'ConfigMap',
    ],
    [
      'invalid JSON near a secret',
      encodeBase64(`{"config":{"password":"${secret}",oops`),
      'ConfigMap',
    ],
    [
      'JSON with an unquoted secret',
      encodeBase64(`{"config":{"password":${secret}}}`),
      'ConfigMap',
    ],
  ])('rejects %s without quoting it', async (_, encoded, kind) => {
    const error = await captureActionError(() =>
      decodeRevision(encoded, kind, 'sh.helm.release.v1.milvus-demo.v4'),
    )
    expect(error.code).toBe('release-unreadable')
    expect(collectErrorText(error)).not.toMatch(/hunter2|canary/)
  })
})

describe('replaceStatus', () => {
  const failedStatus = { status: 'failed', description: 'its helm died' }
  test.each(['Secret', 'ConfigMap'] as const)('changes only the status in a %s', (kind) => {
    const encoded =
      kind === 'Secret' ? encodeBase64(encodeRelease(storedRelease)) : encodeRelease(storedRelease)
    const decodedRevision = decodeRevision(encoded, kind, 'v4')
    expect(decodeRevision(replaceStatus(encoded, kind, 'v4', failedStatus), kind, 'v4')).toEqual({
      ...decodedRevision,
      status: 'failed',
    })
  })

  test('preserves numbers as helm wrote them', () => {
    const json =
      '{"name":"m","info":{"status":"pending-upgrade","first_deployed":"x"},"chart":{"metadata":{}},"config":{"a":12345678901234567890,"b":1.0,"c":1e+06,"d":[-0]},"version":2}'
    const updatedJson = gunzipSync(
      Buffer.from(
        replaceStatus(encodeBase64(gzipSync(json)), 'ConfigMap', 'v2', failedStatus),
        'base64',
      ),
    ).toString()
    expect(updatedJson).toBe(
      json.replace(
        '"status":"pending-upgrade","first_deployed":"x"',
        '"status":"failed","first_deployed":"x","description":"its helm died"',
      ),
    )
  })

  test('rejects anything but a release without quoting it', async () => {
    const error = await captureActionError(() =>
      replaceStatus(
        encodeBase64('{"config":{"password":canary}}'),
        'ConfigMap',
        'v2',
        failedStatus,
      ),
    )
    expect(error.code).toBe('release-unreadable')
    expect(collectErrorText(error)).not.toContain('canary')
  })
})

test.each<[string, Record<string, string> | undefined, object | undefined]>([
  [
    'a revision',
    { name: 'milvus-demo', version: '12', status: 'superseded', owner: 'helm' },
    { name: 'milvus-demo', revision: 12, status: 'superseded' },
  ],
  ['no labels', undefined, undefined],
  ['other labels', { app: 'x', name: 'y' }, undefined],
])('parseRevisionLabels: %s', (_, labels, expected) => {
  expect(parseRevisionLabels(labels)).toEqual(expected)
})

test.each<[string, Record<string, unknown>, unknown, Record<string, unknown>]>([
  [
    'a stored null',
    { a: null, b: { c: null, d: 1 } },
    { a: null, b: { c: null } },
    { b: { d: 1 } },
  ],
  [
    'a null for a stored value and for a missing one',
    { a: null, b: null, c: { d: null } },
    { a: 1 },
    { a: null, b: null, c: { d: null } },
  ],
  ['lists and strings', { a: [null], b: 'x' }, { a: [null], b: null }, { a: [null], b: 'x' }],
])('omitStoredNulls: %s', (_, desired, current, expected) => {
  expect(omitStoredNulls(desired, current)).toEqual(expected)
})

describe('findDifferingPaths', () => {
  test.each<[string, Record<string, unknown>, unknown, string[]]>([
    ['no desired values', {}, { a: 1 }, []],
    [
      'the same values',
      { a: 1, b: { c: [1, { d: 2 }] } },
      { b: { c: [1, { d: 2 }], more: true }, a: 1 },
      [],
    ],
    ['another value', { a: 1 }, { a: 2 }, ['a']],
    ['a missing value', { a: { b: 1 } }, {}, ['a.b']],
    ['no current values', { a: { b: 1 }, c: 2 }, undefined, ['a.b', 'c']],
    ['a nested value', { a: { b: { c: 1, d: 2 } } }, { a: { b: { c: 1, d: 3 } } }, ['a.b.d']],
    ['a number instead of a string', { a: 2 }, { a: '2' }, ['a']],
    ['false instead of a missing value', { a: false }, {}, ['a']],
    ['zero and an empty string instead of missing values', { a: 0, b: '' }, {}, ['a', 'b']],
    ['a list in another order', { a: [1, 2] }, { a: [2, 1] }, ['a']],
    ['an empty list instead of a missing value', { a: [] }, {}, ['a']],
    ['a map instead of a string', { a: { b: 1 } }, { a: 'text' }, ['a.b']],
    ['a map instead of a list', { a: { b: 1 } }, { a: [1] }, ['a.b']],
    ['a string instead of a map', { a: 'text' }, { a: { b: 1 } }, ['a']],
    ['a null instead of a nested map', { a: { b: null } }, { a: { b: { c: 1 } } }, ['a.b']],
    [
      'a null instead of a missing value, which removes the default of the chart',
      { a: { b: null }, c: null },
      { a: {} },
      ['a.b', 'c'],
    ],
    ['a null in a missing map', { a: { b: null } }, undefined, ['a.b']],
    ['a nested stored null', { a: { b: null } }, { a: { b: null } }, []],
    ['a value instead of a stored null', { a: 1, b: {} }, { a: null, b: null }, ['a', 'b']],
    ['a top-level stored null', { a: null }, { a: null }, []],
    ['a null instead of a top-level map', { a: null }, { a: { b: 1 } }, ['a']],
    ['an empty map for a map with keys', { a: {} }, { a: { b: 1 } }, []],
    ['an empty map instead of a string', { a: {} }, { a: 'text' }, ['a']],
    [
      'keys named like properties of Object.prototype',
      { constructor: 'x', toString: { a: 1 } },
      {},
      ['constructor', 'toString.a'],
    ],
    ['keys in another order', { a: [{ x: 1, y: 2 }] }, { a: [{ y: 2, x: 1 }] }, []],
  ])('%s', (_, desired, current, paths) => {
    expect(findDifferingPaths(desired, current)).toEqual(paths)
  })
})
