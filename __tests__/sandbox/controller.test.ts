import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { startAlb } from '../../sandbox/alb.ts'
import { at, items, text } from '../../sandbox/kubernetes/api.ts'
import { startMilvus } from '../../sandbox/milvus.ts'
import { milvusPath, open as connect, request } from './grpc.ts'
import { apply, authority, CERTIFICATE, close, controller, event, events, HOST, hostname, ingress, kubernetes, live, MISSING, open, state, traffic, until } from './cluster.ts'

beforeEach(open)
afterEach(close)

test("the guide's Ingress: finalizer, load balancer, status, event, targets", async () => {
  apply(ingress())
  const happened = await event('SuccessfullyReconciled')
  expect(happened).toMatchObject({
    type: 'Normal', message: 'Successfully reconciled', count: 1, source: { component: 'ingress' },
    involvedObject: { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', name: 'milvus-demo', namespace: 'milvus', uid: live()?.metadata.uid },
  })
  expect(happened['lastTimestamp']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  expect(live()?.metadata['finalizers']).toEqual(['ingress.k8s.aws/resources'])
  const [loadBalancer] = state.loadBalancers.values()
  // The name that the real one gave in a cluster called demo.
  expect(loadBalancer).toMatchObject({ scheme: 'internet-facing', name: 'k8s-milvus-milvusde-17e2427710' })
  expect(Object.fromEntries(loadBalancer?.tags ?? [])).toEqual({ 'elbv2.k8s.aws/cluster': 'demo', 'ingress.k8s.aws/stack': 'milvus/milvus-demo', 'ingress.k8s.aws/resource': 'LoadBalancer' })
  expect(at(live(), 'status', 'loadBalancer')).toEqual({ ingress: [{ hostname: loadBalancer?.dnsName.toLowerCase(), ports: [{ port: 443, protocol: '' }] }] })
  const [group] = state.targetGroups.values()
  expect(group).toMatchObject({ protocolVersion: 'GRPC', port: 1, healthCheckPath: '/AWS.ALB/healthcheck', matcher: '12' })
  expect(group?.tags.get('ingress.k8s.aws/resource')).toBe('milvus/milvus-demo-milvus-demo:19530')
  expect(loadBalancer?.listeners).toMatchObject([{ port: 443, protocol: 'HTTPS', sslPolicy: 'ELBSecurityPolicy-2016-08', certificateArns: [CERTIFICATE] }])
  expect(loadBalancer?.listeners[0]?.rules).toMatchObject([
    { priority: 1, hosts: [HOST], paths: ['/*'], action: { targetGroupArn: group?.arn } },
    { priority: 'default', action: { status: 404, contentType: 'text/plain' } },
  ])
  await until(() => group?.targets.length === 1)
  expect(group?.targets).toMatchObject([{ id: '10.244.0.2', port: 19530 }])
  const [binding] = kubernetes.list('TargetGroupBinding', 'milvus')
  expect(binding).toMatchObject({
    metadata: { name: group?.name, labels: { 'ingress.k8s.aws/stack-namespace': 'milvus', 'ingress.k8s.aws/stack-name': 'milvus-demo' } },
    spec: { targetGroupARN: group?.arn, targetType: 'ip', serviceRef: { name: 'milvus-demo', port: 19530 } },
  })
})

test('targets follow the endpoints', async () => {
  apply(ingress())
  await event('SuccessfullyReconciled')
  const [group] = state.targetGroups.values()
  await until(() => group?.targets.length === 1)
  const slice = kubernetes.get('EndpointSlice', 'milvus', 'milvus-demo-abcde')
  if (slice) kubernetes.replace({ ...slice, endpoints: [{ addresses: ['10.244.0.9'], conditions: { ready: true } }] })
  await until(() => group?.targets[0]?.id === '10.244.0.9' && group.targets.length === 1)
})

test('an unchanged apply makes no event, a change or a nudge counts the one there is up', async () => {
  apply(ingress())
  await event('SuccessfullyReconciled')
  await until(() => [...state.targetGroups.values()][0]?.targets.length === 1)
  const before = traffic.requests.length
  apply(ingress())
  apply(ingress({ 'milvus-alb-action/nudge': '1' }))
  await event('SuccessfullyReconciled', 2)
  expect(events('SuccessfullyReconciled')).toHaveLength(1)
  const mutating = traffic.requests.slice(before).filter((request) => request.mutating).map(({ operation }) => operation)
  expect(mutating).toEqual([expect.stringMatching(/^PATCH .*\/events\//)])
})

test('a certificate that ACM lacks, the right one, and a wrong one again', async () => {
  apply(ingress({ 'certificate-arn': MISSING }))
  const failed = await event('FailedDeployModel')
  expect(failed['message']).toMatch(/^Failed deploy model due to operation error Elastic Load Balancing v2: CreateListener, https response error StatusCode: 400, RequestID: [0-9a-f-]+, CertificateNotFound: /)
  expect(hostname()).toBe('')
  expect(state.loadBalancers.size).toBe(1)
  expect(state.targetGroups.size).toBe(1)
  // Each try has its own RequestID, so it is another event, until they are folded.
  const folded = await until(() => events('FailedDeployModel').find((each) => text(each['message']).startsWith('(combined from similar events): ')))
  expect(events('FailedDeployModel')).toHaveLength(10)
  apply(ingress())
  await event('SuccessfullyReconciled')
  const name = hostname()
  expect(name).not.toBe('')
  const count = Number(events('FailedDeployModel').find((each) => at(each, 'metadata', 'name') === at(folded, 'metadata', 'name'))?.['count'])
  apply(ingress({ 'certificate-arn': MISSING }))
  const again = await until(() => events('FailedDeployModel').find((each) => Number(each['count']) > count))
  expect(again['message']).toMatch(/^\(combined from similar events\): Failed deploy model due to operation error Elastic Load Balancing v2: ModifyListener, .* CertificateNotFound: /)
  expect(hostname()).toBe(name)
})

test('another scheme is another load balancer', async () => {
  apply(ingress())
  await event('SuccessfullyReconciled')
  const before = hostname()
  apply(ingress({ scheme: 'internal' }))
  await event('SuccessfullyReconciled', 2)
  expect(hostname()).toMatch(/^internal-k8s-/)
  expect(hostname()).not.toBe(before)
  expect(state.loadBalancers.size).toBe(1)
})

test('delete: all of AWS goes, then the finalizer, without an event', async () => {
  apply(ingress())
  await event('SuccessfullyReconciled')
  const before = events().length
  kubernetes.remove('Ingress', 'milvus', 'milvus-demo')
  expect(live()?.metadata.deletionTimestamp).toBeDefined()
  await until(() => live() === undefined, 'Ingress')
  expect([state.loadBalancers.size, state.targetGroups.size]).toEqual([0, 0])
  expect(kubernetes.list('TargetGroupBinding')).toEqual([])
  expect(events()).toHaveLength(before)
})

test('a listener removed by hand stays away until a nudge', async () => {
  apply(ingress())
  await event('SuccessfullyReconciled')
  const [loadBalancer] = state.loadBalancers.values()
  loadBalancer?.listeners.splice(0)
  loadBalancer?.attributes.set('idle_timeout.timeout_seconds', '77')
  apply(ingress({ 'milvus-alb-action/nudge': '1' }))
  await event('SuccessfullyReconciled', 2)
  expect(loadBalancer?.listeners).toHaveLength(1)
  expect(loadBalancer?.attributes.get('idle_timeout.timeout_seconds')).toBe('77')
  apply(ingress({ 'load-balancer-attributes': 'idle_timeout.timeout_seconds=600' }))
  await event('SuccessfullyReconciled', 3)
  expect(loadBalancer?.attributes.get('idle_timeout.timeout_seconds')).toBe('600')
})

test('an explicit group has one load balancer for its members', async () => {
  apply(ingress({ 'group.name': 'shared' }, { ingress: 'one' }))
  apply(ingress({ 'group.name': 'shared' }, { ingress: 'two' }))
  await until(() => hostname('one') !== '' && hostname('one') === hostname('two'), 'Ingress')
  expect(live('one')?.metadata['finalizers']).toEqual(['group.ingress.k8s.aws/shared'])
  const [loadBalancer] = state.loadBalancers.values()
  expect(loadBalancer?.name).toMatch(/^k8s-shared-[0-9a-f]{10}$/)
  await until(() => loadBalancer?.listeners[0]?.rules.length === 3)
  kubernetes.remove('Ingress', 'milvus', 'two')
  await until(() => live('two') === undefined, 'Ingress')
  expect(loadBalancer?.listeners[0]?.rules).toHaveLength(2)
  expect(items(live('one')?.metadata['finalizers'])).toHaveLength(1)
})

test('an existing load balancer that is still provisioning is waited for without a word', async () => {
  state.provisioningTime = Infinity
  apply(ingress({ 'certificate-arn': MISSING }))
  await event('FailedDeployModel')
  controller.options.stabilizationInterval = 20
  apply(ingress())
  const [loadBalancer] = state.loadBalancers.values()
  await until(() => loadBalancer?.listeners[0]?.rules.length === 2)
  expect(hostname()).toBe('')
  expect(events('SuccessfullyReconciled')).toEqual([])
  if (loadBalancer) loadBalancer.activeAt = 0
  await event('SuccessfullyReconciled')
})

test('silent, stopped, slow', async () => {
  controller.options.silent = true
  apply(ingress())
  // It has seen the Ingress when it has seen what came after.
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(live()?.metadata['finalizers']).toBeUndefined()
  controller.options.silent = false
  await event('SuccessfullyReconciled')
  await controller.stop()
  apply(ingress({ 'milvus-alb-action/nudge': '1' }))
  await controller.start()
  // A new process knows nothing of the events of the one before.
  await until(() => events('SuccessfullyReconciled').length === 2)
  controller.options.delay = 300
  const from = Date.now()
  apply(ingress({ 'milvus-alb-action/nudge': '2' }))
  await event('SuccessfullyReconciled', 2)
  expect(Date.now() - from).toBeGreaterThan(250)
})

test('from an Ingress to an answer of Milvus: controller, ALB and Milvus together', async () => {
  const milvus = await startMilvus({ traffic })
  const alb = await startAlb({ traffic, state, port: () => 0, resolveTarget: (ip) => (ip === '10.244.0.2' ? { host: '127.0.0.1', port: milvus.port } : undefined) })
  try {
    apply(ingress())
    await event('SuccessfullyReconciled')
    await until(() => [...state.targetGroups.values()][0]?.targets.length === 1)
    await alb.sync()
    const session = connect(`https://127.0.0.1:${alb.address(hostname(), 443)?.port ?? 0}`, { ca: (await authority).root, servername: HOST })
    const met = await request(session, { ':path': milvusPath('GetVersion'), ':authority': HOST })
    // Zeros, which protobuf skips: only the whole message has an answer.
    const megabyte = Buffer.alloc(5 + (1 << 20))
    megabyte.writeUInt32BE(1 << 20, 1)
    const large = await request(session, { ':path': milvusPath('HasCollection'), ':authority': HOST }, megabyte)
    session.destroy()
    expect(large.headers).toMatchObject({ ':status': 200, 'grpc-status': '0' })
    expect(met.headers).toMatchObject({ ':status': 200, 'grpc-status': '0' })
    expect(met.body.toString()).toContain('v2.6.15')
  } finally {
    await alb.close()
    await milvus.close()
  }
})

test('what AWS refuses for want of rights says so, and nothing is told of a deletion that fails', async () => {
  traffic.inject({ part: 'elbv2', operation: 'CreateTargetGroup', times: 1, error: { status: 403, code: 'AccessDenied', message: 'User: x is not authorized to perform: elasticloadbalancing:CreateTargetGroup' } })
  apply(ingress())
  expect((await event('FailedDeployModel'))['message']).toMatch(/: CreateTargetGroup, https response error StatusCode: 403, RequestID: [^,]+, api error AccessDenied: User: x is not/)
  await event('SuccessfullyReconciled')
  const before = events().length
  const restore = traffic.inject({ part: 'elbv2', operation: 'DeleteLoadBalancer', error: { status: 400, code: 'OperationNotPermitted', message: 'no' } })
  kubernetes.remove('Ingress', 'milvus', 'milvus-demo')
  await until(() => traffic.requests.filter(({ operation }) => operation === 'DeleteLoadBalancer').length >= 3)
  restore()
  await until(() => live() === undefined)
  expect(events()).toHaveLength(before)
})
