/**
 * What preflight finds in the cluster and in the Ingress inputs, reported before anything is
 * written.
 */
import { expect } from '@jest/globals'
import { createObjects, createMilvusObjects, type KubernetesObject } from './manual-operations.ts'
import {
  getErrorAnnotation,
  expectFailure,
  expectFailureWithoutWrites,
  expectSuccess,
  expectUnchanged,
  labScenario,
  simulatorScenario,
  scenario,
  setDefaultStart,
  type Scenario,
} from './harness.ts'

setDefaultStart('cluster-ip')

const annotationPrefix = 'alb.ingress.kubernetes.io'

/** An IngressClass with these parameters; both have this name. */
async function createIngressClass(
  { environment }: Scenario,
  name: string,
  spec: object,
): Promise<void> {
  await createObjects(
    environment,
    { apiVersion: 'elbv2.k8s.aws/v1beta1', kind: 'IngressClassParams', metadata: { name }, spec },
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'IngressClass',
      metadata: { name },
      spec: {
        controller: 'ingress.k8s.aws/alb',
        parameters: { apiGroup: 'elbv2.k8s.aws', kind: 'IngressClassParams', name },
      },
    },
  )
}

const service = (
  name: string,
  extraMetadata: Partial<KubernetesObject['metadata']>,
  spec: object,
): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, ...extraMetadata },
  spec: { ports: [{ name: 'milvus', port: 19530 }], ...spec },
})

labScenario(
  'the simulator keeps no roles',
  'a role without any permission in the cluster: one error names everything that is missing',
  async (scenario) => {
    const { environment } = scenario
    const env = await environment.assumeRole()
    await environment.kubectl(
      'delete',
      'role/milvus-alb-action',
      'role/milvus-alb-action-helm',
      'clusterrole/milvus-alb-action',
    )
    const text = await expectFailureWithoutWrites(scenario, {}, 'cluster-forbidden', env)
    expect(text).toContain(
      'get namespaces, list services, list events, list ingresses, get ingresses, list secrets, get secrets, patch ingresses, create ingresses.',
    )
    expect(text.match(/What to do/g)).toHaveLength(1)
  },
)

scenario(
  'a role that can neither list Services nor write the Ingress gets both errors at once',
  async (scenario) => {
    const { environment } = scenario
    const text = await expectFailureWithoutWrites(
      scenario,
      {},
      'cluster-forbidden',
      await environment.assumeRole('list services'),
    )
    expect(text).toContain('that this run needs in namespace milvus: list services.')
    expect(text).toContain('docs/permissions/rbac.yaml')
  },
)

scenario(
  'a converged run checks no permission that it does not use',
  async ({ environment, run }) => {
    const env = await environment.assumeRole()
    expectSuccess(await run({}, { env }))
    expectUnchanged(await run({}, { env: await environment.assumeRole('patch ingresses') }))
    expectUnchanged(await run({}, { env: await environment.assumeRole('create secrets') }))
  },
)

scenario(
  'IngressClass parameters that break the result are rejected, each with both values',
  async (scenario) => {
    await createIngressClass(scenario, 'platform', {
      scheme: 'internal',
      group: { name: 'everybody' },
      targetType: 'instance',
      certificateArn: ['arn:aws:acm:us-east-2:111122223333:certificate/class'],
      namespaceSelector: { matchLabels: { team: 'search' } },
      sslRedirectPort: '443',
      loadBalancerAttributes: [{ key: 'routing.http2.enabled', value: 'false' }],
    })
    const text = await expectFailureWithoutWrites(
      scenario,
      { 'ingress-class': 'platform', 'group-name': 'ours' },
      'ingress-class-params-unsuitable',
    )
    for (const part of [
      'set scheme internal, which overrides scheme internet-facing',
      'set group everybody, which overrides group-name ours',
      'set targetType instance',
      'set certificateArn arn:aws:acm:us-east-2:111122223333:certificate/class',
      'namespaceSelector that namespace milvus does not match',
      `redirect to port 443 (sslRedirectPort), but listen-port ${scenario.environment.listenPort}`,
      'routing.http2.enabled=false',
    ])
      expect(text).toContain(part)
  },
)

