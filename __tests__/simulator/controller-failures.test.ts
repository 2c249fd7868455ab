import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { getIn, asString } from '../../simulator/kubernetes/api.ts'
import {
  applyObject,
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
  startFixture,
  state,
  MISSING_CERTIFICATE,
  requestLog,
  faults,
} from './controller-fixture.ts'
import { waitUntil } from '../../testing/wait.ts'

beforeEach(startFixture)
afterEach(stopFixture)

const BUILD_FAILURE = 'Failed build model due to '
const INGRESS_BUILD_FAILURE = 'Failed build model due to ingress: milvus/milvus-demo: '
test.each<{ name: string; annotations: Record<string, string | undefined>; message: string }>([
  {
    name: 'listen-ports with TCP',
    annotations: { 'listen-ports': '[{"TCP":443}]' },
    message: `${INGRESS_BUILD_FAILURE}listen protocol must be within [HTTP, HTTPS]: TCP`,
  },
  {
    name: 'numeric listen-ports',
    annotations: { 'listen-ports': '443' },
    message: `${INGRESS_BUILD_FAILURE}failed to parse listen-ports configuration: \`443\`: json: cannot unmarshal number into Go value of type []map[string]int32`,
  },
  {
    name: 'a port out of range',
    annotations: { 'listen-ports': '[{"HTTPS":70000}]' },
    message: `${INGRESS_BUILD_FAILURE}listen port must be within [1, 65535]: 70000`,
  },
  {
    name: 'scheme public',
    annotations: { scheme: 'public' },
    message: `${BUILD_FAILURE}unknown scheme: public`,
  },
  {
    name: 'grpc in lowercase',
    annotations: { 'backend-protocol-version': 'grpc' },
    message: `${INGRESS_BUILD_FAILURE}backend protocol version must be within [HTTP1, HTTP2, GRPC]: grpc`,
  },
  {
    name: 'an unknown target type',
    annotations: { 'target-type': 'pod' },
    message: `${INGRESS_BUILD_FAILURE}unknown targetType: pod`,
  },
  {
    name: 'instance targets of a ClusterIP Service',
    annotations: { 'target-type': undefined },
    message: `${INGRESS_BUILD_FAILURE}TargetGroup port is empty. When using Instance targets, your service be must of type 'NodePort' or 'LoadBalancer'`,
  },
  {
    name: 'an invalid CIDR block',
    annotations: { 'inbound-cidrs': '10.0.0.0/33' },
    message: `${INGRESS_BUILD_FAILURE}invalid inbound-cidrs settings on Ingress: milvus/milvus-demo: invalid CIDR address: 10.0.0.0/33`,
  },
  {
    name: 'a load balancer name that is too long',
    annotations: { 'load-balancer-name': 'x'.repeat(33) },
    message: `${BUILD_FAILURE}load balancer name cannot be longer than 32 characters`,
  },
  {
    name: 'attributes without a value',
    annotations: { 'load-balancer-attributes': 'idle_timeout' },
    message: `${BUILD_FAILURE}failed to parse stringMap annotation, alb.ingress.kubernetes.io/load-balancer-attributes: idle_timeout`,
  },
])('reports FailedBuildModel without a status for $name', async ({ annotations, message }) => {
  applyObject(buildIngress(annotations))
  // The same message repeated: one event with an increasing count.
  const failed = await waitForEvent('FailedBuildModel', 3)
  expect(failed['message']).toBe(message)
  expect(listEvents('FailedBuildModel')).toHaveLength(1)
  expect(getHostname()).toBe('')
  expect(getIngress()?.metadata['finalizers']).toEqual(['ingress.k8s.aws/resources'])
})

// Source: issue 2164 of the controller, which makes the name the value of a label.
test('a name of an Ingress that cannot be the value of a label fails the deployment', async () => {
  const ingressName = 'x'.repeat(64)
  applyObject(buildIngress({}, { ingressName }))
  expect((await waitForEvent('FailedDeployModel'))['message']).toMatch(
    new RegExp(
      '^Failed deploy model due to TargetGroupBinding.elbv2.k8s.aws "k8s-milvus-milvusde-[0-9a-f]+" ' +
        `is invalid: metadata.labels: Invalid value: "${ingressName}": must be no more than 63 bytes$`,
    ),
  )
  expect(getHostname(ingressName)).toBe('')
})

test('a missing Service port fails the model, and a missing Service responds 503', async () => {
  applyObject(buildIngress({}, { port: 19531, ingressName: 's2' }))
  expect((await waitForEvent('FailedBuildModel'))['message']).toBe(
    'Failed build model due to ingress: milvus/s2: unable to find port 19531 on service milvus/milvus-demo',
  )
  applyObject(buildIngress({}, { name: 'nothing', ingressName: 's3' }))
  await waitForEvent('SuccessfullyReconciled')
  expect(getHostname('s3')).not.toBe('')
  expect(kubernetes.list('TargetGroupBinding', 'milvus')).toEqual([])
  const [loadBalancer] = state.loadBalancers.values()
  expect(loadBalancer?.listeners[0]?.rules[0]?.action).toEqual({
    status: 503,
    contentType: 'text/plain',
    body: 'Backend service does not exist',
  })
})

