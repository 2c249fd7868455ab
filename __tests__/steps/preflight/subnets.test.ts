import { describe, expect, test } from '@jest/globals'
import type { Subnet } from '../../../src/clients/aws/subnets.ts'
import { validateSubnets } from '../../../src/steps/preflight/subnets.ts'

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
      name: 'an unknown given subnet',
      result: checkSubnets(['s1', 's9']),
      errors: [/contains s9, which is neither/],
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
