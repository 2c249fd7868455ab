/** The release and its Service: how they are found, and what Helm changes. */
import { expect } from '@jest/globals'
import { modeValues } from '../../simulator/charts/installation-modes.ts'
import { mergeValues } from '../../simulator/charts/merge-values.ts'
import {
  expectFailure,
  expectFailureWithoutWrites,
  expectSuccess,
  expectUnchanged,
  getErrorAnnotation,
  listChanges,
} from './expectations.ts'
import { scenario } from './harness.ts'
import { upgradeRelease } from './helm-manual-operations.ts'
import { valuesCanary } from './leaks.ts'
import { createMilvusObjects, getObject, patchObject } from './manual-operations.ts'
import { serviceOnlyInputs } from './run-inputs.ts'

scenario(
  'a release whose name does not contain milvus has a Service with another name',
  async ({ environment, run }) => {
    await environment.installMilvus({ release: 'vectors' })
    const result = await run({ release: 'vectors' })
    expectSuccess(result)
    expect(result.outputs['ingress-name']).toBe('vectors')
    expect(await getObject(environment, 'ingress', 'vectors')).toMatchObject({
      spec: {
        rules: [{ http: { paths: [{ backend: { service: { name: 'vectors-milvus' } } }] } }],
      },
    })
  },
  { start: 'empty' },
)

scenario(
  'a Service without a Helm release suffices, and Helm is not run',
  async ({ environment, run }) => {
    await createMilvusObjects(environment, 'operated')
    const result = await run({ service: 'operated' })
    expectSuccess(result)
    expect(result.outputs['ingress-name']).toBe('operated')
    expect(result.outputs['release-revision']).toBeUndefined()
    expect(await environment.helmCalls()).toEqual([])
  },
  { start: 'empty' },
)

scenario(
  'two Milvus releases and no input release',
  async (scenario) => {
    await scenario.environment.installMilvus({ release: 'milvus-two' })
    await expectFailureWithoutWrites(scenario, {}, 'release-ambiguous')
  },
  { start: 'cluster-ip' },
)

scenario(
  'a release of another chart than input chart, and an unreadable release',
  async (scenario) => {
    expect(
      await expectFailureWithoutWrites(scenario, { chart: 'platform' }, 'release-chart-differs'),
    ).toContain('uses chart milvus, not platform')
    await patchObject(scenario.environment, 'secret/sh.helm.release.v1.milvus-demo.v1', {
      data: { release: Buffer.from('cut off').toString('base64') },
    })
    await expectFailureWithoutWrites(scenario, {}, 'release-unreadable')
  },
)

scenario(
  'a Milvus without a Helm release: the message names the Service to set',
  async (scenario) => {
    await createMilvusObjects(scenario.environment, 'operated')
    await scenario.environment.kubectl(
      'label',
      'service',
      'operated',
      'app.kubernetes.io/managed-by=milvus-operator',
    )
    expect(await expectFailureWithoutWrites(scenario, {}, 'release-not-found')).toContain(
      'set service to its Service, probably operated (of the Milvus Operator)',
    )
  },
  { start: 'empty' },
)

scenario(
  'names and a port overridden by the values of the release',
  async ({ environment, run }) => {
    await environment.installMilvus({
      values: { fullnameOverride: 'vec', nameOverride: 'vectors' },
    })
    await upgradeRelease(environment, {
      flags: ['--set', 'service.port=19999', '--set', 'service.portName=grpc'],
    })
    expect(
      getErrorAnnotation(expectFailure(await run(), 'preflight', 'service-port-not-found')),
    ).toContain('19999 (grpc)')
    expectSuccess(await run({ 'service-port': '19999' }))
    expect(await getObject(environment, 'ingress', 'milvus-demo')).toMatchObject({
      spec: {
        rules: [
          { http: { paths: [{ backend: { service: { name: 'vec', port: { number: 19999 } } } }] } },
        ],
      },
    })
  },
  { start: 'empty' },
)

scenario(
  "the user's Helm values are kept, and a newer chart version is ignored",
  async ({ environment, run }) => {
    await environment.chartRepository.publish('6.0.0')
    expectSuccess(await run())
    const values = JSON.parse(
      await environment.helm('get', 'values', 'milvus-demo', '-o', 'json'),
    ) as object
    expect(values).toEqual(
      mergeValues(modeValues.standalone, {
        minio: { bucketName: 'precious', secretKey: valuesCanary },
        service: { type: 'ClusterIP' },
      }),
    )
    expect(
      JSON.parse(await environment.helm('get', 'metadata', 'milvus-demo', '-o', 'json')),
    ).toMatchObject({ version: '4.2.58', status: 'deployed' })
  },
)

