/** Parser of CIDR blocks. Pure. */
import { isIP } from 'node:net'
import { InvalidInputError, quoteForError } from './invalid-input.ts'
import { parseList } from './lists.ts'

/** A list of CIDR blocks, IPv4 or IPv6. */
export function parseCidrs(raw: string): string[] {
  const blocks = parseList(raw)
  blocks.forEach(assertCidrBlock)
  return blocks
}

function assertCidrBlock(block: string): void {
  const stored = findStoredForm(block)
  if (stored === undefined) throw notCidrBlock(block)
  if (stored !== block)
    throw new InvalidInputError(
      `contains ${quoteForError(block)}, which EC2 stores as ${stored}: the controller would not ` +
        'find its rule.',
      `Use ${stored}.`,
    )
}

function notCidrBlock(block: string): InvalidInputError {
  const family = findFamily(block)
  if (family !== 0)
    return new InvalidInputError(
      `contains ${quoteForError(block)}, which has no prefix length.`,
      `For one address, use ${block}/${family === 4 ? 32 : 128}.`,
    )
  return new InvalidInputError(
    `contains ${quoteForError(block)}, which is not a CIDR block.`,
    'Use blocks such as 203.0.113.0/24, separated by commas.',
  )
}

/**
 * A CIDR block as EC2 stores it. The controller compares its rules with those of EC2 as texts, and
 * fails when it does not find one again. Source: its issue 4893; EC2 API reference, IpRange.
 * @returns undefined for what is not a CIDR block
 */
export function findStoredForm(block: string): string | undefined {
  const [address = '', prefixText = '', ...rest] = block.split('/')
  const family = findFamily(address)
  const prefix = /^\d{1,3}$/.test(prefixText) ? Number(prefixText) : Infinity
  if (family === 0 || prefix > (family === 4 ? 32 : 128) || rest.length > 0) return undefined
  const mask = family === 4 ? maskIpv4 : maskIpv6
  return `${mask(address, prefix)}/${prefix}`
}

/** @returns 4, 6, or 0 for what is not an IP address, or has a zone */
const findFamily = (address: string): number => (address.includes('%') ? 0 : isIP(address))

const maskIpv4 = (address: string, prefix: number): string =>
  maskGroups(address.split('.').map(Number), 8, prefix).join('.')

function maskIpv6(address: string, prefix: number): string {
  const [head = [], tail = []] = compressIpv6(address)
    .split('::')
    .map((part) => part.split(':').filter((group) => group !== ''))
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => '0')
  const groups = [...head, ...zeros, ...tail].map((group) => Number.parseInt(group, 16))
  const masked = maskGroups(groups, 16, prefix).map((group) => group.toString(16))
  return compressIpv6(masked.join(':'))
}

/** As RFC 5952 writes an address. Source: WHATWG URL, "IPv6 serializer". */
const compressIpv6 = (address: string): string =>
  new URL(`http://[${address}]`).hostname.slice(1, -1)

/** Clears the bits after the prefix. @param width bits of a group */
const maskGroups = (groups: readonly number[], width: number, prefix: number): number[] =>
  groups.map((group, index) => {
    const hostBits = Math.min(width, Math.max(0, (index + 1) * width - prefix))
    return group - (group % 2 ** hostBits)
  })
