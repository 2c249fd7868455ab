/** IngressClasses and their parameters, which override the Ingress. */
import { expect } from '@jest/globals'
import type { TestEnvironment } from '../../testing/environment.ts'
import { importCertificate } from './acm-manual-operations.ts'
import { getListener } from './alb-manual-operations.ts'
import {
  expectFailure,
  expectFailureWithoutWrites,
  expectSuccess,
  expectToContainAll,
  expectUnchanged,
  expectWarnings,
  getErrorAnnotation,
} from './expectations.ts'
import { scenario, setDefaultStart } from './harness.ts'
import {
  annotationPrefix,
  applyGuideIngress,
  createIngressClass,
} from './ingress-manual-operations.ts'
import { annotateObject, createObjects, patchObject } from './manual-operations.ts'

setDefaultStart('cluster-ip')

scenario('an IngressClass that does not exist', async (scenario) => {
  await expectFailureWithoutWrites(
    scenario,
    { 'ingress-class': 'absent' },
    'ingress-class-not-found',
  )
})

scenario('an IngressClass of another controller', async (scenario) => {
  await createObjects(scenario.environment, {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IngressClass',
    metadata: { name: 'nginx' },
    spec: { controller: 'k8s.io/ingress-nginx' },
  })
  await expectFailureWithoutWrites(
    scenario,
    { 'ingress-class': 'nginx' },
    'ingress-class-unsupported',
  )
})

/** Its parameters do not exist. */
const createClassWithoutParams = (environment: TestEnvironment, name: string): Promise<void> =>
  createObjects(environment, {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IngressClass',
    metadata: { name },
    spec: {
      controller: 'ingress.k8s.aws/alb',
      parameters: { apiGroup: 'elbv2.k8s.aws', kind: 'IngressClassParams', name: 'missing' },
    },
  })

scenario('an IngressClass whose parameters do not exist', async (scenario) => {
  await createClassWithoutParams(scenario.environment, 'platform')
  expect(
    await expectFailureWithoutWrites(
      scenario,
      { 'ingress-class': 'platform' },
      'ingress-class-params-unsuitable',
    ),
  ).toContain('refers to IngressClassParams missing, which do not exist')
})

scenario(
  'IngressClass parameters that break the result are rejected, each with both values',
  async (scenario) => {
    await createIngressClass(scenario.environment, 'platform', {
      scheme: 'internal',
      group: { name: 'everyone' },
      targetType: 'instance',
      certificateArn: ['arn:aws:acm:us-east-2:111122223333:certificate/class'],
      namespaceSelector: { matchLabels: { team: 'search' } },
      loadBalancerAttributes: [{ key: 'routing.http2.enabled', value: 'false' }],
    })
    const text = await expectFailureWithoutWrites(
      scenario,
      { 'ingress-class': 'platform', 'group-name': 'ours' },
      'ingress-class-params-unsuitable',
    )
    expectToContainAll(text, [
      'set scheme internal, which overrides scheme internet-facing',
      'set group everyone, which overrides group-name ours',
      'set targetType instance',
      'set certificateArn arn:aws:acm:us-east-2:111122223333:certificate/class',
      'namespaceSelector that namespace milvus does not match',
      'routing.http2.enabled=false',
    ])
  },
)

scenario('IngressClass parameters that only set another value are a warning', async (scenario) => {
  await createIngressClass(scenario.environment, 'platform', {
    inboundCIDRs: ['0.0.0.0/0', '10.0.0.1/8'],
    scheme: 'internet-facing',
    loadBalancerAttributes: [{ key: 'idle_timeout.timeout_seconds', value: '120' }],
    tags: [{ key: 'team', value: 'platform' }],
    sslPolicy: 'ELBSecurityPolicy-TLS13-1-3-2021-06',
  })
  const result = expectSuccess(
    await scenario.run({
      'ingress-class': 'platform',
      'idle-timeout': '20m',
      tags: 'team: search',
    }),
  )
  expectWarnings(result, [
    'set attribute idle_timeout.timeout_seconds 120, which overrides idle-timeout 1200',
    'set tag team platform, which overrides tags search',
    'set inboundCIDRs 0.0.0.0/0,10.0.0.1/8, which overrides inbound-cidrs (everyone)',
    'set inboundCIDRs 10.0.0.1/8, which EC2 stores as 10.0.0.0/8',
  ])
  // The user did not choose the policy, so a note suffices.
  expect(result.summary).toContain(
    'set sslPolicy ELBSecurityPolicy-TLS13-1-3-2021-06, which overrides ssl-policy',
  )
})

