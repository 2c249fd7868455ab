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
  interface Lookup {
    readonly name: string
    readonly services: Service[]
    /** Undefined when no release can be read. */
    readonly release: Parameters<typeof findService>[2]
    readonly settings?: Parameters<typeof createSettings>[0]
    readonly expected: string
  }
  const lookups: readonly Lookup[] = [
    {
      name: 'the only Service of Milvus',
      services: [milvusService, metricsService],
      release: createRelease(),
      expected: 'milvus-demo',
    },
    {
      name: "beside Pulsar's proxy",
      services: [pulsarService, milvusService],
      release: createRelease(),
      expected: 'milvus-demo',
    },
    {
      name: "beside Pulsar's proxy, when the release may not be read",
      services: [pulsarService, milvusService],
      release: undefined,
      expected: 'milvus-demo',
    },
    {
      name: 'beside a dependency with the recommended labels',
      services: [kafkaService, milvusService],
      release: createRelease(),
      expected: 'milvus-demo',
    },
    {
      name: 'beside a dependency with the recommended labels, when the release may not be read',
      services: [kafkaService, milvusService],
      release: undefined,
      expected: 'milvus-demo',
    },
    {
      name: 'beside another release',
      services: [otherService, milvusService],
      release: createRelease(),
      expected: 'milvus-demo',
    },
    {
      name: 'of the requested release, when no release may be read',
      services: [otherService, pulsarService, milvusService],
      release: undefined,
      settings: { release: 'second' },
      expected: 'second-milvus',
    },
    {
      name: 'with nameOverride',
      services: [pulsarService, kafkaService, renamedService],
      release: createRelease({ values: { nameOverride: 'vectors' } }),
      expected: 'vec',
    },
    {
      name: 'with nameOverride, when the release may not be read',
      services: [pulsarService, renamedService],
      release: undefined,
      expected: 'vec',
    },
    {
      name: 'as part of another chart, under an alias',
      services: [pulsarService, renamedService],
      release: createRelease({ chart: { name: 'platform', version: '1.0.0', appVersion: '' } }),
      expected: 'vec',
    },
    {
      name: 'by its name',
      services: [pulsarService, milvusService],
      release: undefined,
      settings: { service: 'milvus-demo-pulsarv3-proxy' },
      expected: 'milvus-demo-pulsarv3-proxy',
    },
  ]
  test.each(lookups)('$name', ({ services, release, settings, expected }) => {
    expect(findService(createSettings(settings), services, release).metadata.name).toBe(expected)
  })

  test.each<{
    name: string
    services: Service[]
    releaseTarget: Parameters<typeof findService>[2]
    code: string
  }>([
    {
      name: "only Pulsar's proxy",
      services: [pulsarService],
      releaseTarget: createRelease(),
      code: 'service-not-found',
    },
    {
      name: "only Pulsar's proxy, when the release may not be read",
      services: [pulsarService],
      releaseTarget: undefined,
      code: 'service-not-found',
    },
    {
      name: 'only the Service of a dependency',
      services: [kafkaService],
      releaseTarget: createRelease(),
      code: 'service-not-found',
    },
    {
      name: 'Services of two releases that may not be read',
      services: [milvusService, otherService],
      releaseTarget: undefined,
      code: 'service-ambiguous',
    },
  ])('rejects $name', async ({ services, releaseTarget, code }) => {
    expect(
      (await captureActionError(() => findService(createSettings(), services, releaseTarget))).code,
    ).toBe(code)
  })
})
