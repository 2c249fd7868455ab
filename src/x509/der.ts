/** Reads DER, as far as certificates need it. Pure. Source: X.690. */

/** One element: its tag byte, and its content. */
export interface DerElement {
  readonly tag: number
  readonly content: Buffer
}

export const derTags = {
  boolean: 0x01,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  sequence: 0x30,
} as const

/**
 * The elements that a text of bytes consists of: those of a SEQUENCE, for its content.
 * @throws RangeError when they end within an element
 */
export function readElements(bytes: Buffer): DerElement[] {
  const elements: DerElement[] = []
  let offset = 0
  while (offset < bytes.length) {
    const tag = bytes.readUInt8(offset)
    const { length, start } = readLength(bytes, offset + 1)
    if (start + length > bytes.length) throw new RangeError('an element ends after its parent')
    elements.push({ tag, content: bytes.subarray(start, start + length) })
    offset = start + length
  }
  return elements
}

/** A length is one byte, or the number of bytes that follow, plus 128. */
function readLength(bytes: Buffer, offset: number): { length: number; start: number } {
  const first = bytes.readUInt8(offset)
  if (first < 0x80) return { length: first, start: offset + 1 }
  const size = first - 0x80
  return { length: bytes.readUIntBE(offset + 1, size), start: offset + 1 + size }
}

/** An object identifier in dotted form: `2.5.29.15`. */
export function formatObjectIdentifier(content: Buffer): string {
  const arcs: bigint[] = []
  let arc = 0n
  for (const byte of content) {
    arc = (arc << 7n) | BigInt(byte & 0x7f)
    if (byte >= 0x80) continue
    arcs.push(arc)
    arc = 0n
  }
  const [first = 0n, ...rest] = arcs
  const root = first < 80n ? first / 40n : 2n
  return [root, first - root * 40n, ...rest].join('.')
}
