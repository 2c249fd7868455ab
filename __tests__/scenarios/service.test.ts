/** The Service that the ALB forwards to: existence, ports, endpoints, and Milvus' own TLS. */
import { expect } from '@jest/globals'
import { expectFailureWithoutWrites, expectSuccess, expectUnchanged } from './expectations.ts'
import { scenario, setDefaultStart } from './harness.ts'
import { upgradeRelease } from './helm-manual-operations.ts'
import { annotationPrefix } from './ingress-manual-operations.ts'
import {
  annotateObject,
  applyJsonPatch,
  createMilvusObjects,
  createObjects,
  getObject,
  type KubernetesObject,
} from './manual-operations.ts'

setDefaultStart('cluster-ip')

scenario('the Service of the release does not exist', async (scenario) => {
  await scenario.environment.kubectl('delete', 'service', 'milvus-demo')
  await expectFailureWithoutWrites(scenario, {}, 'service-not-found')
})

scenario("two Services with the labels of Milvus' API", async (scenario) => {
  const original = await getObject(scenario.environment, 'service', 'milvus-demo')
  await createObjects(scenario.environment, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'copy', labels: original?.metadata.labels ?? {} },
    spec: { ports: [{ name: 'milvus', port: 19530 }] },
  })
  expect(await expectFailureWithoutWrites(scenario, {}, 'service-ambiguous')).toContain('copy')
})

scenario('a Service that does not exist', async (scenario) => {
  await expectFailureWithoutWrites(scenario, { service: 'absent' }, 'service-not-found')
})

scenario('a port that the Service does not have', async (scenario) => {
  await expectFailureWithoutWrites(scenario, { 'service-port': '19531' }, 'service-port-not-found')
})

scenario(
  "settings of the Service's old load balancer are named once, while it exists",
  async ({ environment, run }) => {
    await annotateObject(
      environment,
      'service/milvus-demo',
      'service.beta.kubernetes.io/aws-load-balancer-scheme=internal',
      `external-dns.alpha.kubernetes.io/hostname=${environment.host}`,
    )
    const first = expectSuccess(await run())
    expect(first.summary).toContain('service.beta.kubernetes.io/aws-load-balancer-scheme')
    expect(first.summary).toContain('deletes that record when the Service is ClusterIP')
    expect(first.summary).toMatch(
      /The current load balancer of Service milvus-demo, \S+, is deleted when Helm changes the Service to ClusterIP/,
    )
    const second = await run()
    expectUnchanged(second)
    expect(second.summary).not.toContain('aws-load-balancer-scheme')
  },
  { start: 'installed' },
)

/** A Service with Milvus' port. */
const buildService = (name: string, spec: object): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name },
  spec: { ports: [{ name: 'milvus', port: 19530 }], ...spec },
})

scenario('a Service that selects no Milvus pods', async (scenario) => {
  await createObjects(
    scenario.environment,
    buildService('outside', {
      type: 'ExternalName',
      externalName: 'milvus.elsewhere.example.com',
    }),
  )
  expect(
    await expectFailureWithoutWrites(scenario, { service: 'outside' }, 'service-unsupported'),
  ).toContain('ExternalName (milvus.elsewhere.example.com)')
})

scenario(
  'a Service without a ready endpoint is a warning before the ALB returns 503',
  async ({ environment, run }) => {
    await createObjects(environment, buildService('without-pods', { selector: { app: 'absent' } }))
    const result = await run({ service: 'without-pods', probe: 'off' })
    expect(result.log).toMatch(
      /^::warning.*Service without-pods has no ready endpoint: its selector matches no pod/m,
    )
  },
)

scenario(
  "a Service for Milvus' own TLS is a warning while the ALB uses plaintext",
  async ({ environment, run }) => {
    await createMilvusObjects(environment, 'secure')
    await applyJsonPatch(environment, 'service/secure', [
      { op: 'add', path: '/spec/ports/0/appProtocol', value: 'https' },
    ])
    const result = await run({ service: 'secure', probe: 'off' })
    expect(result.log).toMatch(
      /^::warning.*declares appProtocol https, but the ALB would send plaintext to Milvus/m,
    )
  },
)

scenario(
  "a mismatch of Milvus' TLS mode and the ALB's backend protocol is rejected before anything is changed",
  async (scenario) => {
    const { environment, run } = scenario
    const configFiles = (tlsMode: number): object => ({
      'user.yaml': `common: {security: {tlsMode: ${tlsMode}}}`,
    })
    const tlsInputs = (tlsMode: number) => ({
      values: JSON.stringify({ extraConfigFiles: configFiles(tlsMode) }),
    })
    const httpsInputs = { annotations: `${annotationPrefix}/backend-protocol: HTTPS` }
    expect(
      await expectFailureWithoutWrites(scenario, tlsInputs(1), 'milvus-tls-mismatch'),
    ).toContain(
      'Milvus of release milvus-demo serves TLS itself (tlsMode 1 in extraConfigFiles.user.yaml), but the ALB would send it plaintext',
    )
    expect(
      await expectFailureWithoutWrites(
        scenario,
        { ...tlsInputs(2), ...httpsInputs },
        'milvus-tls-mismatch',
      ),
    ).toContain('which an ALB cannot present')
    expect(
      await expectFailureWithoutWrites(scenario, httpsInputs, 'milvus-tls-mismatch'),
    ).toContain('serves plaintext (tlsMode is not set in its values)')
    expectSuccess(await run({ ...tlsInputs(1), ...httpsInputs, 'dry-run': 'true' }))
    await upgradeRelease(environment, {
      flags: ['--set-json', `extraConfigFiles=${JSON.stringify(configFiles(1))}`],
    })
    await expectFailureWithoutWrites(scenario, {}, 'milvus-tls-mismatch')
    // A role that cannot read the release cannot tell.
    const result = await run(
      { mode: 'check', values: '', probe: 'off' },
      { env: await environment.assumeRole('list secrets,get secrets', 'check') },
    )
    expect(result.log).not.toContain('milvus-tls-mismatch')
  },
)
