/**
 * Results that appear later: the controller's events and the ALB's state. And what a run does when
 * it is cancelled.
 */
import { expect } from '@jest/globals'
import { nextEventWatch, nextLoadBalancerPoll, nextRollout } from './awaited-requests.ts'
import {
  expectFailure,
  expectSuccess,
  expectUnchanged,
  getErrorAnnotation,
  listChanges,
} from './expectations.ts'
import { scenario, setDefaultStart, simulatorScenario } from './harness.ts'
import { getLatestRevision } from './helm-manual-operations.ts'
import { cancelWhen } from './interruptions.ts'
import { chartUpgradeInputs } from './run-inputs.ts'

setDefaultStart('cluster-ip')

const unknownGroupInputs = { 'security-groups': 'sg-00000000' }

scenario(
  'the controller rejects the Ingress: the run fails within a second of its event',
  async ({ environment, run }) => {
    environment.controller.options.unknownIds = ['sg-00000000']
    const eventPosted = environment.requestLog.nextRequest(
      ({ operation, userAgent }) =>
        userAgent.startsWith('aws-load-balancer-controller') && /^POST .*\/events$/.test(operation),
    )
    const eventsWatched = nextEventWatch(environment)
    const result = await run(unknownGroupInputs)
    expectFailure(result, 'load-balancer', 'controller-refused')
    // Measured by the step's own time, because the end of a process depends on the machine. The
    // step began before its watch.
    const stepDurationMs =
      Number(/✗ load-balancer: controller-refused \(([\d.]+) s\)/.exec(result.log)?.[1]) * 1_000
    expect(
      (await eventsWatched).receivedAt + stepDurationMs - (await eventPosted).receivedAt,
    ).toBeLessThan(1_000)
    expect(getErrorAnnotation(result)).toContain('sg-00000000')
    expect(result.outputs['alb-address']).toBeUndefined()
    expect(listChanges(result)).toContain('ingress security-groups')
  },
  { requiresSimulatedController: true },
)

scenario(
  'the controller rejects a change after an earlier success: the old address does not count',
  async ({ environment, run }) => {
    // A certificate that exists, so that the controller can use it once ELB knows it.
    const newGroupInputs = { 'security-groups': environment.securityGroup }
    environment.controller.options.unknownIds = [environment.securityGroup]
    expectSuccess(await run())
    const result = await run(newGroupInputs)
    expectFailure(result, 'load-balancer', 'controller-refused')
    expect(result.outputs['alb-address']).toBeUndefined()

    // Nothing to apply, and the old event is still there, so the run requests a reconcile.
    const secondRun = await run(newGroupInputs)
    expectFailure(secondRun, 'load-balancer', 'controller-refused')
    expect(listChanges(secondRun)).toEqual([
      'load-balancer milvus-alb-action/reconcile-requested-at',
    ])

    // The cause was fixed outside of the Ingress: the requested reconcile makes the controller
    // notice, unless it retries before that.
    environment.controller.options.unknownIds = []
    const fixedRun = await run(newGroupInputs)
    expectSuccess(fixedRun)
    expect(['load-balancer milvus-alb-action/reconcile-requested-at']).toEqual(
      expect.arrayContaining(listChanges(fixedRun)),
    )
    expectUnchanged(await run(newGroupInputs))
  },
  { requiresSimulatedController: true },
)

scenario(
  'a failure event older than the apply does not count',
  async ({ environment, run }) => {
    environment.controller.options.unknownIds = ['sg-00000000']
    expectFailure(await run(unknownGroupInputs), 'load-balancer', 'controller-refused')
    expectSuccess(await run())
  },
  { requiresSimulatedController: true },
)

scenario(
  'a controller that emits no event',
  async ({ environment, run }) => {
    environment.controller.options.isPaused = true
    const result = await run({ 'load-balancer-timeout': '2s' })
    expectFailure(result, 'load-balancer', 'load-balancer-timeout')
    expect(getErrorAnnotation(result)).toContain('no controller has noticed the Ingress')
  },
  { requiresSimulatedController: true },
)

scenario('a certificate that ELB does not know yet is retried', async ({ environment, run }) => {
  const message = 'One or more certificates was not found'
  environment.faults.inject({
    service: 'elbv2',
    operation: 'CreateListener',
    times: 2,
    error: { status: 400, code: 'CertificateNotFound', message },
  })
  expectSuccess(await run())
})

