import { describe, expect, test } from '@jest/globals'
import type { LoadBalancerSnapshot } from '../../../src/steps/load-balancer/snapshot.ts'
import type { Ingress } from '../../../src/clients/kubernetes/types.ts'
import { selectRemedy } from '../../../src/steps/ingress/deletion.ts'
import { findGroup } from '../../../src/steps/ingress/group.ts'
import {
  checkDeletionProtection,
  describeOutcome,
  planRemoval,
  toChanges,
} from '../../../src/steps/ingress/removal.ts'
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
  restService: undefined,
  otherIngresses: others,
  serviceToRestore: undefined,
})
const createAnnotatedMetadata = (attributes: string): Partial<Ingress['metadata']> => ({
  annotations: { 'alb.ingress.kubernetes.io/load-balancer-attributes': attributes },
})

describe('planRemoval', () => {
  test.each<[string, RemovalTarget, string[]]>([
    ['no Ingress', createRemovalTarget(undefined), []],
    [
      'an Ingress that is being deleted',
      createRemovalTarget(createIngress('demo', { deletionTimestamp: '2026-11-27T00:00:00Z' })),
      [],
    ],
    [
      'an Ingress with its own ALB',
      createRemovalTarget(createIngress('demo')),
      [
        'demo.example.com at k8s-1.us-east-2.elb.amazonaws.com: this action created it; its ALB is deleted with it',
      ],
    ],
    [
      'an Ingress of a group',
      createRemovalTarget(createIngress('demo', { finalizers: [groupFinalizer] }), [
        createIngress('b', { finalizers: [groupFinalizer] }),
      ]),
      [
        'demo.example.com at k8s-1.us-east-2.elb.amazonaws.com: this action created it; the ALB of group shared is deleted with the last member',
      ],
    ],
  ])('of %s', (_, removalTarget, expected) => {
    const run = { settings: createSettings() }
    const operations = planRemoval(run, { target: removalTarget, observed: undefined })
    const changes = toChanges(operations)
    expect(changes.map(({ before = '', why }) => `${before}: ${why}`)).toEqual(expected)
  })
})

test('planRemoval waits for an Ingress that is already being deleted', () => {
  const terminating = createIngress('demo', { deletionTimestamp: '2026-11-27T00:00:00Z' })
  const target = createRemovalTarget(terminating)
  expect(planRemoval({ settings: createSettings() }, { target, observed: undefined })).toEqual([
    expect.objectContaining({ action: 'await-deletion', ingress: terminating }),
  ])
})

describe('describeOutcome', () => {
  const loadBalancer = { name: 'k8s-shared', arn: 'arn:lb', state: 'active', reason: '' }
  const other = createIngress('other', { finalizers: [groupFinalizer] })
  test.each<{
    name: string
    finalizer?: string
    otherIngresses?: readonly Ingress[]
    state: string | undefined
    outcome: string
    note?: string
  }>([
    {
      name: 'an ALB of its own',
      finalizer: ownFinalizer,
      state: undefined,
      outcome: 'demo and load balancer k8s-shared are deleted',
    },
    {
      name: 'the last member',
      state: 'deleted',
      outcome: 'demo and load balancer k8s-shared are deleted',
    },
    {
      name: 'another member',
      otherIngresses: [other],
      state: 'active',
      outcome: 'demo is deleted, load balancer k8s-shared is kept for its group',
      note: 'Load balancer k8s-shared is kept, because group shared has other members: Ingress other.',
    },
    {
      name: 'no other member in the namespace',
      otherIngresses: [],
      state: 'active',
      outcome: 'demo is deleted, load balancer k8s-shared is kept for its group',
      note: 'Load balancer k8s-shared is kept, because group shared has other members: Ingresses of other namespaces.',
    },
    {
      name: 'members that were not read',
      state: 'active',
      outcome: 'demo is deleted, load balancer k8s-shared is kept for its group',
      note: 'Load balancer k8s-shared is kept, because group shared has other members.',
    },
    {
      name: 'a state that cannot be read',
      otherIngresses: [other],
      state: undefined,
      outcome: 'demo is deleted, the state of load balancer k8s-shared is not known',
      note: 'Whether load balancer k8s-shared of group shared is deleted is not known: ELB could not be read.',
    },
  ])('$name', ({ finalizer = groupFinalizer, otherIngresses, state, outcome, note }) => {
    const ingress = createIngress('demo', { finalizers: [finalizer] })
    const group = findGroup({ ingress, otherIngresses })
    const removal = { namespace: 'milvus', ingress, group, loadBalancer }
    expect(describeOutcome(removal, state)).toEqual({ outcome, note })
  })
})

