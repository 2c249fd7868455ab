import { describe, expect, test } from '@jest/globals'
import type { Service } from '../../../src/clients/kubernetes/types.ts'
import type { EndpointSettings, Settings } from '../../../src/inputs/types.ts'
import type { Target } from '../../../src/steps/preflight/preflight.ts'
import {
  findDifferences,
  requiresForce,
  toDifferences,
} from '../../../src/steps/release/release.ts'
import type { Change } from '../../../src/steps/step.ts'
import { createRevision, createSettings, createTarget } from '../fixtures.ts'
import {
  createChart,
  createFailedOwnRelease,
  createReleaseTarget,
  createService,
  createStoredRevision,
  createUmbrellaRelease,
} from './release-fixture.ts'

const findChanges = (target: Target, settings: Settings): Change[] =>
  toDifferences('milvus', 'milvus-demo', findDifferences({ settings }, target))

describe('findDifferences', () => {
  test.each<
    [
      string,
      Partial<Target>,
      Parameters<typeof createSettings>[0],
      [path: string, before: string | undefined, after: string | undefined][],
    ]
  >([
    ['nothing to change', {}, {}, []],
    [
      'a Service with its own load balancer',
      { service: createService('LoadBalancer') },
      {},
      [['service.type', 'LoadBalancer', 'ClusterIP']],
    ],
    [
      'a Service of type NodePort',
      { service: createService('NodePort') },
      {},
      [['service.type', 'NodePort', 'ClusterIP']],
    ],
    [
      'a newer chart in the repository that is not requested',
      {},
      { chart: createChart(undefined) },
      [],
    ],
    ['the deployed chart', {}, { chart: createChart('5.0.19') }, []],
    [
      'another chart',
      {},
      { chart: createChart('5.0.20') },
      [['chart version', '5.0.19', '5.0.20']],
    ],
    ['values that the release contains', {}, { values: { service: { type: 'ClusterIP' } } }, []],
    [
      'a patched Service whose values still contain LoadBalancer',
      {
        release: {
          latestRevision: createStoredRevision('LoadBalancer'),
          deployedRevision: createStoredRevision('LoadBalancer'),
        },
      },
      {},
      [['service.type', 'LoadBalancer', 'ClusterIP']],
    ],
    [
      'a patched Service whose values contain no type',
      {
        release: {
          latestRevision: createRevision({ values: {} }),
          deployedRevision: createRevision({ values: {} }),
        },
      },
      {},
      [],
    ],
    [
      'a subchart whose Service has its own load balancer',
      {
        ...createReleaseTarget(createUmbrellaRelease('LoadBalancer')),
        service: createService('LoadBalancer'),
      },
      {},
      [['vectors.service.type', 'LoadBalancer', 'ClusterIP']],
    ],
    [
      'a subchart with nothing to change',
      createReleaseTarget(
        createUmbrellaRelease('ClusterIP', { vectors: { service: { type: 'ClusterIP' } } }),
      ),
      {},
      [],
    ],
    [
      'a patched Service of a subchart, whose type only the umbrella chart sets',
      createReleaseTarget(createUmbrellaRelease('LoadBalancer')),
      {},
      [['vectors.service.type', 'LoadBalancer', 'ClusterIP']],
    ],
    [
      'a Service patched to LoadBalancer whose values still contain ClusterIP',
      { service: createService('LoadBalancer') },
      { serviceType: 'LoadBalancer' },
      [['service.type', 'ClusterIP', 'LoadBalancer']],
    ],
    [
      'a patched Service with cutover: never',
      {
        release: {
          latestRevision: createStoredRevision('LoadBalancer'),
          deployedRevision: createStoredRevision('LoadBalancer'),
        },
      },
      { cutover: 'never' },
      [],
    ],
    [
      'values that the release does not contain',
      {},
      { values: { proxy: { replicas: 2 }, minio: { mode: 'x' } } },
      [
        ['values.proxy.replicas', undefined, '(not shown)'],
        ['values.minio.mode', undefined, '(not shown)'],
      ],
    ],
    [
      'a failed upgrade',
      {
        release: {
          latestRevision: createRevision({ revision: 5, status: 'failed' }),
          deployedRevision: createRevision(),
        },
      },
      {},
      [['status', 'failed', 'deployed']],
    ],
    [
      'a failed upgrade of another tool to another chart',
      {
        release: {
          latestRevision: createRevision({
            revision: 5,
            status: 'failed',
            chart: { name: 'milvus', version: '6.0.0', appVersion: '' },
          }),
          deployedRevision: createRevision(),
        },
      },
      {},
      [],
    ],
    [
      'a failed upgrade that set values, compared with the deployed ones',
      {
        release: {
          latestRevision: createRevision({ revision: 5, status: 'failed', values: { a: 1 } }),
          deployedRevision: createRevision(),
        },
      },
      { values: { a: 1 } },
      [
        ['values.a', undefined, '(not shown)'],
        ['status', 'failed', 'deployed'],
      ],
    ],
    [
      'a failed upgrade of this action to another chart, compared with the deployed one',
      {
        release: createFailedOwnRelease({
          chart: { name: 'milvus', version: '6.0.0', appVersion: '' },
        }),
      },
      { chart: createChart('6.0.0') },
      [
        ['chart version', '5.0.19', '6.0.0'],
        ['status', 'failed', 'deployed'],
      ],
    ],
    [
      'a failed upgrade of this action to another chart that is no longer requested',
      {
        release: createFailedOwnRelease({
          chart: { name: 'milvus', version: '6.0.0', appVersion: '' },
          values: { b: 1 },
        }),
      },
      {},
      [['status', 'failed', 'deployed']],
    ],
    [
      'everything at once',
      { service: createService('LoadBalancer') },
      { chart: createChart('5.0.20'), values: { a: 1 } },
      [
        ['service.type', 'LoadBalancer', 'ClusterIP'],
        ['chart version', '5.0.19', '5.0.20'],
        ['values.a', undefined, '(not shown)'],
      ],
    ],
    [
      'no release',
      { release: undefined, service: createService('LoadBalancer') },
      { values: { a: 1 }, chart: createChart('9.9.9') },
      [],
    ],
  ])('%s', (_, targetOverrides, requested, expected) => {
    const changes = findChanges(createTarget(targetOverrides), createSettings(requested))
    expect(changes.map(({ path, before, after }) => [path, before, after])).toEqual(expected)
    for (const change of changes)
      expect(change).toMatchObject({
        step: 'release',
        object: 'release milvus/milvus-demo',
        why: expect.stringMatching(/\w/) as unknown,
      })
  })

  test('changes contain neither current nor requested values', () => {
    const deployedRevision = createRevision({ values: { minio: { secretKey: 'canary-old' } } })
    const changes = findChanges(
      createTarget({ release: { latestRevision: deployedRevision, deployedRevision } }),
      createSettings({ values: { minio: { secretKey: 'canary-new' } } }),
    )
    expect(changes).toHaveLength(1)
    expect(JSON.stringify(changes)).not.toContain('canary')
  })
})