scenario('an ALB that becomes active slowly', async ({ environment, run }) => {
  const release = environment.pauseLoadBalancerProvisioning()
  const loadBalancerPolled = nextLoadBalancerPoll(environment)
  void loadBalancerPolled.then(release)
  expectSuccess(await run())
  await loadBalancerPolled
})

simulatorScenario(
  'an ALB that fails to provision',
  "moto's load balancers do not fail",
  async ({ environment, run }) => {
    expectSuccess(await run())
    for (const balancer of environment.awsState.loadBalancers.values()) balancer.failed = true
    expectFailure(await run(), 'load-balancer', 'load-balancer-failed')
  },
)

scenario('an ALB that never becomes active', async ({ environment, run }) => {
  environment.pauseLoadBalancerProvisioning()
  const result = await run({ 'load-balancer-timeout': '3s' })
  expectFailure(result, 'load-balancer', 'load-balancer-timeout')
  expect(getErrorAnnotation(result)).toContain('is provisioning')
  expect(result.outputs['alb-address']).toMatch(/elb\.amazonaws\.com$/)
})

scenario(
  'the Kubernetes token expires during a wait',
  async ({ environment, run }) => {
    environment.controller.options.reconcileDelay = 4_000
    // Counted from the start of the wait, however long Helm took before. A token states its age in
    // whole seconds.
    const watching = nextEventWatch(environment)
    void watching.then(() => (environment.eks.tokenLifetime = 2_000))
    expectSuccess(await run())
  },
  { requiresSimulatedController: true },
)

scenario('a Helm upgrade that times out', async ({ environment, run }) => {
  const release = environment.pausePodReadiness()
  const inputs = {
    values: 'minio: {bucketName: other}',
    ...chartUpgradeInputs,
  }
  expectFailure(
    await run({ ...inputs, 'release-timeout': '2s' }),
    'release',
    'helm-upgrade-timeout',
  )
  release()
  expectSuccess(await run(inputs))
})

scenario(
  'cancelled while Helm runs: Helm is interrupted, no release stays pending, and the next run continues',
  async ({ environment, run }) => {
    const release = environment.pausePodReadiness()
    const applied = nextRollout(environment)
    const result = await run(chartUpgradeInputs, cancelWhen(applied))
    expectFailure(result, 'release', 'cancelled')
    expect((await getLatestRevision(environment)).status).toBe('failed')
    release()
    expectSuccess(await run(chartUpgradeInputs))
  },
)

scenario(
  'cancelled before the first write: nothing is written',
  async ({ environment, run, writes }) => {
    const reading = environment.requestLog.nextRequest(
      ({ operation }) => operation === 'ListCertificates',
    )
    const result = await run({}, cancelWhen(reading))
    expectFailure(result, 'preflight', 'cancelled')
    expect(writes()).toEqual([])
  },
)

scenario(
  'a run that waits for AWS ends when it is cancelled, with outputs and summary',
  async ({ environment, run }) => {
    environment.faults.inject({
      service: 'acm',
      operation: 'ListCertificates',
      gate: new Promise(() => undefined),
    })
    const asking = environment.requestLog.nextRequest(
      ({ operation }) => operation === 'ListCertificates',
    )
    const cancelled = cancelWhen(asking)
    expectFailure(await run({}, cancelled), 'preflight', 'cancelled')
    expect(cancelled.getDurationMs()).toBeLessThan(7_000)
  },
)

scenario(
  'a brief outage of the Kubernetes API does not end the wait',
  async ({ environment, run }) => {
    environment.controller.options.reconcileDelay = 1_500
    const watching = nextEventWatch(environment)
    void watching.then(() =>
      environment.faults.inject({
        service: 'kubernetes',
        operation: /^GET .*\/events$/,
        times: 6,
        reset: 'before',
      }),
    )
    expectSuccess(await run())
  },
  { requiresSimulatedController: true },
)

scenario(
  'cancelled while waiting for the controller',
  async ({ environment, run }) => {
    environment.controller.options.isPaused = true
    const watching = nextEventWatch(environment)
    const cancelled = cancelWhen(watching)
    const result = await run({}, cancelled)
    expectFailure(result, 'load-balancer', 'cancelled')
    expect(cancelled.getDurationMs()).toBeLessThan(7_000)
    expect(result.summary).toContain('Cancelled in load-balancer')
    environment.controller.options.isPaused = false
    expectSuccess(await run())
  },
  { requiresSimulatedController: true },
)
