import { describe, expect, test } from '@jest/globals'
import { gunzipSync, gzipSync } from 'node:zlib'
import {
  decodeRevision,
  parseRevisionLabels,
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
  test.each<{ name: string; encoded: string; kind: 'Secret' | 'ConfigMap'; expected: object }>([
    {
      name: 'a Secret, which is base64-encoded twice',
      encoded: encodeBase64(encodeRelease(storedRelease)),
      kind: 'Secret',
      expected: decodedRevision,
    },
    {
      name: 'a ConfigMap',
      encoded: encodeRelease(storedRelease),
      kind: 'ConfigMap',
      expected: decodedRevision,
    },
    {
      name: 'an uncompressed revision',
      encoded: encodeBase64(JSON.stringify(storedRelease)),
      kind: 'ConfigMap',
      expected: decodedRevision,
    },
    {
      name: 'a revision without user values',
      encoded: encodeRelease({ ...storedRelease, config: undefined }),
      kind: 'ConfigMap',
      expected: { ...decodedRevision, values: {} },
    },
    {
      name: 'a revision with null values',
      encoded: encodeRelease({ ...storedRelease, config: null }),
      kind: 'ConfigMap',
      expected: { ...decodedRevision, values: {} },
    },
    {
      name: 'a chart without appVersion',
      encoded: encodeRelease({
        ...storedRelease,
        chart: { metadata: { name: 'milvus', version: '5.0.19' } },
      }),
      kind: 'ConfigMap',
      expected: {
        ...decodedRevision,
        chart: { name: 'milvus', version: '5.0.19', appVersion: '' },
      },
    },
    {
      name: 'a chart with maintainers and subcharts',
      encoded: encodeRelease({
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
      kind: 'ConfigMap',
      expected: {
        ...decodedRevision,
        chart: {
          ...decodedRevision.chart,
          origin: 'Broadcom, Inc., https://bitnami.com',
          dependencies: ['etcd'],
        },
      },
    },
    {
      name: 'a revision that Helm 4 applied server-side',
      encoded: encodeRelease({ ...storedRelease, apply_method: 'ssa' }),
      kind: 'ConfigMap',
      expected: { ...decodedRevision, serverSide: true },
    },
    {
      name: 'a revision that Helm 4 applied client-side',
      encoded: encodeRelease({ ...storedRelease, apply_method: 'csa' }),
      kind: 'ConfigMap',
      expected: decodedRevision,
    },
    {
      name: 'text beyond ASCII',
      encoded: encodeBase64(encodeRelease({ ...storedRelease, config: { note: 'größer — 向量' } })),
      kind: 'Secret',
      expected: { ...decodedRevision, values: { note: 'größer — 向量' } },
    },
  ])('$name', ({ encoded, kind, expected }) => {
    expect(decodeRevision(encoded, kind, 'sh.helm.release.v1.milvus-demo.v4')).toEqual(expected)
  })

  const secret = 'canary-hunter2'
  test.each<{ name: string; encoded: string; kind: 'Secret' | 'ConfigMap' }>([
    { name: 'an empty string', encoded: '', kind: 'Secret' },
    {
      name: 'a Secret that is base64-encoded once',
      encoded: encodeRelease(storedRelease),
      kind: 'Secret',
    },
    {
      name: 'a ConfigMap that is base64-encoded twice',
      encoded: encodeBase64(encodeRelease(storedRelease)),
      kind: 'ConfigMap',
    },
    {
      name: 'truncated gzip',
      encoded: gzipSync(JSON.stringify(storedRelease)).subarray(0, 60).toString('base64'),
      kind: 'ConfigMap',
    },
    {
      name: 'JSON that is not a release',
      encoded: encodeRelease({ hello: 'world' }),
      kind: 'ConfigMap',
    },
    { name: 'null', encoded: encodeRelease(null), kind: 'ConfigMap' },
    {
      name: 'a name that is a number',
      encoded: encodeRelease({ ...storedRelease, name: 7 }),
      kind: 'ConfigMap',
    },
    {
      name: 'values that are a string',
      encoded: encodeRelease({ ...storedRelease, config: secret }),
      kind: 'ConfigMap',
    },
    {
      name: 'a version that is not a number',
      encoded: encodeRelease({ ...storedRelease, version: 'four' }),
      kind: 'ConfigMap',
    },
    {
      name: 'an appVersion that is a number',
      encoded: encodeRelease({
        ...storedRelease,
        chart: { metadata: { name: 'milvus', version: '5.0.19', appVersion: 2.6 } },
      }),
      kind: 'ConfigMap',
    },
    {
      name: 'gzip that expands a thousandfold',
      encoded: encodeBase64(
        gzipSync(`${JSON.stringify(storedRelease)}${' '.repeat(80 * 2 ** 20)}`),
      ),
      kind: 'ConfigMap',
    },
    {
      name: 'invalid JSON near a secret',
      encoded: encodeBase64(`{"config":{"password":"${secret}",oops`),
      kind: 'ConfigMap',
    },
    {
      name: 'JSON with an unquoted secret',
      encoded: encodeBase64(`{"config":{"password":${secret}}}`),
      kind: 'ConfigMap',
    },
  ])('rejects $name without quoting it', async ({ encoded, kind }) => {
    const error = await captureActionError(() =>
      decodeRevision(encoded, kind, 'sh.helm.release.v1.milvus-demo.v4'),
    )
    expect(error.code).toBe('release-unreadable')
    expect(collectErrorText(error)).not.toMatch(/hunter2|canary/)
  })
})

describe('replaceStatus', () => {
  const failedStatus = { status: 'failed', description: 'its Helm process died' }
  test.each(['Secret', 'ConfigMap'] as const)('changes only the status in a %s', (kind) => {
    const encoded =
      kind === 'Secret' ? encodeBase64(encodeRelease(storedRelease)) : encodeRelease(storedRelease)
    const decodedRevision = decodeRevision(encoded, kind, 'v4')
    expect(decodeRevision(replaceStatus(encoded, kind, 'v4', failedStatus), kind, 'v4')).toEqual({
      ...decodedRevision,
      status: 'failed',
    })
  })

  test('preserves numbers as Helm wrote them', () => {
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
        '"status":"failed","first_deployed":"x","description":"its Helm process died"',
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

test.each<{
  name: string
  labels: Record<string, string> | undefined
  expected: object | undefined
}>([
  {
    name: 'a revision',
    labels: { name: 'milvus-demo', version: '12', status: 'superseded', owner: 'helm' },
    expected: { name: 'milvus-demo', revision: 12, status: 'superseded' },
  },
  { name: 'no labels', labels: undefined, expected: undefined },
  { name: 'other labels', labels: { app: 'x', name: 'y' }, expected: undefined },
])('parseRevisionLabels: $name', ({ labels, expected }) => {
  expect(parseRevisionLabels(labels)).toEqual(expected)
})
