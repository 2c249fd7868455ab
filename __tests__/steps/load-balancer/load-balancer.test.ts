import { describe, expect, test } from '@jest/globals'
import { reconcileRequestAnnotation } from '../../../src/steps/ingress/manifest.ts'
import type { LoadBalancerConfiguration } from '../../../src/clients/aws/load-balancer-configuration.ts'
import { plan } from '../../../src/steps/load-balancer/load-balancer.ts'
import {
  detectDrift,
  isComplete,
  type LoadBalancerSnapshot,
} from '../../../src/steps/load-balancer/drift.ts'
import type { Target } from '../../../src/steps/preflight/preflight.ts'
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

describe('plan: a nudge, when nothing else makes the controller look again', () => {
  test.each<[string, Partial<Target>, wordsSince: bigint | undefined, why: RegExp | undefined]>([
    [
      'reconciled and an address',
      { ingress: ingressWithAddress, events: [succeededEvent] },
      undefined,
      undefined,
    ],
    [
      'an address, and events that are gone after an hour',
      { ingress: ingressWithAddress, events: [] },
      undefined,
      undefined,
    ],
    [
      'a failure before the success',
      { ingress: ingressWithAddress, events: [failedEvent, succeededEvent] },
      undefined,
      undefined,
    ],
    [
      'a failure after the success, with the old address',
      {
        ingress: ingressWithAddress,
        events: [
          succeededEvent,
          { ...failedEvent, metadata: { ...failedEvent.metadata, resourceVersion: '31' } },
        ],
      },
      undefined,
      /last said no/,
    ],
    [
      'trouble that may heal: its next look may be minutes away too',
      { ingress: ingressWithAddress, events: [throttledEvent] },
      undefined,
      /last said no/,
    ],
    ['no address and no word', { ingress: ingress({}), events: [] }, undefined, /no address/],
    [
      'no address, though reconciled',
      { ingress: ingress({}), events: [succeededEvent] },
      undefined,
      /no address/,
    ],
    [
      'events of others',
      {
        ingress: ingressWithAddress,
        events: [createEvent('FailedToUpdateEndpointSlices', 'x', '99')],
      },
      undefined,
      undefined,
    ],
    ['the Ingress changes anyway', { ingress: ingress({}), events: [failedEvent] }, 7n, undefined],
  ])('%s', (_, state, eventCursor, why) => {
    const changes = plan(
      createTarget(state),
      createSettings(),
      { ingress: state.ingress ?? ingress({}), eventCursor },
      undefined,
      now,
    )
    expect(changes).toEqual(
      why === undefined
        ? []
        : [
            {
              step: 'load-balancer',
              object: 'Ingress milvus/milvus-demo',
              path: `metadata.annotations.${reconcileRequestAnnotation}`,
              after: '2026-01-02T03:04:05.678Z',
              why: expect.stringMatching(why) as unknown,
            },
          ],
    )
  })

  test('says what the nudge was before', () => {
    expect(
      plan(
        createTarget({ ingress: ingress({ [reconcileRequestAnnotation]: 'then' }) }),
        createSettings(),
        { ingress: ingress({ [reconcileRequestAnnotation]: 'then' }), eventCursor: undefined },
        undefined,
        now,
      ),
    ).toMatchObject([{ before: 'then', after: now.toISOString() }])
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

describe('drift: AWS is not as the Ingress says', () => {
  test.each<
    [string, LoadBalancerSnapshot, string[], Parameters<typeof createSettings>[0], ClassParams]
  >([
    ['as it should be', createSnapshot(), [], {}, {}],
    [
      'nothing may be read',
      createSnapshot({ listeners: undefined, targetGroups: undefined, attributes: undefined }),
      [],
      {},
      {},
    ],
    [
      'no load balancer any more',
      { ...createSnapshot(), loadBalancer: undefined },
      ['load balancer k8s-1: DNS name -> k8s-1-2.us-east-2.elb.amazonaws.com'],
      {},
      {},
    ],
    [
      'no listener',
      createSnapshot({ listeners: [] }),
      ['listener 443 of k8s-1: protocol -> HTTPS'],
      {},
      {},
    ],
    [
      'a listener of another protocol',
      createListenerSnapshot({ protocol: 'HTTP' }),
      ['listener 443 of k8s-1: protocol HTTP -> HTTPS'],
      {},
      {},
    ],
    [
      'another certificate',
      createListenerSnapshot({ defaultCertificateArn: 'arn:other' }),
      [`listener 443 of k8s-1: default certificate arn:other -> ${certificateArn}`],
      {},
      {},
    ],
    [
      'another certificate, which the class sets',
      createListenerSnapshot({ defaultCertificateArn: 'arn:other' }),
      [],
      {},
      { certificateArn: ['arn:other'] },
    ],
    [
      'another certificate, which the class may set',
      createListenerSnapshot({ defaultCertificateArn: 'arn:other', sslPolicy: 'x' }),
      [],
      {},
      'unreadable',
    ],
    [
      'another certificate, of the first member of the group',
      createListenerSnapshot({ defaultCertificateArn: 'arn:other' }),
      [],
      { ingress: { groupName: 'shared' } },
      {},
    ],
    [
      'another policy',
      createListenerSnapshot({ sslPolicy: 'ELBSecurityPolicy-2016-08' }),
      [`listener 443 of k8s-1: ssl-policy ELBSecurityPolicy-2016-08 -> ${sslPolicy}`],
      {},
      {},
    ],
    [
      'another policy, which the class sets',
      createListenerSnapshot({ sslPolicy: 'ELBSecurityPolicy-2016-08' }),
      [],
      {},
      { sslPolicy: 'ELBSecurityPolicy-2016-08' },
    ],
    [
      'no rule',
      createListenerSnapshot({ rules: [] }),
      [`listener 443 of k8s-1: rule for ${host} -> forward to Milvus`],
      {},
      {},
    ],
    [
      'a rule for another host',
      createListenerSnapshot({ rules: [{ ...forwardRule, hosts: ['other.example.com'] }] }),
      [`listener 443 of k8s-1: rule for ${host} -> forward to Milvus`],
      {},
      {},
    ],
    [
      'a rule for another path',
      createListenerSnapshot({ rules: [{ ...forwardRule, paths: ['/x'] }] }),
      [`listener 443 of k8s-1: rule for ${host} -> forward to Milvus`],
      {},
      {},
    ],
    [
      'a rule in upper case, for every path',
      createListenerSnapshot({
        rules: [{ ...forwardRule, hosts: [host.toUpperCase()], paths: [] }],
      }),
      [],
      {},
      {},
    ],
    [
      'a rule that answers itself',
      createSnapshot({
        listeners: [
          { ...listener, rules: [{ hosts: [host], paths: ['/*'], targetGroupArn: undefined }] },
        ],
      }),
      [`listener 443 of k8s-1: rule for ${host} no forwarding -> forward to Milvus`],
      {},
      {},
    ],
    [
      'a target group of another kind',
      createSnapshot({
        targetGroups: [{ ...targetGroup, protocolVersion: 'HTTP1', targetType: 'instance' }],
      }),
      [
        'target group k8s-milvus: protocol version HTTP1 -> GRPC',
        'target group k8s-milvus: target type instance -> ip',
      ],
      {},
      {},
    ],
    [
      'a target group that may not be read',
      createSnapshot({ targetGroups: undefined }),
      [],
      {},
      {},
    ],
    [
      'an attribute',
      createSnapshot({ attributes: { 'idle_timeout.timeout_seconds': '60' } }),
      ['load balancer k8s-1: attribute idle_timeout.timeout_seconds 60 -> 600'],
      {},
      {},
    ],
    [
      'an attribute that the class sets',
      createSnapshot({ attributes: { 'idle_timeout.timeout_seconds': '60' } }),
      [],
      {},
      { loadBalancerAttributes: [{ key: 'idle_timeout.timeout_seconds', value: '60' }] },
    ],
  ])('%s', (_, state, expected, overrides, classParams) => {
    expect(
      detectDrift(state, annotatedIngress, createSettings(overrides), classParams).map(
        ({ object, path, before, after }) =>
          `${object}: ${path}${before === undefined ? '' : ` ${before}`} -> ${after ?? ''}`,
      ),
    ).toEqual(expected)
  })

  test('is planned with a nudge, unless the controller hears of a change or has said no', () => {
    const driftedSnapshot = createListenerSnapshot({ rules: [] })
    const state = createTarget({ ingress: annotatedIngress })
    const changes = plan(
      state,
      createSettings(),
      { ingress: annotatedIngress, eventCursor: undefined },
      driftedSnapshot,
      now,
    )
    expect(changes.map(({ object, why }) => `${object}: ${why}`)).toEqual([
      'listener 443 of k8s-1: changed by hand in AWS; the controller puts it back when it looks again',
      'Ingress milvus/milvus-demo: makes the controller look at AWS, which it else does only when the Ingress changes',
    ])
    expect(
      plan(
        state,
        createSettings(),
        { ingress: annotatedIngress, eventCursor: 7n },
        driftedSnapshot,
        now,
      ),
    ).toEqual([])
    expect(
      plan(
        createTarget({ ingress: annotatedIngress, events: [failedEvent] }),
        createSettings(),
        { ingress: annotatedIngress, eventCursor: undefined },
        driftedSnapshot,
        now,
      ),
    ).toHaveLength(1)
  })

  test.each<[string, LoadBalancerConfiguration, boolean]>([
    ['everything', completeConfiguration, true],
    ['no listeners', { ...completeConfiguration, listeners: undefined }, false],
    [
      'no rules',
      { ...completeConfiguration, listeners: [{ ...listener, rules: undefined }] },
      false,
    ],
    ['no target groups', { ...completeConfiguration, targetGroups: undefined }, false],
  ])('isComplete: %s may be read', (_, configuration, expected) => {
    expect(isComplete(configuration, 443)).toBe(expected)
  })
})
