import { describe, expect, test } from '@jest/globals'
import { reconcileRequestAnnotation } from '../../../src/steps/ingress/manifest.ts'
import type { LoadBalancerConfiguration } from '../../../src/clients/aws/load-balancer-configuration.ts'
import { known } from '../../../src/steps/deferred.ts'
import { plan, toChanges, toDifferences } from '../../../src/steps/load-balancer/load-balancer.ts'
import type { LoadBalancerOperation } from '../../../src/steps/load-balancer/operations.ts'
import { detectDrift } from '../../../src/steps/load-balancer/drift.ts'
import { isComplete, type LoadBalancerSnapshot } from '../../../src/steps/load-balancer/snapshot.ts'
import type { Target } from '../../../src/steps/preflight/preflight.ts'
import type { Change } from '../../../src/steps/step.ts'
import type { ClassParams } from '../../../src/steps/preflight/ingress-class.ts'
import {
  certificateArn,
  createEvent,
  host,
  ingress,
  createSettings,
  createTarget,
} from '../fixtures.ts'

const now = new Date('2026-01-02T03:04:05.678Z')
const failedEvent = createEvent(
  'FailedDeployModel',
  'Failed deploy model due to operation error Elastic Load Balancing v2: CreateListener, https response error StatusCode: 400, RequestID: a, CertificateNotFound: x',
  '20',
)
const succeededEvent = createEvent('SuccessfullyReconciled', 'Successfully reconciled', '30')
const throttledEvent = createEvent(
  'FailedDeployModel',
  'Failed deploy model due to operation error X: Y, https response error StatusCode: 400, RequestID: a, api error Throttling: Rate exceeded',
  '40',
)
const ingressWithAddress = ingress({}, { hostname: 'k8s-1.us-east-2.elb.amazonaws.com' })

const planOperations = (
  state: Partial<Target>,
  snapshot?: LoadBalancerSnapshot,
): LoadBalancerOperation[] =>
  plan(
    { settings: createSettings() },
    {
      target: createTarget(state),
      certificateArn: known(certificateArn),
      observed: { snapshot, observedAt: now },
    },
  )

describe('plan: a reconcile request when no other change makes the controller reconcile', () => {
  interface RequestCase {
    readonly name: string
    readonly state: Partial<Target>
    /** Undefined when no request is needed. */
    readonly why?: RegExp
  }
  const requestCases: readonly RequestCase[] = [
    { name: 'no Ingress', state: {} },
    {
      name: 'an address after a successful reconciliation',
      state: { ingress: ingressWithAddress, events: [succeededEvent] },
    },
    {
      name: 'an address without events, which expire after an hour',
      state: { ingress: ingressWithAddress, events: [] },
    },
    {
      name: 'a failure before the success',
      state: { ingress: ingressWithAddress, events: [failedEvent, succeededEvent] },
    },
    {
      name: 'a failure after the success, with the old address',
      state: {
        ingress: ingressWithAddress,
        events: [
          succeededEvent,
          { ...failedEvent, metadata: { ...failedEvent.metadata, resourceVersion: '31' } },
        ],
      },
      why: /last reconciliation failed/,
    },
    {
      name: 'a transient failure, whose next attempt may be minutes away',
      state: { ingress: ingressWithAddress, events: [throttledEvent] },
      why: /last reconciliation failed/,
    },
    {
      name: 'no address and no events',
      state: { ingress: ingress({}), events: [] },
      why: /no address/,
    },
    {
      name: 'no address after a successful reconciliation',
      state: { ingress: ingress({}), events: [succeededEvent] },
      why: /no address/,
    },
    {
      name: 'other events',
      state: {
        ingress: ingressWithAddress,
        events: [createEvent('FailedToUpdateEndpointSlices', 'x', '99')],
      },
    },
  ]
  test.each(requestCases)('$name', ({ state, why }) => {
    const expected = {
      step: 'load-balancer',
      object: 'Ingress milvus/milvus-demo',
      path: `metadata.annotations.${reconcileRequestAnnotation}`,
      after: '2026-01-02T03:04:05.678Z',
      why: expect.stringMatching(why ?? /^$/) as unknown,
    }
    expect(toChanges(planOperations(state))).toEqual(why === undefined ? [] : [expected])
  })

  test('reports the previous reconcile request', () => {
    const requestedIngress = ingress({ [reconcileRequestAnnotation]: 'then' })
    expect(toChanges(planOperations({ ingress: requestedIngress }))).toMatchObject([
      { before: 'then', after: now.toISOString() },
    ])
  })
})

