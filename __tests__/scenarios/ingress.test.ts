/** The Ingress: its inputs, Ingresses that exist already, and fields that others set. */
import { X509Certificate } from 'node:crypto'
import { expect } from '@jest/globals'
import { findCertificate, importCertificate, listCertificates } from './acm-manual-operations.ts'
import { certificateInputs, issueWithLargerKey } from './certificate-inputs.ts'
import {
  expectFailure,
  expectFailureWithoutWrites,
  expectSuccess,
  expectUnchanged,
  getErrorAnnotation,
  listChanges,
} from './expectations.ts'
import { scenario, setDefaultStart } from './harness.ts'
import { applyGuideIngress, getIngressAnnotations } from './ingress-manual-operations.ts'
import { annotateObject, createObjects, type KubernetesObject } from './manual-operations.ts'
import type { Scenario } from './scenario-run.ts'

setDefaultStart('cluster-ip')

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
    expect(await getIngressAnnotations(environment)).toMatchObject({
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
    expectSuccess(await run(certificateInputs(renewed)))
    expect(writes()).toEqual(['acm ImportCertificate'])
    expect((await findCertificate(environment, arn))?.x509.raw).toEqual(
      new X509Certificate(renewed.certificate).raw,
    )

    // Fields that kubectl owned are free to change: another ARN, another scheme. Other fields stay.
    const largerKey = await issueWithLargerKey(environment)
    const movedRun = await run({
      ...certificateInputs(largerKey),
      scheme: 'internal',
    })
    expectSuccess(movedRun)
    expect(listChanges(movedRun)).toEqual([
      'certificate certificate',
      'ingress scheme',
      'ingress certificate-arn',
    ])
    expect(await getIngressAnnotations(environment)).toHaveProperty(
      ['example.com/owner'],
      'a person',
    )
  },
  { start: 'installed' },
)

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
    expect(await getIngressAnnotations(environment)).not.toHaveProperty('target-group-attributes')
  },
)

scenario(
  'a field set by another manager is a conflict that names it, unless force-conflicts overwrites it',
  async ({ environment, run }) => {
    await run()
    await annotateObject(
      environment,
      'ingress/milvus-demo',
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

/** Creates Ingress milvus-demo as others would. */
async function createIngress(
  { environment }: Scenario,
  ingressClassName: string,
  host: string,
  metadata: Partial<KubernetesObject['metadata']> = {},
): Promise<void> {
  await createObjects(environment, {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { ...metadata, name: 'milvus-demo', namespace: environment.namespace },
    spec: { ingressClassName, rules: [{ host }] },
  })
}

scenario('an existing Ingress that belongs to a Helm release', async (scenario) => {
  await createIngress(scenario, 'nginx', scenario.environment.host, {
    annotations: { 'meta.helm.sh/release-name': 'milvus-demo' },
  })
  await expectFailureWithoutWrites(scenario, {}, 'ingress-not-ours')
})

scenario('an existing Ingress for another application', async (scenario) => {
  await createIngress(scenario, 'nginx', 'shop.example.com')
  const text = await expectFailureWithoutWrites(scenario, {}, 'ingress-not-ours')
  expect(text).toContain('class nginx, shop.example.com')
})

scenario('an existing Ingress that serves more than Milvus', async (scenario) => {
  const { environment } = scenario
  const backend = (name: string, number: number) => ({ service: { name, port: { number } } })
  const path = (value: string, name: string, port: number) => ({
    path: value,
    pathType: 'Prefix',
    backend: backend(name, port),
  })
  const paths = [
    path('/', 'milvus-demo', 19530),
    path('/attu', 'attu', 3000),
    path('/', 'milvus-demo', 9091),
  ]
  const spec = {
    ingressClassName: 'alb',
    defaultBackend: backend('landing-page', 80),
    rules: [{ host: environment.host, http: { paths } }],
  }
  const metadata = { name: 'milvus-demo', namespace: environment.namespace }
  await createObjects(environment, {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata,
    spec,
  })
  const text = await expectFailureWithoutWrites(scenario, {}, 'ingress-not-ours')
  expect(text).toContain(
    'serves something else: path /attu (Service attu:3000), Service milvus-demo:9091, ' +
      'defaultBackend (Service landing-page:80)',
  )
})

scenario('an Ingress that is being deleted', async (scenario) => {
  await createIngress(scenario, 'alb', scenario.environment.host, {
    finalizers: ['example.com/slow'],
  })
  await scenario.environment.kubectl('delete', 'ingress', 'milvus-demo', '--wait=false')
  await expectFailureWithoutWrites(scenario, {}, 'ingress-terminating')
})

scenario('an admission policy that rejects the Ingress', async ({ environment, run }) => {
  environment.faults.inject({
    service: 'kubernetes',
    operation: /^PATCH .*\/ingresses\/milvus-demo$/,
    error: {
      status: 403,
      code: 'Forbidden',
      message:
        'admission webhook "policy.example.com" denied the request: the label team is missing',
    },
  })
  expect(getErrorAnnotation(expectFailure(await run(), 'ingress', 'ingress-refused'))).toContain(
    'the label team is missing',
  )
})

scenario("values that enable the chart's own Ingress", async (scenario) => {
  expect(
    await expectFailureWithoutWrites(
      scenario,
      { values: 'ingress: {enabled: true}' },
      'ingress-not-ours',
    ),
  ).toContain('make the chart create Ingress milvus-demo itself')
})