test('reports a subnet ID that EC2 does not find', async () => {
  controller.options.unknownIds = ['subnet-aaaaaaaa', 'sg-aaaaaaaa']
  applyObject(buildIngress({ subnets: 'subnet-aaaaaaaa,subnet-bbbbbbbb' }))
  expect((await waitForEvent('FailedBuildModel'))['message']).toMatch(
    /^Failed build model due to failed to list subnets by names or IDs: operation error EC2: DescribeSubnets, https response error StatusCode: 400, RequestID: [0-9a-f-]+, api error InvalidSubnetID.NotFound: The subnet ID 'subnet-aaaaaaaa' does not exist$/,
  )
})

describe('certificate discovery', () => {
  test('uses the certificate of the host in ACM', async () => {
    applyObject(buildIngress({ 'certificate-arn': undefined }))
    await waitForEvent('SuccessfullyReconciled')
    expect([...state.loadBalancers.values()][0]?.listeners[0]?.certificateArns).toEqual([
      CERTIFICATE,
    ])
  })
  test('reports the host without a certificate', async () => {
    state.certificates.clear()
    applyObject(buildIngress({ 'certificate-arn': undefined }))
    expect((await waitForEvent('FailedBuildModel'))['message']).toBe(
      `${INGRESS_BUILD_FAILURE}no certificate found for host: ${HOST}`,
    )
  })
})

test('reports a missing IngressClass and ignores one of another controller', async () => {
  applyObject(buildIngress({}, { className: 'nope' }))
  expect((await waitForEvent('FailedLoadGroupID'))['message']).toBe(
    'failed load groupID due to invalid ingress class: IngressClass.networking.k8s.io "nope" not found',
  )
  expect(getIngress()?.metadata['finalizers']).toBeUndefined()
  kubernetes.create({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IngressClass',
    metadata: { name: 'auto' },
    spec: { controller: 'eks.amazonaws.com/alb' },
  })
  applyObject(buildIngress({}, { className: 'auto', ingressName: 'other' }))
  applyObject(buildIngress({}, { ingressName: 'ours' }))
  await waitForEvent('SuccessfullyReconciled')
  expect(getIngress('other')?.metadata['finalizers']).toBeUndefined()
})

test('a missing certificate fails the deployment, a valid one recovers it, and a missing one fails it again', async () => {
  applyObject(buildIngress({ 'certificate-arn': MISSING_CERTIFICATE }))
  const failed = await waitForEvent('FailedDeployModel')
  expect(failed['message']).toMatch(
    /^Failed deploy model due to operation error Elastic Load Balancing v2: CreateListener, https response error StatusCode: 400, RequestID: [0-9a-f-]+, CertificateNotFound: /,
  )
  expect(getHostname()).toBe('')
  expect(state.loadBalancers.size).toBe(1)
  expect(state.targetGroups.size).toBe(1)
  // Each attempt has its own RequestID and is therefore a new event, until the events are
  // aggregated.
  const aggregated = await waitUntil(() =>
    listEvents('FailedDeployModel').find((each) =>
      asString(each['message']).startsWith('(combined from similar events): '),
    ),
  )
  expect(listEvents('FailedDeployModel')).toHaveLength(10)
  applyObject(buildIngress())
  await waitForEvent('SuccessfullyReconciled')
  const name = getHostname()
  expect(name).not.toBe('')
  const count = Number(
    listEvents('FailedDeployModel').find(
      (each) => getIn(each, 'metadata', 'name') === getIn(aggregated, 'metadata', 'name'),
    )?.['count'],
  )
  applyObject(buildIngress({ 'certificate-arn': MISSING_CERTIFICATE }))
  const repeated = await waitUntil(() =>
    listEvents('FailedDeployModel').find((each) => Number(each['count']) > count),
  )
  expect(repeated['message']).toMatch(
    /^\(combined from similar events\): Failed deploy model due to operation error Elastic Load Balancing v2: ModifyListener, .* CertificateNotFound: /,
  )
  expect(getHostname()).toBe(name)
})

test('reports a missing AWS permission, but creates no event for a failed deletion', async () => {
  faults.inject({
    service: 'elbv2',
    operation: 'CreateTargetGroup',
    times: 1,
    error: {
      status: 403,
      code: 'AccessDenied',
      message: 'User: x is not authorized to perform: elasticloadbalancing:CreateTargetGroup',
    },
  })
  applyObject(buildIngress())
  expect((await waitForEvent('FailedDeployModel'))['message']).toMatch(
    /: CreateTargetGroup, https response error StatusCode: 403, RequestID: [^,]+, api error AccessDenied: User: x is not/,
  )
  await waitForEvent('SuccessfullyReconciled')
  const before = listEvents().length
  const removeFault = faults.inject({
    service: 'elbv2',
    operation: 'DeleteLoadBalancer',
    error: { status: 400, code: 'OperationNotPermitted', message: 'no' },
  })
  kubernetes.remove('Ingress', 'milvus', 'milvus-demo')
  await waitUntil(
    () =>
      requestLog.requests.filter(({ operation }) => operation === 'DeleteLoadBalancer').length >= 3,
  )
  removeFault()
  await waitUntil(() => getIngress() === undefined)
  expect(listEvents()).toHaveLength(before)
})
