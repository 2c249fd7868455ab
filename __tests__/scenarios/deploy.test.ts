/** The main job: first deployment, converged run, renewal, and the Milvuses that are not the guide's. */
import { X509Certificate } from 'node:crypto'
import { expect } from '@jest/globals'
import { merged } from '../../sandbox/charts/merged.ts'
import { modeValues } from '../../sandbox/charts/modes.ts'
import { applyGuide, certificates, createMilvusObjects, get, importByHand, inAcm, ingressAnnotations, loadBalancers, untag } from './hands.ts'
import { changed, expectFailure, expectSuccess, expectUnchanged, sandboxScenario, scenario, scenariosStart, valuesCanary } from './harness.ts'

scenariosStart('cluster-ip')

scenario('a first deployment makes everything and proves it; a second run changes nothing', async ({ world, run: runWith, writes }) => {
  await world.installMilvus({ mode: 'cluster' })
  const run = (): ReturnType<typeof runWith> => runWith({ values: '' })
  const first = await run()
  expectSuccess(first)
  const [hostname] = await loadBalancers(world)
  expect(first.outputs).toMatchObject({
    'alb-address': hostname,
    endpoint: `https://${world.host}:${world.listenPort}`,
    'certificate-expiry': new X509Certificate(world.certificate.certificate).validToDate.toISOString(),
    'release-revision': '2',
    'ingress-name': 'milvus-demo',
    'milvus-version': expect.stringMatching(/^v2\.\d+\.\d+/),
    changed: 'true',
  })
  expect(changed(first)).toEqual([
    'certificate certificate', 'release service.type',
    'ingress scheme', 'ingress backend-protocol-version', 'ingress target-type', 'ingress listen-ports', 'ingress certificate-arn', 'ingress ssl-policy', 'ingress load-balancer-attributes',
    'ingress spec.ingressClassName', 'ingress spec.rules',
  ])
  // helm applies every object of the release, whether it differs or not.
  expect(writes().filter((write) => !/secrets|configmaps|serviceaccounts|jobs|roles|rolebindings|deployments|statefulsets|services\/milvus-demo-/.test(write))).toEqual(['acm ImportCertificate', 'kubernetes PATCH /api/v1/namespaces/milvus/services/milvus-demo', 'kubernetes PATCH /apis/networking.k8s.io/v1/namespaces/milvus/ingresses/milvus-demo'])
  expect(first.summary).toMatch(/ALB k8s-[\w-]+ \(internet-facing\)[\s\S]*target group k8s-[\w-]+ \(GRPC, ip\)/)
  expect((await inAcm(world, first.outputs['certificate-arn']))?.tags).toMatchObject({ 'milvus-alb-action/namespace': 'milvus', 'milvus-alb-action/host': world.host, 'milvus-alb-action/cluster': world.cluster })

  const second = await run()
  expectSuccess(second)
  expect(second.outputs).toMatchObject({ ...first.outputs, changed: 'false', changes: '[]' })
  expect(writes()).toEqual([])
  expect(await world.helmCalls()).toHaveLength(6) // version, pull, three dry runs and upgrade of the first run
}, { start: 'empty' })

scenario("the user's own helm values are kept, and a newer chart in the repository is not taken", async ({ world, run }) => {
  await world.charts.publish('6.0.0')
  expectSuccess(await run())
  const values = JSON.parse(await world.helm('get', 'values', 'milvus-demo', '-o', 'json')) as object
  expect(values).toEqual(merged(modeValues.standalone, { minio: { bucketName: 'precious', secretKey: valuesCanary }, service: { type: 'ClusterIP' } }))
  expect(JSON.parse(await world.helm('get', 'metadata', 'milvus-demo', '-o', 'json'))).toMatchObject({ version: '4.2.58', status: 'deployed' })
}, { start: 'installed' })

scenario('chart-version and values are taken when they are asked for, and only once', async ({ world, run }) => {
  const inputs = { 'chart-version': '5.0.19', 'allow-chart-change': 'true', values: 'minio:\n  secretKey: canary-9f3b1c7e-values\n  bucketName: other\n' }
  const first = await run(inputs)
  expectSuccess(first)
  expect(changed(first).filter((change) => change.startsWith('release'))).toEqual(['release service.type', 'release chart version', 'release values.minio.bucketName'])
  expect(JSON.parse(await world.helm('get', 'values', 'milvus-demo', '-o', 'json'))).toMatchObject({ minio: { bucketName: 'other' } })
  expect((await run(inputs)).outputs['changed']).toBe('false')
}, { start: 'installed' })