scenario('IngressClass parameters that only set another value are a warning', async (scenario) => {
  await createIngressClass(scenario, 'platform', {
    inboundCIDRs: ['0.0.0.0/0'],
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
  for (const part of [
    'set attribute idle_timeout.timeout_seconds 120, which overrides idle-timeout (1200 s)',
    'set tag team platform, which overrides tags search',
    'set inboundCIDRs 0.0.0.0/0, which overrides inbound-cidrs (everyone)',
  ]) {
    expect(result.log).toMatch(new RegExp(`^::warning.*${part.replace(/[.()/]/g, '\\$&')}`, 'm'))
  }
  // The user did not choose the policy, so a note suffices.
  expect(result.summary).toContain(
    'set sslPolicy ELBSecurityPolicy-TLS13-1-3-2021-06, which overrides ssl-policy',
  )
})

scenario('an IngressClass whose parameters do not exist', async (scenario) => {
  await createObjects(scenario.environment, {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IngressClass',
    metadata: { name: 'platform' },
    spec: {
      controller: 'ingress.k8s.aws/alb',
      parameters: { apiGroup: 'elbv2.k8s.aws', kind: 'IngressClassParams', name: 'gone' },
    },
  })
  expect(
    await expectFailureWithoutWrites(
      scenario,
      { 'ingress-class': 'platform' },
      'ingress-class-params-unsuitable',
    ),
  ).toContain('refers to IngressClassParams gone, which do not exist')
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
  },
)

simulatorScenario(
  'inputs are read before any part is asked',
  'annotations that the controller or ELB would reject are named',
  async (scenario) => {
    const annotations = [
      'success-codes: "200"',
      'auth-type: oidc',
      'healthcheck-path: healthz',
      'target-group-attributes: slow_start.duration_seconds=5',
      'group.order: "2000"',
      'load-balancer-attributes: idle_timeout',
    ]
      .map((line) => `${annotationPrefix}/${line}`)
      .join('\n')
    const text = await expectFailureWithoutWrites(
      scenario,
      { annotations, tags: 'aws:team=search' },
      'input-invalid',
    )
    for (const part of [
      'success-codes is "200", which contains 200, but the codes of a gRPC health check range from 0 to 99',
      'auth-type is "oidc", which does not work with gRPC',
      'healthcheck-path',
      'slow_start.duration_seconds=5',
      'group.order',
      '"idle_timeout", which is not a list of key=value',
      'the prefix aws: is reserved',
    ]) {
      expect(text).toContain(part)
    }
  },
)

simulatorScenario(
  'inputs are read before any part is asked',
  'an unknown annotation is a warning with a suggestion',
  async ({ run }) => {
    const result = expectSuccess(
      await run({ annotations: `${annotationPrefix}/healthcheck-intervall-seconds: "20"` }),
    )
    expect(result.log).toMatch(
      /^::warning.*does not know: did you mean alb.ingress.kubernetes.io\/healthcheck-interval-seconds\?/m,
    )
  },
)

scenario('annotations of the Service that override the Ingress', async (scenario) => {
  const { environment, run } = scenario
  await environment.kubectl(
    'annotate',
    'service',
    'milvus-demo',
    `${annotationPrefix}/backend-protocol-version=HTTP1`,
    `${annotationPrefix}/success-codes=200`,
    `${annotationPrefix}/healthcheck-interval-seconds=30`,
  )
  const text = await expectFailureWithoutWrites(scenario, {}, 'service-annotations-conflict')
  for (const part of [
    'backend-protocol-version: HTTP1 (the Ingress requires GRPC)',
    'success-codes: 200',
  ])
    expect(text).toContain(part)
  await environment.kubectl(
    'annotate',
    'service',
    'milvus-demo',
    `${annotationPrefix}/backend-protocol-version-`,
    `${annotationPrefix}/success-codes-`,
  )
  const result = expectSuccess(await run())
  expect(result.log).toMatch(
    /^::warning.*healthcheck-interval-seconds: 30, which overrides the Ingress for its target group/m,
  )
})

scenario(
  "settings of the Service's old load balancer are named once, while it exists",
  async ({ environment, run }) => {
    await environment.kubectl(
      'annotate',
      'service',
      'milvus-demo',
      'service.beta.kubernetes.io/aws-load-balancer-scheme=internal',
      `external-dns.alpha.kubernetes.io/hostname=${environment.host}`,
    )
    const first = expectSuccess(await run())
    expect(first.summary).toContain('service.beta.kubernetes.io/aws-load-balancer-scheme')
    expect(first.summary).toContain('deletes that record when the Service is ClusterIP')
    expect(first.summary).toMatch(
      /The current load balancer of Service milvus-demo, \S+, is deleted when helm changes the Service to ClusterIP/,
    )
    const second = await run()
    expectUnchanged(second)
    expect(second.summary).not.toContain('aws-load-balancer-scheme')
  },
  { start: 'installed' },
)

scenario('a Service that selects no Milvus pods', async (scenario) => {
  await createObjects(
    scenario.environment,
    service('outside', {}, { type: 'ExternalName', externalName: 'milvus.elsewhere.example.com' }),
  )
  expect(
    await expectFailureWithoutWrites(scenario, { service: 'outside' }, 'service-unsupported'),
  ).toContain('ExternalName (milvus.elsewhere.example.com)')
})

scenario(
  'a Service without a ready endpoint is a warning before the ALB returns 503',
  async ({ environment, run }) => {
    await createObjects(environment, service('nobody', {}, { selector: { app: 'nobody' } }))
    const result = await run({ service: 'nobody', probe: 'off' })
    expect(result.log).toMatch(
      /^::warning.*Service nobody has no ready endpoint: its selector matches no pod/m,
    )
  },
)

scenario(
  "a Service for Milvus' own TLS is a warning while the ALB uses plaintext",
  async ({ environment, run }) => {
    await createMilvusObjects(environment, 'secure')
    await environment.kubectl(
      'patch',
      'service',
      'secure',
      '--type=json',
      '-p',
      '[{"op":"add","path":"/spec/ports/0/appProtocol","value":"https"}]',
    )
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
    const values = (mode: number): string =>
      JSON.stringify({
        extraConfigFiles: { 'user.yaml': `common: {security: {tlsMode: ${mode}}}` },
      })
    const httpsInputs = { annotations: `${annotationPrefix}/backend-protocol: HTTPS` }
    expect(
      await expectFailureWithoutWrites(scenario, { values: values(1) }, 'milvus-tls-mismatch'),
    ).toContain(
      'Milvus of release milvus-demo serves TLS itself (tlsMode 1 in extraConfigFiles.user.yaml), but the ALB would send it plaintext',
    )
    expect(
      await expectFailureWithoutWrites(
        scenario,
        { values: values(2), ...httpsInputs },
        'milvus-tls-mismatch',
      ),
    ).toContain('which an ALB cannot present')
    expect(
      await expectFailureWithoutWrites(scenario, httpsInputs, 'milvus-tls-mismatch'),
    ).toContain('serves plaintext (tlsMode is not set in its values)')
    expectSuccess(await run({ values: values(1), ...httpsInputs, 'dry-run': 'true' }))
    await environment.helm(
      'upgrade',
      'milvus-demo',
      'milvus',
      '--repo',
      environment.chartRepository.url,
      '--version',
      '4.2.58',
      '--reset-then-reuse-values',
      '--set-json',
      values(1)
        .slice(1, -1)
        .replace(/^"([^"]+)":/, '$1='),
    )
    await expectFailureWithoutWrites(scenario, {}, 'milvus-tls-mismatch')
    // A role that cannot read the release cannot tell.
    const result = await run(
      { mode: 'check', values: '', probe: 'off' },
      { env: await environment.assumeRole('list secrets,get secrets', 'check') },
    )
    expect(result.log).not.toContain('milvus-tls-mismatch')
  },
)

scenario("values that enable the chart's own Ingress", async (scenario) => {
  expect(
    await expectFailureWithoutWrites(
      scenario,
      { values: 'ingress: {enabled: true}' },
      'ingress-not-ours',
    ),
  ).toContain('make the chart create Ingress milvus-demo itself')
})

scenario(
  'a controller that is not ready, or is outdated, is a warning',
  async ({ environment, run }) => {
    const containers = [
      { name: 'controller', image: 'public.ecr.aws/eks/aws-load-balancer-controller:v2.0.1' },
    ]
    const labels = { app: 'controller' }
    await environment.kubectl('create', 'namespace', 'kube-system').catch(() => '')
    await createObjects(environment, {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'aws-load-balancer-controller', namespace: 'kube-system' },
      spec: {
        replicas: 0,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers } },
      },
    })
    const result = expectSuccess(await run())
    expect(result.log).toMatch(
      /^::warning.*No replica of kube-system\/aws-load-balancer-controller/m,
    )
    expect(result.log).toMatch(/^::warning.*v2.0.1: v2.0 does not support gRPC target groups/m)
  },
)

