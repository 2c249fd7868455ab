/**
 * The controller and the ALB: rejections by ELB, missing events, manual changes in AWS, and targets
 * that do not respond.
 */
import { expect } from '@jest/globals'
import type { TestEnvironment } from '../../testing/environment.ts'
import {
  replaceRuleWithFixedResponse,
  deleteListener,
  deleteLoadBalancer,
  deleteRule,
  getListener,
  modifyListener,
  getRules,
  setLoadBalancerAttribute,
} from './alb-manual-operations.ts'
import {
  createObjects,
  getObject,
  importCertificate,
  listLoadBalancerNames,
} from './manual-operations.ts'
import {
  getErrorAnnotation,
  listChanges,
  expectFailure,
  expectSuccess,
  expectUnchanged,
  simulatorScenario,
  scenario,
  setDefaultStart,
} from './harness.ts'

setDefaultStart('deployed')

const reconcileRequestChange = 'load-balancer milvus-alb-action/nudge'
const shortProbe = { 'probe-timeout': '1s' }

scenario(
  'each kind of rejection by ELB is reported with what to do',
  async ({ environment, run }) => {
    const elbErrors: readonly (readonly [code: string, message: string, remedy: RegExp])[] = [
      [
        'TooManyLoadBalancers',
        'The maximum number of load balancers has been reached',
        /Request a higher quota from AWS/,
      ],
      [
        'OperationNotPermitted',
        'This AWS account currently does not support creating load balancers.',
        /Ask AWS Support/,
      ],
      ['InvalidSubnet', 'Not enough IP space available in subnet-1.', /eight free addresses each/],
      ['InvalidSecurityGroup', 'One or more security groups are invalid', /Set security-groups to/],
      [
        'AccessDenied',
        'User: arn:aws:sts::1:assumed-role/lbc/x is not authorized to perform: elasticloadbalancing:CreateLoadBalancer',
        /controller's role, not to that of this job/,
      ],
      [
        'ExpiredToken',
        'The security token included in the request is expired',
        /controller's service account/,
      ],
      [
        'DuplicateLoadBalancerName',
        'A load balancer with the same name exists',
        /another load-balancer-name/,
      ],
    ]
    let removeFault = (): void => undefined
    for (const [code, message, remedy] of elbErrors) {
      // The next fault starts before the last one ends, because the controller may retry at any
      // moment.
      const removePreviousFault = removeFault
      removeFault = environment.requestLog.injectFault({
        service: 'elbv2',
        operation: 'CreateLoadBalancer',
        error: { status: 400, code, message },
      })
      removePreviousFault()
      const result = await run()
      expectFailure(result, 'load-balancer', 'controller-refused')
      expect(getErrorAnnotation(result)).toContain(`${code}: ${message}`)
      expect(getErrorAnnotation(result)).toMatch(remedy)
    }
    removeFault()
    expectSuccess(await run())
  },
  { start: 'cluster-ip' },
)

scenario('a listener deleted in AWS is restored', async ({ environment, run }) => {
  expectSuccess(await run())
  await deleteListener(environment)
  const fixedRun = expectSuccess(await run())
  expect(listChanges(fixedRun)).toEqual(['load-balancer protocol', reconcileRequestChange])
  expect(fixedRun.outputs['changes']).toContain(
    'changed in AWS, not by the controller, which restores it when it reconciles again',
  )
  expect(await getListener(environment)).toMatchObject({
    Port: environment.listenPort,
    Protocol: 'HTTPS',
  })
  expectUnchanged(await run())
})

