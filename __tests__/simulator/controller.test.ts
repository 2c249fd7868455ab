import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { startAlb } from '../../simulator/alb/server.ts'
import { getIn, asArray } from '../../simulator/kubernetes/api.ts'
import { startMilvus } from '../../simulator/milvus/server.ts'
import { getMilvusPath, openSession as connect, sendRequest } from './raw-grpc.ts'
import {
  applyObject,
  authority,
  CERTIFICATE,
  stopFixture,
  controller,
  waitForEvent,
  listEvents,
  HOST,
  getHostname,
  buildIngress,
  kubernetes,
  getIngress,
  MISSING_CERTIFICATE,
  startFixture,
  state,
  requestLog,
} from './controller-fixture.ts'
import { waitUntil } from '../../testing/wait.ts'

beforeEach(startFixture)
afterEach(stopFixture)

test('reconciles the Ingress of the guide: finalizer, load balancer, status, event and targets', async () => {
  applyObject(buildIngress())
  const successEvent = await waitForEvent('SuccessfullyReconciled')
  expect(successEvent).toMatchObject({
    type: 'Normal',
    message: 'Successfully reconciled',
    count: 1,
    source: { component: 'ingress' },
    involvedObject: {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      name: 'milvus-demo',
      namespace: 'milvus',
      uid: getIngress()?.metadata.uid,
    },
  })
  expect(successEvent['lastTimestamp']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  expect(getIngress()?.metadata['finalizers']).toEqual(['ingress.k8s.aws/resources'])
  const [loadBalancer] = state.loadBalancers.values()
  // The name that the real controller generated in a cluster called demo.
  expect(loadBalancer).toMatchObject({
    scheme: 'internet-facing',
    name: 'k8s-milvus-milvusde-17e2427710',
  })
  expect(Object.fromEntries(loadBalancer?.tags ?? [])).toEqual({
    'elbv2.k8s.aws/cluster': 'demo',
    'ingress.k8s.aws/stack': 'milvus/milvus-demo',
    'ingress.k8s.aws/resource': 'LoadBalancer',
  })
  expect(getIn(getIngress(), 'status', 'loadBalancer')).toEqual({
    ingress: [
      { hostname: loadBalancer?.dnsName.toLowerCase(), ports: [{ port: 443, protocol: '' }] },
    ],
  })
  const [group] = state.targetGroups.values()
  expect(group).toMatchObject({
    protocolVersion: 'GRPC',
    port: 1,
    healthCheckPath: '/AWS.ALB/healthcheck',
    matcher: '12',
  })
  expect(group?.tags.get('ingress.k8s.aws/resource')).toBe('milvus/milvus-demo-milvus-demo:19530')
  expect(loadBalancer?.listeners).toMatchObject([
    {
      port: 443,
      protocol: 'HTTPS',
      sslPolicy: 'ELBSecurityPolicy-2016-08',
      certificateArns: [CERTIFICATE],
    },
  ])
  expect(loadBalancer?.listeners[0]?.rules).toMatchObject([
    { priority: 1, hosts: [HOST], paths: ['/*'], action: { targetGroupArn: group?.arn } },
    { priority: 'default', action: { status: 404, contentType: 'text/plain' } },
  ])
  await waitUntil(() => group?.targets.length === 1)
  expect(group?.targets).toMatchObject([{ id: '10.244.0.2', port: 19530 }])
  const [binding] = kubernetes.list('TargetGroupBinding', 'milvus')
  expect(binding).toMatchObject({
    metadata: {
      name: group?.name,
      labels: {
        'ingress.k8s.aws/stack-namespace': 'milvus',
        'ingress.k8s.aws/stack-name': 'milvus-demo',
      },
    },
    spec: {
      targetGroupARN: group?.arn,
      targetType: 'ip',
      serviceRef: { name: 'milvus-demo', port: 19530 },
    },
  })
})

test('targets follow the endpoints', async () => {
  applyObject(buildIngress())
  await waitForEvent('SuccessfullyReconciled')
  const [group] = state.targetGroups.values()
  await waitUntil(() => group?.targets.length === 1)
  const slice = kubernetes.get('EndpointSlice', 'milvus', 'milvus-demo-abcde')
  if (slice)
    kubernetes.replace({
      ...slice,
      endpoints: [{ addresses: ['10.244.0.9'], conditions: { ready: true } }],
    })
  await waitUntil(() => group?.targets[0]?.id === '10.244.0.9' && group.targets.length === 1)
})

test('an unchanged apply creates no event, and a reconcile request increments the count of the existing one', async () => {
  applyObject(buildIngress())
  await waitForEvent('SuccessfullyReconciled')
  await waitUntil(() => [...state.targetGroups.values()][0]?.targets.length === 1)
  const before = requestLog.requests.length
  applyObject(buildIngress())
  applyObject(buildIngress({ 'milvus-alb-action/reconcile-requested-at': '1' }))
  await waitForEvent('SuccessfullyReconciled', 2)
  expect(listEvents('SuccessfullyReconciled')).toHaveLength(1)
  const mutating = requestLog.requests
    .slice(before)
    .filter((request) => request.isMutating)
    .map(({ operation }) => operation)
  expect(mutating).toEqual([expect.stringMatching(/^PATCH .*\/events\//)])
})

test('a changed scheme replaces the load balancer', async () => {
  applyObject(buildIngress())
  await waitForEvent('SuccessfullyReconciled')
  const before = getHostname()
  applyObject(buildIngress({ scheme: 'internal' }))
  await waitForEvent('SuccessfullyReconciled', 2)
  expect(getHostname()).toMatch(/^internal-k8s-/)
  expect(getHostname()).not.toBe(before)
  expect(state.loadBalancers.size).toBe(1)
})

test('deletion removes all AWS resources, then the finalizer, without an event', async () => {
  applyObject(buildIngress())
  await waitForEvent('SuccessfullyReconciled')
  const before = listEvents().length
  kubernetes.remove('Ingress', 'milvus', 'milvus-demo')
  expect(getIngress()?.metadata.deletionTimestamp).toBeDefined()
  await waitUntil(() => getIngress() === undefined)
  expect([state.loadBalancers.size, state.targetGroups.size]).toEqual([0, 0])
  expect(kubernetes.list('TargetGroupBinding')).toEqual([])
  expect(listEvents()).toHaveLength(before)
})

test('a reconcile request recreates a deleted listener, but attributes change only with their annotation', async () => {
  applyObject(buildIngress())
  await waitForEvent('SuccessfullyReconciled')
  const [loadBalancer] = state.loadBalancers.values()
  loadBalancer?.listeners.splice(0)
  loadBalancer?.attributes.set('idle_timeout.timeout_seconds', '77')
  applyObject(buildIngress({ 'milvus-alb-action/reconcile-requested-at': '1' }))
  await waitForEvent('SuccessfullyReconciled', 2)
  expect(loadBalancer?.listeners).toHaveLength(1)
  expect(loadBalancer?.attributes.get('idle_timeout.timeout_seconds')).toBe('77')
  applyObject(buildIngress({ 'load-balancer-attributes': 'idle_timeout.timeout_seconds=600' }))
  await waitForEvent('SuccessfullyReconciled', 3)
  expect(loadBalancer?.attributes.get('idle_timeout.timeout_seconds')).toBe('600')
})

test('the members of an explicit group share one load balancer', async () => {
  applyObject(buildIngress({ 'group.name': 'shared' }, { ingressName: 'one' }))
  applyObject(buildIngress({ 'group.name': 'shared' }, { ingressName: 'two' }))
  await waitUntil(() => getHostname('one') !== '' && getHostname('one') === getHostname('two'))
  expect(getIngress('one')?.metadata['finalizers']).toEqual(['group.ingress.k8s.aws/shared'])
  const [loadBalancer] = state.loadBalancers.values()
  expect(loadBalancer?.name).toMatch(/^k8s-shared-[0-9a-f]{10}$/)
  await waitUntil(() => loadBalancer?.listeners[0]?.rules.length === 3)
  kubernetes.remove('Ingress', 'milvus', 'two')
  await waitUntil(() => getIngress('two') === undefined)
  expect(loadBalancer?.listeners[0]?.rules).toHaveLength(2)
  expect(asArray(getIngress('one')?.metadata['finalizers'])).toHaveLength(1)
})

test('waits without an event for an existing load balancer that is still provisioning', async () => {
  state.provisioningTime = Infinity
  applyObject(buildIngress({ 'certificate-arn': MISSING_CERTIFICATE }))
  await waitForEvent('FailedDeployModel')
  controller.options.stabilizationInterval = 20
  applyObject(buildIngress())
  const [loadBalancer] = state.loadBalancers.values()
  await waitUntil(() => loadBalancer?.listeners[0]?.rules.length === 2)
  expect(getHostname()).toBe('')
  expect(listEvents('SuccessfullyReconciled')).toEqual([])
  if (loadBalancer) loadBalancer.activeAt = 0
  await waitForEvent('SuccessfullyReconciled')
})

test('a paused, stopped or slow controller reconciles later', async () => {
  controller.options.isPaused = true
  applyObject(buildIngress())
  // Long enough for a controller that is not paused to handle the Ingress.
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(getIngress()?.metadata['finalizers']).toBeUndefined()
  controller.options.isPaused = false
  await waitForEvent('SuccessfullyReconciled')
  await controller.stop()
  applyObject(buildIngress({ 'milvus-alb-action/reconcile-requested-at': '1' }))
  await controller.start()
  // A new process does not know the events of the previous one.
  await waitUntil(() => listEvents('SuccessfullyReconciled').length === 2)
  controller.options.reconcileDelay = 300
  const from = Date.now()
  applyObject(buildIngress({ 'milvus-alb-action/reconcile-requested-at': '2' }))
  await waitForEvent('SuccessfullyReconciled', 2)
  expect(Date.now() - from).toBeGreaterThan(250)
})

test('a request reaches Milvus through the ALB that the controller creates', async () => {
  const milvus = await startMilvus({ requestLog })
  const alb = await startAlb({
    requestLog,
    state,
    mapPort: () => 0,
    resolveTarget: (ip) =>
      ip === '10.244.0.2' ? { host: '127.0.0.1', port: milvus.port } : undefined,
  })
  try {
    applyObject(buildIngress())
    await waitForEvent('SuccessfullyReconciled')
    await waitUntil(() => [...state.targetGroups.values()][0]?.targets.length === 1)
    await alb.sync()
    const session = connect(
      `https://127.0.0.1:${alb.resolveAddress(getHostname(), 443)?.port ?? 0}`,
      { ca: (await authority).root, servername: HOST },
    )
    const result = await sendRequest(session, {
      ':path': getMilvusPath('GetVersion'),
      ':authority': HOST,
    })
    // Zeros, which protobuf skips: only the complete message gets a response.
    const megabyte = Buffer.alloc(5 + (1 << 20))
    megabyte.writeUInt32BE(1 << 20, 1)
    const large = await sendRequest(
      session,
      { ':path': getMilvusPath('HasCollection'), ':authority': HOST },
      megabyte,
    )
    session.destroy()
    expect(large.headers).toMatchObject({ ':status': 200, 'grpc-status': '0' })
    expect(result.headers).toMatchObject({ ':status': 200, 'grpc-status': '0' })
    expect(result.body.toString()).toContain('v2.6.15')
  } finally {
    await alb.close()
    await milvus.close()
  }
})
