import { describe, expect, test } from '@jest/globals'
import type { ReleaseRevision } from '../../../src/clients/helm/release-storage.ts'
import type { Service } from '../../../src/clients/kubernetes/types.ts'
import { findService } from '../../../src/steps/preflight/service.ts'
import { captureActionError } from '../../capture-error.ts'
import { createRevision, createSettings } from '../fixtures.ts'

const createService = (
  name: string,
  labels: Record<string, string>,
  releaseName = 'milvus-demo',
): Service => ({
  metadata: {
    name,
    uid: name,
    resourceVersion: '1',
    labels,
    annotations: { 'meta.helm.sh/release-name': releaseName },
  },
  spec: {},
})
const createLabels = (
  name: string,
  component: string,
  instance = 'milvus-demo',
): Record<string, string> => ({
  'app.kubernetes.io/name': name,
  'app.kubernetes.io/instance': instance,
  component,
})

const milvusService = createService('milvus-demo', createLabels('milvus', 'proxy'))
const metricsService = createService('milvus-demo-querynode', createLabels('milvus', 'querynode'))
/** Pulsar's chart marks its objects with `app` and `release`. */
const pulsarService = createService('milvus-demo-pulsarv3-proxy', {
  app: 'pulsarv3',
  release: 'milvus-demo',
  component: 'proxy',
})
/** A dependency that uses the recommended labels. */
const kafkaService = createService('milvus-demo-kafka-proxy', createLabels('kafka', 'proxy'))
const renamedService = createService('vec', createLabels('vectors', 'proxy'))
const otherService = createService(
  'second-milvus',
  createLabels('milvus', 'standalone', 'second'),
  'second',
)

const createRelease = (overrides: Partial<ReleaseRevision> = {}) => ({
  latestRevision: createRevision(overrides),
  deployedRevision: createRevision(overrides),
})

describe('findService', () => {
  test.each<
    [
      string,
      Service[],
      Parameters<typeof findService>[2],
      Parameters<typeof createSettings>[0],
      string,
    ]
  >([
    ['the only one', [milvusService, metricsService], createRelease(), {}, 'milvus-demo'],
    ["beside Pulsar's proxy", [pulsarService, milvusService], createRelease(), {}, 'milvus-demo'],
    [
      "beside Pulsar's proxy, when the release may not be read",
      [pulsarService, milvusService],
      undefined,
      {},
      'milvus-demo',
    ],
    [
      'beside a dependency with the recommended labels',
      [kafkaService, milvusService],
      createRelease(),
      {},
      'milvus-demo',
    ],
    [
      'beside a dependency with the recommended labels, when the release may not be read',
      [kafkaService, milvusService],
      undefined,
      {},
      'milvus-demo',
    ],
    ['beside another release', [otherService, milvusService], createRelease(), {}, 'milvus-demo'],
    [
      'of the release that is asked for, when no release may be read',
      [otherService, pulsarService, milvusService],
      undefined,
      { release: 'second' },
      'second-milvus',
    ],
    [
      'with nameOverride',
      [pulsarService, kafkaService, renamedService],
      createRelease({ values: { nameOverride: 'vectors' } }),
      {},
      'vec',
    ],
    [
      'with nameOverride, when the release may not be read',
      [pulsarService, renamedService],
      undefined,
      {},
      'vec',
    ],
    [
      'as part of another chart, under an alias',
      [pulsarService, renamedService],
      createRelease({ chart: { name: 'platform', version: '1.0.0', appVersion: '' } }),
      {},
      'vec',
    ],
    [
      'by its name',
      [pulsarService, milvusService],
      undefined,
      { service: 'milvus-demo-pulsarv3-proxy' },
      'milvus-demo-pulsarv3-proxy',
    ],
  ])('%s', (_, services, releaseTarget, settingsOverrides, expected) => {
    expect(
      findService(createSettings(settingsOverrides), services, releaseTarget).metadata.name,
    ).toBe(expected)
  })

  test.each<[string, Service[], Parameters<typeof findService>[2], string]>([
    ["only Pulsar's proxy", [pulsarService], createRelease(), 'service-not-found'],
    [
      "only Pulsar's proxy, when the release may not be read",
      [pulsarService],
      undefined,
      'service-not-found',
    ],
    ['only that of a dependency', [kafkaService], createRelease(), 'service-not-found'],
    [
      'two releases that may not be read',
      [milvusService, otherService],
      undefined,
      'service-ambiguous',
    ],
  ])('%s: refused', async (_, services, releaseTarget, code) => {
    expect(
      (await captureActionError(() => findService(createSettings(), services, releaseTarget))).code,
    ).toBe(code)
  })
})
