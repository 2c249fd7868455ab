/** The controller and the ALB: refusals of ELB, silence, changes by hand in AWS, and targets that answer nobody. */
import { expect } from '@jest/globals'
import type { World } from '../../sandbox/world.ts'
import { answerByRule, deleteListener, deleteLoadBalancer, deleteRule, listener, modifyListener, rules, setAttribute } from './alb-by-hand.ts'
import { create, get, importByHand, loadBalancers } from './hands.ts'
import { annotation, changed, expectFailure, expectSuccess, expectUnchanged, sandboxScenario, scenario, scenariosStart } from './harness.ts'

scenariosStart('deployed')

const nudge = 'load-balancer milvus-alb-action/nudge'
const short = { 'probe-timeout': '1s' }

scenario('what ELB refuses is told with what to do, for each kind of refusal', async ({ world, run }) => {
  const refusals: readonly (readonly [code: string, message: string, remedy: RegExp])[] = [
    ['TooManyLoadBalancers', 'The maximum number of load balancers has been reached', /Ask AWS for a higher quota/],
    ['OperationNotPermitted', 'This AWS account currently does not support creating load balancers.', /Ask AWS Support/],
    ['InvalidSubnet', 'Not enough IP space available in subnet-1.', /eight free addresses each/],
    ['InvalidSecurityGroup', 'One or more security groups are invalid', /Set security-groups to/],
    ['AccessDenied', 'User: arn:aws:sts::1:assumed-role/lbc/x is not authorized to perform: elasticloadbalancing:CreateLoadBalancer', /controller's role, not the job's/],
    ['ExpiredToken', 'The security token included in the request is expired', /controller's service account/],
    ['DuplicateLoadBalancerName', 'A load balancer with the same name exists', /another load-balancer-name/],
  ]
  let mend = (): void => undefined
  for (const [code, message, remedy] of refusals) {
    // The next fault before the last one goes: the controller may try at any moment.
    const before = mend
    mend = world.traffic.inject({ part: 'elbv2', operation: 'CreateLoadBalancer', error: { status: 400, code, message } })
    before()
    const result = await run()
    expectFailure(result, 'load-balancer', 'controller-refused')
    expect(annotation(result)).toContain(`${code}: ${message}`)
    expect(annotation(result)).toMatch(remedy)
  }
  mend()
  expectSuccess(await run())
}, { start: 'cluster-ip' })

scenario('a listener that somebody deleted in AWS is put back', async ({ world, run }) => {
  expectSuccess(await run())
  await deleteListener(world)
  const mended = expectSuccess(await run())
  expect(changed(mended)).toEqual(['load-balancer protocol', nudge])
  expect(mended.outputs['changes']).toContain('changed by hand in AWS; the controller puts it back when it looks again')
  expect(await listener(world)).toMatchObject({ Port: world.listenPort, Protocol: 'HTTPS' })
  expectUnchanged(await run())
})

scenario('what somebody changed in AWS is named, each by its value, and put back', async ({ world, run }) => {
  const { 'certificate-arn': arn } = expectSuccess(await run()).outputs
  const other = await importByHand(world, await world.authority.issue({ hosts: ['other.example.com'] }))
  await modifyListener(world, { SslPolicy: 'ELBSecurityPolicy-2016-08', certificate: other })
  await setAttribute(world, 'idle_timeout.timeout_seconds', '60')
  await deleteRule(world)
  const mended = expectSuccess(await run())
  expect(changed(mended)).toEqual(['load-balancer default certificate', 'load-balancer ssl-policy', `load-balancer rule for ${world.host}`, 'load-balancer attribute idle_timeout.timeout_seconds', nudge])
  expect(mended.summary).toContain('ELBSecurityPolicy-2016-08')
  expect(await listener(world)).toMatchObject({ SslPolicy: 'ELBSecurityPolicy-TLS13-1-2-2021-06', Certificates: [{ CertificateArn: arn }] })
  expect(await rules(world)).toHaveLength(1)
  expectUnchanged(await run())

  await answerByRule(world)
  expect(changed(expectSuccess(await run()))).toEqual([`load-balancer rule for ${world.host}`, nudge])
  expectUnchanged(await run())
})

scenario('an ALB that somebody deleted in AWS is made anew', async ({ world, run }) => {
  const before = expectSuccess(await run()).outputs['alb-address'] ?? ''
  await deleteLoadBalancer(world)
  const mended = expectSuccess(await run())
  expect(changed(mended)).toEqual(['load-balancer DNS name', nudge])
  expect(await loadBalancers(world)).toEqual([mended.outputs['alb-address']])
  // moto gives the same name the same address.
  if (world.name === 'sandbox') expect(mended.log).toMatch(/^::warning.*has another name: point the DNS record of milvus.example.com at/m)
  else expect(mended.outputs['alb-address']).toBe(before)
  expectUnchanged(await run())
})

scenario('what the class sets over the Ingress is no change by hand', async ({ world, run }) => {
  const spec = { sslPolicy: 'ELBSecurityPolicy-TLS13-1-3-2021-06', loadBalancerAttributes: [{ key: 'idle_timeout.timeout_seconds', value: '120' }] }
  await create(world,
    { apiVersion: 'elbv2.k8s.aws/v1beta1', kind: 'IngressClassParams', metadata: { name: 'platform' }, spec },
    { apiVersion: 'networking.k8s.io/v1', kind: 'IngressClass', metadata: { name: 'platform' }, spec: { controller: 'ingress.k8s.aws/alb', parameters: { apiGroup: 'elbv2.k8s.aws', kind: 'IngressClassParams', name: 'platform' } } })
  expectSuccess(await run({ 'ingress-class': 'platform' }))
  expect(await listener(world)).toMatchObject({ SslPolicy: spec.sslPolicy })
  expectUnchanged(await run({ 'ingress-class': 'platform' }))
})

sandboxScenario('nobody is quick enough by hand', 'what the controller does not put back is a warning', async ({ world, run }) => {
  expectSuccess(await run())
  const spoil = (): void => world.state.loadBalancers.forEach(({ attributes }) => attributes.set('idle_timeout.timeout_seconds', '60'))
  spoil()
  void world.traffic.next(({ operation, client }) => client.startsWith('aws-load-balancer-controller') && operation.includes('/events')).then(spoil)
  const result = expectSuccess(await run())
  expect(result.log).toMatch(/^::warning.*The controller has looked, and load balancer k8s-\S+ still differs: attribute idle_timeout.timeout_seconds is 60, and the Ingress says 600/m)
})

scenario('credentials that may not look at listeners find no change by hand, and go on', async ({ world, run }) => {
  expectSuccess(await run({}, { environment: await world.assumeRole() }))
  await setAttribute(world, 'idle_timeout.timeout_seconds', '60')
  expectUnchanged(await run({}, { environment: await world.assumeRole('elasticloadbalancing:DescribeLoadBalancerAttributes') }))
  expect(changed(expectSuccess(await run({}, { environment: await world.assumeRole('elasticloadbalancing:DescribeListeners') })))).toContain(nudge)
})

scenario('a success that the controller does not say is seen in ELB', async ({ world, run }) => {
  world.controller.options.mute = true
  const result = expectSuccess(await run())
  expect(result.summary).toContain('The controller has not said that it is done')
  // Nobody's word, and nothing to see: a change of this kind shows in no listener.
  const unseen = await run({ 'inbound-cidrs': '10.0.0.0/8', 'load-balancer-timeout': '5s' })
  expectFailure(unseen, 'load-balancer', 'load-balancer-timeout')
  expect(annotation(unseen)).toContain('works on the Ingress (its finalizer is there) and has not said anything')
}, { steersController: true, start: 'cluster-ip' })

scenario('a controller that looks again only in two minutes, without a word', async ({ world, run }) => {
  const release = world.holdLoadBalancers()
  const mend = world.traffic.inject({ part: 'elbv2', operation: 'CreateListener', error: { status: 400, code: 'SSLPolicyNotFound', message: 'x' } })
  expectFailure(await run(), 'load-balancer', 'controller-refused')
  mend()
  const silent = await run({ 'load-balancer-timeout': '3s' })
  expectFailure(silent, 'load-balancer', 'load-balancer-timeout')
  expect(annotation(silent)).toContain('while the ALB is provisioning it looks again only every 2 minutes')
  expect(annotation(silent)).toContain('Give load-balancer-timeout more time')
  release()
  expectSuccess(await run())
}, { steersController: true, start: 'cluster-ip' })

scenario('an Ingress that nobody takes up', async ({ world, run }) => {
  world.controller.options.silent = true
  const result = await run({ 'load-balancer-timeout': '1s' })
  expectFailure(result, 'load-balancer', 'load-balancer-timeout')
  expect(annotation(result)).toContain('nobody has taken it up')
  expect(annotation(result)).toContain('--watch-namespace')
}, { steersController: true, start: 'cluster-ip' })

scenario('a probe that fails names the targets and what the controller says of their binding', async ({ world, run }) => {
  expectSuccess(await run())
  await world.overrideAlb({ respond: 504 })
  const plain = await run(short)
  expectFailure(plain, 'probe', 'probe-target-timeout')
  expect(annotation(plain)).toMatch(/1 target: [\d.]+:19530 healthy\./)

  const { items: [binding] } = JSON.parse(await world.kubectl('get', 'targetgroupbindings', '-o', 'json')) as { items: { metadata: { name: string; uid: string } }[] }
  const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z')
  const message = 'expected exactly one securityGroup tagged with kubernetes.io/cluster/production for eni eni-1, got: [sg-1 sg-2] (clusterName: production)'
  await create(world, {
    apiVersion: 'v1', kind: 'Event', metadata: { name: 'binding.1', namespace: world.namespace }, type: 'Warning', reason: 'FailedNetworkReconcile', message, firstTimestamp: now, lastTimestamp: now, count: 1,
    involvedObject: { apiVersion: 'elbv2.k8s.aws/v1beta1', kind: 'TargetGroupBinding', namespace: world.namespace, name: binding?.metadata.name, uid: binding?.metadata.uid }, source: { component: 'targetGroupBinding' }, reportingComponent: 'targetGroupBinding', reportingInstance: '',
  })
  const told = annotation(await run(short))
  expect(told).toContain(`says of TargetGroupBinding ${binding?.metadata.name ?? ''}: FailedNetworkReconcile: ${message}.`)
  expect(told).toContain('on one security group only')
})

scenario('a Service without pods: the probe says that no target is registered', async ({ world, run }) => {
  await create(world, { apiVersion: 'v1', kind: 'Service', metadata: { name: 'nobody' }, spec: { selector: { app: 'nobody' }, ports: [{ name: 'milvus', port: 19530 }] } })
  const result = await run({ ...short, service: 'nobody' })
  expectFailure(result, 'probe', 'probe-no-targets')
  expect(annotation(result)).toContain('No target is registered in the target group.')
})

sandboxScenario("moto's targets are always healthy", 'targets that are not healthy are named with their reason and advice', async ({ world, run }) => {
  expectSuccess(await run({ 'security-groups': world.securityGroup }))
  for (const { targets } of world.state.targetGroups.values()) for (const target of targets) target.unhealthyReason = 'Target.Timeout'
  await world.overrideAlb({ respond: 504 })
  const text = annotation(await run({ ...short, 'security-groups': world.securityGroup }))
  expect(text).toMatch(/1 target: [\d.]+:19530 unhealthy \(Target\.Timeout: Request timed out\)\./)
  expect(text).toContain('give annotations the entry alb.ingress.kubernetes.io/manage-backend-security-group-rules: "true"')
})

scenario("the controller's webhook is down: the Ingress cannot be written, and a run after that makes it", async ({ world, run }) => {
  const mend = await downWebhook(world)
  const result = await run()
  expectFailure(result, 'ingress', 'controller-webhook-unavailable')
  expect(annotation(result)).toContain('webhook vingress.elbv2.k8s.aws')
  expect(annotation(result)).toContain('Make the AWS Load Balancer Controller run')
  expect(await get(world, 'ingress', 'milvus-demo')).toBeUndefined()
  await mend()
  expectSuccess(await run())
}, { start: 'cluster-ip' })

/** Has the API ask the controller's webhook where nobody listens. @returns what mends it */
async function downWebhook(world: World): Promise<() => Promise<unknown>> {
  const url = 'https://127.0.0.1:1/validate-networking-v1-ingress'
  if (world.name === 'sandbox') {
    const message = `Internal error occurred: failed calling webhook "vingress.elbv2.k8s.aws": failed to call webhook: Post "${url}?timeout=10s": dial tcp 127.0.0.1:1: connect: connection refused`
    const remove = world.traffic.inject({ part: 'kubernetes', operation: /^PATCH .*\/ingresses\//, error: { status: 500, code: 'InternalError', message } })
    return async () => {
      remove()
      await Promise.resolve()
    }
  }
  const rule = { apiGroups: ['networking.k8s.io'], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['ingresses'] }
  const webhook = { name: 'vingress.elbv2.k8s.aws', clientConfig: { url }, rules: [rule], failurePolicy: 'Fail', sideEffects: 'None', admissionReviewVersions: ['v1'] }
  await create(world, { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingWebhookConfiguration', metadata: { name: 'aws-load-balancer-webhook' }, webhooks: [webhook] })
  return () => world.kubectl('delete', 'validatingwebhookconfiguration', 'aws-load-balancer-webhook')
}

scenario('a controller that looks elsewhere is a warning', async ({ world, run }) => {
  const labels = { app: 'controller' }
  const containers = [{ name: 'controller', image: 'public.ecr.aws/eks/aws-load-balancer-controller:v2.6.0', args: ['--cluster-name=staging', '--watch-namespace=web', '--ingress-class=alb'] }]
  const none = expectSuccess(await run())
  expect(none.log).toContain('There is no Deployment kube-system/aws-load-balancer-controller')
  await world.kubectl('create', 'namespace', 'kube-system').catch(() => '')
  await create(world, { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'aws-load-balancer-controller', namespace: 'kube-system' }, spec: { replicas: 1, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers } } } })
  const result = expectSuccess(await run())
  for (const part of ['--watch-namespace=web: it takes up no Ingress of namespace milvus', '--cluster-name=staging: it finds subnets', 'is v2.6.0: before v2.7']) expect(result.log).toMatch(new RegExp(`^::warning.*${part}`, 'm'))
})
