/**
 * The main job: first deployment, converged run, renewal, and installations that differ from the
 * guide's.
 */
import { X509Certificate } from 'node:crypto'
import { expect } from '@jest/globals'
import { mergeValues } from '../../simulator/charts/merge-values.ts'
import { modeValues } from '../../simulator/charts/installation-modes.ts'
import {
  applyGuideIngress,
  listCertificates,
  createMilvusObjects,
  getObject,
  importCertificate,
  findCertificate,
  ingressAnnotations,
  listLoadBalancerNames,
  removeTags,
} from './manual-operations.ts'
import {
  listChanges,
  expectFailure,
  expectSuccess,
  expectUnchanged,
  simulatorScenario,
  scenario,
  setDefaultStart,
  valuesCanary,
} from './harness.ts'

setDefaultStart('cluster-ip')

scenario(
  'a first deployment creates and probes everything; a second run changes nothing',
  async ({ environment, run: runWith, writes }) => {
    await environment.installMilvus({ mode: 'cluster' })
    const run = (): ReturnType<typeof runWith> => runWith({ values: '' })
    const first = await run()
    expectSuccess(first)
    const [hostname] = await listLoadBalancerNames(environment)
    expect(first.outputs).toMatchObject({
      'alb-address': hostname,
      endpoint: `https://${environment.host}:${environment.listenPort}`,
      'certificate-expiry': new X509Certificate(
        environment.certificate.certificate,
      ).validToDate.toISOString(),
      'release-revision': '2',
      'ingress-name': 'milvus-demo',
      'milvus-version': expect.stringMatching(/^v2\.\d+\.\d+/),
      changed: 'true',
    })
    expect(listChanges(first)).toEqual([
      'certificate certificate',
      'release service.type',
      'ingress scheme',
      'ingress backend-protocol-version',
      'ingress target-type',
      'ingress listen-ports',
      'ingress certificate-arn',
      'ingress ssl-policy',
      'ingress load-balancer-attributes',
      'ingress spec.ingressClassName',
      'ingress spec.rules',
    ])
    // helm applies every object of the release, whether it differs or not.
    expect(
      writes().filter(
        (write) =>
          !/secrets|configmaps|serviceaccounts|jobs|roles|rolebindings|deployments|statefulsets|services\/milvus-demo-/.test(
            write,
          ),
      ),
    ).toEqual([
      'acm ImportCertificate',
      'kubernetes PATCH /api/v1/namespaces/milvus/services/milvus-demo',
      'kubernetes PATCH /apis/networking.k8s.io/v1/namespaces/milvus/ingresses/milvus-demo',
    ])
    expect(first.summary).toMatch(
      /ALB k8s-[\w-]+ \(internet-facing\)[\s\S]*target group k8s-[\w-]+ \(GRPC, ip\)/,
    )
    expect(
      (await findCertificate(environment, first.outputs['certificate-arn']))?.tags,
    ).toMatchObject({
      'milvus-alb-action/namespace': 'milvus',
      'milvus-alb-action/host': environment.host,
      'milvus-alb-action/cluster': environment.cluster,
    })

    const second = await run()
    expectSuccess(second)
    expect(second.outputs).toMatchObject({ ...first.outputs, changed: 'false', changes: '[]' })
    expect(writes()).toEqual([])
    // The first run calls version, pull, three dry runs and upgrade.
    expect(await environment.helmCalls()).toHaveLength(6)
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
  { start: 'installed' },
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
  { start: 'installed' },
)

scenario(
  'a renewed certificate keeps its ARN, and the ALB serves it',
  async ({ environment, run, writes }) => {
    const first = await run()
    const renewed = await environment.certificateAuthority.issue({
      hosts: [environment.host],
      validityDays: 120,
    })
    const second = await run({
      certificate: renewed.certificate,
      'certificate-chain': renewed.chain,
      'private-key': Buffer.from(renewed.privateKey).toString('base64'),
    })
    expectSuccess(second)
    expect(second.outputs['certificate-arn']).toBe(first.outputs['certificate-arn'])
    expect(writes()).toEqual(['acm ImportCertificate'])
    expect(
      (await findCertificate(environment, second.outputs['certificate-arn']))?.x509.raw,
    ).toEqual(new X509Certificate(renewed.certificate).raw)
    expect(await listCertificates(environment)).toHaveLength(1)
  },
)

simulatorScenario(
  'Envoy serves a renewed certificate at once',
  'the probe waits until the ALB serves a renewed certificate',
  async ({ environment, run }) => {
    await run()
    await environment.alb.setOverrides({ certificatePropagationMs: 1_000 })
    const renewed = await environment.certificateAuthority.issue({ hosts: [environment.host] })
    const second = await run({ certificate: renewed.fullchain, 'private-key': renewed.privateKey })
    expectSuccess(second)
    expect(second.durationMs).toBeGreaterThan(1_000)
  },
)

scenario(
  'a certificate with another key type is imported as a new one, and the Ingress moves to it',
  async ({ environment, run }) => {
    const first = await run()
    const rsa3072Certificate = await environment.certificateAuthority.issue({
      hosts: [environment.host],
      keyAlgorithm: 'RSA_3072',
    })
    const second = await run({
      certificate: rsa3072Certificate.fullchain,
      'private-key': rsa3072Certificate.privateKey,
    })
    expectSuccess(second)
    expect(second.outputs['certificate-arn']).not.toBe(first.outputs['certificate-arn'])
    expect(listChanges(second)).toEqual([
      'certificate certificate',
      'ingress certificate-arn',
      'certificate certificate',
    ])
    expect(await listCertificates(environment)).toHaveLength(1)
    expect(
      (
        await run({
          certificate: rsa3072Certificate.fullchain,
          'private-key': rsa3072Certificate.privateKey,
        })
      ).outputs['changed'],
    ).toBe('false')
  },
)

scenario(
  'an import whose response is lost does not create two certificates',
  async ({ environment, run }) => {
    environment.requestLog.injectFault({
      service: 'acm',
      operation: 'ImportCertificate',
      times: 1,
      reset: 'after',
    })
    expectSuccess(await run())
    expect(await listCertificates(environment)).toHaveLength(1)
  },
)

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
  'a Service without a Helm release suffices, and helm is not run',
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
  'a kubeconfig replaces an EKS cluster, and certificate-arn a certificate',
  async ({ environment, run, writes }) => {
    const { 'certificate-arn': arn } = (await run()).outputs
    const inputs = {
      cluster: '',
      kubeconfig: environment.kubeconfig,
      context: `admin@${environment.name}`,
      certificate: '',
      'private-key': '',
      'certificate-arn': arn ?? '',
      release: 'milvus-demo',
    }
    const result = await run(inputs)
    expectSuccess(result)
    expect(result.outputs['certificate-arn']).toBe(arn)
    expect(writes()).toEqual([])
  },
)