describe('requiresForce', () => {
  const createPatchedTarget = (manager: string, serverSide = true): Target => {
    const revision = createRevision({ serverSide })
    const fieldsV1 = { 'f:spec': { 'f:type': {} } }
    const live: Service = {
      metadata: {
        name: 'milvus-demo',
        namespace: 'milvus',
        uid: 'uid-of-service',
        resourceVersion: '1',
        managedFields: [{ manager, operation: 'Update', fieldsV1 }],
      },
      spec: { type: 'NodePort' },
    }
    return createTarget({
      release: { latestRevision: revision, deployedRevision: revision },
      service: { ...createService('NodePort'), live },
    })
  }
  const forcedSettings = createSettings({ ingress: { forceConflicts: true } })

  test.each<{ name: string; target: Target; settings?: EndpointSettings; expected: boolean }>([
    {
      name: 'a type set with kubectl',
      target: createPatchedTarget('kubectl-patch'),
      expected: true,
    },
    { name: 'a type set by Helm', target: createPatchedTarget('helm'), expected: false },
    {
      name: 'a type set by this action',
      target: createPatchedTarget('milvus-alb-action'),
      expected: false,
    },
    {
      name: 'a release that Helm applies client-side',
      target: createPatchedTarget('kubectl-patch', false),
      expected: false,
    },
    {
      name: 'force-conflicts',
      target: createPatchedTarget('kubectl-patch'),
      settings: forcedSettings,
      expected: false,
    },
    {
      name: 'a Service that was not read',
      target: createTarget({ service: createService('NodePort') }),
      expected: false,
    },
  ])('$name: $expected', ({ target, settings = createSettings(), expected }) => {
    const differences = findDifferences({ settings }, target)
    expect(differences).toMatchObject([{ field: 'service-type' }])
    expect(requiresForce({ settings }, target, differences)).toBe(expected)
  })
})
