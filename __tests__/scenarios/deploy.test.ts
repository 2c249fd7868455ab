/** The main job: first deployment, converged run, renewal, and the Milvuses that are not the guide's. */
import { X509Certificate } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ACMClient, ImportCertificateCommand } from '@aws-sdk/client-acm'
import { expect } from '@jest/globals'
import type { Sandbox } from '../../sandbox/world.ts'
import { changed, expectFailure, expectSuccess, inAcm, scenario, valuesCanary } from './harness.ts'

scenario('a first deployment makes everything and proves it; a second run changes nothing', async ({ world, run, writes }) => {
  const first = await run()
  expectSuccess(first)
  const hostname = [...world.state.loadBalancers.values()][0]?.dnsName
  expect(first.outputs).toMatchObject({
    'alb-address': hostname,
    endpoint: `https://${world.host}:${world.listenPort}`,
    'certificate-expiry': new X509Certificate(world.certificate.certificate).validToDate.toISOString(),
    'release-revision': '2',
    'ingress-name': 'milvus-demo',
    'milvus-version': 'v2.6.15',
    changed: 'true',
  })
  expect(changed(first)).toEqual([
    'certificate certificate', 'release service.type',
    'ingress scheme', 'ingress backend-protocol-version', 'ingress target-type', 'ingress listen-ports', 'ingress certificate-arn', 'ingress ssl-policy', 'ingress load-balancer-attributes',
    'ingress spec.ingressClassName', 'ingress spec.rules',
  ])
  expect(writes().filter((write) => !/secrets|configmaps|deployments/.test(write))).toEqual(['acm ImportCertificate', 'kubernetes PATCH /api/v1/namespaces/milvus/services/milvus-demo', 'kubernetes PATCH /apis/networking.k8s.io/v1/namespaces/milvus/ingresses/milvus-demo'])
  expect(Object.fromEntries(world.state.certificates.get(first.outputs['certificate-arn'] ?? '')?.tags ?? [])).toMatchObject({ 'milvus-alb-action/namespace': 'milvus', 'milvus-alb-action/host': world.host, 'milvus-alb-action/cluster': world.cluster })

  const second = await run()
  expectSuccess(second)
  expect(second.outputs).toMatchObject({ ...first.outputs, changed: 'false', changes: '[]' })
  expect(writes()).toEqual([])
  expect(await world.helmCalls()).toHaveLength(2) // version and upgrade of the first run
})

scenario("the user's own helm values are kept, and a newer chart in the repository is not taken", async ({ world, run }) => {
  await world.charts.publish('6.0.0')
  expectSuccess(await run())
  const values = JSON.parse(await world.helm('get', 'values', 'milvus-demo', '-o', 'json')) as object
  expect(values).toEqual({ minio: { bucketName: 'precious', secretKey: valuesCanary }, service: { type: 'ClusterIP' } })
  expect(JSON.parse(await world.helm('get', 'metadata', 'milvus-demo', '-o', 'json'))).toMatchObject({ version: '4.2.58', status: 'deployed' })
})

scenario('chart-version and values are taken when they are asked for, and only once', async ({ world, run }) => {
  const inputs = { 'chart-version': '5.0.19', values: 'minio:\n  secretKey: canary-9f3b1c7e-values\n  bucketName: other\n' }
  const first = await run(inputs)
  expectSuccess(first)
  expect(changed(first).filter((change) => change.startsWith('release'))).toEqual(['release service.type', 'release chart version', 'release values.minio.bucketName'])
  expect(JSON.parse(await world.helm('get', 'values', 'milvus-demo', '-o', 'json'))).toMatchObject({ minio: { bucketName: 'other' } })
  expect((await run(inputs)).outputs['changed']).toBe('false')
})

scenario('a renewed certificate goes under the same ARN, and the ALB serves it', async ({ world, run, writes }) => {
  const first = await run()
  const renewed = await world.authority.issue({ hosts: [world.host], days: 120 })
  const second = await run({ certificate: renewed.certificate, 'certificate-chain': renewed.chain, 'private-key': Buffer.from(renewed.privateKey).toString('base64') })
  expectSuccess(second)
  expect(second.outputs['certificate-arn']).toBe(first.outputs['certificate-arn'])
  expect(writes()).toEqual(['acm ImportCertificate'])
  expect(inAcm(world, second.outputs['certificate-arn'])?.raw).toEqual(new X509Certificate(renewed.certificate).raw)
  expect(world.state.certificates.size).toBe(1)
})

scenario('the probe waits for a renewed certificate that reaches the ALB later', async ({ world, run }) => {
  await run()
  await world.alb.override({ certificatePropagation: 1_000 })
  const renewed = await world.authority.issue({ hosts: [world.host] })
  const second = await run({ certificate: renewed.fullchain, 'private-key': renewed.privateKey })
  expectSuccess(second)
  expect(second.took).toBeGreaterThan(1_000)
})

