/** What shows only later: the controller's word, the ALB's state, the probe's stages; and what a run does when it is cancelled. */
import { expect } from '@jest/globals'
import { annotation, changed, expectFailure, expectSuccess, expectUnchanged, sandboxScenario, scenario } from './harness.ts'

const short = { 'probe-timeout': '1s' }
const unknownGroup = { 'security-groups': 'sg-unknown' }

scenario('the controller refuses: the run fails within a second of its word', async ({ world, run }) => {
  world.controller.options.unknownIds = ['sg-unknown']
  const word = world.traffic.next(({ operation, client }) => client.startsWith('aws-load-balancer-controller') && /^POST .*\/events$/.test(operation))
  const result = await run(unknownGroup)
  expectFailure(result, 'load-balancer', 'controller-refused')
  expect(Date.now() - (await word).at).toBeLessThan(1_500) // the end of the process and post included
  expect(annotation(result)).toContain('sg-unknown')
  expect(result.outputs['alb-address']).toBeUndefined()
  expect(changed(result)).toContain('ingress security-groups')
}, { steersController: true })

scenario('the controller refuses after an earlier success: the old address does not count', async ({ world, run }) => {
  world.controller.options.unknownIds = ['sg-unknown']
  expectSuccess(await run())
  const result = await run(unknownGroup)
  expectFailure(result, 'load-balancer', 'controller-refused')
  expect(result.outputs['alb-address']).toBeUndefined()

  // Again the same: nothing to apply, and the old word still stands, so the controller is nudged and asked anew.
  const again = await run(unknownGroup)
  expectFailure(again, 'load-balancer', 'controller-refused')
  expect(changed(again)).toEqual(['load-balancer milvus-alb-action/nudge'])

  // Mended outside of the Ingress: the nudge is what makes the controller see it, unless it tries again by itself before that.
  world.controller.options.unknownIds = []
  const mended = await run(unknownGroup)
  expectSuccess(mended)
  expect(['load-balancer milvus-alb-action/nudge']).toEqual(expect.arrayContaining(changed(mended)))
  expectUnchanged(await run(unknownGroup))
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
  world.eks.tokenLifetime = 1_200
  world.controller.options.delay = 2_500
  expectSuccess(await run())
}, { steersController: true })

for (const [status, code] of [[403, 'probe-http-error'], [404, 'probe-not-routed'], [464, 'probe-protocol-mismatch'], [502, 'probe-target-failed'], [503, 'probe-no-targets'], [504, 'probe-target-timeout']] as const) {
  scenario(`the ALB answers ${status}`, async ({ world, run }) => {
    await world.overrideAlb({ respond: status })
    const result = await run(short)
    expectFailure(result, 'probe', code)
    expect(annotation(result)).toContain(`HTTP ${status}`)
    expect(result.outputs['alb-address']).toBeDefined()
  })
}

sandboxScenario('Envoy does not say when a request has come', 'targets that come up while the probe tries', async ({ world, run }) => {
  await world.overrideAlb({ respond: 503 })
  world.traffic.inject({ part: 'alb', operation: /.*/, times: 1, until: world.overrideAlb({ respond: undefined }) })
  expectSuccess(await run())
})

scenario('the ALB serves another certificate', async ({ world, run }) => {
  const other = await world.authority.issue({ hosts: [world.host] })
  await world.overrideAlb({ serve: { certificate: other.fullchain, privateKey: other.privateKey } })
  expectFailure(await run(short), 'probe', 'probe-certificate-differs')
})

scenario('a private authority: untrusted, and trusted by probe-ca', async ({ world, run }) => {
  const environment = { NODE_EXTRA_CA_CERTS: '' }
  expectFailure(await run({}, { environment }), 'probe', 'probe-certificate-untrusted')
  const trusted = await run({ 'probe-ca': world.authority.root }, { environment })
  expectSuccess(trusted)
  expect(trusted.summary).toContain('server_pem_path')
})

scenario('an ALB without HTTP/2', async ({ world, run }) => {
  await world.overrideAlb({ alpn: ['http/1.1'] })
  expectFailure(await run(short), 'probe', 'probe-http2-missing')
})

scenario('an ALB that takes no connection', async ({ world, run }) => {
  await world.overrideAlb({ refuse: true })
  expectFailure(await run(short), 'probe', 'probe-unreachable')
})

