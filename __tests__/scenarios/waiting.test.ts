/** What shows only later: the controller's word and the ALB's state; and what a run does when it is cancelled. */
import type { ChildProcess } from 'node:child_process'
import { expect } from '@jest/globals'
import { annotation, changed, expectFailure, expectSuccess, expectUnchanged, sandboxScenario, scenario, scenariosStart } from './harness.ts'

scenariosStart('cluster-ip')

/** Options of a run that is told to end at a moment, as the runner tells it first. `took()`: milliseconds from then to its end. */
function cancelAt(moment: Promise<unknown>) {
  let took = Infinity
  const onStart = (child: ChildProcess): void => void moment.then(() => {
    const start = performance.now()
    child.once('exit', () => { took = performance.now() - start }).kill('SIGINT')
  })
  return { onStart, took: () => took }
}

const unknownGroup = { 'security-groups': 'sg-unknown' }

scenario('the controller refuses: the run fails within a second of its word', async ({ world, run }) => {
  world.controller.options.unknownIds = ['sg-unknown']
  const word = world.traffic.next(({ operation, client }) => client.startsWith('aws-load-balancer-controller') && /^POST .*\/events$/.test(operation))
  const watch = world.traffic.next(({ operation, query }) => operation.endsWith('/events') && query.includes('watch=true'))
  const result = await run(unknownGroup)
  expectFailure(result, 'load-balancer', 'controller-refused')
  // By the step's own time: how long a process takes to end is the machine's matter. The step began before its watch.
  const took = Number(/✗ load-balancer: controller-refused \(([\d.]+) s\)/.exec(result.log)?.[1]) * 1_000
  expect((await watch).at + took - (await word).at).toBeLessThan(1_000)
  expect(annotation(result)).toContain('sg-unknown')
  expect(result.outputs['alb-address']).toBeUndefined()
  expect(changed(result)).toContain('ingress security-groups')
}, { steersController: true })

scenario('the controller refuses after an earlier success: the old address does not count', async ({ world, run }) => {
  // One that exists, so that the controller can use it once it knows it.
  const laterKnown = { 'security-groups': world.securityGroup }
  world.controller.options.unknownIds = [world.securityGroup]
  expectSuccess(await run())
  const result = await run(laterKnown)
  expectFailure(result, 'load-balancer', 'controller-refused')
  expect(result.outputs['alb-address']).toBeUndefined()

  // Again the same: nothing to apply, and the old word still stands, so the controller is nudged and asked anew.
  const again = await run(laterKnown)
  expectFailure(again, 'load-balancer', 'controller-refused')
  expect(changed(again)).toEqual(['load-balancer milvus-alb-action/nudge'])

  // Mended outside of the Ingress: the nudge is what makes the controller see it, unless it tries again by itself before that.
  world.controller.options.unknownIds = []
  const mended = await run(laterKnown)
  expectSuccess(mended)
  expect(['load-balancer milvus-alb-action/nudge']).toEqual(expect.arrayContaining(changed(mended)))
  expectUnchanged(await run(laterKnown))
}, { steersController: true })

scenario('a failure that is older than the apply does not count', async ({ world, run }) => {
  world.controller.options.unknownIds = ['sg-unknown']
  expectFailure(await run(unknownGroup), 'load-balancer', 'controller-refused')
  expectSuccess(await run())
}, { steersController: true })

scenario('a controller that says nothing', async ({ world, run }) => {
  world.controller.options.silent = true
  const result = await run({ 'load-balancer-timeout': '2s' })
  expectFailure(result, 'load-balancer', 'load-balancer-timeout')
  expect(annotation(result)).toContain('has not said anything')
}, { steersController: true })

scenario('a certificate that ELB does not know yet is waited for', async ({ world, run }) => {
  const message = 'One or more certificates was not found'
  world.traffic.inject({ part: 'elbv2', operation: 'CreateListener', times: 2, error: { status: 400, code: 'CertificateNotFound', message } })
  expectSuccess(await run())
})

scenario('an ALB that takes its time', async ({ world, run }) => {
  const release = world.holdLoadBalancers()
  const looked = world.traffic.next(({ operation, client }) => operation === 'DescribeLoadBalancers' && client.includes('milvus-alb-action'))
  void looked.then(release)
  expectSuccess(await run())
  await looked
})

