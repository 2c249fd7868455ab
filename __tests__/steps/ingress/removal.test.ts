import { describe, expect, test } from '@jest/globals'
import type { LoadBalancerSnapshot } from '../../../src/steps/load-balancer/snapshot.ts'
import type { Ingress } from '../../../src/clients/kubernetes/types.ts'
import { checkDeletionProtection, planRemoval, remedy } from '../../../src/steps/ingress/removal.ts'
import type { RemovalTarget } from '../../../src/steps/preflight/removal.ts'
import { captureActionError } from '../../capture-error.ts'
import { createSettings } from '../fixtures.ts'

const [ownFinalizer, groupFinalizer] = ['ingress.k8s.aws/resources', 'group.ingress.k8s.aws/shared']
const createIngress = (name: string, metadata: Partial<Ingress['metadata']> = {}): Ingress =>
  ({
    metadata: { name, finalizers: [ownFinalizer], ...metadata },
    spec: { rules: [{ host: `${name}.example.com` }] },
    status: { loadBalancer: { ingress: [{ hostname: 'k8s-1.us-east-2.elb.amazonaws.com' }] } },
  }) as unknown as Ingress
const createRemovalTarget = (
  ownIngress: Ingress | undefined,
  others: readonly Ingress[] = [],
): RemovalTarget => ({
  namespace: { name: 'milvus', uid: '1' },
  ingressName: 'demo',
  ingress: ownIngress,
  otherIngresses: others,
  serviceToRestore: undefined,
})
const createAnnotatedMetadata = (attributes: string): Partial<Ingress['metadata']> => ({
  annotations: { 'alb.ingress.kubernetes.io/load-balancer-attributes': attributes },
})

describe('planRemoval', () => {
  test.each<[string, RemovalTarget, string[]]>([
    ['none', createRemovalTarget(undefined), []],
    [
      'one that is going',
      createRemovalTarget(createIngress('demo', { deletionTimestamp: '2026-11-27T00:00:00Z' })),
      [],
    ],
    [
      'one with an ALB of its own',
      createRemovalTarget(createIngress('demo')),
      [
        'demo.example.com at k8s-1.us-east-2.elb.amazonaws.com: this action made it, and its ALB goes with it',
      ],
    ],
    [
      'one of a group',
      createRemovalTarget(createIngress('demo', { finalizers: [groupFinalizer] }), [
        createIngress('b', { finalizers: [groupFinalizer] }),
      ]),
      [
        'demo.example.com at k8s-1.us-east-2.elb.amazonaws.com: this action made it; the ALB of group shared goes only with its last member',
      ],
    ],
  ])('of %s', (_, removalTarget, expected) => {
    expect(
      planRemoval(removalTarget, createSettings()).map(
        ({ before = '', why }) => `${before}: ${why}`,
      ),
    ).toEqual(expected)
  })
})

describe('checkProtection', () => {
  const createSnapshot = (value: string): LoadBalancerSnapshot =>
    ({
      address: 'a',
      loadBalancer: { name: 'k8s-1', arn: 'arn:lb' },
      configuration: { attributes: { 'deletion_protection.enabled': value } },
    }) as unknown as LoadBalancerSnapshot
  test.each<[string, RemovalTarget, LoadBalancerSnapshot | undefined, string | undefined]>([
    ['none', createRemovalTarget(undefined), createSnapshot('true'), undefined],
    ['nothing known of ELB', createRemovalTarget(createIngress('demo')), undefined, undefined],
    [
      'off',
      createRemovalTarget(
        createIngress('demo', createAnnotatedMetadata('deletion_protection.enabled=false')),
      ),
      createSnapshot('false'),
      undefined,
    ],
    [
      'on in ELB',
      createRemovalTarget(createIngress('demo')),
      createSnapshot('true'),
      'Turn it off, then run the job again: "aws elbv2 modify-load-balancer-attributes --load-balancer-arn arn:lb --attributes Key=deletion_protection.enabled,Value=false".',
    ],
    [
      'on in the annotation',
      createRemovalTarget(
        createIngress(
          'demo',
          createAnnotatedMetadata(
            'idle_timeout.timeout_seconds=60,deletion_protection.enabled=true',
          ),
        ),
      ),
      createSnapshot('true'),
      'Run mode: deploy once with deletion_protection.enabled=false in alb.ingress.kubernetes.io/load-balancer-attributes of annotations (leaving it out does not turn it off), then run this again.',
    ],
    [
      'on in ELB, for an ALB that may stay',
      createRemovalTarget(createIngress('demo', { finalizers: [groupFinalizer] })),
      createSnapshot('true'),
      undefined,
    ],
    [
      'on in the annotation, of a group',
      createRemovalTarget(
        createIngress('demo', {
          finalizers: [groupFinalizer],
          ...createAnnotatedMetadata('deletion_protection.enabled=true'),
        }),
      ),
      undefined,
      'Run mode: deploy once with deletion_protection.enabled=false in alb.ingress.kubernetes.io/load-balancer-attributes of annotations (leaving it out does not turn it off), then run this again.',
    ],
  ])('%s', async (_, removalTarget, snapshot, expected) => {
    const runCheck = (): void => checkDeletionProtection(removalTarget, snapshot)
    if (expected === undefined) expect(runCheck).not.toThrow()
    else expect((await captureActionError(runCheck)).remedy).toBe(expected)
  })
})

describe('remedy', () => {
  test.each<[string, Parameters<typeof remedy>, RegExp]>([
    [
      'another finalizer',
      [{ finalizers: ['example.com/hold'], loadBalancerState: 'gone' }, true, undefined],
      /^Make what put example\.com\/hold on the Ingress do its work/,
    ],
    [
      'a controller that is down',
      [{ finalizers: [ownFinalizer], loadBalancerState: 'active' }, true, undefined],
      /^Make the AWS Load Balancer Controller run/,
    ],
    [
      'protection that came meanwhile',
      [{ finalizers: [ownFinalizer], loadBalancerState: 'active' }, false, 'arn:lb'],
      /^Turn its deletion protection off: "aws elbv2 .* arn:lb /,
    ],
    [
      'an ALB that is gone',
      [{ finalizers: [groupFinalizer], loadBalancerState: 'gone' }, false, undefined],
      /target groups or security groups are left/,
    ],
    [
      'an ALB that is there',
      [
        { finalizers: [ownFinalizer, 'example.com/hold'], loadBalancerState: 'active' },
        false,
        undefined,
      ],
      /^Mend what the controller's log says/,
    ],
  ])('%s', (_, remedyArguments, expected) => {
    expect(remedy(...remedyArguments)).toMatch(expected)
  })
})