scenario(
  'a change made in AWS is named by its value, and restored',
  async ({ environment, run }) => {
    const { 'certificate-arn': arn } = expectSuccess(await run()).outputs
    const other = await importCertificate(
      environment,
      await environment.certificateAuthority.issue({ hosts: ['other.example.com'] }),
    )
    await modifyListener(environment, {
      SslPolicy: 'ELBSecurityPolicy-2016-08',
      certificate: other,
    })
    await setLoadBalancerAttribute(environment, 'idle_timeout.timeout_seconds', '60')
    await deleteRule(environment)
    const fixedRun = expectSuccess(await run())
    expect(listChanges(fixedRun)).toEqual([
      'load-balancer default certificate',
      'load-balancer ssl-policy',
      `load-balancer rule for ${environment.host}`,
      'load-balancer attribute idle_timeout.timeout_seconds',
      reconcileRequestChange,
    ])
    expect(fixedRun.summary).toContain('ELBSecurityPolicy-2016-08')
    expect(await getListener(environment)).toMatchObject({
      SslPolicy: 'ELBSecurityPolicy-TLS13-1-2-2021-06',
      Certificates: [{ CertificateArn: arn }],
    })
    expect(await getRules(environment)).toHaveLength(1)
    expectUnchanged(await run())

    await replaceRuleWithFixedResponse(environment)
    expect(listChanges(expectSuccess(await run()))).toEqual([
      `load-balancer rule for ${environment.host}`,
      reconcileRequestChange,
    ])
    expectUnchanged(await run())
  },
)

scenario('an ALB deleted in AWS is created again', async ({ environment, run }) => {
  const removePreviousFault = expectSuccess(await run()).outputs['alb-address'] ?? ''
  await deleteLoadBalancer(environment)
  const fixedRun = expectSuccess(await run())
  expect(listChanges(fixedRun)).toEqual(['load-balancer DNS name', reconcileRequestChange])
  expect(await listLoadBalancerNames(environment)).toEqual([fixedRun.outputs['alb-address']])
  // moto gives the same name the same address.
  if (environment.name === 'simulator')
    expect(fixedRun.log).toMatch(
      /^::warning.*has another name: point the DNS record of milvus.example.com at/m,
    )
  else expect(fixedRun.outputs['alb-address']).toBe(removePreviousFault)
  expectUnchanged(await run())
})

scenario(
  'a setting of the IngressClass that overrides the Ingress is not drift',
  async ({ environment, run }) => {
    const spec = {
      sslPolicy: 'ELBSecurityPolicy-TLS13-1-3-2021-06',
      loadBalancerAttributes: [{ key: 'idle_timeout.timeout_seconds', value: '120' }],
    }
    await createObjects(
      environment,
      {
        apiVersion: 'elbv2.k8s.aws/v1beta1',
        kind: 'IngressClassParams',
        metadata: { name: 'platform' },
        spec,
      },
      {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'IngressClass',
        metadata: { name: 'platform' },
        spec: {
          controller: 'ingress.k8s.aws/alb',
          parameters: { apiGroup: 'elbv2.k8s.aws', kind: 'IngressClassParams', name: 'platform' },
        },
      },
    )
    expectSuccess(await run({ 'ingress-class': 'platform' }))
    expect(await getListener(environment)).toMatchObject({ SslPolicy: spec.sslPolicy })
    expectUnchanged(await run({ 'ingress-class': 'platform' }))
  },
)

simulatorScenario(
  'nobody is quick enough by hand',
  'drift that the controller does not fix is a warning',
  async ({ environment, run }) => {
    expectSuccess(await run())
    const changeIdleTimeout = (): void =>
      environment.awsState.loadBalancers.forEach(({ attributes }) =>
        attributes.set('idle_timeout.timeout_seconds', '60'),
      )
    changeIdleTimeout()
    void environment.requestLog
      .nextRequest(
        ({ operation, userAgent: client }) =>
          client.startsWith('aws-load-balancer-controller') && operation.includes('/events'),
      )
      .then(changeIdleTimeout)
    const result = expectSuccess(await run())
    expect(result.log).toMatch(
      /^::warning.*The controller has reconciled the Ingress, but load balancer k8s-\S+ still differs: attribute idle_timeout.timeout_seconds is 60, and the Ingress requires 600/m,
    )
  },
)

scenario(
  'credentials that cannot describe listeners find no drift, and the run continues',
  async ({ environment, run }) => {
    expectSuccess(await run({}, { env: await environment.assumeRole() }))
    await setLoadBalancerAttribute(environment, 'idle_timeout.timeout_seconds', '60')
    expectUnchanged(
      await run(
        {},
        {
          env: await environment.assumeRole('elasticloadbalancing:DescribeLoadBalancerAttributes'),
        },
      ),
    )
    expect(
      listChanges(
        expectSuccess(
          await run(
            {},
            { env: await environment.assumeRole('elasticloadbalancing:DescribeListeners') },
          ),
        ),
      ),
    ).toContain(reconcileRequestChange)
  },
)

