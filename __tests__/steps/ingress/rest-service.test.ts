import { describe, expect, test } from '@jest/globals'
import type { FieldsV1, Service } from '../../../src/clients/kubernetes/types.ts'
import {
  buildPreviousRestService,
  buildRestService,
  checkRestService,
  diffRestService,
  getRestServiceName,
} from '../../../src/steps/ingress/rest-service.ts'
import { planRestService } from '../../../src/steps/ingress/rest-service-operations.ts'
import { captureActionError } from '../../capture-error.ts'
import { listIngressPermissions } from '../../../src/modes/ingress-permissions.ts'
import type { IngressOperation } from '../../../src/steps/ingress/operations.ts'
import { createSettings, createTarget, ingress } from '../fixtures.ts'

const prefix = 'alb.ingress.kubernetes.io'
const selector = { 'app.kubernetes.io/instance': 'milvus-demo', component: 'proxy' }

const createService = (name: string, spec: Service['spec']): Service => ({
  metadata: { name, namespace: 'milvus', uid: `uid-of-${name}`, resourceVersion: '1' },
  spec,
})
const milvus = createService('milvus-demo', {
  type: 'ClusterIP',
  selector,
  ports: [
    { name: 'metrics', port: 9091, targetPort: 'metrics' },
    { name: 'milvus', port: 19530, protocol: 'TCP', targetPort: 'milvus' },
  ],
})
const build = (ingressName = 'milvus-demo') =>
  buildRestService({ namespace: 'milvus', ingressName, milvus, port: 19530 })

const restPorts = build().spec.ports ?? []

/** As the API shows a Service that this action applied. */
function createLive(
  overrides: {
    annotations?: Readonly<Record<string, string>>
    spec?: object
    /** The ports that it owns, as in managedFields. */
    ports?: FieldsV1
  } = {},
): Service {
  const { metadata, spec } = build()
  const annotations = { ...metadata.annotations, ...overrides.annotations }
  const fields: FieldsV1 = Object.fromEntries(
    Object.keys(metadata.annotations).map((key) => [`f:${key}`, {}]),
  )
  const managedFields = [
    {
      manager: 'milvus-alb-action',
      operation: 'Apply' as const,
      fieldsV1: {
        'f:metadata': { 'f:annotations': fields },
        'f:spec': { 'f:ports': overrides.ports ?? { 'k:{"port":19530,"protocol":"TCP"}': {} } },
      },
    },
  ]
  return {
    metadata: { ...metadata, annotations, uid: 'uid-of-rest', resourceVersion: '2', managedFields },
    spec: { ...spec, ...overrides.spec },
  }
}

test('selects the pods of Milvus, on the same port, for HTTP/1.1', () => {
  expect(build()).toEqual({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: 'milvus-demo-rest',
      namespace: 'milvus',
      labels: { 'app.kubernetes.io/managed-by': 'milvus-alb-action' },
      annotations: {
        'milvus-alb-action/ingress': 'milvus-demo',
        // Those of the Service come before those of the Ingress, whoever sets them.
        [`${prefix}/target-type`]: 'ip',
        [`${prefix}/backend-protocol`]: 'HTTP',
        [`${prefix}/backend-protocol-version`]: 'HTTP1',
        // What differs between health checks for gRPC and for HTTP.
        [`${prefix}/healthcheck-path`]: '/',
        [`${prefix}/healthcheck-port`]: 'traffic-port',
        [`${prefix}/success-codes`]: '200-499',
      },
    },
    spec: {
      type: 'ClusterIP',
      selector,
      ports: [{ name: 'rest', port: 19530, protocol: 'TCP', targetPort: 'milvus' }],
    },
  })
})

test.each([
  ['milvus-demo', 'milvus-demo-rest'],
  ['vectors.example.com', 'vectors-example-com-rest'],
  ['1st', 'milvus-1st-rest'],
  ['a'.repeat(58), `${'a'.repeat(58)}-rest`],
  ['a'.repeat(59), `${'a'.repeat(49)}-11ee391c-rest`],
])('the Service of Ingress %s is %s', (ingressName, expected) => {
  const name = getRestServiceName(ingressName)
  expect(name.replace(/-[0-9a-f]{8}-rest$/, '-11ee391c-rest')).toBe(expected)
  expect(name).toMatch(/^[a-z][a-z0-9-]{0,61}[a-z0-9]$/)
})

