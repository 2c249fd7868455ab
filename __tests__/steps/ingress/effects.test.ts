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
      expected: false,
    },
  ])('$name', ({ finalizer, expected }) => {
    const target = withAddress(createLiveTarget())
    const live = target.ingress && {
      ...target.ingress,
      metadata: { ...target.ingress.metadata, finalizers: [finalizer] },
    }
    const settings = createSettings({ ingress: { groupName: 'shared' } })
    const operations = planOperations({ ...target, ingress: live }, settings)
    expect(replacesLoadBalancer(operations)).toBe(expected)
  })

  const sharedGroup: ClassParams = { readable: true, spec: { group: { name: 'shared' } } }

  test.each<{ name: string; classParams: ClassParams; finalizer: string; expected: boolean }>([
    {
      name: 'an annotation that only repeats the group of the class',
      classParams: sharedGroup,
      finalizer: 'group.ingress.k8s.aws/shared',
      expected: false,
    },
    {
      name: 'an annotation that Auto Mode ignored',
      classParams: { readable: true, spec: {} },
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
  ])('group-name is no longer set: $name', ({ classParams, finalizer, expected }) => {
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
    const operations = planOperations({ ...target, ingress: live, classParams })
    expect(replacesLoadBalancer(operations)).toBe(expected)
  })
})