const prefix = 'alb.ingress.kubernetes.io'
const sslPolicy = 'ELBSecurityPolicy-TLS13-1-2-2021-06'
const annotatedIngress = ingress(
  {
    [`${prefix}/certificate-arn`]: certificateArn,
    [`${prefix}/ssl-policy`]: sslPolicy,
    [`${prefix}/load-balancer-attributes`]:
      'idle_timeout.timeout_seconds=600,waf.fail_open.enabled=True',
  },
  { hostname: 'k8s-1-2.us-east-2.elb.amazonaws.com' },
)
const targetGroup = { arn: 'tg', name: 'k8s-milvus', protocolVersion: 'GRPC', targetType: 'ip' }
const forwardRule = { hosts: [host], paths: ['/*'], targetGroupArn: 'tg' }
const listener = {
  port: 443,
  protocol: 'HTTPS',
  defaultCertificateArn: certificateArn,
  sslPolicy,
  rules: [forwardRule],
}
const completeConfiguration: LoadBalancerConfiguration = {
  listeners: [listener, { ...listener, port: 80, rules: undefined }],
  targetGroups: [targetGroup],
  attributes: {
    'idle_timeout.timeout_seconds': '600',
    'waf.fail_open.enabled': 'true',
    'routing.http2.enabled': 'false',
  },
}
const loadBalancer = { arn: 'lb', name: 'k8s-1', state: 'active', reason: '' }
const createSnapshot = (
  configuration: Partial<LoadBalancerConfiguration> = {},
): LoadBalancerSnapshot => ({
  address: 'k8s-1-2.us-east-2.elb.amazonaws.com',
  loadBalancer,
  configuration: { ...completeConfiguration, ...configuration },
})
const createListenerSnapshot = (overrides: Partial<typeof listener>): LoadBalancerSnapshot =>
  createSnapshot({ listeners: [{ ...listener, ...overrides }] })

