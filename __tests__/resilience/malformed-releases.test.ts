/** Stored revisions of Helm, damaged or built to break their parser. */
import { gzipSync } from 'node:zlib'
import { expect } from '@jest/globals'
import fc from 'fast-check'
import { diffManifests } from '../../src/clients/helm/manifest-diff.ts'
import {
  decodeRevision,
  findDifferingPaths,
  parseRevisionLabels,
} from '../../src/clients/helm/release-storage.ts'
import { findSecretValues } from '../../src/clients/helm/values.ts'
import { anyLengthText, anyText, corruptText, corruptBytes } from './arbitraries.ts'
import { isAccepted, testProperty } from './property.ts'

const canary = 'canary-of-values'

const revision = {
  name: 'milvus-demo',
  version: 4,
  info: { status: 'deployed', last_deployed: '2026-01-02T03:04:05Z' },
  chart: { metadata: { name: 'milvus', version: '5.0.19', appVersion: '2.6.15' } },
  config: { minio: { secretKey: canary } },
  manifest: '---\nkind: Service\nmetadata:\n  name: milvus-demo\n',
}
const anyMemberPath = fc.constantFrom<readonly string[]>(
  ['name'],
  ['version'],
  ['info'],
  ['info', 'status'],
  ['info', 'last_deployed'],
  ['chart'],
  ['chart', 'metadata'],
  ['chart', 'metadata', 'name'],
  ['chart', 'metadata', 'version'],
  ['chart', 'metadata', 'appVersion'],
  ['config'],
  ['manifest'],
)

function withMember(
  object: unknown,
  [name = '', ...remainingPath]: readonly string[],
  value: unknown,
): unknown {
  const own = object as Record<string, unknown>
  return {
    ...own,
    [name]: remainingPath.length === 0 ? value : withMember(own[name], remainingPath, value),
  }
}
const json = fc.oneof(
  { weight: 2, arbitrary: fc.constant(JSON.stringify(revision)) },
  { weight: 2, arbitrary: corruptText(fc.constant(JSON.stringify(revision))) },
  {
    weight: 4,
    arbitrary: fc
      .tuple(anyMemberPath, fc.jsonValue())
      .map(([path, value]) => JSON.stringify(withMember(revision, path, value))),
  },
  { weight: 1, arbitrary: fc.json() },
)
const anyEncodedRelease = fc
  .oneof(
    corruptBytes(json.map((text) => gzipSync(text))),
    json.map((text) => gzipSync(text)),
    json.map((text) => Buffer.from(text)),
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  )
  .map((bytes) => bytes.toString('base64'))
const anyReleaseField = fc.oneof(
  { weight: 6, arbitrary: anyEncodedRelease },
  { weight: 2, arbitrary: corruptText(anyEncodedRelease) },
  { weight: 1, arbitrary: anyLengthText },
)

testProperty(
  'stored revisions of Helm',
  fc.tuple(
    anyReleaseField,
    fc.constantFrom('Secret', 'ConfigMap'),
    fc.dictionary(fc.constantFrom('name', 'version', 'status'), anyText),
  ),
  ([text, kind, labels]) => {
    const parsedLabels = parseRevisionLabels(labels)
    if (parsedLabels !== undefined)
      expect([typeof parsedLabels.name, Number.isSafeInteger(parsedLabels.revision)]).toEqual([
        'string',
        true,
      ])
    return isAccepted(
      () => {
        const {
          name,
          revision: revisionNumber,
          status,
          chart,
          values,
          manifest,
          deployedAt,
          serverSide,
        } = decodeRevision(
          kind === 'Secret' ? Buffer.from(text).toString('base64') : text,
          kind,
          'sh.helm.release.v1.milvus-demo.v4',
        )
        for (const each of [
          name,
          status,
          chart.name,
          chart.version,
          chart.appVersion,
          manifest,
          deployedAt,
        ])
          expect(typeof each).toBe('string')
        expect([
          Number.isSafeInteger(revisionNumber),
          typeof values,
          Array.isArray(values),
          typeof serverSide,
        ]).toEqual([true, 'object', false, 'boolean'])
        expect(findDifferingPaths({ a: 1 }, values)).toEqual(
          'a' in values && values['a'] === 1 ? [] : ['a'],
        )
        diffManifests(manifest, `${manifest}\n---\nkind: X`)
        findSecretValues(values)
      },
      /sh\.helm\.release\.v1\.milvus-demo\.v4/,
      [canary],
    )
  },
)