scenario('a name that is not in the DNS yet', async ({ world, run }) => {
  await world.setNames({ '*.elb.amazonaws.com': '' })
  const failed = await run(short)
  expectFailure(failed, 'probe', 'probe-dns-failed')
  const addressed = await run({ ...short, 'probe-address': `${world.albAddress}:${world.listenPort}` })
  expectSuccess(addressed)
})

scenario('Milvus with authorization: reached without a token, proven with one, refused with a wrong one', async ({ world, run }) => {
  const token = await world.requireAuthorization()
  const without = await run({ 'milvus-token': '' })
  expectSuccess(without)
  expect(without.outputs['milvus-version']).toBeUndefined()
  expect(without.summary).toContain('asks for credentials')
  const proven = await run({ 'milvus-token': token })
  expectSuccess(proven)
  expect(proven.outputs['milvus-version']).toMatch(/^v2\./)
  expectFailure(await run({ 'milvus-token': 'root:canary-of-another' }), 'probe', 'milvus-unauthenticated')
})

sandboxScenario('a real Milvus has no switch for it', 'Milvus that is not healthy, and says why', async ({ world, run }) => {
  Object.assign(world.milvus, { healthy: false, reasons: ['querycoord not ready'] })
  const result = await run(short)
  expectFailure(result, 'probe', 'milvus-unhealthy')
  expect(annotation(result)).toContain('querycoord not ready')
})

sandboxScenario('a real Milvus has no switch for it', 'Milvus that is not ready', async ({ world, run }) => {
  world.milvus.ready = false
  expectFailure(await run(short), 'probe', 'milvus-not-ready')
})

scenario('Milvus without authorization is a warning behind an open ALB, a note behind any other, and a failure when authorization is asked for', async ({ world, run }) => {
  const open = expectSuccess(await run())
  expect(open.log).toMatch(/^::warning .*answers without credentials.*open to the internet/m)
  const narrowed = expectSuccess(await run({ 'inbound-cidrs': '10.0.0.0/8' }))
  expect(narrowed.log).not.toMatch(/^::warning .*without credentials/m)
  expect(narrowed.summary).toContain('answers without credentials')
  expectFailure(await run({ 'require-authorization': 'true' }), 'probe', 'milvus-authorization-off')
  const token = await world.requireAuthorization()
  const closed = expectSuccess(await run({ 'require-authorization': 'true', 'milvus-token': token }))
  expect(closed.summary).not.toContain('answers without credentials')
})

scenario('probe: off is loud', async ({ world, run }) => {
  await world.overrideAlb({ refuse: true })
  const result = await run({ probe: 'off' })
  expectSuccess(result)
  expect(result.log).toMatch(/^::warning .*probe is off/m)
  expect(result.summary).toContain('was not probed')
})

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
  const result = await run({ 'chart-version': '5.0.19', 'allow-chart-change': 'true' }, { onStart: (child) => void applied.then(() => child.kill('SIGINT')) })
  expectFailure(result, 'release', 'cancelled')
  const [last] = (JSON.parse(await world.helm('history', 'milvus-demo', '--max', '1', '-o', 'json')) as { status: string }[])
  expect(last?.status).toBe('failed')
  release()
  expectSuccess(await run({ 'chart-version': '5.0.19', 'allow-chart-change': 'true' }))
})

scenario('cancelled before anything is written: nothing is', async ({ world, run, writes }) => {
  const reading = world.traffic.next(({ operation }) => operation === 'ListCertificates')
  const result = await run({}, { onStart: (child) => void reading.then(() => child.kill('SIGINT')) })
  expectFailure(result, 'preflight', 'cancelled')
  expect(writes()).toEqual([])
})

scenario('an AWS that never answers ends the run when it is cancelled, with outputs and summary', async ({ world, run }) => {
  world.traffic.inject({ part: 'acm', operation: 'ListCertificates', until: new Promise(() => undefined) })
  const asking = world.traffic.next(({ operation }) => operation === 'ListCertificates')
  const result = await run({}, { onStart: (child) => void asking.then(() => child.kill('SIGINT')) })
  expectFailure(result, 'preflight', 'cancelled')
  expect(Date.now() - (await asking).at).toBeLessThan(7_000)
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
  const result = await run({}, { onStart: (child) => void watching.then(() => child.kill('SIGINT')) })
  expectFailure(result, 'load-balancer', 'cancelled')
  expect(Date.now() - (await watching).at).toBeLessThan(7_000)
  expect(result.summary).toContain('Cancelled in load-balancer')
  world.controller.options.silent = false
  expectSuccess(await run())
}, { steersController: true })