scenario(
  'a success that the controller does not report is seen in ELB',
  async ({ environment, run }) => {
    environment.controller.options.isRecorderMuted = true
    const result = expectSuccess(await run())
    expect(result.summary).toContain('The controller did not report success')
    // There is no event and nothing to see: no listener shows a change of this kind.
    const unconfirmedRun = await run({
      'inbound-cidrs': '10.0.0.0/8',
      'load-balancer-timeout': '5s',
    })
    expectFailure(unconfirmedRun, 'load-balancer', 'load-balancer-timeout')
    expect(getErrorAnnotation(unconfirmedRun)).toContain(
      'has set its finalizer on the Ingress but has not reported a result yet',
    )
  },
  { requiresSimulatedController: true, start: 'cluster-ip' },
)

scenario(
  'a controller that retries only in two minutes, without an event',
  async ({ environment, run }) => {
    const releaseLoadBalancers = environment.pauseLoadBalancerProvisioning()
    const removeFault = environment.requestLog.injectFault({
      service: 'elbv2',
      operation: 'CreateListener',
      error: { status: 400, code: 'SSLPolicyNotFound', message: 'x' },
    })
    expectFailure(await run(), 'load-balancer', 'controller-refused')
    removeFault()
    const timedOutRun = await run({ 'load-balancer-timeout': '3s' })
    expectFailure(timedOutRun, 'load-balancer', 'load-balancer-timeout')
    expect(getErrorAnnotation(timedOutRun)).toContain(
      'while the ALB is provisioning, it checks only every 2 minutes',
    )
    expect(getErrorAnnotation(timedOutRun)).toContain('Increase load-balancer-timeout')
    releaseLoadBalancers()
    expectSuccess(await run())
  },
  { requiresSimulatedController: true, start: 'cluster-ip' },
)

scenario(
  'an Ingress that no controller reconciles',
  async ({ environment, run }) => {
    environment.controller.options.isPaused = true
    const result = await run({ 'load-balancer-timeout': '1s' })
    expectFailure(result, 'load-balancer', 'load-balancer-timeout')
    expect(getErrorAnnotation(result)).toContain('no controller has noticed the Ingress')
    expect(getErrorAnnotation(result)).toContain('--watch-namespace')
  },
  { requiresSimulatedController: true, start: 'cluster-ip' },
)

scenario(
  "a failed probe names the targets and the controller's events about their binding",
  async ({ environment, run }) => {
    expectSuccess(await run())
    await environment.overrideAlb({ fixedStatus: 504 })
    const unboundRun = await run(shortProbe)
    expectFailure(unboundRun, 'probe', 'probe-target-timeout')
    expect(getErrorAnnotation(unboundRun)).toMatch(/1 target: [\d.]+:19530 healthy\./)

    const {
      items: [binding],
    } = JSON.parse(await environment.kubectl('get', 'targetgroupbindings', '-o', 'json')) as {
      items: { metadata: { name: string; uid: string } }[]
    }
    const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z')
    const message =
      'expected exactly one securityGroup tagged with kubernetes.io/cluster/production for eni eni-1, got: [sg-1 sg-2] (clusterName: production)'
    await createObjects(environment, {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: 'binding.1', namespace: environment.namespace },
      type: 'Warning',
      reason: 'FailedNetworkReconcile',
      message,
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
      involvedObject: {
        apiVersion: 'elbv2.k8s.aws/v1beta1',
        kind: 'TargetGroupBinding',
        namespace: environment.namespace,
        name: binding?.metadata.name,
        uid: binding?.metadata.uid,
      },
      source: { component: 'targetGroupBinding' },
      reportingComponent: 'targetGroupBinding',
      reportingInstance: '',
    })
    const errorAnnotation = getErrorAnnotation(await run(shortProbe))
    expect(errorAnnotation).toContain(
      `reports for TargetGroupBinding ${binding?.metadata.name ?? ''}: FailedNetworkReconcile: ${message}.`,
    )
    expect(errorAnnotation).toContain('on one security group only')
  },
)

scenario(
  'a Service without pods: the probe reports that no target is registered',
  async ({ environment, run }) => {
    await createObjects(environment, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'nobody' },
      spec: { selector: { app: 'nobody' }, ports: [{ name: 'milvus', port: 19530 }] },
    })
    const result = await run({ ...shortProbe, service: 'nobody' })
    expectFailure(result, 'probe', 'probe-no-targets')
    expect(getErrorAnnotation(result)).toContain('No target is registered in the target group.')
  },
)