scenario(
  'EKS Auto Mode reads groups only from its IngressClass, and ignores some annotations',
  async (scenario) => {
    await createObjects(scenario.environment, {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'IngressClass',
      metadata: { name: 'auto' },
      spec: { controller: 'eks.amazonaws.com/alb' },
    })
    const result = await scenario.run({
      'ingress-class': 'auto',
      'group-name': 'shared',
      annotations: `${annotationPrefix}/shield-advanced-protection: "true"`,
    })
    expectFailure(result, 'preflight', 'ingress-class-params-unsuitable')
    expect(getErrorAnnotation(result)).toContain(
      'Input group-name (shared) has no effect on EKS Auto Mode',
    )
    expect(result.log).toMatch(
      /^::warning.*EKS Auto Mode ignores alb.ingress.kubernetes.io\/shield-advanced-protection/m,
    )

    await createIngressClass(
      scenario.environment,
      'auto-shared',
      { group: { name: 'shared' } },
      'eks.amazonaws.com/alb',
    )
    const inputs = { 'ingress-class': 'auto-shared', 'dry-run': 'true' }
    const grouped = expectSuccess(await scenario.run(inputs))
    expect(grouped.summary).toContain(
      'set group shared, so the Ingress shares the ALB of that group',
    )
    expectSuccess(await scenario.run({ ...inputs, 'group-name': 'shared' }))
    expectFailure(
      await scenario.run({ ...inputs, 'group-name': 'ours' }),
      'preflight',
      'ingress-class-params-unsuitable',
    )
  },
)

scenario(
  'a setting of the IngressClass that overrides the Ingress is not drift',
  async ({ environment, run }) => {
    const spec = {
      sslPolicy: 'ELBSecurityPolicy-TLS13-1-3-2021-06',
      loadBalancerAttributes: [{ key: 'idle_timeout.timeout_seconds', value: '120' }],
    }
    await createIngressClass(environment, 'platform', spec)
    expectSuccess(await run({ 'ingress-class': 'platform' }))
    expect(await getListener(environment)).toMatchObject({ SslPolicy: spec.sslPolicy })
    expectUnchanged(await run({ 'ingress-class': 'platform' }))
  },
  { start: 'deployed' },
)

scenario(
  'an Ingress by hand whose class is the legacy annotation is adopted, with the commands that convert it',
  async ({ environment, run }) => {
    await applyGuideIngress(environment, await importCertificate(environment), {
      'kubernetes.io/ingress.class': 'alb',
    })
    const adopted = expectSuccess(await run())
    expectWarnings(adopted, [
      'sets annotation kubernetes.io/ingress.class: alb, which overrides ingress-class',
      `"kubectl -n milvus patch ingress milvus-demo --type=merge -p '{"spec":{"ingressClassName":"alb"}}'", then "kubectl -n milvus annotate ingress milvus-demo kubernetes.io/ingress.class-"`,
    ])
    await createIngressClass(environment, 'internal', { scheme: 'internal' })
    // The legacy class wins, so the parameters of the other one override nothing.
    const otherClass = expectSuccess(await run({ 'ingress-class': 'internal', 'dry-run': 'true' }))
    expect(otherClass.log).not.toContain('IngressClassParams')
    // The run itself has set the class.
    await environment.kubectl('annotate', 'ingress', 'milvus-demo', 'kubernetes.io/ingress.class-')
    const converted = await run()
    expectUnchanged(converted)
    expect(converted.outputs['alb-address']).toBe(adopted.outputs['alb-address'])
    expect(converted.log).not.toContain('kubernetes.io/ingress.class')
  },
)

scenario(
  'parameters of a class are not reported for an Ingress with the legacy annotation, whatever else is wrong',
  async ({ environment, run }) => {
    const dryRun = (ingressClass: string) =>
      run({ 'ingress-class': ingressClass, 'dry-run': 'true' })
    await createIngressClass(environment, 'platform', { scheme: 'internal' })
    await applyGuideIngress(environment, await importCertificate(environment), {
      'kubernetes.io/ingress.class': 'platform',
    })
    const defaultBackend = { service: { name: 'landing-page', port: { number: 80 } } }
    await patchObject(environment, 'ingress/milvus-demo', { spec: { defaultBackend } })
    const foreign = expectFailure(await dryRun('platform'), 'preflight', 'ingress-not-ours')
    expect(foreign.log).not.toContain('IngressClassParams')

    await patchObject(environment, 'ingress/milvus-demo', { spec: { defaultBackend: null } })
    await createClassWithoutParams(environment, 'incomplete')
    const legacyClass = 'kubernetes.io/ingress.class=incomplete'
    await annotateObject(environment, 'ingress/milvus-demo', legacyClass)
    expect(expectSuccess(await dryRun('incomplete')).log).not.toContain('IngressClassParams')
  },
)