scenario(
  'an Ingress and a certificate created by hand from the guide are adopted',
  async ({ environment, run, writes }) => {
    const arn = await importCertificate(environment)
    await applyGuideIngress(environment, arn, { 'example.com/owner': 'a person' })
    const first = await run()
    expectSuccess(first)
    expect(first.outputs['certificate-arn']).toBe(arn)
    expect(await listCertificates(environment)).toHaveLength(1)
    expect(listChanges(first)).toEqual([
      'release service.type',
      'ingress metadata.managedFields',
      'ingress ssl-policy',
      'ingress load-balancer-attributes',
    ])
    expectUnchanged(await run())

    const renewed = await environment.certificateAuthority.issue({ hosts: [environment.host] })
    expectSuccess(await run({ certificate: renewed.fullchain, 'private-key': renewed.privateKey }))
    expect(writes()).toEqual(['acm ImportCertificate'])
    expect((await findCertificate(environment, arn))?.x509.raw).toEqual(
      new X509Certificate(renewed.certificate).raw,
    )

    // Fields that kubectl owned are free to change: another ARN, another scheme. Other fields stay.
    const largerKey = await environment.certificateAuthority.issue({
      hosts: [environment.host],
      keyAlgorithm: 'RSA_3072',
    })
    const movedRun = await run({
      certificate: largerKey.fullchain,
      'private-key': largerKey.privateKey,
      scheme: 'internal',
    })
    expectSuccess(movedRun)
    expect(listChanges(movedRun)).toEqual([
      'certificate certificate',
      'ingress scheme',
      'ingress certificate-arn',
    ])
    expect(await ingressAnnotations(environment)).toHaveProperty(['example.com/owner'], 'a person')
  },
  { start: 'installed' },
)

scenario(
  'a certificate that covers other names too is not overwritten',
  async ({ environment, run }) => {
    const multiNameCertificate = await environment.certificateAuthority.issue({
      hosts: [environment.host, 'shop.example.com'],
    })
    const { 'certificate-arn': arn } = (
      await run({
        certificate: multiNameCertificate.fullchain,
        'private-key': multiNameCertificate.privateKey,
      })
    ).outputs
    await removeTags(environment, arn ?? '')
    const result = await run()
    expectSuccess(result)
    expect(result.outputs['certificate-arn']).not.toBe(arn)
    expect((await findCertificate(environment, arn))?.x509.raw).toEqual(
      new X509Certificate(multiNameCertificate.certificate).raw,
    )
  },
)

