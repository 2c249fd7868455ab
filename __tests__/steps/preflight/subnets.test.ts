import { describe, expect, test } from '@jest/globals'
import type { Subnet } from '../../../src/clients/aws/subnets.ts'
import type { Target } from '../../../src/steps/preflight/preflight.ts'
import { needsSubnets, validateSubnets } from '../../../src/steps/preflight/subnets.ts'
import { createSettings, createTarget, ingress } from '../fixtures.ts'

describe('validateSubnets', () => {
  const createSubnet = (
    id: string,
    zone: string,
    tags: Record<string, string> = {},
    freeAddresses = 100,
  ): Subnet => ({ id, availabilityZone: zone, tags, availableAddresses: freeAddresses })
  const roleTag = { 'kubernetes.io/role/elb': '1' }
  const vpcSubnets = [
    createSubnet('s1', 'a', { ...roleTag, Name: 'one' }),
    createSubnet('s2', 'b', roleTag),
    createSubnet('s3', 'b', {}),
    createSubnet('s4', 'c', {}, 3),
  ]
  const twins = [
    createSubnet('s1', 'a'),
    createSubnet('s5', 'b', { Name: 'twin' }),
    createSubnet('s6', 'b', { Name: 'twin' }),
  ]
  const checkSubnets = (
    requested: string[],
    subnets = vpcSubnets,
    scheme: 'internet-facing' | 'internal' = 'internet-facing',
  ) => validateSubnets(subnets, { cluster: 'production', scheme, requested })

  test.each<{
    name: string
    result: ReturnType<typeof checkSubnets>
    errors: RegExp[]
    warnings: RegExp[]
  }>([
    { name: 'tagged subnets in two zones', result: checkSubnets([]), errors: [], warnings: [] },
    {
      name: 'an empty tag value',
      result: checkSubnets(
        [],
        [
          createSubnet('s1', 'a', { 'kubernetes.io/role/elb': '' }),
          createSubnet('s2', 'b', roleTag),
        ],
      ),
      errors: [],
      warnings: [],
    },
    {
      name: 'no subnet tagged for an internal ALB',
      result: checkSubnets([], vpcSubnets, 'internal'),
      errors: [],
      warnings: [/^Too few of the 4 .* tagged kubernetes.io\/role\/internal-elb=1.*: 0 in 0 zones/],
    },
    {
      name: 'tagged subnets in one zone',
      result: checkSubnets(
        [],
        [createSubnet('s1', 'a', roleTag), createSubnet('s2', 'a', roleTag)],
      ),
      errors: [],
      warnings: [/2 in 1 zone\./],
    },
    {
      name: 'a tagged subnet of another cluster',
      result: checkSubnets(
        [],
        [
          createSubnet('s1', 'a', roleTag),
          createSubnet('s2', 'b', { ...roleTag, 'kubernetes.io/cluster/other': 'owned' }),
        ],
      ),
      errors: [],
      warnings: [/1 in 1 zone \(and 1 for other clusters\)/],
    },
    {
      name: 'a tagged subnet of this cluster and another',
      result: checkSubnets(
        [],
        [
          createSubnet('s1', 'a', roleTag),
          createSubnet('s2', 'b', {
            ...roleTag,
            'kubernetes.io/cluster/other': 'shared',
            'kubernetes.io/cluster/production': 'shared',
          }),
        ],
      ),
      errors: [],
      warnings: [],
    },
    {
      name: 'a full tagged subnet',
      result: checkSubnets(
        [],
        [createSubnet('s1', 'a', roleTag), createSubnet('s2', 'b', roleTag, 5)],
      ),
      errors: [],
      warnings: [/^Too few/, /s2 has 5 free addresses/],
    },
    {
      name: 'given subnets by ID and by Name',
      result: checkSubnets(['one', 's2']),
      errors: [],
      warnings: [],
    },
    {
      name: 'a Name tag that two subnets in one zone carry, given once',
      result: checkSubnets(['s1', 'twin'], twins),
      errors: [],
      warnings: [/contains twin, the Name tag of 2 subnets \(s5, s6\): the controller takes any/],
    },
    {
      name: 'a Name tag that two subnets carry, given for both',
      result: checkSubnets(
        ['twin', 'twin'],
        [createSubnet('s5', 'b', { Name: 'twin' }), createSubnet('s7', 'c', { Name: 'twin' })],
      ),
      errors: [],
      warnings: [],
    },
    {
      name: 'a Name tag given more often than subnets carry it',
      result: checkSubnets(['twin', 'twin', 'twin'], twins),
      errors: [/contains twin 3 times, but only 2 subnets have that id or Name tag/],
      warnings: [],
    },
    {
      name: 'an ID given twice',
      result: checkSubnets(['s1', 's2', 's1']),
      errors: [/contains s1 2 times, but only one subnet has that id/],
      warnings: [],
    },
    {
      name: 'an unknown given subnet',
      result: checkSubnets(['s1', 's9']),
      errors: [/contains s9, which is neither/],
      warnings: [],
    },
    {
      name: 'a Name tag that the controller reads as an ID',
      result: checkSubnets(
        ['subnet-0a1b2c3d'],
        [createSubnet('subnet-4e5f6a7b', 'a', { Name: 'subnet-0a1b2c3d' })],
      ),
      errors: [/contains subnet-0a1b2c3d, which is not the id of a subnet in/],
      warnings: [],
    },
    {
      name: 'two given subnets in one zone',
      result: checkSubnets(['s2', 's3']),
      errors: [/contains s3 and s2, both in zone b/],
      warnings: [],
    },
    {
      name: 'a full given subnet',
      result: checkSubnets(['s1', 's4']),
      errors: [],
      warnings: [/s4 has 3 free/],
    },
  ])('$name', ({ result, errors, warnings }) => {
    const messages = result.errors.map(({ message }) => message)
    expect({ ...result, errors: messages }).toEqual({
      errors: errors.map((pattern) => expect.stringMatching(pattern) as unknown),
      warnings: warnings.map((pattern) => expect.stringMatching(pattern) as unknown),
    })
  })
})