simulatorScenario(
  "moto's targets are always healthy",
  'unhealthy targets are named with the reason and what to do',
  async ({ environment, run }) => {
    expectSuccess(await run({ 'security-groups': environment.securityGroup }))
    for (const { targets } of environment.awsState.targetGroups.values())
      for (const target of targets) target.unhealthyReason = 'Target.Timeout'
    await environment.overrideAlb({ fixedStatus: 504 })
    const text = getErrorAnnotation(
      await run({ ...shortProbe, 'security-groups': environment.securityGroup }),
    )
    expect(text).toMatch(
      /1 target: [\d.]+:19530 unhealthy \(Target\.Timeout: Request timed out\)\./,
    )
    expect(text).toContain(
      'add alb.ingress.kubernetes.io/manage-backend-security-group-rules: "true" to annotations',
    )
  },
)

scenario(
  "the controller's webhook is down: the Ingress cannot be written, and a later run creates it",
  async ({ environment, run }) => {
    const removeFault = await breakWebhook(environment)
    const result = await run()
    expectFailure(result, 'ingress', 'controller-webhook-unavailable')
    expect(getErrorAnnotation(result)).toContain('webhook vingress.elbv2.k8s.aws')
    expect(getErrorAnnotation(result)).toContain(
      'Check that the AWS Load Balancer Controller is running',
    )
    expect(await getObject(environment, 'ingress', 'milvus-demo')).toBeUndefined()
    await removeFault()
    expectSuccess(await run())
  },
  { start: 'cluster-ip' },
)

/**
 * Points the API server's webhook call to a port where nothing listens.
 * @returns a function that restores it
 */
async function breakWebhook(environment: TestEnvironment): Promise<() => Promise<unknown>> {
  const url = 'https://127.0.0.1:1/validate-networking-v1-ingress'
  if (environment.name === 'simulator') {
    const message = `Internal error occurred: failed calling webhook "vingress.elbv2.k8s.aws": failed to call webhook: Post "${url}?timeout=10s": dial tcp 127.0.0.1:1: connect: connection refused`
    const remove = environment.requestLog.injectFault({
      service: 'kubernetes',
      operation: /^PATCH .*\/ingresses\//,
      error: { status: 500, code: 'InternalError', message },
    })
    return async () => {
      remove()
      await Promise.resolve()
    }
  }
  const rule = {
    apiGroups: ['networking.k8s.io'],
    apiVersions: ['v1'],
    operations: ['CREATE', 'UPDATE'],
    resources: ['ingresses'],
  }
  const webhook = {
    name: 'vingress.elbv2.k8s.aws',
    clientConfig: { url },
    rules: [rule],
    failurePolicy: 'Fail',
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
  }
  await createObjects(environment, {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name: 'aws-load-balancer-webhook' },
    webhooks: [webhook],
  })
  return () =>
    environment.kubectl('delete', 'validatingwebhookconfiguration', 'aws-load-balancer-webhook')
}

scenario(
  'a controller that watches another namespace is a warning',
  async ({ environment, run }) => {
    const labels = { app: 'controller' }
    const containers = [
      {
        name: 'controller',
        image: 'public.ecr.aws/eks/aws-load-balancer-controller:v2.6.0',
        args: ['--cluster-name=staging', '--watch-namespace=web', '--ingress-class=alb'],
      },
    ]
    const withoutController = expectSuccess(await run())
    expect(withoutController.log).toContain(
      'Deployment kube-system/aws-load-balancer-controller does not exist',
    )
    await environment.kubectl('create', 'namespace', 'kube-system').catch(() => '')
    await createObjects(environment, {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'aws-load-balancer-controller', namespace: 'kube-system' },
      spec: {
        replicas: 1,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers } },
      },
    })
    const result = expectSuccess(await run())
    for (const part of [
      '--watch-namespace=web: it ignores Ingresses of namespace milvus',
      '--cluster-name=staging: it finds subnets',
      'is v2.6.0: before v2.7',
    ])
      expect(result.log).toMatch(new RegExp(`^::warning.*${part}`, 'm'))
  },
)
