/** What targets and their binding say of a probe that failed. */
import { describe, expect, test } from '@jest/globals'
import type { TargetHealth } from '../../../src/clients/aws/load-balancer-configuration.ts'
import {
  buildBindingSelector,
  describeBindingEvent,
  describeTargets,
  findTargetGroupArn,
  isOwnBinding,
} from '../../../src/steps/load-balancer/target-health.ts'
import { createEvent, createSettings, createTarget, host } from '../fixtures.ts'
import { createListenerSnapshot, forwardRule } from './snapshot-fixture.ts'

const createTargetHealth = (
  id: string,
  state: string,
  reason = '',
  description = '',
): TargetHealth => ({ id, port: 19530, state, reason, description })
const createUnhealthyTargets = (reason: string): TargetHealth[] => [
  createTargetHealth('10.0.1.7', 'unhealthy', reason),
]
const backendRulesAnnotation = 'alb.ingress.kubernetes.io/manage-backend-security-group-rules'

describe('describeTargets', () => {
  test.each<[string, TargetHealth[], string]>([
    ['no targets', [], 'No target is registered in the target group.'],
    [
      'a healthy target',
      [createTargetHealth('10.0.1.7', 'healthy')],
      '1 target: 10.0.1.7:19530 healthy.',
    ],
    [
      'unhealthy targets first',
      [
        createTargetHealth('10.0.1.8', 'healthy'),
        createTargetHealth('10.0.1.7', 'unhealthy', 'Target.Timeout', 'Request timed out'),
      ],
      '2 targets: 10.0.1.7:19530 unhealthy (Target.Timeout: Request timed out); 10.0.1.8:19530 healthy.',
    ],
    [
      'more targets than are listed',
      [1, 2, 3, 4, 5, 6].map((octet) => createTargetHealth(`10.0.1.${octet}`, 'healthy')),
      '6 targets: 10.0.1.1:19530 healthy; 10.0.1.2:19530 healthy; 10.0.1.3:19530 healthy; 10.0.1.4:19530 healthy; and 2 more.',
    ],
  ])('%s', (_, targets, problem) => {
    expect(describeTargets(targets, createSettings()).problem).toBe(problem)
  })

  test.each<[string, Parameters<typeof createSettings>[0], RegExp]>([
    ['Target.Timeout', {}, /pods' security group, the network ACLs/],
    [
      'Target.Timeout',
      { ingress: { securityGroups: ['sg-1'] } },
      /manage-backend-security-group-rules: "true"/,
    ],
    [
      'Target.Timeout',
      { ingress: { securityGroups: ['sg-1'], annotations: { [backendRulesAnnotation]: 'true' } } },
      /network ACLs/,
    ],
    ['Target.FailedHealthChecks', {}, /serve plaintext/],
    ['Target.ResponseCodeMismatch', {}, /leave healthcheck-path and success-codes/],
    [
      'Target.ResponseCodeMismatch',
      { ingress: { annotations: { 'alb.ingress.kubernetes.io/success-codes': '0' } } },
      /correct success-codes/,
    ],
    ['Target.NotInUse', {}, /No rule of a listener/],
    ['Target.IpUnusable', {}, /restart the pod/],
    ['Target.InvalidState', {}, /stopping/],
    ['Target.DeregistrationInProgress', {}, /drains/],
    ['Target.HealthCheckDisabled', {}, /Health checks are off/],
    ['Target.NotRegistered', {}, /events of the TargetGroupBinding/],
    ['Elb.InitialHealthChecking', {}, /half a minute/],
    ['Elb.RegistrationInProgress', {}, /being registered/],
    ['Elb.InternalError', {}, /Health Dashboard/],
    ['Target.OfTomorrow', {}, /^$/],
  ])('suggests a remedy for %s with %j', (reason, overrides, remedy) => {
    expect(
      describeTargets(createUnhealthyTargets(reason), createSettings(overrides)).remedy,
    ).toMatch(remedy)
  })

  test('suggests the remedy for the most frequent reason', () => {
    expect(
      describeTargets(
        [
          createTargetHealth('1', 'unhealthy', 'Target.Timeout'),
          createTargetHealth('2', 'initial', 'Elb.RegistrationInProgress'),
          createTargetHealth('3', 'initial', 'Elb.RegistrationInProgress'),
        ],
        createSettings(),
      ).remedy,
    ).toMatch(/being registered/)
  })
})

test.each([
  [
    'BackendNotFound',
    'backend not found: Service "milvus-demo" not found',
    /^Set service and service-port/,
  ],
  [
    'FailedNetworkReconcile',
    'expected exactly one securityGroup tagged with kubernetes.io/cluster/production for eni eni-1, got: [sg-1 sg-2] (clusterName: production)',
    /on one security group only/,
  ],
  [
    'FailedReconcile',
    'Failed reconcile due to operation error Elastic Load Balancing v2: RegisterTargets, https response error StatusCode: 403, RequestID: 1, api error AccessDenied: x',
    /controller's role/,
  ],
  [
    'FailedReconcile',
    'Failed reconcile due to operation error Elastic Load Balancing v2: RegisterTargets, https response error StatusCode: 400, RequestID: 1, TooManyTargets: x',
    /higher quota/,
  ],
  ['FailedAddFinalizer', 'Failed add finalizer due to x', /describe targetgroupbinding k8s-1/],
  ['FailedUpdateStatus', 'Failed update status due to x', /describe targetgroupbinding k8s-1/],
  ['FailedCleanup', 'Failed cleanup due to x', /describe targetgroupbinding k8s-1/],
])('explains a TargetGroupBinding with %s: %s', (reason, message, remedy) => {
  const diagnosis = describeBindingEvent(
    {
      ...createEvent(reason, message),
      involvedObject: { kind: 'TargetGroupBinding', name: 'k8s-1' },
    },
    createSettings(),
  )
  expect(diagnosis.problem).toMatch(
    new RegExp(`^The controller reports for TargetGroupBinding k8s-1: ${reason}: .*[^.]\\.$`),
  )
  expect(diagnosis.problem).not.toContain('RequestID')
  expect(diagnosis.remedy).toMatch(remedy)
})

describe('findTargetGroupArn', () => {
  const createRule = (paths: string[], targetGroupArn: string) => ({
    hosts: [host],
    paths,
    targetGroupArn,
  })
  const attu = createRule(['/attu', '/attu/*'], 'attu')
  const rest = createRule(['/v1/vector', '/v1/vector/*'], 'rest')

  test.each<{
    name: string
    rules: (typeof attu)[]
    grpcArn: string | undefined
    restArn: string | undefined
  }>([
    { name: 'gRPC only', rules: [forwardRule], grpcArn: 'tg', restArn: undefined },
    { name: 'both APIs', rules: [rest, forwardRule], grpcArn: 'tg', restArn: 'rest' },
    {
      name: 'another member of the group that serves a path of the host',
      rules: [attu, rest, forwardRule],
      grpcArn: 'tg',
      restArn: 'rest',
    },
    {
      name: 'only another member of the group',
      rules: [attu],
      grpcArn: undefined,
      restArn: undefined,
    },
    {
      name: 'another member of the group that serves one page',
      rules: [createRule(['/'], 'page'), createRule(['/v1/vector'], 'page'), forwardRule],
      grpcArn: 'tg',
      restArn: undefined,
    },
    {
      name: 'a rule for every path',
      rules: [createRule([], 'all')],
      grpcArn: 'all',
      restArn: undefined,
    },
    {
      name: 'another host',
      rules: [{ ...forwardRule, hosts: ['attu.example.com'] }],
      grpcArn: undefined,
      restArn: undefined,
    },
  ])('$name', ({ rules, grpcArn, restArn }) => {
    const snapshot = createListenerSnapshot({ rules })
    const settings = createSettings()
    expect(findTargetGroupArn(snapshot, settings)).toBe(grpcArn)
    expect(findTargetGroupArn(snapshot, settings, 'rest')).toBe(restArn)
  })
})

describe('buildBindingSelector', () => {
  const stack = { namespace: 'milvus', ingressName: 'demo', group: undefined }
  test.each([
    [
      'elbv2.k8s.aws',
      stack,
      'ingress.k8s.aws/stack-namespace=milvus,ingress.k8s.aws/stack-name=demo',
    ],
    ['elbv2.k8s.aws', { ...stack, group: 'shared' }, 'ingress.k8s.aws/stack=shared'],
    [
      'eks.amazonaws.com',
      stack,
      'ingress.eks.amazonaws.com/stack-namespace=milvus,ingress.eks.amazonaws.com/stack-name=demo',
    ],
    ['eks.amazonaws.com', { ...stack, group: 'shared' }, 'ingress.eks.amazonaws.com/stack=shared'],
  ])('%s, %j', (apiGroup, options, expected) => {
    expect(buildBindingSelector(apiGroup, options)).toBe(expected)
  })
})

test.each([
  { name: 'of the Service of Milvus', service: 'milvus-demo', expected: true },
  { name: 'of the Service of the RESTful API', service: 'milvus-demo-rest', expected: true },
  { name: 'of another member of the group', service: 'attu', expected: false },
])('isOwnBinding: a TargetGroupBinding $name', ({ service, expected }) => {
  const binding = {
    metadata: { name: 'k8s-1', uid: 'u', resourceVersion: '1' },
    spec: { serviceRef: { name: service } },
  }
  expect(isOwnBinding(binding, createTarget())).toBe(expected)
})
