import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { modeValues } from '../../simulator/charts/installation-modes.ts'
import {
  getIn,
  asString,
  type Json,
  type KubernetesObject,
} from '../../simulator/kubernetes/api.ts'
import {
  api,
  charts,
  requestLog,
  start,
  run,
  startFixture,
  stopFixture,
} from './kubernetes-fixture.ts'
import { waitUntil } from '../../testing/wait.ts'

beforeAll(startFixture)
afterAll(stopFixture)

const service = (): KubernetesObject | undefined => api.get('Service', 'milvus', 'milvus-demo')
const getPodUids = (): string[] =>
  api
    .list('Pod', 'milvus')
    .filter(({ metadata }) => metadata.labels?.['component'] === 'standalone')
    .map((pod) => pod.metadata.uid ?? '')
const listEndpointSlices = (): KubernetesObject[] =>
  api
    .list('EndpointSlice', 'milvus')
    .filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === 'milvus-demo')
const listReadyEndpoints = (): Json[] =>
  listEndpointSlices().flatMap((slice) =>
    (slice['endpoints'] as Json[]).filter(
      (endpoint) => getIn(endpoint, 'conditions', 'ready') === true,
    ),
  )
const getRelease = async (): Promise<Json> =>
  getIn(JSON.parse(await run('helm', ['list', '-o', 'json'])) as Json, 0) ?? null
const chart = (version: string): string[] => [
  'milvus-demo',
  'milvus',
  '--repo',
  charts.url,
  '--version',
  version,
]

describe('helm', () => {
  const values = [
    '--set-json',
    Object.entries(modeValues.standalone)
      .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
      .join(),
    '--set',
    'service.type=LoadBalancer',
    '--set',
    'externalS3.enabled=true,externalS3.host=s3.example.com',
    '--set-string',
    'extraConfigFiles.user\\.yaml=common: { security: { authorizationEnabled: true } }',
  ]

  test('install creates pods, endpoints and a load balancer', async () => {
    await run('helm', ['install', ...chart('4.2.58'), ...values, '--wait', '--timeout', '20s'])
    expect(await getRelease()).toMatchObject({
      status: 'deployed',
      chart: 'milvus-4.2.58',
      app_version: '2.5.16',
    })
    expect(getIn(service(), 'spec', 'loadBalancerSourceRanges')).toEqual(['0.0.0.0/0'])
    expect(asString(getIn(service(), 'status', 'loadBalancer', 'ingress', 0, 'hostname'))).toMatch(
      /^a[0-9a-f]{32}-[0-9a-f]{16}\.elb\.us-east-2\.amazonaws\.com$/,
    )
    await waitUntil(() => listReadyEndpoints().length === 1)
    expect(listEndpointSlices()[0]).toMatchObject({
      ports: [
        { name: 'milvus', port: 19530, protocol: 'TCP' },
        { name: 'metrics', port: 9091 },
      ],
    })
    expect(asString(getIn(listReadyEndpoints()[0], 'addresses', 0))).toMatch(/^10\.244\./)
  })

  test('upgrade changes the Service and keeps the values within seconds', async () => {
    const [pods, clusterIP] = [getPodUids(), getIn(service(), 'spec', 'clusterIP')]
    const { code, milliseconds } = await start('helm', [
      'upgrade',
      ...chart('4.2.58'),
      '-n',
      'milvus',
      '--reset-then-reuse-values',
      '--set',
      'service.type=ClusterIP',
      '--wait',
      '--timeout',
      '20s',
    ]).ended
    expect(code).toBe(0)
    expect(milliseconds).toBeLessThan(5000)
    expect([
      getIn(service(), 'spec', 'type'),
      getIn(service(), 'spec', 'clusterIP'),
      getIn(service(), 'spec', 'loadBalancerSourceRanges'),
    ]).toEqual(['ClusterIP', clusterIP, undefined])
    await waitUntil(
      () =>
        (service()?.metadata.finalizers ?? []).length === 0 &&
        getIn(service(), 'status', 'loadBalancer', 'ingress') === undefined,
    )
    expect(getPodUids()).toEqual(pods)
    expect(
      JSON.parse(await run('helm', ['get', 'values', 'milvus-demo', '-o', 'json'])),
    ).toMatchObject({ externalS3: { host: 's3.example.com' }, service: { type: 'ClusterIP' } })
    expect(
      asString(getIn(api.get('ConfigMap', 'milvus', 'milvus-demo'), 'data', 'default.yaml')),
    ).toContain('s3.example.com')
  })

  test('an interrupted upgrade leaves the release failed and not pending, and a rollback restores it', async () => {
    api.options.podReadyDelay = Infinity
    const seen = requestLog.requests.length
    const { child, ended } = start('helm', [
      'upgrade',
      ...chart('5.0.19'),
      '-n',
      'milvus',
      '--reset-then-reuse-values',
      '--wait',
      '--timeout',
      '60s',
    ])
    await waitUntil(() =>
      requestLog.requests.slice(seen).some(({ query }) => query.includes('watch=true')),
    )
    child.kill('SIGINT')
    expect((await ended).code).not.toBe(0)
    expect(await getRelease()).toMatchObject({ status: 'failed', revision: '3' })
    api.options.podReadyDelay = 20
    await run('helm', ['rollback', 'milvus-demo', '2', '--wait', '--timeout', '20s'])
    expect(await getRelease()).toMatchObject({
      status: 'deployed',
      revision: '4',
      chart: 'milvus-4.2.58',
    })
    await waitUntil(() => getPodUids().length === 1 && listReadyEndpoints().length === 1)
  })

  test('upgrade selects a newer chart, and uninstall deletes all objects', async () => {
    await charts.publish('5.1.0', '2.7.0')
    await run('helm', [
      'upgrade',
      'milvus-demo',
      'milvus',
      '--repo',
      charts.url,
      '--reset-then-reuse-values',
      '--wait',
      '--timeout',
      '20s',
    ])
    expect(await getRelease()).toMatchObject({ chart: 'milvus-5.1.0', app_version: '2.7.0' })
    await run('helm', ['uninstall', 'milvus-demo', '--wait'])
    await waitUntil(() =>
      ['Service', 'Deployment', 'ReplicaSet', 'Pod', 'EndpointSlice', 'Endpoints', 'Secret'].every(
        (kind) => api.list(kind, 'milvus').length === 0,
      ),
    )
  })
})
