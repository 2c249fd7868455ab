/** What the operations on an Ingress mean for the load balancer. */
import { describe, expect, test } from '@jest/globals'
import type { EndpointSettings } from '../../../src/inputs/types.ts'
import { known } from '../../../src/steps/deferred.ts'
import { changesFields, plan, replacesLoadBalancer } from '../../../src/steps/ingress/ingress.ts'
import type { IngressOperation } from '../../../src/steps/ingress/operations.ts'
import type { ClassParams } from '../../../src/steps/preflight/ingress-class.ts'
import type { Target } from '../../../src/steps/preflight/preflight.ts'
import { certificateArn, createSettings, createTarget, ingress } from '../fixtures.ts'
import { annotations, createLiveTarget, expectedIngress } from './live-target.ts'

const planOperations = (
  target: Target,
  settings: EndpointSettings = createSettings(),
): IngressOperation[] => plan({ settings }, { target, certificateArn: known(certificateArn) })

test.each([
  { name: 'a new Ingress', target: createTarget(), expected: true },
  { name: 'nothing', target: createLiveTarget(), expected: false },
  {
    name: 'another value',
    target: createLiveTarget({ 'alb.ingress.kubernetes.io/scheme': 'internal' }),
    expected: true,
  },
  {
    name: 'only the ownership',
    target: createTarget({
      ingress: ingress(annotations, {
        spec: expectedIngress.spec,
        ownedAnnotations: Object.keys(annotations),
        manager: { manager: 'kubectl-client-side-apply', operation: 'Update' },
      }),
    }),
    expected: false,
  },
])('changesFields: $name', ({ target, expected }) => {
  expect(changesFields(planOperations(target))).toBe(expected)
})

