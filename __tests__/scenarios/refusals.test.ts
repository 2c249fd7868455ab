/** What is refused before anything changes: each by its code, with nothing written anywhere. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from '@jest/globals'
import { weakFixtures } from '../x509/weak-fixtures.ts'
import { create, get } from './hands.ts'
import { annotation, expectFailure, expectRefusal, expectSuccess, sandboxScenario, scenario, scenariosStart } from './harness.ts'

scenariosStart('cluster-ip')

const day = 86_400_000

sandboxScenario('the certificate and the inputs are judged before any part is asked', 'the key of another certificate', async (scenario) => {
  const other = await scenario.world.authority.issue({ hosts: [scenario.world.host] })
  await expectRefusal(scenario, { 'private-key': other.privateKey }, 'private-key-mismatch')
})

sandboxScenario('the certificate and the inputs are judged before any part is asked', 'an expired certificate', async (scenario) => {
  const expired = await scenario.world.authority.issue({ hosts: [scenario.world.host], notBefore: new Date(Date.now() - 3 * day), notAfter: new Date(Date.now() - day) })
  await expectRefusal(scenario, { certificate: expired.fullchain, 'private-key': expired.privateKey }, 'certificate-expired')
})

sandboxScenario('the certificate and the inputs are judged before any part is asked', 'a certificate for another host', async (scenario) => {
  const other = await scenario.world.authority.issue({ hosts: ['other.example.com'] })
  const text = await expectRefusal(scenario, { certificate: other.fullchain, 'private-key': other.privateKey }, 'certificate-host-mismatch')
  expect(text).toContain('other.example.com')
})

sandboxScenario('the certificate and the inputs are judged before any part is asked', 'a certificate of tomorrow', async (scenario) => {
  const early = await scenario.world.authority.issue({ hosts: [scenario.world.host], notBefore: new Date(Date.now() + day) })
  await expectRefusal(scenario, { certificate: early.fullchain, 'private-key': early.privateKey }, 'certificate-not-yet-valid')
})

sandboxScenario('the certificate and the inputs are judged before any part is asked', 'a request in place of a certificate, a key that ACM does not import, a signature that clients refuse', async (scenario) => {
  const request = '-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----\n'
  expect(await expectRefusal(scenario, { certificate: request }, 'certificate-unreadable')).toContain('holds certificate request')
  for (const [fixture, code] of [[weakFixtures.ed25519, 'certificate-key-unsupported'], [weakFixtures.sha1, 'certificate-signature-weak']] as const) {
    await expectRefusal(scenario, { certificate: fixture.certificate, 'private-key': fixture.privateKey }, code)
  }
})

scenario('a certificate ARN that is gone', async (scenario) => {
  const arn = `arn:aws:acm:${scenario.world.region}:${scenario.world.account}:certificate/00000000-0000-4000-8000-000000000000`
  const text = await expectRefusal(scenario, { certificate: '', 'private-key': '', 'certificate-arn': arn }, 'certificate-not-found', {}, 'certificate')
  expect(text).toContain(arn)
})

scenario('all that is wrong is said at once, the first of the page as the code', async (scenario) => {
  const expired = await scenario.world.authority.issue({ hosts: ['other.example.com'], notBefore: new Date(Date.now() - 3 * day), notAfter: new Date(Date.now() - day) })
  const text = await expectRefusal(scenario, { certificate: expired.fullchain, release: 'nobody', 'ingress-class': 'nginx' }, 'private-key-mismatch')
  for (const part of ['private-key is not the key', 'expired on', 'does not cover', 'no helm release nobody', 'no IngressClass nginx']) expect(text).toContain(part)
})

sandboxScenario('the certificate and the inputs are judged before any part is asked', 'inputs that are wrong, each named', async (scenario) => {
  const text = await expectRefusal(scenario, { host: 'https://milvus.example.com', 'listen-port': '443a', 'idle-timeout': '10', 'inbound-cidrs': '10.0.0.0/33', 'private-key': '' }, 'input-missing')
  for (const part of ['Input host', 'Input listen-port', 'Input idle-timeout', 'Input inbound-cidrs', 'Input private-key is empty']) expect(text).toContain(part)
})

scenario('the Service of the release is missing', async (scenario) => {
  await scenario.world.kubectl('delete', 'service', 'milvus-demo')
  await expectRefusal(scenario, {}, 'service-not-found')
})

scenario('two Services with the labels of the API', async (scenario) => {
  const copy = await get(scenario.world, 'service', 'milvus-demo')
  await create(scenario.world, { apiVersion: 'v1', kind: 'Service', metadata: { name: 'copy', labels: copy?.metadata.labels ?? {} }, spec: { ports: [{ name: 'milvus', port: 19530 }] } })
  expect(await expectRefusal(scenario, {}, 'service-ambiguous')).toContain('copy')
})

scenario('a Service that is not there', async (scenario) => {
  await expectRefusal(scenario, { service: 'nobody' }, 'service-not-found')
})

scenario('a port that the Service has not', async (scenario) => {
  await expectRefusal(scenario, { 'service-port': '19531' }, 'service-port-not-found')
})

scenario('an IngressClass that is not there', async (scenario) => {
  await expectRefusal(scenario, { 'ingress-class': 'nobody' }, 'ingress-class-not-found')
})

scenario('an IngressClass of another controller', async (scenario) => {
  await create(scenario.world, { apiVersion: 'networking.k8s.io/v1', kind: 'IngressClass', metadata: { name: 'nginx' }, spec: { controller: 'k8s.io/ingress-nginx' } })
  await expectRefusal(scenario, { 'ingress-class': 'nginx' }, 'ingress-class-unsupported')
})

scenario('two Milvus releases and no word which', async (scenario) => {
  await scenario.world.installMilvus({ release: 'milvus-two' })
  await expectRefusal(scenario, {}, 'release-ambiguous')
})

scenario('an Ingress of that name that belongs to a helm release', async (scenario) => {
  await create(scenario.world, {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: 'milvus-demo', namespace: 'milvus', annotations: { 'meta.helm.sh/release-name': 'milvus-demo' } },
    spec: { ingressClassName: 'nginx', rules: [{ host: scenario.world.host }] },
  })
  await expectRefusal(scenario, {}, 'ingress-not-ours')
})

scenario('an Ingress of that name that is for something else', async (scenario) => {
  await create(scenario.world, {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: 'milvus-demo', namespace: 'milvus' },
    spec: { ingressClassName: 'nginx', rules: [{ host: 'shop.example.com' }] },
  })
  const text = await expectRefusal(scenario, {}, 'ingress-not-ours')
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
  await expectRefusal(scenario, {}, 'ingress-terminating')
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
  const text = await expectRefusal(scenario, { values: 'standalone: {replicas: 2}' }, 'release-failed')
  expect(text).toContain('would undo chart 5.0.19')
})

sandboxScenario('the certificate and the inputs are judged before any part is asked', 'the certificate without those of its authority', async (scenario) => {
  await expectRefusal(scenario, { certificate: scenario.world.certificate.certificate }, 'certificate-chain-invalid')
})

scenario('a namespace that is not there', async (scenario) => {
  await expectRefusal(scenario, { namespace: 'nowhere' }, 'namespace-not-found')
})

scenario('a cluster that is not there', async (scenario) => {
  await expectRefusal(scenario, { cluster: 'nowhere' }, 'cluster-not-found')
})

scenario('a cluster that cannot be reached', async (scenario) => {
  // Port 1 of loopback: nobody listens there.
  scenario.world.moveCluster('https://127.0.0.1:1')
  const text = await expectRefusal(scenario, {}, 'cluster-unreachable')
  expect(text).toContain('ECONNREFUSED')
})

scenario('a cluster that does not know the role', async (scenario) => {
  scenario.world.eks.accessEntries = new Map()
  await expectRefusal(scenario, {}, 'cluster-unauthorized')
})

sandboxScenario("moto's sessions do not expire", 'an expired identity', async (scenario) => {
  for (const credential of scenario.world.aws.credentials) credential.expiresAt = new Date(Date.now() - 1000)
  await expectRefusal(scenario, {}, 'aws-credentials-expired')
})

scenario('no AWS credentials', async (scenario) => {
  await expectRefusal(scenario, {}, 'aws-credentials-missing', { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '', AWS_EC2_METADATA_DISABLED: 'true' })
})

scenario('a release of another chart than the one that is named, and one that cannot be read', async (scenario) => {
  expect(await expectRefusal(scenario, { chart: 'platform' }, 'release-chart-differs')).toContain('was made with chart milvus, not platform')
  await scenario.world.kubectl('patch', 'secret', 'sh.helm.release.v1.milvus-demo.v1', '-p', JSON.stringify({ data: { release: Buffer.from('cut off').toString('base64') } }))
  await expectRefusal(scenario, {}, 'release-unreadable')
}, { start: 'installed' })

scenario('keys that AWS does not know', async (scenario) => {
  scenario.world.traffic.inject({ part: 'eks', operation: 'DescribeCluster', error: { status: 403, code: 'UnrecognizedClientException', message: 'The security token included in the request is invalid.' } })
  await expectRefusal(scenario, {}, 'aws-credentials-refused')
})

scenario('a Kubernetes API that is broken', async (scenario) => {
  scenario.world.traffic.inject({ part: 'kubernetes', operation: /^GET .*\/services$/, error: { status: 500, code: 'InternalError', message: 'etcdserver: no leader' } })
  expect(await expectRefusal(scenario, {}, 'cluster-request-failed')).toContain('etcdserver: no leader')
})

scenario('a helm that is too old', async (scenario) => {
  const directory = join(scenario.world.directory, 'old-helm')
  await mkdir(directory)
  await writeFile(join(directory, 'helm'), '#!/bin/sh\necho v3.13.3\n', { mode: 0o755 })
  expect(await expectRefusal(scenario, {}, 'helm-too-old', { PATH: `${directory}:/usr/bin:/bin` })).toContain('v3.13.3')
}, { start: 'installed' })

scenario('no helm on the PATH though the release has to change', async (scenario) => {
  await expectRefusal(scenario, {}, 'helm-not-found', { PATH: '/nowhere' })
}, { start: 'installed' })

scenario('somebody sets the Service back while helm still waits', async ({ world, run }) => {
  const applied = world.traffic.next(({ operation, client }) => client.startsWith('Helm') && /^PATCH .*\/services\/milvus-demo$/.test(operation))
  const back = applied.then(async () => {
    await world.kubectl('patch', 'service', 'milvus-demo', '-p', '{"spec":{"type":"LoadBalancer"}}')
  })
  // helm's last word on a revision.
  world.traffic.inject({ part: 'kubernetes', operation: /^PUT .*\/secrets\/.*\.v2$/, until: back })
  expectFailure(await run(), 'release', 'service-not-cluster-ip')
}, { start: 'installed' })

scenario('a policy of the cluster that refuses the Ingress', async ({ world, run }) => {
  world.traffic.inject({ part: 'kubernetes', operation: /^PATCH .*\/ingresses\/milvus-demo$/, error: { status: 403, code: 'Forbidden', message: 'admission webhook "policy.example.com" denied the request: the label team is missing' } })
  expect(annotation(expectFailure(await run(), 'ingress', 'ingress-refused'))).toContain('the label team is missing')
})

scenario('a certificate that ACM refuses', async (scenario) => {
  const message = 'You have reached your limit of 5000 certificates in the last year'
  scenario.world.traffic.inject({ part: 'acm', operation: 'ImportCertificate', error: { status: 400, code: 'LimitExceededException', message } })
  expectFailure(await scenario.run(), 'certificate', 'certificate-quota-exceeded')
})
