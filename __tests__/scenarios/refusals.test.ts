/** What is refused before anything changes: each by its code, with nothing written anywhere. */
import { expect } from '@jest/globals'
import { create } from './hands.ts'
import { annotation, expectFailure, expectSuccess, sandboxScenario, scenario, type Scenario } from './harness.ts'

const day = 86_400_000

/** Runs, and expects this failure with no write of any kind. */
async function expectRefusal({ run, writes }: Scenario, inputs: Record<string, string>, step: string, code: string, environment: Record<string, string> = {}): Promise<string> {
  const result = await run(inputs, { environment })
  expectFailure(result, step, code)
  expect(writes()).toEqual([])
  expect(result.outputs).toMatchObject({ changed: 'false', changes: '[]' })
  return annotation(result)
}

scenario('the key of another certificate', async (scenario) => {
  const other = await scenario.world.authority.issue({ hosts: [scenario.world.host] })
  await expectRefusal(scenario, { 'private-key': other.privateKey }, 'preflight', 'private-key-mismatch')
})

scenario('an expired certificate', async (scenario) => {
  const expired = await scenario.world.authority.issue({ hosts: [scenario.world.host], notBefore: new Date(Date.now() - 3 * day), notAfter: new Date(Date.now() - day) })
  await expectRefusal(scenario, { certificate: expired.fullchain, 'private-key': expired.privateKey }, 'preflight', 'certificate-expired')
})

scenario('a certificate for another host', async (scenario) => {
  const other = await scenario.world.authority.issue({ hosts: ['other.example.com'] })
  const text = await expectRefusal(scenario, { certificate: other.fullchain, 'private-key': other.privateKey }, 'preflight', 'certificate-host-mismatch')
  expect(text).toContain('other.example.com')
})

scenario('a certificate ARN that is gone', async (scenario) => {
  const arn = `arn:aws:acm:${scenario.world.region}:${scenario.world.account}:certificate/00000000-0000-4000-8000-000000000000`
  const text = await expectRefusal(scenario, { certificate: '', 'private-key': '', 'certificate-arn': arn }, 'certificate', 'certificate-not-found')
  expect(text).toContain(arn)
})

scenario('all that is wrong is said at once, the first of the page as the code', async (scenario) => {
  const expired = await scenario.world.authority.issue({ hosts: ['other.example.com'], notBefore: new Date(Date.now() - 3 * day), notAfter: new Date(Date.now() - day) })
  const text = await expectRefusal(scenario, { certificate: expired.fullchain, release: 'nobody', 'ingress-class': 'nginx' }, 'preflight', 'private-key-mismatch')
  for (const part of ['private-key is not the key', 'expired on', 'does not cover', 'no helm release nobody', 'no IngressClass nginx']) expect(text).toContain(part)
})

scenario('inputs that are wrong, each named', async (scenario) => {
  const text = await expectRefusal(scenario, { host: 'https://milvus.example.com', 'listen-port': '443a', 'idle-timeout': '10', 'inbound-cidrs': '10.0.0.0/33', 'private-key': '' }, 'preflight', 'input-missing')
  for (const part of ['Input host', 'Input listen-port', 'Input idle-timeout', 'Input inbound-cidrs', 'Input private-key is empty']) expect(text).toContain(part)
})

scenario('the Service of the release is missing', async (scenario) => {
  await scenario.world.kubectl('delete', 'service', 'milvus-demo')
  await expectRefusal(scenario, {}, 'preflight', 'service-not-found')
})

scenario('a Service that is not there', async (scenario) => {
  await expectRefusal(scenario, { service: 'nobody' }, 'preflight', 'service-not-found')
})

scenario('a port that the Service has not', async (scenario) => {
  await expectRefusal(scenario, { 'service-port': '19531' }, 'preflight', 'service-port-not-found')
})

scenario('an IngressClass of another controller', async (scenario) => {
  await create(scenario.world, { apiVersion: 'networking.k8s.io/v1', kind: 'IngressClass', metadata: { name: 'nginx' }, spec: { controller: 'k8s.io/ingress-nginx' } })
  await expectRefusal(scenario, { 'ingress-class': 'nginx' }, 'preflight', 'ingress-class-unsupported')
})

scenario('two Milvus releases and no word which', async (scenario) => {
  await scenario.world.installMilvus({ release: 'milvus-two' })
  await expectRefusal(scenario, {}, 'preflight', 'release-ambiguous')
})