scenario(
  'chart-version and values are applied when set, and only once',
  async ({ environment, run }) => {
    const inputs = {
      'chart-version': '5.0.19',
      'allow-chart-change': 'true',
      values: 'minio:\n  secretKey: canary-9f3b1c7e-values\n  bucketName: other\n',
    }
    const first = await run(inputs)
    expectSuccess(first)
    expect(listChanges(first).filter((change) => change.startsWith('release'))).toEqual([
      'release service.type',
      'release chart version',
      'release values.minio.bucketName',
    ])
    expect(
      JSON.parse(await environment.helm('get', 'values', 'milvus-demo', '-o', 'json')),
    ).toMatchObject({ minio: { bucketName: 'other' } })
    expect((await run(inputs)).outputs['changed']).toBe('false')
  },
)

scenario(
  'HELM_ variables of the runner do not redirect Helm, and print nothing',
  async ({ environment, run }) => {
    const result = await run(
      {},
      {
        env: {
          HELM_DEBUG: 'true',
          HELM_KUBEAPISERVER: 'https://127.0.0.1:1',
          HELM_KUBECONTEXT: 'other',
          HELM_NAMESPACE: 'other',
        },
      },
    )
    expectSuccess(result)
    expect(JSON.parse(await environment.helm('list', '-o', 'json'))).toMatchObject([
      { name: 'milvus-demo', revision: '2' },
    ])
  },
)

for (const helm of [4, 3] as const) {
  scenario(
    `Helm ${helm}: a null in values removes a chart default, once`,
    async ({ environment, run }) => {
      await environment.useHelm(helm)
      await environment.installMilvus({ serviceType: 'ClusterIP' })
      const values = { values: 'standalone: {persistence: {annotations: null}}' }
      const getClaimAnnotations = async (): Promise<unknown> =>
        (await getObject(environment, 'persistentvolumeclaim', 'milvus-demo'))?.metadata.annotations
      expect(await getClaimAnnotations()).toMatchObject({ 'helm.sh/resource-policy': 'keep' })
      expect(listChanges(expectSuccess(await run(values)))).toContain(
        'release values.standalone.persistence.annotations',
      )
      expect(await getClaimAnnotations()).not.toHaveProperty('helm.sh/resource-policy')
      expectUnchanged(await run(values))
    },
    { start: 'empty' },
  )

  scenario(
    `Helm ${helm}: a Service patched with kubectl: the release's values are updated, so that no later upgrade recreates the load balancer`,
    async ({ environment, run }) => {
      await environment.useHelm(helm)
      await environment.installMilvus()
      await patchObject(environment, 'service/milvus-demo', {
        spec: { type: 'ClusterIP', loadBalancerSourceRanges: null },
      })
      const result = expectSuccess(await run(serviceOnlyInputs))
      expect(listChanges(result)).toContain('release service.type')
      expect(result.outputs['changes']).toContain(
        'the next Helm upgrade would make it LoadBalancer again',
      )
      expect(await environment.helm('get', 'values', 'milvus-demo')).toContain('type: ClusterIP')
      expectUnchanged(await run(serviceOnlyInputs))
    },
    { start: 'empty' },
  )

  scenario(
    `Helm ${helm}: a history of more than ten revisions is kept, unless HELM_MAX_HISTORY limits it`,
    async ({ environment, run }) => {
      await environment.useHelm(helm)
      await environment.installMilvus()
      const countRevisions = async (): Promise<number> =>
        (await environment.kubectl('get', 'secrets', '-l', 'owner=helm', '-o', 'name'))
          .trim()
          .split('\n').length
      for (let revision = 2; revision <= 11; revision++)
        await upgradeRelease(environment, { flags: ['--history-max', '0'] })
      expect(await countRevisions()).toBe(11)
      expectSuccess(await run(serviceOnlyInputs))
      expect(await countRevisions()).toBe(11)
      expectSuccess(
        await run({ values: 'proxy: {replicas: 2}' }, { env: { HELM_MAX_HISTORY: '5' } }),
      )
      expect(await countRevisions()).toBe(5)
    },
    { start: 'empty' },
  )
}