describe('differences', () => {
  test.each<{ name: string; live: Service | undefined; paths: readonly string[] }>([
    { name: 'none', live: createLive(), paths: [] },
    {
      name: 'the defaults of the API server',
      live: createLive({ spec: { clusterIP: '10.0.0.1', sessionAffinity: 'None' } }),
      paths: [],
    },
    {
      name: 'a changed protocol version',
      live: createLive({ annotations: { [`${prefix}/backend-protocol-version`]: 'GRPC' } }),
      paths: [`metadata.annotations.${prefix}/backend-protocol-version`],
    },
    {
      name: 'what others added without an effect',
      live: createLive({
        annotations: { [`${prefix}/tags`]: 'team=search' },
        spec: { ports: [...restPorts, { name: 'metrics', port: 9091, targetPort: 9091 }] },
      }),
      paths: [],
    },
    {
      name: 'a target type and a protocol that others added',
      live: createLive({
        annotations: {
          [`${prefix}/target-type`]: 'instance',
          [`${prefix}/backend-protocol`]: 'HTTPS',
        },
      }),
      paths: [
        `metadata.annotations.${prefix}/target-type`,
        `metadata.annotations.${prefix}/backend-protocol`,
      ],
    },
    {
      name: 'a label that others added to the selector',
      live: createLive({ spec: { selector: { ...selector, tier: 'search' } } }),
      paths: ['spec.selector'],
    },
    {
      name: 'another port of the pods',
      live: createLive({
        spec: { ports: restPorts.map((port) => ({ ...port, targetPort: 9091 })) },
      }),
      paths: ['spec.ports'],
    },
    {
      name: 'the same number for another protocol',
      live: createLive({ spec: { ports: restPorts.map((p) => ({ ...p, protocol: 'UDP' })) } }),
      paths: ['spec.ports'],
    },
    {
      name: 'other pods, port and type',
      live: createLive({
        spec: { type: 'NodePort', selector: {}, ports: [{ name: 'rest', port: 19531 }] },
      }),
      paths: ['spec.type', 'spec.selector', 'spec.ports'],
    },
  ])('$name', ({ live, paths }) => {
    expect(diffRestService(build(), live).map(({ path }) => path)).toEqual(paths)
  })
})

describe('the Service of that name', () => {
  test.each<{ name: string; live: Service; owner: string }>([
    {
      name: 'of kubectl',
      live: createService('milvus-demo-rest', {}),
      owner: 'was not created by this action: it belongs to an unknown manager',
    },
    {
      name: 'of another Ingress',
      live: createLive({ annotations: { 'milvus-alb-action/ingress': 'milvus.demo' } }),
      owner: 'belongs to Ingress milvus.demo',
    },
  ])('is rejected: $name', async ({ live, owner }) => {
    const failure = await captureActionError(() => checkRestService(milvus, live, 'milvus-demo'))
    expect(failure.code).toBe('service-not-ours')
    expect(failure.message).toBe(
      `Service milvus-demo-rest, which input rest needs for the RESTful API, ${owner}.`,
    )
  })

  test('is accepted when this action applied it, or when there is none', () => {
    checkRestService(milvus, createLive(), 'milvus-demo')
    checkRestService(milvus, undefined, 'milvus-demo')
  })

  test('needs a selector', async () => {
    const failure = await captureActionError(() =>
      checkRestService(createService('milvus-demo', {}), undefined, 'milvus-demo'),
    )
    expect(failure.code).toBe('service-unsupported')
    expect(failure.message).toContain('Service milvus-demo has no selector')
  })
})

test('follows the Service of Milvus', () => {
  const settings = createSettings({ ingress: { rest: true } })
  const plan = (live: Service) =>
    planRestService(
      { settings },
      createTarget({
        service: { name: 'milvus-demo', type: 'ClusterIP', live, port: 19530 },
        restService: createLive(),
      }),
    )
  expect(plan(milvus)).toEqual([])
  const moved = { ...milvus, spec: { ...milvus.spec, selector: { component: 'standalone' } } }
  expect(plan(moved)).toMatchObject([
    { action: 'apply-rest-service', desired: { spec: { selector: { component: 'standalone' } } } },
  ])
})

test('is restored with the values that it had, without the ports of others', () => {
  const before = createLive({
    ports: { 'k:{"port":19531,"protocol":"TCP"}': {} },
    spec: {
      selector: { component: 'standalone' },
      clusterIP: '10.0.0.1',
      ports: [
        { name: 'rest', port: 19531, targetPort: 'milvus', nodePort: 30000 },
        { name: 'metrics', port: 9091, targetPort: 'metrics' },
      ],
    },
  })
  const manifest = buildPreviousRestService(before, build())
  expect(manifest.spec).toEqual({
    type: 'ClusterIP',
    selector: { component: 'standalone' },
    ports: [{ name: 'rest', port: 19531, protocol: 'TCP', targetPort: 'milvus' }],
  })
  expect(diffRestService(manifest, before)).toEqual([])
})

describe('permissions', () => {
  const live = createLive()
  const { metadata } = build()
  const apply = (before: Service | undefined): IngressOperation => ({
    action: 'apply-rest-service',
    namespace: 'milvus',
    name: metadata.name,
    desired: build(),
    before,
  })
  const deletion: IngressOperation = {
    action: 'delete-rest-service',
    namespace: 'milvus',
    name: metadata.name,
    uid: 'uid-of-rest',
    why: '',
  }
  test.each<{
    name: string
    operation: IngressOperation
    onFailure?: 'keep' | 'rollback'
    expected: readonly string[]
  }>([
    { name: 'create', operation: apply(undefined), expected: ['patch', 'create'] },
    { name: 'change', operation: apply(live), expected: ['patch'] },
    {
      name: 'create, and delete by a rollback',
      operation: apply(undefined),
      onFailure: 'rollback',
      expected: ['patch', 'create', 'get', 'delete'],
    },
    {
      name: 'change, and restore by a rollback',
      operation: apply(live),
      onFailure: 'rollback',
      expected: ['patch', 'get'],
    },
    { name: 'delete', operation: deletion, expected: ['delete'] },
  ])('$name', ({ operation, onFailure = 'keep', expected }) => {
    const permissions = listIngressPermissions(
      { onFailure },
      { liveIngress: ingress({}), ingressOperations: [operation], loadBalancerOperations: [] },
    )
    expect(permissions.map(({ verb, resource }) => `${verb} ${resource}`)).toEqual(
      expected.map((verb) => `${verb} services`),
    )
  })
})