scenario('a renewed certificate goes under the same ARN, and the ALB serves it', async ({ world, run, writes }) => {
  const first = await run()
  const renewed = await world.authority.issue({ hosts: [world.host], days: 120 })
  const second = await run({ certificate: renewed.certificate, 'certificate-chain': renewed.chain, 'private-key': Buffer.from(renewed.privateKey).toString('base64') })
  expectSuccess(second)
  expect(second.outputs['certificate-arn']).toBe(first.outputs['certificate-arn'])
  expect(writes()).toEqual(['acm ImportCertificate'])
  expect((await inAcm(world, second.outputs['certificate-arn']))?.x509.raw).toEqual(new X509Certificate(renewed.certificate).raw)
  expect(await certificates(world)).toHaveLength(1)
})

sandboxScenario("Envoy serves a renewed certificate at once", 'the probe waits for a renewed certificate that reaches the ALB later', async ({ world, run }) => {
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
  expect(changed(second)).toEqual(['certificate certificate', 'ingress certificate-arn', 'certificate certificate'])
  expect(await certificates(world)).toHaveLength(1)
  expect((await run({ certificate: elliptic.fullchain, 'private-key': elliptic.privateKey })).outputs['changed']).toBe('false')
})

scenario('an import whose answer is lost does not become two certificates', async ({ world, run }) => {
  world.traffic.inject({ part: 'acm', operation: 'ImportCertificate', times: 1, reset: 'after' })
  expectSuccess(await run())
  expect(await certificates(world)).toHaveLength(1)
})

scenario('a release whose name has no milvus in it has a Service of another name', async ({ world, run }) => {
  await world.installMilvus({ release: 'vectors' })
  const result = await run({ release: 'vectors' })
  expectSuccess(result)
  expect(result.outputs['ingress-name']).toBe('vectors')
  expect(await get(world, 'ingress', 'vectors')).toMatchObject({ spec: { rules: [{ http: { paths: [{ backend: { service: { name: 'vectors-milvus' } } }] } }] } })
}, { start: 'empty' })

scenario('a Service without a helm release is enough, and helm is left alone', async ({ world, run }) => {
  await createMilvusObjects(world, 'operated')
  const result = await run({ service: 'operated' })
  expectSuccess(result)
  expect(result.outputs['ingress-name']).toBe('operated')
  expect(result.outputs['release-revision']).toBeUndefined()
  expect(await world.helmCalls()).toEqual([])
}, { start: 'empty' })

scenario('a kubeconfig does in place of an EKS cluster, and certificate-arn in place of a certificate', async ({ world, run, writes }) => {
  const { 'certificate-arn': arn } = (await run()).outputs
  const inputs = { cluster: '', kubeconfig: world.kubeconfig, context: `admin@${world.name}`, certificate: '', 'private-key': '', 'certificate-arn': arn ?? '', release: 'milvus-demo' }
  const result = await run(inputs)
  expectSuccess(result)
  expect(result.outputs['certificate-arn']).toBe(arn)
  expect(writes()).toEqual([])
})

scenario('an Ingress and a certificate that were made by hand from the guide are taken over', async ({ world, run, writes }) => {
  const arn = await importByHand(world)
  await applyGuide(world, arn, { 'example.com/owner': 'a person' })
  const first = await run()
  expectSuccess(first)
  expect(first.outputs['certificate-arn']).toBe(arn)
  expect(await certificates(world)).toHaveLength(1)
  expect(changed(first)).toEqual(['release service.type', 'ingress metadata.managedFields', 'ingress ssl-policy', 'ingress load-balancer-attributes'])
  expectUnchanged(await run())

  const renewed = await world.authority.issue({ hosts: [world.host] })
  expectSuccess(await run({ certificate: renewed.fullchain, 'private-key': renewed.privateKey }))
  expect(writes()).toEqual(['acm ImportCertificate'])
  expect((await inAcm(world, arn))?.x509.raw).toEqual(new X509Certificate(renewed.certificate).raw)

  // What kubectl held no longer stands in the way: another ARN, another scheme. What nobody asked for stays.
  const larger = await world.authority.issue({ hosts: [world.host], key: 'RSA_3072' })
  const moved = await run({ certificate: larger.fullchain, 'private-key': larger.privateKey, scheme: 'internal' })
  expectSuccess(moved)
  expect(changed(moved)).toEqual(['certificate certificate', 'ingress scheme', 'ingress certificate-arn'])
  expect(await ingressAnnotations(world)).toHaveProperty(['example.com/owner'], 'a person')
}, { start: 'installed' })

scenario('a certificate that serves other names too is not overwritten', async ({ world, run }) => {
  const shared = await world.authority.issue({ hosts: [world.host, 'shop.example.com'] })
  const { 'certificate-arn': arn } = (await run({ certificate: shared.fullchain, 'private-key': shared.privateKey })).outputs
  await untag(world, arn ?? '')
  const result = await run()
  expectSuccess(result)
  expect(result.outputs['certificate-arn']).not.toBe(arn)
  expect((await inAcm(world, arn))?.x509.raw).toEqual(new X509Certificate(shared.certificate).raw)
})