const subnetsAnnotation = 'alb.ingress.kubernetes.io/subnets'

describe('needsSubnets', () => {
  const hostname = 'k8s-1.us-east-2.elb.amazonaws.com'
  const internalHostname = `internal-${hostname}`
  const schemeAnnotation = 'alb.ingress.kubernetes.io/scheme'
  const withFinalizer = (finalizer: string) => {
    const live = ingress({}, { hostname })
    return { ...live, metadata: { ...live.metadata, finalizers: [finalizer] } }
  }
  test.each<{ name: string; requested: string[]; target: Partial<Target>; expected: boolean }>([
    { name: 'a new ALB', requested: [], target: {}, expected: true },
    {
      name: 'an existing ALB without given subnets',
      requested: [],
      target: { ingress: ingress({}, { hostname }) },
      expected: false,
    },
    {
      name: 'an existing ALB with the same subnets',
      requested: ['s1', 's2'],
      target: { ingress: ingress({ [subnetsAnnotation]: 's1,s2' }, { hostname }) },
      expected: false,
    },
    {
      name: 'other subnets of an existing ALB',
      requested: ['s1', 's3'],
      target: { ingress: ingress({ [subnetsAnnotation]: 's1,s2' }, { hostname }) },
      expected: true,
    },
    {
      name: 'given subnets of an ALB whose subnets were discovered',
      requested: ['s1', 's3'],
      target: { ingress: ingress({}, { hostname }) },
      expected: true,
    },
    {
      name: 'another scheme, which replaces the ALB',
      requested: [],
      target: {
        ingress: ingress({ [schemeAnnotation]: 'internal' }, { hostname: internalHostname }),
      },
      expected: true,
    },
    {
      name: 'another scheme than that of an adopted Ingress without the annotation',
      requested: [],
      target: { ingress: ingress({}, { hostname: internalHostname }) },
      expected: true,
    },
    {
      name: 'a class of another controller, which creates an ALB',
      requested: [],
      target: {
        ingress: withFinalizer('ingress.eks.amazonaws.com/resources'),
        classController: 'ingress.k8s.aws/alb',
      },
      expected: true,
    },
    {
      name: 'a group that the Ingress leaves',
      requested: [],
      target: { ingress: withFinalizer('group.ingress.k8s.aws/shared') },
      expected: true,
    },
    {
      name: 'an annotation that the class overrode with the requested scheme',
      requested: [],
      target: { ingress: ingress({ [schemeAnnotation]: 'internal' }, { hostname }) },
      expected: false,
    },
    {
      name: 'subnets that the class sets',
      requested: ['s1', 's3'],
      target: { classParams: { readable: true, spec: { subnets: { ids: ['s1', 's2'] } } } },
      expected: false,
    },
  ])('$name', ({ requested, target, expected }) => {
    const settings = createSettings({ ingress: { subnets: requested } })
    expect(needsSubnets(settings, createTarget(target))).toBe(expected)
  })
})