describe('replacesLoadBalancer', () => {
  const [standardController, autoMode] = ['ingress.k8s.aws/alb', 'eks.amazonaws.com/alb']
  const schemeAnnotation = 'alb.ingress.kubernetes.io/scheme'
  const withAddress = (target: Target, hostname = 'k8s-1.us-east-2.elb.amazonaws.com'): Target => ({
    ...target,
    ingress: target.ingress && {
      ...target.ingress,
      status: { loadBalancer: { ingress: [{ hostname }] } },
    },
  })
  const internalHostname = 'internal-k8s-1.us-east-2.elb.amazonaws.com'
  const otherAnnotations = Object.entries(annotations).filter(([key]) => key !== schemeAnnotation)
  const liveWithoutScheme = createTarget({
    ingress: ingress(Object.fromEntries(otherAnnotations), { spec: expectedIngress.spec }),
  })

  test.each([
    {
      name: 'another scheme of an ALB',
      target: withAddress(createLiveTarget({ [schemeAnnotation]: 'internal' }), internalHostname),
      expected: true,
    },
    {
      name: 'an adopted Ingress without a scheme, whose ALB has the requested one',
      target: withAddress(liveWithoutScheme),
      expected: false,
    },
    {
      name: 'an adopted Ingress without a scheme, whose ALB has another one',
      target: withAddress(liveWithoutScheme, internalHostname),
      expected: true,
    },
    {
      name: 'an annotation that its class overrode with the requested scheme',
      target: withAddress(createLiveTarget({ [schemeAnnotation]: 'internal' })),
      expected: false,
    },
    {
      name: 'no ALB',
      target: createLiveTarget({ [schemeAnnotation]: 'internal' }),
      expected: false,
    },
    {
      name: 'another policy of an ALB',
      target: withAddress(createLiveTarget({ 'alb.ingress.kubernetes.io/ssl-policy': 'old' })),
      expected: false,
    },
    { name: 'a new Ingress', target: createTarget(), expected: false },
  ])('$name', ({ target, expected }) => {
    expect(replacesLoadBalancer(planOperations(target))).toBe(expected)
  })

  test.each([
    { name: 'another group', finalizer: 'group.ingress.k8s.aws/other', expected: true },
    { name: 'its first group', finalizer: 'ingress.k8s.aws/resources', expected: true },
    {
      name: 'the group that its class had assigned',
      finalizer: 'group.ingress.eks.amazonaws.com/shared',
      classController: autoMode,
      expected: false,
    },
  ])('$name', ({ finalizer, classController = standardController, expected }) => {
    const target = { ...withAddress(createLiveTarget()), classController }
    const live = target.ingress && {
      ...target.ingress,
      metadata: { ...target.ingress.metadata, finalizers: [finalizer] },
    }
    const settings = createSettings({ ingress: { groupName: 'shared' } })
    const operations = planOperations({ ...target, ingress: live }, settings)
    expect(replacesLoadBalancer(operations)).toBe(expected)
  })

  const sharedGroup: ClassParams = { readable: true, spec: { group: { name: 'shared' } } }

  test.each<{
    name: string
    classParams: ClassParams
    classController?: string
    finalizer: string
    expected: boolean
  }>([
    {
      name: 'an annotation that only repeats the group of the class',
      classParams: sharedGroup,
      finalizer: 'group.ingress.k8s.aws/shared',
      expected: false,
    },
    {
      name: 'an annotation that Auto Mode ignored',
      classParams: { readable: true, spec: {} },
      classController: autoMode,
      finalizer: 'ingress.eks.amazonaws.com/resources',
      expected: false,
    },
    {
      name: 'the only group',
      classParams: { readable: true, spec: {} },
      finalizer: 'group.ingress.k8s.aws/shared',
      expected: true,
    },
    {
      name: 'an annotation, while the class cannot be read',
      classParams: { readable: false },
      finalizer: 'group.ingress.k8s.aws/shared',
      expected: true,
    },
  ])('group-name is no longer set: $name', (each) => {
    const { classParams, classController = standardController, finalizer, expected } = each
    const groupAnnotation = 'alb.ingress.kubernetes.io/group.name'
    const target = withAddress(
      createLiveTarget({ [groupAnnotation]: 'shared' }, [
        ...Object.keys(annotations),
        groupAnnotation,
      ]),
    )
    const live = target.ingress && {
      ...target.ingress,
      metadata: { ...target.ingress.metadata, finalizers: [finalizer] },
    }
    const operations = planOperations({ ...target, ingress: live, classParams, classController })
    expect(replacesLoadBalancer(operations)).toBe(expected)
  })

  const [ownFinalizer, autoFinalizer] = [
    'ingress.k8s.aws/resources',
    'ingress.eks.amazonaws.com/resources',
  ]

  test.each<{
    name: string
    finalizer?: string
    hostname?: string
    target?: Partial<Target>
    className?: string
    expected: boolean
  }>([
    { name: 'the same group and controller', expected: false },
    { name: 'a group', target: { classParams: sharedGroup }, expected: true },
    {
      name: 'the same group',
      finalizer: 'group.ingress.k8s.aws/shared',
      target: { classParams: sharedGroup },
      expected: false,
    },
    { name: 'no group', finalizer: 'group.ingress.k8s.aws/shared', expected: true },
    { name: 'EKS Auto Mode', target: { classController: autoMode }, expected: true },
    { name: 'the controller instead of Auto Mode', finalizer: autoFinalizer, expected: true },
    {
      name: 'EKS Auto Mode as before',
      finalizer: autoFinalizer,
      target: { classController: autoMode },
      expected: false,
    },
    { name: 'an unreadable class', target: { classController: undefined }, expected: false },
    {
      name: 'no scheme, so that the annotation takes effect',
      hostname: internalHostname,
      expected: true,
    },
    {
      name: 'a group that the same class has just got, which the controller does anyway',
      target: { classParams: sharedGroup },
      className: 'alb',
      expected: false,
    },
  ])('the class has $name', (each) => {
    const { finalizer = ownFinalizer, hostname, target, className = 'other', expected } = each
    const live = withAddress(
      createLiveTarget({ 'alb.ingress.kubernetes.io/ssl-policy': 'old' }),
      hostname,
    )
    const withFinalizer = live.ingress && {
      ...live.ingress,
      metadata: { ...live.ingress.metadata, finalizers: [finalizer] },
    }
    const operations = planOperations(
      { ...live, ...target, ingress: withFinalizer },
      createSettings({ ingress: { className } }),
    )
    expect(replacesLoadBalancer(operations)).toBe(expected)
  })
})