describe('drift: AWS differs from the Ingress', () => {
  interface DriftCase {
    readonly name: string
    readonly snapshot: LoadBalancerSnapshot
    readonly differences?: readonly string[]
    readonly settings?: Parameters<typeof createSettings>[0]
    readonly classParams?: ClassParams
  }
  const noClassParams: ClassParams = { readable: true, spec: {} }
  const driftCases: readonly DriftCase[] = [
    { name: 'no difference', snapshot: createSnapshot() },
    {
      name: 'an unreadable configuration',
      snapshot: createSnapshot({
        listeners: undefined,
        targetGroups: undefined,
        attributes: undefined,
      }),
    },
    {
      name: 'a deleted load balancer',
      snapshot: { ...createSnapshot(), loadBalancer: undefined },
      differences: ['load balancer k8s-1: DNS name -> k8s-1-2.us-east-2.elb.amazonaws.com'],
    },
    {
      name: 'a missing listener',
      snapshot: createSnapshot({ listeners: [] }),
      differences: ['listener 443 of k8s-1: protocol -> HTTPS'],
    },
    {
      name: 'a listener of another protocol',
      snapshot: createListenerSnapshot({ protocol: 'HTTP' }),
      differences: ['listener 443 of k8s-1: protocol HTTP -> HTTPS'],
    },
    {
      name: 'another certificate',
      snapshot: createListenerSnapshot({ defaultCertificateArn: 'arn:other' }),
      differences: [`listener 443 of k8s-1: default certificate arn:other -> ${certificateArn}`],
    },
    {
      name: 'another certificate, which the class sets',
      snapshot: createListenerSnapshot({ defaultCertificateArn: 'arn:other' }),
      classParams: { readable: true, spec: { certificateArn: ['arn:other'] } },
    },
    {
      name: 'another certificate, which the class may set',
      snapshot: createListenerSnapshot({ defaultCertificateArn: 'arn:other', sslPolicy: 'x' }),
      classParams: { readable: false },
    },
    {
      name: 'another certificate, of the first member of the group',
      snapshot: createListenerSnapshot({ defaultCertificateArn: 'arn:other' }),
      settings: { ingress: { groupName: 'shared' } },
    },
    {
      name: 'another policy',
      snapshot: createListenerSnapshot({ sslPolicy: 'ELBSecurityPolicy-2016-08' }),
      differences: [`listener 443 of k8s-1: ssl-policy ELBSecurityPolicy-2016-08 -> ${sslPolicy}`],
    },
    {
      name: 'another policy, which the class sets',
      snapshot: createListenerSnapshot({ sslPolicy: 'ELBSecurityPolicy-2016-08' }),
      classParams: { readable: true, spec: { sslPolicy: 'ELBSecurityPolicy-2016-08' } },
    },
    {
      name: 'a missing rule',
      snapshot: createListenerSnapshot({ rules: [] }),
      differences: [`listener 443 of k8s-1: rule for ${host} -> forward to Milvus`],
    },
    {
      name: 'a rule for another host',
      snapshot: createListenerSnapshot({
        rules: [{ ...forwardRule, hosts: ['other.example.com'] }],
      }),
      differences: [`listener 443 of k8s-1: rule for ${host} -> forward to Milvus`],
    },
    {
      name: 'a rule for another path',
      snapshot: createListenerSnapshot({ rules: [{ ...forwardRule, paths: ['/x'] }] }),
      differences: [`listener 443 of k8s-1: rule for ${host} -> forward to Milvus`],
    },
    {
      name: 'a rule in upper case, for every path',
      snapshot: createListenerSnapshot({
        rules: [{ ...forwardRule, hosts: [host.toUpperCase()], paths: [] }],
      }),
    },
    {
      name: 'a rule that does not forward',
      snapshot: createSnapshot({
        listeners: [
          { ...listener, rules: [{ hosts: [host], paths: ['/*'], targetGroupArn: undefined }] },
        ],
      }),
      differences: [`listener 443 of k8s-1: rule for ${host} no forwarding -> forward to Milvus`],
    },
    {
      name: 'a target group of another kind',
      snapshot: createSnapshot({
        targetGroups: [{ ...targetGroup, protocolVersion: 'HTTP1', targetType: 'instance' }],
      }),
      differences: [
        'target group k8s-milvus: protocol version HTTP1 -> GRPC',
        'target group k8s-milvus: target type instance -> ip',
      ],
    },
    {
      name: 'a target group that may not be read',
      snapshot: createSnapshot({ targetGroups: undefined }),
    },
    {
      name: 'another attribute value',
      snapshot: createSnapshot({ attributes: { 'idle_timeout.timeout_seconds': '60' } }),
      differences: ['load balancer k8s-1: attribute idle_timeout.timeout_seconds 60 -> 600'],
    },
    {
      name: 'an attribute that the class sets',
      snapshot: createSnapshot({ attributes: { 'idle_timeout.timeout_seconds': '60' } }),
      classParams: {
        readable: true,
        spec: { loadBalancerAttributes: [{ key: 'idle_timeout.timeout_seconds', value: '60' }] },
      },
    },
  ]
  test.each(driftCases)(
    '$name',
    ({ snapshot, differences = [], settings, classParams = noClassParams }) => {
      const changes = detectDrift(snapshot, annotatedIngress, createSettings(settings), classParams)
      expect(
        changes.map(
          ({ object, path, before, after }) =>
            `${object}: ${path}${before === undefined ? '' : ` ${before}`} -> ${after}`,
        ),
      ).toEqual(differences)
    },
  )

  test('requests a reconcile for drift, which a check reports without the request', () => {
    const operations = planOperations(
      { ingress: annotatedIngress },
      createListenerSnapshot({ rules: [] }),
    )
    const describeAll = (changes: readonly Change[]): string[] =>
      changes.map(({ object, why }) => `${object}: ${why}`)
    const drift =
      'listener 443 of k8s-1: changed in AWS, not by the controller, which restores it when it reconciles again'
    expect(describeAll(toDifferences(operations))).toEqual([drift])
    expect(describeAll(toChanges(operations))).toEqual([
      drift,
      'Ingress milvus/milvus-demo: makes the controller reconcile, which otherwise requires a change of the Ingress',
    ])
  })

  test('reports no drift after a failed reconciliation, only the request', () => {
    const operations = planOperations(
      { ingress: annotatedIngress, events: [failedEvent] },
      createListenerSnapshot({ rules: [] }),
    )
    expect(toChanges(operations)).toHaveLength(1)
    expect(toDifferences(operations)).toEqual(toChanges(operations))
  })

  test.each<[string, LoadBalancerConfiguration, boolean]>([
    ['a complete configuration', completeConfiguration, true],
    ['unreadable listeners', { ...completeConfiguration, listeners: undefined }, false],
    [
      'unreadable rules',
      { ...completeConfiguration, listeners: [{ ...listener, rules: undefined }] },
      false,
    ],
    ['unreadable target groups', { ...completeConfiguration, targetGroups: undefined }, false],
  ])('isComplete: %s', (_, configuration, expected) => {
    expect(isComplete(configuration, 443)).toBe(expected)
  })
})