scenario('a Service that somebody patched is a conflict for helm that is named, unless force-conflicts takes it over', async ({ world, run }) => {
  expectSuccess(await run())
  await world.kubectl('patch', 'service', 'milvus-demo', '--type', 'merge', '--patch', '{"spec":{"type":"LoadBalancer"}}')
  const refused = await run()
  expectFailure(refused, 'preflight', 'release-conflict')
  expect(refused.log).toContain('Service milvus-demo: .spec.type is LoadBalancer (set by kubectl-patch) and would become ClusterIP')
  expectSuccess(await run({ 'force-conflicts': 'true' }))
  expect(await get(world, 'service', 'milvus-demo')).toMatchObject({ spec: { type: 'ClusterIP' } })
}, { start: 'installed' })

scenario("helm's own settings lead it nowhere else, and print nothing", async ({ world, run }) => {
  const result = await run({}, { environment: { HELM_DEBUG: 'true', HELM_KUBEAPISERVER: 'https://127.0.0.1:1', HELM_KUBECONTEXT: 'other', HELM_NAMESPACE: 'other' } })
  expectSuccess(result)
  expect(JSON.parse(await world.helm('list', '-o', 'json'))).toMatchObject([{ name: 'milvus-demo', revision: '2' }])
}, { start: 'installed' })

scenario('names in values that look like secrets do not eat the outputs', async ({ world, run }) => {
  const result = await run({ values: 'minio: {existingSecret: milvus-demo, secretKey: milvus-demo}\ntolerations: [{key: milvus}]' })
  expectSuccess(result)
  expect(result.outputs).toMatchObject({ 'ingress-name': 'milvus-demo', endpoint: `https://${world.host}:${world.listenPort}` })
}, { start: 'installed' })

scenario('an equal certificate that is in ACM already is used', async ({ world, run, writes }) => {
  const arn = await importByHand(world)
  const result = await run()
  expectSuccess(result)
  expect(result.outputs['certificate-arn']).toBe(arn)
  expect(writes()).not.toContain('acm ImportCertificate')
})

scenario('every input of the Ingress reaches it, and one that is dropped goes again', async ({ world, run }) => {
  const inputs = {
    scheme: 'internal', 'inbound-cidrs': '10.0.0.0/8\n192.0.2.0/24', subnets: JSON.stringify(world.subnets), 'security-groups': world.securityGroup, 'idle-timeout': '1h', 'load-balancer-name': 'vectors', tags: 'team: search',
    annotations: 'alb.ingress.kubernetes.io/load-balancer-attributes: deletion_protection.enabled=true\nexample.com/owner: me',
  }
  expectSuccess(await run(inputs))
  expect(await ingressAnnotations(world)).toMatchObject({
    scheme: 'internal', 'inbound-cidrs': '10.0.0.0/8,192.0.2.0/24', subnets: world.subnets.join(','), 'security-groups': world.securityGroup, 'load-balancer-name': 'vectors', tags: 'team=search',
    'load-balancer-attributes': 'idle_timeout.timeout_seconds=3600,deletion_protection.enabled=true', 'example.com/owner': 'me',
  })
  const without = await run({ ...inputs, annotations: '' })
  expectSuccess(without)
  expect(changed(without)).toEqual(['ingress load-balancer-attributes', 'ingress example.com/owner'])
})

scenario('a field that somebody else set is a conflict that names them, unless force-conflicts takes it over', async ({ world, run }) => {
  await run()
  await world.kubectl('annotate', 'ingress', 'milvus-demo', '--overwrite', 'alb.ingress.kubernetes.io/ssl-policy=ELBSecurityPolicy-2016-08')
  const refused = await run()
  expectFailure(refused, 'ingress', 'ingress-conflict')
  expect(refused.log).toContain('kubectl-annotate')
  expectSuccess(await run({ 'force-conflicts': 'true' }))
})

scenario('a field that Argo CD holds is a conflict that names it', async ({ world, run }) => {
  const arn = await importByHand(world)
  await applyGuide(world, arn, { 'alb.ingress.kubernetes.io/ssl-policy': 'ELBSecurityPolicy-2016-08' }, ['--server-side', '--field-manager=argocd-controller'])
  const refused = await run()
  expectFailure(refused, 'ingress', 'ingress-conflict')
  expect(refused.log).toMatch(/argocd-controller.*ssl-policy|ssl-policy.*argocd-controller/)
  expectSuccess(await run({ 'force-conflicts': 'true' }))
})

scenario('an annotation of an Ingress that was taken over from kubectl goes when it is dropped', async ({ world, run }) => {
  const extra = { 'alb.ingress.kubernetes.io/target-group-attributes': 'deregistration_delay.timeout_seconds=30' }
  await applyGuide(world, await importByHand(world), extra)
  expectSuccess(await run({ annotations: JSON.stringify(extra) }))
  expectSuccess(await run())
  expect(await ingressAnnotations(world)).not.toHaveProperty('target-group-attributes')
})