scenario('subnets that do not exist in the VPC', async (scenario) => {
  const text = await expectFailureWithoutWrites(
    scenario,
    { subnets: `${scenario.environment.subnets[0] ?? ''}, subnet-of-nobody` },
    'subnets-unsuitable',
  )
  expect(text).toContain(
    "Input subnets contains subnet-of-nobody, which is neither the id nor the Name tag of a subnet in the cluster's VPC",
  )
})

scenario('a certificate ARN of another account', async (scenario) => {
  const arn = `arn:aws:acm:${scenario.environment.region}:999988887777:certificate/00000000-0000-4000-8000-000000000000`
  const text = await expectFailureWithoutWrites(
    scenario,
    { certificate: '', 'private-key': '', 'certificate-arn': arn },
    'inputs-conflict',
  )
  expect(text).toContain(
    `belongs to account 999988887777, but the cluster is in account ${scenario.environment.account}`,
  )
})

scenario(
  'allowed-account-ids stops a run in another account before any request, in every mode and list form',
  async (scenario) => {
    const { environment, run } = scenario
    const [ownAccount, otherAccount] = [environment.account, '999988887777']
    const requestOffset = environment.requestLog.requests.length
    for (const mode of ['deploy', 'destroy']) {
      const text = await expectFailureWithoutWrites(
        scenario,
        { mode, 'allowed-account-ids': otherAccount },
        'aws-account-not-allowed',
      )
      for (const part of [
        `The AWS credentials belong to account ${ownAccount} (arn:`,
        `but input allowed-account-ids lists only ${otherAccount}.`,
      ])
        expect(text).toContain(part)
    }
    expect(
      environment.requestLog.requests
        .slice(requestOffset)
        .map(({ service: part, operation }) => `${part} ${operation}`),
    ).toEqual(['sts GetCallerIdentity', 'sts GetCallerIdentity'])
    const kubeconfigInputs = {
      cluster: '',
      kubeconfig: environment.kubeconfig,
      context: `admin@${environment.name}`,
      'allowed-account-ids': otherAccount,
    }
    expect(
      await expectFailureWithoutWrites(scenario, kubeconfigInputs, 'aws-account-not-allowed'),
    ).toContain(`belong to account ${ownAccount}`)

    expectSuccess(await run({ 'allowed-account-ids': ownAccount }))
    for (const accountIds of [
      `${otherAccount},${ownAccount}`,
      `${otherAccount}\n${ownAccount}\n`,
      `- "${otherAccount}"\n- ${ownAccount}`,
      `[${ownAccount}]`,
      ownAccount.replace(/(\d{4})(\d{4})/, '$1-$2-'),
    ])
      expectUnchanged(await run({ 'allowed-account-ids': accountIds }))
    environment.requestLog.injectFault({
      service: 'sts',
      operation: 'GetCallerIdentity',
      error: {
        status: 403,
        code: 'ExpiredToken',
        message: 'The security token included in the request is expired',
      },
    })
    await expectFailureWithoutWrites(
      scenario,
      { 'allowed-account-ids': ownAccount },
      'aws-credentials-expired',
    )
  },
)