describe('checkDeletionProtection', () => {
  const createSnapshot = (value: string): LoadBalancerSnapshot =>
    ({
      address: 'a',
      loadBalancer: { name: 'k8s-1', arn: 'arn:lb' },
      configuration: { attributes: { 'deletion_protection.enabled': value } },
    }) as unknown as LoadBalancerSnapshot
  test.each<[string, RemovalTarget, LoadBalancerSnapshot | undefined, string | undefined]>([
    ['no Ingress', createRemovalTarget(undefined), createSnapshot('true'), undefined],
    ['an unreadable ALB', createRemovalTarget(createIngress('demo')), undefined, undefined],
    [
      'disabled protection',
      createRemovalTarget(
        createIngress('demo', createAnnotatedMetadata('deletion_protection.enabled=false')),
      ),
      createSnapshot('false'),
      undefined,
    ],
    [
      'protection enabled in ELB',
      createRemovalTarget(createIngress('demo')),
      createSnapshot('true'),
      'Turn it off, then run the job again: "aws elbv2 modify-load-balancer-attributes --load-balancer-arn arn:lb --attributes Key=deletion_protection.enabled,Value=false".',
    ],
    [
      'protection enabled in the annotation',
      createRemovalTarget(
        createIngress(
          'demo',
          createAnnotatedMetadata(
            'idle_timeout.timeout_seconds=60,deletion_protection.enabled=true',
          ),
        ),
      ),
      createSnapshot('true'),
      'Run mode: deploy once with deletion_protection.enabled=false in alb.ingress.kubernetes.io/load-balancer-attributes of input annotations (removing the attribute does not turn it off), then run mode: destroy again.',
    ],
    [
      'protection enabled in ELB, for an ALB that may remain',
      createRemovalTarget(createIngress('demo', { finalizers: [groupFinalizer] })),
      createSnapshot('true'),
      undefined,
    ],
    [
      'protection enabled in the annotation, in a group',
      createRemovalTarget(
        createIngress('demo', {
          finalizers: [groupFinalizer],
          ...createAnnotatedMetadata('deletion_protection.enabled=true'),
        }),
      ),
      undefined,
      'Run mode: deploy once with deletion_protection.enabled=false in alb.ingress.kubernetes.io/load-balancer-attributes of input annotations (removing the attribute does not turn it off), then run mode: destroy again.',
    ],
  ])('%s', async (_, removalTarget, snapshot, expected) => {
    const runCheck = (): void => checkDeletionProtection(removalTarget, snapshot)
    if (expected === undefined) expect(runCheck).not.toThrow()
    else expect((await captureActionError(runCheck)).remedy).toBe(expected)
  })
})

describe('selectRemedy', () => {
  test.each<[string, Parameters<typeof selectRemedy>, RegExp]>([
    [
      'another finalizer',
      [
        { finalizers: ['example.com/hold'], loadBalancerState: 'deleted' },
        { isControllerDown: true, protectedArn: undefined },
      ],
      /^Fix the component that set example\.com\/hold on the Ingress\./,
    ],
    [
      'a controller that is down',
      [
        { finalizers: [ownFinalizer], loadBalancerState: 'active' },
        { isControllerDown: true, protectedArn: undefined },
      ],
      /^Check that the AWS Load Balancer Controller is running/,
    ],
    [
      'protection that was enabled meanwhile',
      [
        { finalizers: [ownFinalizer], loadBalancerState: 'active' },
        { isControllerDown: false, protectedArn: 'arn:lb' },
      ],
      /^Turn off its deletion protection: "aws elbv2 .* arn:lb /,
    ],
    [
      'a deleted ALB',
      [
        { finalizers: [groupFinalizer], loadBalancerState: 'deleted' },
        { isControllerDown: false, protectedArn: undefined },
      ],
      /target groups or security groups remain/,
    ],
    [
      'an ALB that still exists',
      [
        { finalizers: [ownFinalizer, 'example.com/hold'], loadBalancerState: 'active' },
        { isControllerDown: false, protectedArn: undefined },
      ],
      /^Fix what the controller's log reports/,
    ],
  ])('%s', (_, remedyArguments, expected) => {
    expect(selectRemedy(...remedyArguments)).toMatch(expected)
  })
})
