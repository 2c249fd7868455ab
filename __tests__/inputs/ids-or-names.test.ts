/** Lists of IDs or Name tags of subnets and security groups. */
import { describe, expect, test } from '@jest/globals'
import { parseIdsOrNames } from '../../src/inputs/lists.ts'
import { captureInvalidInput } from './capture-invalid-input.ts'

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
      name: 'a Name tag that begins like an ID',
      raw: 'sg-milvus production, sg-0a1b',
      value: ['sg-milvus production', 'sg-0a1b'],
    },
    {
      name: 'IDs that spaces separate',
      raw: 'subnet-0a1b  subnet-2c3d',
      value: ['subnet-0a1b', 'subnet-2c3d'],
    },
    {
      name: 'quoted IDs that spaces separate',
      raw: '"sg-0a1b" "sg-2c3d"',
      value: ['sg-0a1b', 'sg-2c3d'],
    },
    {
      name: 'an ID beside a Name tag',
      raw: 'subnet-0a1b, Public Subnet B',
      value: ['subnet-0a1b', 'Public Subnet B'],
    },
    {
      name: 'a YAML list',
      raw: '- Public Subnet A\n- subnet-2c3d',
      value: ['Public Subnet A', 'subnet-2c3d'],
    },
    { name: 'only separators', raw: ' , ;\n', value: [] },
  ])('$name', ({ raw, value }) => {
    expect(parseIdsOrNames(raw)).toEqual(value)
  })

  test('rejects a Name tag with a comma, which the controller would split', () => {
    expect(captureInvalidInput(parseIdsOrNames, '["Subnet A, public"]').message).toBe(
      'contains "Subnet A, public", and the controller splits names at commas.',
    )
  })
})
