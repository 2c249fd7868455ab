/** The AWS Load Balancer Controller: its version and arguments, its webhook, and its silence. */
import { expect } from '@jest/globals'
import type { TestEnvironment } from '../../testing/environment.ts'
import {
  expectFailure,
  expectFailureWithoutWrites,
  expectSuccess,
  expectToContainAll,
  expectWarnings,
  getErrorAnnotation,
} from './expectations.ts'
import { scenario, setDefaultStart } from './harness.ts'
import { annotationPrefix } from './ingress-manual-operations.ts'
import { createObjects, getObject } from './manual-operations.ts'

setDefaultStart('cluster-ip')

/** Creates a Deployment of the controller, as its chart does. */
async function createControllerDeployment(
  environment: TestEnvironment,
  { version, args = [], replicas = 1 }: { version: string; args?: string[]; replicas?: number },
): Promise<void> {
  const labels = { app: 'controller' }
  const image = `public.ecr.aws/eks/aws-load-balancer-controller:${version}`
  await environment.kubectl('create', 'namespace', 'kube-system').catch(() => '')
  await createObjects(environment, {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'aws-load-balancer-controller', namespace: 'kube-system' },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: 'controller', image, args }] },
      },
    },
  })
}

scenario(
  'a controller that is not ready, or is outdated, is a warning',
  async ({ environment, run }) => {
    await createControllerDeployment(environment, { version: 'v2.6.0', replicas: 0 })
    // v2.6.0 does not know it, and this Ingress does not need it.
    const annotations = `${annotationPrefix}/transforms.attu: '[]'`
    const result = expectSuccess(await run({ annotations }))
    expect(result.log).toMatch(/^::warning.*transforms.attu, which has no effect/m)
    expect(result.log).toMatch(
      /^::warning.*No replica of kube-system\/aws-load-balancer-controller/m,
    )
    expect(result.log).toMatch(/^::warning.*is v2.6.0: before v2.7 it registers no target/m)
  },
)

scenario('annotations that the version of the controller does not support', async (scenario) => {
  const { environment, run } = scenario
  await createControllerDeployment(environment, { version: 'v2.14.0' })
  const annotations = [
    `${annotationPrefix}/wafv2-acl-name: production`,
    `${annotationPrefix}/jwt-validation: '{"issuer": "https://x", "jwksEndpoint": "https://x/keys"}'`,
  ].join('\n')
  const text = await expectFailureWithoutWrites(scenario, { annotations }, 'controller-unsuitable')
  expectToContainAll(text, [
    'The AWS Load Balancer Controller is v2.14.0, which',
    `panics at ${annotationPrefix}/wafv2-acl-name`,
    `ignores ${annotationPrefix}/jwt-validation (new in v2.15.0)`,
    'Update the controller to v2.15.0 or later, or remove',
  ])
  await environment.kubectl(
    '--namespace=kube-system',
    'set',
    'image',
    'deployment/aws-load-balancer-controller',
    `controller=public.ecr.aws/eks/aws-load-balancer-controller@sha256:${'0'.repeat(64)}`,
  )
  const result = expectSuccess(await run({ annotations, 'dry-run': 'true' }))
  expect(result.log).toContain(
    `Older versions of the controller ignore or reject these annotations: ${annotationPrefix}/` +
      `wafv2-acl-name (v2.14.1), ${annotationPrefix}/jwt-validation (v2.15.0).`,
  )
})

scenario('arguments of the controller that the inputs contradict', async (scenario) => {
  await createControllerDeployment(scenario.environment, {
    version: 'v3.5.0',
    args: ['--enable-wafv2=false', '--external-managed-tags=owner,team'],
  })
  const inputs = {
    annotations: `${annotationPrefix}/wafv2-acl-name: production`,
    tags: 'team=search',
  }
  const text = await expectFailureWithoutWrites(scenario, inputs, 'controller-unsuitable')
  expectToContainAll(text, [
    `with --enable-wafv2=false it ignores ${annotationPrefix}/wafv2-acl-name`,
    `with --external-managed-tags=team it rejects tag team in ${annotationPrefix}/tags`,
  ])
})

scenario(
  'a controller that watches another namespace is a warning',
  async ({ environment, run }) => {
    const withoutController = expectSuccess(await run())
    expect(withoutController.log).toContain(
      'Deployment kube-system/aws-load-balancer-controller does not exist',
    )
    await createControllerDeployment(environment, {
      version: 'v2.6.0',
      args: ['--cluster-name=staging', '--watch-namespace=web', '--ingress-class=alb'],
    })
    const result = expectSuccess(await run())
    expectWarnings(result, [
      '--watch-namespace=web: it ignores Ingresses of namespace milvus',
      '--cluster-name=staging: it finds subnets',
      'is v2.6.0: before v2.7',
    ])
  },
  { start: 'deployed' },
)

/**
 * Points the API server's webhook call to a port where nothing listens.
 * @returns a function that restores it
 */
async function breakWebhook(environment: TestEnvironment): Promise<() => Promise<unknown>> {
  const url = 'https://127.0.0.1:1/validate-networking-v1-ingress'
  if (environment.name === 'simulator') {
    const message = `Internal error occurred: failed calling webhook "vingress.elbv2.k8s.aws": failed to call webhook: Post "${url}?timeout=10s": dial tcp 127.0.0.1:1: connect: connection refused`
    const remove = environment.faults.inject({
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
    const removeFault = environment.faults.inject({
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