scenario('an Ingress of that name that belongs to a helm release', async (scenario) => {
  await create(scenario.world, {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: 'milvus-demo', namespace: 'milvus', annotations: { 'meta.helm.sh/release-name': 'milvus-demo' } },
    spec: { ingressClassName: 'nginx', rules: [{ host: scenario.world.host }] },
  })
  await expectRefusal(scenario, {}, 'preflight', 'ingress-not-ours')
})

scenario('an Ingress of that name that is for something else', async (scenario) => {
  await create(scenario.world, {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: 'milvus-demo', namespace: 'milvus' },
    spec: { ingressClassName: 'nginx', rules: [{ host: 'shop.example.com' }] },
  })
  const text = await expectRefusal(scenario, {}, 'preflight', 'ingress-not-ours')
  expect(text).toContain('class nginx, shop.example.com')
})

scenario('an Ingress that is being deleted', async (scenario) => {
  await create(scenario.world, {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: 'milvus-demo', namespace: 'milvus', finalizers: ['example.com/slow'] },
    spec: { ingressClassName: 'alb', rules: [{ host: scenario.world.host }] },
  })
  await scenario.world.kubectl('delete', 'ingress', 'milvus-demo', '--wait=false')
  await expectRefusal(scenario, {}, 'preflight', 'ingress-terminating')
})

scenario('a failed upgrade of somebody else is not undone: left alone when the Service is right, refused when it is not', async (scenario) => {
  const { world, run, writes } = scenario
  const release = world.holdPods()
  await world.helm('upgrade', 'milvus-demo', 'milvus', '--repo', world.charts.url, '--version', '5.0.19', '--reuse-values', '--set', 'service.type=ClusterIP', '--wait', '--timeout', '1s').catch(() => '')
  release()
  const left = await run()
  expectSuccess(left)
  expect(left.summary).toContain('is left to whoever made it')
  expect(writes().filter((write) => write.includes('secrets'))).toEqual([])
  const text = await expectRefusal(scenario, { values: 'standalone: {replicas: 2}' }, 'preflight', 'release-failed')
  expect(text).toContain('would undo chart 5.0.19')
})

scenario('the certificate without those of its authority', async (scenario) => {
  await expectRefusal(scenario, { certificate: scenario.world.certificate.certificate }, 'preflight', 'certificate-chain-invalid')
})

scenario('a namespace that is not there', async (scenario) => {
  await expectRefusal(scenario, { namespace: 'nowhere' }, 'preflight', 'namespace-not-found')
})

scenario('a cluster that is not there', async (scenario) => {
  await expectRefusal(scenario, { cluster: 'nowhere' }, 'preflight', 'cluster-not-found')
})

scenario('a cluster that cannot be reached', async (scenario) => {
  // Port 1 of loopback: nobody listens there.
  scenario.world.moveCluster('https://127.0.0.1:1')
  const text = await expectRefusal(scenario, {}, 'preflight', 'cluster-unreachable')
  expect(text).toContain('ECONNREFUSED')
})

scenario('a cluster that does not know the role', async (scenario) => {
  scenario.world.eks.accessEntries = new Map()
  await expectRefusal(scenario, {}, 'preflight', 'cluster-unauthorized')
})

sandboxScenario("moto's sessions do not expire", 'an expired identity', async (scenario) => {
  for (const credential of scenario.world.aws.credentials) credential.expiresAt = new Date(Date.now() - 1000)
  await expectRefusal(scenario, {}, 'preflight', 'aws-credentials-expired')
})

scenario('no AWS credentials', async (scenario) => {
  await expectRefusal(scenario, {}, 'preflight', 'aws-credentials-missing', { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '', AWS_EC2_METADATA_DISABLED: 'true' })
})

scenario('no helm on the PATH though the release has to change', async (scenario) => {
  await expectRefusal(scenario, {}, 'preflight', 'helm-not-found', { PATH: '/nowhere' })
})

scenario('a certificate that ACM refuses', async (scenario) => {
  const message = 'You have reached your limit of 5000 certificates in the last year'
  scenario.world.traffic.inject({ part: 'acm', operation: 'ImportCertificate', error: { status: 400, code: 'LimitExceededException', message } })
  expectFailure(await scenario.run(), 'certificate', 'certificate-quota-exceeded')
})
