import { describe, expect, test } from '@jest/globals'
import type { ReleaseRevision } from '../../src/helm/release.ts'
import type { Service } from '../../src/kubernetes/types.ts'
import { findService } from '../../src/steps/preflight/service.ts'
import { failureOf } from '../caught.ts'
import { revision, settings } from './fixtures.ts'

const service = (name: string, labels: Record<string, string>, release = 'milvus-demo'): Service => ({
  metadata: { name, uid: name, resourceVersion: '1', labels, annotations: { 'meta.helm.sh/release-name': release } }, spec: {},
})
const labelled = (name: string, component: string, instance = 'milvus-demo'): Record<string, string> => ({ 'app.kubernetes.io/name': name, 'app.kubernetes.io/instance': instance, component })

const milvus = service('milvus-demo', labelled('milvus', 'proxy'))
const metrics = service('milvus-demo-querynode', labelled('milvus', 'querynode'))
/** Pulsar's chart marks its objects with `app` and `release`. */
const pulsar = service('milvus-demo-pulsarv3-proxy', { app: 'pulsarv3', release: 'milvus-demo', component: 'proxy' })
/** A dependency that uses the recommended labels. */
const kafka = service('milvus-demo-kafka-proxy', labelled('kafka', 'proxy'))
const renamed = service('vec', labelled('vectors', 'proxy'))
const other = service('second-milvus', labelled('milvus', 'standalone', 'second'), 'second')

const release = (more: Partial<ReleaseRevision> = {}) => ({ last: revision(more), current: revision(more) })

describe('findService', () => {
  test.each<[string, Service[], Parameters<typeof findService>[2], Parameters<typeof settings>[0], string]>([
    ['the only one', [milvus, metrics], release(), {}, 'milvus-demo'],
    ["beside Pulsar's proxy", [pulsar, milvus], release(), {}, 'milvus-demo'],
    ["beside Pulsar's proxy, when the release may not be read", [pulsar, milvus], undefined, {}, 'milvus-demo'],
    ['beside a dependency with the recommended labels', [kafka, milvus], release(), {}, 'milvus-demo'],
    ['beside a dependency with the recommended labels, when the release may not be read', [kafka, milvus], undefined, {}, 'milvus-demo'],
    ['beside another release', [other, milvus], release(), {}, 'milvus-demo'],
    ['of the release that is asked for, when no release may be read', [other, pulsar, milvus], undefined, { release: 'second' }, 'second-milvus'],
    ['with nameOverride', [pulsar, kafka, renamed], release({ values: { nameOverride: 'vectors' } }), {}, 'vec'],
    ['with nameOverride, when the release may not be read', [pulsar, renamed], undefined, {}, 'vec'],
    ['as part of another chart, under an alias', [pulsar, renamed], release({ chart: { name: 'platform', version: '1.0.0', appVersion: '' } }), {}, 'vec'],
    ['by its name', [pulsar, milvus], undefined, { service: 'milvus-demo-pulsarv3-proxy' }, 'milvus-demo-pulsarv3-proxy'],
  ])('%s', (_, services, found, wanted, expected) => {
    expect(findService(settings(wanted), services, found).metadata.name).toBe(expected)
  })

  test.each<[string, Service[], Parameters<typeof findService>[2], string]>([
    ["only Pulsar's proxy", [pulsar], release(), 'service-not-found'],
    ["only Pulsar's proxy, when the release may not be read", [pulsar], undefined, 'service-not-found'],
    ['only that of a dependency', [kafka], release(), 'service-not-found'],
    ['two releases that may not be read', [milvus, other], undefined, 'service-ambiguous'],
  ])('%s: refused', async (_, services, found, code) => {
    expect((await failureOf(() => findService(settings(), services, found))).code).toBe(code)
  })
})
