/** Lists of IDs or Name tags of subnets and security groups. */
import { describe, expect, test } from '@jest/globals'
import { createIdsOrNamesParser } from '../../src/inputs/lists.ts'
import { captureInvalidInput } from './capture-invalid-input.ts'

const parseSubnets = createIdsOrNamesParser('subnet-')
const parseSecurityGroups = createIdsOrNamesParser('sg-')

describe('idsOrNames', () => {
  test.each<{ name: string; raw: string; value: string[] }>([
    {
      name: 'Name tags with spaces',
      raw: 'Public Subnet A, Public Subnet B',
      value: ['Public Subnet A', 'Public Subnet B'],
    },
    { name: 'one Name tag with spaces', raw: 'Public Subnet A', value: ['Public Subnet A'] },
    {
      name: 'Name tags with spaces, one per line',
      raw: 'Public Subnet A\r\n  Public Subnet B,\n',
      value: ['Public Subnet A', 'Public Subnet B'],
    },
    {
      name: 'quoted Name tags with spaces',
      raw: '"Public Subnet A"; \'Public Subnet B\'',
      value: ['Public Subnet A', 'Public Subnet B'],
    },
    {
      name: 'a Name tag that begins like an ID of something else',
      raw: 'sg-milvus production, subnet-0a1b2c3d',
      value: ['sg-milvus production', 'subnet-0a1b2c3d'],
    },
    {
      name: 'IDs that spaces separate',
      raw: 'subnet-0a1b2c3d  subnet-0123456789abcdef0',
      value: ['subnet-0a1b2c3d', 'subnet-0123456789abcdef0'],
    },
    {
      name: 'quoted IDs that spaces separate',
      raw: '"subnet-0a1b2c3d" "subnet-4e5f6a7b"',
      value: ['subnet-0a1b2c3d', 'subnet-4e5f6a7b'],
    },
    {
      name: 'an ID beside a Name tag',
      raw: 'subnet-0a1b2c3d, Public Subnet B',
      value: ['subnet-0a1b2c3d', 'Public Subnet B'],
    },
    {
      name: 'a YAML list',
      raw: '- Public Subnet A\n- subnet-0a1b2c3d',
      value: ['Public Subnet A', 'subnet-0a1b2c3d'],
    },
    { name: 'only separators', raw: ' , ;\n', value: [] },
  ])('$name', ({ raw, value }) => {
    expect(parseSubnets(raw)).toEqual(value)
  })

  test('rejects a Name tag with a comma, which the controller would split', () => {
    expect(captureInvalidInput(parseSubnets, '["Subnet A, public"]').message).toBe(
      'contains "Subnet A, public", and the controller splits names at commas.',
    )
  })

  test.each<{ name: string; parse: (raw: string) => string[]; raw: string; expected: string }>([
    {
      name: 'a Name tag of a subnet',
      parse: parseSubnets,
      raw: 'subnet-0a1b2c3d, subnet-public-a',
      expected:
        'contains "subnet-public-a", and the controller reads names that begin with subnet- as IDs.',
    },
    {
      name: 'Name tags of subnets that spaces separate',
      parse: parseSubnets,
      raw: 'subnet-public-a subnet-public-b',
      expected:
        'contains "subnet-public-a subnet-public-b", and the controller reads names that begin with subnet- as IDs.',
    },
    {
      name: 'a Name tag of a security group, in a YAML list',
      parse: parseSecurityGroups,
      raw: '[Edge, sg-milvus]',
      expected: 'contains "sg-milvus", and the controller reads names that begin with sg- as IDs.',
    },
    {
      name: 'an ID that is too short',
      parse: parseSecurityGroups,
      raw: 'sg-0a1b2c3',
      expected: 'contains "sg-0a1b2c3", and the controller reads names that begin with sg- as IDs.',
    },
    {
      name: 'an ID that is too long',
      parse: parseSecurityGroups,
      raw: 'sg-0123456789abcdef01',
      expected:
        'contains "sg-0123456789abcdef01", and the controller reads names that begin with sg- as IDs.',
    },
  ])('rejects what the controller would take for an ID: $name', ({ parse, raw, expected }) => {
    expect(captureInvalidInput(parse, raw).message).toBe(expected)
  })
})
