/** Parser of CIDR blocks. */
import { describe, expect, test } from '@jest/globals'
import { parseCidrs } from '../../src/inputs/cidrs.ts'
import { captureInvalidInput } from './capture-invalid-input.ts'

describe('cidrs', () => {
  test.each([
    ['203.0.113.0/24', ['203.0.113.0/24']],
    ['0.0.0.0/0, ::/0', ['0.0.0.0/0', '::/0']],
    ['- 10.0.0.0/8\n- 2001:db8::/32', ['10.0.0.0/8', '2001:db8::/32']],
    ['203.0.113.7/32\n2001:db8::1/128', ['203.0.113.7/32', '2001:db8::1/128']],
  ])('%s', (raw, blocks) => {
    expect(parseCidrs(raw)).toEqual(blocks)
  })
  test.each([
    ['10.0.0.0/33', '10.0.0.0/33'],
    ['10.0.0.0/', '10.0.0.0/'],
    ['10.0.0.0/8/8', '10.0.0.0/8/8'],
    ['10.0.0/8', '10.0.0/8'],
    ['2001:db8::/129', '2001:db8::/129'],
    ['10.0.0.0/-1', '10.0.0.0/-1'],
    ['example.com/24', 'example.com/24'],
    ['10.0.0.0/8, 300.0.0.0/8', '300.0.0.0/8'],
  ])('rejects the invalid block in %s', (raw, block) => {
    expect(captureInvalidInput(parseCidrs, raw).message).toBe(
      `contains ${JSON.stringify(block)}, which is not a CIDR block.`,
    )
  })
  test.each([
    { name: 'an address of a block', block: '10.0.0.1/8', stored: '10.0.0.0/8' },
    { name: 'a prefix within a byte', block: '18.178.71.86/20', stored: '18.178.64.0/20' },
    { name: 'everyone', block: '10.0.0.0/0', stored: '0.0.0.0/0' },
    { name: 'an address of an IPv6 block', block: '2001:db8::1/32', stored: '2001:db8::/32' },
    { name: 'a prefix within a group', block: '2001:db8:ffff::/41', stored: '2001:db8:ff80::/41' },
    { name: 'IPv6 in upper case', block: '2001:DB8::/32', stored: '2001:db8::/32' },
    { name: 'IPv6 in full', block: '2001:0db8:0:0:0:0:0:0/32', stored: '2001:db8::/32' },
  ])('rejects $name, which EC2 stores in another form', ({ block, stored }) => {
    const error = captureInvalidInput(parseCidrs, `203.0.113.0/24, ${block}`)
    expect(error.message).toBe(
      `contains "${block}", which EC2 stores as ${stored}: the controller would not find its rule.`,
    )
    expect(error.remedy).toBe(`Use ${stored}.`)
  })
  test('rejects an IPv6 address with a zone', () => {
    expect(captureInvalidInput(parseCidrs, 'fe80::1%eth0/64').message).toBe(
      'contains "fe80::1%eth0/64", which is not a CIDR block.',
    )
  })
  test.each([
    ['203.0.113.7', 'For one address, use 203.0.113.7/32.'],
    ['10.0.0.0/8, 2001:db8::1', 'For one address, use 2001:db8::1/128.'],
  ])('rejects %s without a prefix length', (raw, remedy) => {
    const error = captureInvalidInput(parseCidrs, raw)
    expect(error.message).toMatch(/^contains "[^"]+", which has no prefix length\.$/)
    expect(error.remedy).toBe(remedy)
  })
})