scenario(
  'a patched Service is reported as a conflict for helm, unless force-conflicts overwrites it',
  async ({ environment, run }) => {
    expectSuccess(await run())
    await environment.kubectl(
      'patch',
      'service',
      'milvus-demo',
      '--type',
      'merge',
      '--patch',
      '{"spec":{"type":"LoadBalancer"}}',
    )
    const rejectedRun = await run()
    expectFailure(rejectedRun, 'preflight', 'release-conflict')
    expect(rejectedRun.log).toContain(
      'Service milvus-demo: .spec.type is LoadBalancer (set by kubectl-patch) and would become ClusterIP',
    )
    expectSuccess(await run({ 'force-conflicts': 'true' }))
    expect(await getObject(environment, 'service', 'milvus-demo')).toMatchObject({
      spec: { type: 'ClusterIP' },
    })
  },
  { start: 'installed' },
)

scenario(
  'HELM_ variables of the runner do not redirect helm, and print nothing',
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
  { start: 'installed' },
)

scenario(
  'names in values that look like secrets do not mask outputs',
  async ({ environment, run }) => {
    const result = await run({
      values:
        'minio: {existingSecret: milvus-demo, secretKey: milvus-demo}\ntolerations: [{key: milvus}]',
    })
    expectSuccess(result)
    expect(result.outputs).toMatchObject({
      'ingress-name': 'milvus-demo',
      endpoint: `https://${environment.host}:${environment.listenPort}`,
    })
  },
  { start: 'installed' },
)

scenario(
  'an equal certificate that ACM already has is used',
  async ({ environment, run, writes }) => {
    const arn = await importCertificate(environment)
    const result = await run()
    expectSuccess(result)
    expect(result.outputs['certificate-arn']).toBe(arn)
    expect(writes()).not.toContain('acm ImportCertificate')
  },
)

scenario(
  'every input of the Ingress is applied, and removed again when it is no longer set',
  async ({ environment, run }) => {
    const inputs = {
      scheme: 'internal',
      'inbound-cidrs': '10.0.0.0/8\n192.0.2.0/24',
      subnets: JSON.stringify(environment.subnets),
      'security-groups': environment.securityGroup,
      'idle-timeout': '1h',
      'load-balancer-name': 'vectors',
      tags: 'team: search',
      annotations:
        'alb.ingress.kubernetes.io/load-balancer-attributes: deletion_protection.enabled=true\nexample.com/owner: me',
    }
    expectSuccess(await run(inputs))
    expect(await ingressAnnotations(environment)).toMatchObject({
      scheme: 'internal',
      'inbound-cidrs': '10.0.0.0/8,192.0.2.0/24',
      subnets: environment.subnets.join(','),
      'security-groups': environment.securityGroup,
      'load-balancer-name': 'vectors',
      tags: 'team=search',
      'load-balancer-attributes':
        'idle_timeout.timeout_seconds=3600,deletion_protection.enabled=true',
      'example.com/owner': 'me',
    })
    const withoutAnnotations = await run({ ...inputs, annotations: '' })
    expectSuccess(withoutAnnotations)
    expect(listChanges(withoutAnnotations)).toEqual([
      'ingress load-balancer-attributes',
      'ingress example.com/owner',
    ])
  },
)

scenario(
  'a field set by another manager is a conflict that names it, unless force-conflicts overwrites it',
  async ({ environment, run }) => {
    await run()
    await environment.kubectl(
      'annotate',
      'ingress',
      'milvus-demo',
      '--overwrite',
      'alb.ingress.kubernetes.io/ssl-policy=ELBSecurityPolicy-2016-08',
    )
    const rejectedRun = await run()
    expectFailure(rejectedRun, 'ingress', 'ingress-conflict')
    expect(rejectedRun.log).toContain('kubectl-annotate')
    expectSuccess(await run({ 'force-conflicts': 'true' }))
  },
)

scenario('a field managed by Argo CD is a conflict that names it', async ({ environment, run }) => {
  const arn = await importCertificate(environment)
  await applyGuideIngress(
    environment,
    arn,
    { 'alb.ingress.kubernetes.io/ssl-policy': 'ELBSecurityPolicy-2016-08' },
    ['--server-side', '--field-manager=argocd-controller'],
  )
  const rejectedRun = await run()
  expectFailure(rejectedRun, 'ingress', 'ingress-conflict')
  expect(rejectedRun.log).toMatch(/argocd-controller.*ssl-policy|ssl-policy.*argocd-controller/)
  expectSuccess(await run({ 'force-conflicts': 'true' }))
})

scenario(
  'an annotation of an Ingress adopted from kubectl is removed when it is no longer set',
  async ({ environment, run }) => {
    const extraAnnotations = {
      'alb.ingress.kubernetes.io/target-group-attributes':
        'deregistration_delay.timeout_seconds=30',
    }
    await applyGuideIngress(environment, await importCertificate(environment), extraAnnotations)
    expectSuccess(await run({ annotations: JSON.stringify(extraAnnotations) }))
    expectSuccess(await run())
    expect(await ingressAnnotations(environment)).not.toHaveProperty('target-group-attributes')
  },
)
