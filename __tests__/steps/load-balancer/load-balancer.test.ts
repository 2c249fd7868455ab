import { describe, expect, test } from '@jest/globals'
import { reconcileRequestAnnotation } from '../../../src/steps/ingress/manifest.ts'
import { known } from '../../../src/steps/deferred.ts'
import { awsCredentialsExpired } from '../../../src/failures/aws.ts'
import {
  plan,
  toChanges,
  toDifferences,
  warnRemainingDrift,
} from '../../../src/steps/load-balancer/load-balancer.ts'
import type { LoadBalancerRun } from '../../../src/steps/load-balancer/wait.ts'
import type { LoadBalancerOperation } from '../../../src/steps/load-balancer/operations.ts'
import type { LoadBalancerSnapshot } from '../../../src/steps/load-balancer/snapshot.ts'
import type { Target } from '../../../src/steps/preflight/preflight.ts'
import type { Change } from '../../../src/steps/step.ts'
import { certificateArn, createEvent, createSettings, createTarget, ingress } from '../fixtures.ts'
import { annotatedIngress, createListenerSnapshot } from './snapshot-fixture.ts'

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
})

test('warnRemainingDrift does without ELB when the credentials have expired', async () => {
  const warnings: string[] = []
  const expired = awsCredentialsExpired({ operation: 'x', message: 'expired', cause: undefined })
  const run = {
    context: { log: { warn: (text: string) => warnings.push(text) } },
    settings: createSettings(),
    clients: { loadBalancers: { findByDnsName: () => Promise.reject(expired) } },
  } as unknown as LoadBalancerRun
  const awaited = {
    ingress: annotatedIngress,
    eventCursor: 1n,
    target: createTarget({ ingress: ingressWithAddress }),
    isCertificateNew: false,
    snapshot: undefined,
  }
  await warnRemainingDrift(run, awaited, 'k8s-2.us-east-2.elb.amazonaws.com')
  expect(warnings).toEqual([expect.stringMatching(/^The ALB was replaced/)])
})