scenario('a certificate with another type of key becomes a new one, and the Ingress moves to it', async ({ world, run }) => {
  const first = await run()
  const elliptic = await world.authority.issue({ hosts: [world.host], key: 'RSA_3072' })
  const second = await run({ certificate: elliptic.fullchain, 'private-key': elliptic.privateKey })
  expectSuccess(second)
  expect(second.outputs['certificate-arn']).not.toBe(first.outputs['certificate-arn'])
  expect(changed(second)).toEqual(['certificate certificate', 'ingress certificate-arn'])
  expect((await run({ certificate: elliptic.fullchain, 'private-key': elliptic.privateKey })).outputs['changed']).toBe('false')
})

scenario('an import whose answer is lost does not become two certificates', async ({ world, run }) => {
  world.traffic.inject({ part: 'acm', operation: 'ImportCertificate', times: 1, reset: 'after' })
  expectSuccess(await run())
  expect(world.state.certificates.size).toBe(1)
})

scenario('a release whose name has no milvus in it has a Service of another name', async ({ world, run }) => {
  await world.installMilvus({ release: 'vectors' })
  const result = await run({ release: 'vectors' })
  expectSuccess(result)
  expect(result.outputs['ingress-name']).toBe('vectors')
  expect(world.kubernetes.get('Ingress', 'milvus', 'vectors')).toMatchObject({ spec: { rules: [{ http: { paths: [{ backend: { service: { name: 'vectors-milvus' } } }] } }] } })
}, { install: false })

scenario('a Service without a helm release is enough, and helm is left alone', async ({ world, run }) => {
  world.createMilvusObjects('operated')
  const result = await run({ service: 'operated' })
  expectSuccess(result)
  expect(result.outputs['ingress-name']).toBe('operated')
  expect(result.outputs['release-revision']).toBeUndefined()
  expect(await world.helmCalls()).toEqual([])
}, { install: false })

scenario('a kubeconfig does in place of an EKS cluster, and certificate-arn in place of a certificate', async ({ world, run, writes }) => {
  const { 'certificate-arn': arn } = (await run()).outputs
  const inputs = { cluster: '', kubeconfig: world.kubeconfig, context: 'admin@sandbox', certificate: '', 'private-key': '', 'certificate-arn': arn ?? '', release: 'milvus-demo' }
  const result = await run(inputs)
  expectSuccess(result)
  expect(result.outputs['certificate-arn']).toBe(arn)
  expect(writes()).toEqual([])
})

/** What the guide has people do by hand: import the certificate with the AWS CLI, and kubectl apply. */
async function followTheGuide(world: Sandbox): Promise<string> {
  const [credential] = world.aws.credentials
  if (!credential) throw new Error('no credentials')
  const acm = new ACMClient({ endpoint: world.aws.endpoint, region: world.state.region, credentials: credential })
  const bytes = (pem: string) => new TextEncoder().encode(pem)
  const { CertificateArn: arn = '' } = await acm.send(new ImportCertificateCommand({ Certificate: bytes(world.certificate.certificate), CertificateChain: bytes(world.certificate.chain), PrivateKey: bytes(world.certificate.privateKey) }))
  const prefix = 'alb.ingress.kubernetes.io'
  const path = join(world.directory, 'ingress.json')
  await writeFile(path, JSON.stringify({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: {
      namespace: 'milvus',
      name: 'milvus-demo',
      annotations: { [`${prefix}/scheme`]: 'internet-facing', [`${prefix}/backend-protocol-version`]: 'GRPC', [`${prefix}/target-type`]: 'ip', [`${prefix}/listen-ports`]: `[{"HTTPS":${world.listenPort}}]`, [`${prefix}/certificate-arn`]: arn, 'example.com/owner': 'a person' },
    },
    spec: { ingressClassName: 'alb', rules: [{ host: world.host, http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'milvus-demo', port: { number: 19530 } } } }] } }] },
  }))
  await world.kubectl('apply', '-f', path)
  return arn
}

scenario('an Ingress and a certificate that were made by hand from the guide are taken over', async ({ world, run, writes }) => {
  const arn = await followTheGuide(world)
  const first = await run()
  expectSuccess(first)
  expect(first.outputs['certificate-arn']).toBe(arn)
  expect(world.state.certificates.size).toBe(1)
  expect(changed(first)).toEqual(['release service.type', 'ingress metadata.managedFields', 'ingress ssl-policy', 'ingress load-balancer-attributes'])
  expect((await run()).outputs['changed']).toBe('false')

  const renewed = await world.authority.issue({ hosts: [world.host] })
  expectSuccess(await run({ certificate: renewed.fullchain, 'private-key': renewed.privateKey }))
  expect(writes()).toEqual(['acm ImportCertificate'])
  expect(inAcm(world, arn)?.raw).toEqual(new X509Certificate(renewed.certificate).raw)

  // What kubectl held no longer stands in the way: another ARN, another scheme. What nobody asked for stays.
  const larger = await world.authority.issue({ hosts: [world.host], key: 'RSA_3072' })
  const moved = await run({ certificate: larger.fullchain, 'private-key': larger.privateKey, scheme: 'internal' })
  expectSuccess(moved)
  expect(changed(moved)).toEqual(['certificate certificate', 'ingress scheme', 'ingress certificate-arn'])
  expect(world.kubernetes.get('Ingress', 'milvus', 'milvus-demo')?.metadata.annotations).toHaveProperty(['example.com/owner'], 'a person')
})