sandboxScenario("moto's load balancers do not fail", 'an ALB that fails', async ({ world, run }) => {
  expectSuccess(await run())
  for (const balancer of world.state.loadBalancers.values()) balancer.failed = true
  expectFailure(await run(), 'load-balancer', 'load-balancer-failed')
})

scenario('an ALB that never becomes active', async ({ world, run }) => {
  world.holdLoadBalancers()
  const result = await run({ 'load-balancer-timeout': '3s' })
  expectFailure(result, 'load-balancer', 'load-balancer-timeout')
  expect(annotation(result)).toContain('is provisioning')
  expect(result.outputs['alb-address']).toMatch(/elb\.amazonaws\.com$/)
})

scenario('the Kubernetes token ends in the middle of a wait', async ({ world, run }) => {
  world.controller.options.delay = 4_000
  // From the wait on, however long helm took before it; a token says its age in whole seconds.
  const watching = world.traffic.next(({ operation, query }) => operation.endsWith('/events') && query.includes('watch=true'))
  void watching.then(() => (world.eks.tokenLifetime = 2_000))
  expectSuccess(await run())
}, { steersController: true })

scenario('helm that does not get ready in time', async ({ world, run }) => {
  const release = world.holdPods()
  const inputs = { values: 'minio: {bucketName: other}', 'chart-version': '5.0.19', 'allow-chart-change': 'true' }
  expectFailure(await run({ ...inputs, 'release-timeout': '2s' }), 'release', 'helm-upgrade-timeout')
  release()
  expectSuccess(await run(inputs))
})

scenario('cancelled while helm runs: helm is told, no release stays pending, and the next run goes on', async ({ world, run }) => {
  const release = world.holdPods()
  // The last that helm writes before it waits.
  const applied = world.traffic.next(({ operation, client }) => client.startsWith('Helm') && /^PATCH .*\/deployments\//.test(operation))
  const result = await run({ 'chart-version': '5.0.19', 'allow-chart-change': 'true' }, cancelAt(applied))
  expectFailure(result, 'release', 'cancelled')
  const [last] = (JSON.parse(await world.helm('history', 'milvus-demo', '--max', '1', '-o', 'json')) as { status: string }[])
  expect(last?.status).toBe('failed')
  release()
  expectSuccess(await run({ 'chart-version': '5.0.19', 'allow-chart-change': 'true' }))
})

scenario('cancelled before anything is written: nothing is', async ({ world, run, writes }) => {
  const reading = world.traffic.next(({ operation }) => operation === 'ListCertificates')
  const result = await run({}, cancelAt(reading))
  expectFailure(result, 'preflight', 'cancelled')
  expect(writes()).toEqual([])
})

scenario('an AWS that never answers ends the run when it is cancelled, with outputs and summary', async ({ world, run }) => {
  world.traffic.inject({ part: 'acm', operation: 'ListCertificates', until: new Promise(() => undefined) })
  const asking = world.traffic.next(({ operation }) => operation === 'ListCertificates')
  const cancelled = cancelAt(asking)
  expectFailure(await run({}, cancelled), 'preflight', 'cancelled')
  expect(cancelled.took()).toBeLessThan(7_000)
})

scenario('a Kubernetes API that is away for a moment does not end the wait', async ({ world, run }) => {
  world.controller.options.delay = 1_500
  const watching = world.traffic.next(({ operation, query }) => operation.endsWith('/events') && query.includes('watch=true'))
  void watching.then(() => world.traffic.inject({ part: 'kubernetes', operation: /^GET .*\/events$/, times: 6, reset: true }))
  expectSuccess(await run())
}, { steersController: true })

scenario('cancelled in the wait for the controller', async ({ world, run }) => {
  world.controller.options.silent = true
  const watching = world.traffic.next(({ operation, query }) => operation.endsWith('/events') && query.includes('watch=true'))
  const cancelled = cancelAt(watching)
  const result = await run({}, cancelled)
  expectFailure(result, 'load-balancer', 'cancelled')
  expect(cancelled.took()).toBeLessThan(7_000)
  expect(result.summary).toContain('Cancelled in load-balancer')
  world.controller.options.silent = false
  expectSuccess(await run())
}, { steersController: true })