scenario('a certificate that serves other names too is not overwritten', async ({ world, run }) => {
  const shared = await world.authority.issue({ hosts: [world.host, 'shop.example.com'] })
  const { 'certificate-arn': arn } = (await run({ certificate: shared.fullchain, 'private-key': shared.privateKey })).outputs
  const held = world.state.certificates.get(arn ?? '')
  if (!held) throw new Error('nothing was imported')
  held.tags.clear() // as if a person had imported it
  const result = await run()
  expectSuccess(result)
  expect(result.outputs['certificate-arn']).not.toBe(arn)
  expect(inAcm(world, arn)?.raw).toEqual(new X509Certificate(shared.certificate).raw)
})

scenario('a Service that somebody patched is a conflict for helm that is named, unless force-conflicts takes it over', async ({ world, run }) => {
  expectSuccess(await run())
  await world.kubectl('patch', 'service', 'milvus-demo', '--type', 'merge', '--patch', '{"spec":{"type":"LoadBalancer"}}')
  const refused = await run()
  expectFailure(refused, 'release', 'helm-upgrade-failed')
  expect(refused.log).toContain('kubectl-patch has changed an object of the release since')
  expectSuccess(await run({ 'force-conflicts': 'true' }))
  expect(world.kubernetes.get('Service', 'milvus', 'milvus-demo')).toMatchObject({ spec: { type: 'ClusterIP' } })
})

scenario("helm's own settings lead it nowhere else, and print nothing", async ({ world, run }) => {
  const result = await run({}, { environment: { HELM_DEBUG: 'true', HELM_KUBEAPISERVER: 'https://127.0.0.1:1', HELM_KUBECONTEXT: 'other', HELM_NAMESPACE: 'other' } })
  expectSuccess(result)
  expect(JSON.parse(await world.helm('list', '-o', 'json'))).toMatchObject([{ name: 'milvus-demo', revision: '2' }])
})

scenario('names in values that look like secrets do not eat the outputs', async ({ world, run }) => {
  const result = await run({ values: 'minio: {existingSecret: milvus-demo, secretKey: milvus-demo}\ntolerations: [{key: milvus}]' })
  expectSuccess(result)
  expect(result.outputs).toMatchObject({ 'ingress-name': 'milvus-demo', endpoint: `https://${world.host}:${world.listenPort}` })
})

scenario('an equal certificate that is in ACM already is used', async ({ world, run, writes }) => {
  const arn = await followTheGuide(world)
  world.kubernetes.remove('Ingress', 'milvus', 'milvus-demo')
  const result = await run()
  expectSuccess(result)
  expect(result.outputs['certificate-arn']).toBe(arn)
  expect(writes()).not.toContain('acm ImportCertificate')
})

scenario('every input of the Ingress reaches it, and one that is dropped goes again', async ({ world, run }) => {
  const inputs = {
    scheme: 'internal', 'inbound-cidrs': '10.0.0.0/8\n192.0.2.0/24', subnets: '[subnet-a, subnet-b]', 'security-groups': 'sg-a', 'idle-timeout': '1h', 'load-balancer-name': 'vectors', tags: 'team: search',
    annotations: 'alb.ingress.kubernetes.io/load-balancer-attributes: deletion_protection.enabled=true\nexample.com/owner: me',
  }
  expectSuccess(await run(inputs))
  const prefix = 'alb.ingress.kubernetes.io/'
  expect(world.kubernetes.get('Ingress', 'milvus', 'milvus-demo')?.metadata.annotations).toMatchObject({
    [`${prefix}scheme`]: 'internal', [`${prefix}inbound-cidrs`]: '10.0.0.0/8,192.0.2.0/24', [`${prefix}subnets`]: 'subnet-a,subnet-b', [`${prefix}security-groups`]: 'sg-a', [`${prefix}load-balancer-name`]: 'vectors', [`${prefix}tags`]: 'team=search',
    [`${prefix}load-balancer-attributes`]: 'idle_timeout.timeout_seconds=3600,deletion_protection.enabled=true', 'example.com/owner': 'me',
  })
  const without = await run({ ...inputs, annotations: '' })
  expectSuccess(without)
  expect(changed(without)).toEqual(['ingress load-balancer-attributes', 'ingress example.com/owner'])
})

scenario('a field that somebody else set is a conflict that names them, unless force-conflicts takes it over', async ({ world, run }) => {
  await run()
  const live = world.kubernetes.get('Ingress', 'milvus', 'milvus-demo')
  if (!live) throw new Error('no Ingress')
  world.kubernetes.replace({ ...live, metadata: { ...live.metadata, annotations: { ...live.metadata.annotations, 'alb.ingress.kubernetes.io/ssl-policy': 'ELBSecurityPolicy-2016-08' } } }, 'kubectl-annotate')
  const refused = await run()
  expectFailure(refused, 'ingress', 'ingress-conflict')
  expect(refused.log).toContain('kubectl-annotate')
  expectSuccess(await run({ 'force-conflicts': 'true' }))
})
