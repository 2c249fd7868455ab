/**
 * The part of Protocol Buffers' wire format that the messages of the probe need.
 * Source: protobuf.dev, Encoding.
 */

/** A decoded message: by field number the values in order, unknown fields included. */
export type MessageFields = ReadonlyMap<number, readonly (bigint | Buffer)[]>

/** Encodes a field of bytes, text or a message. An empty one is omitted, as in proto3. */
export function encodeLengthDelimited(fieldNumber: number, content: string | Uint8Array): Buffer {
  const bytes = Buffer.from(content)
  return bytes.length === 0
    ? bytes
    : Buffer.concat([encodeVarint((fieldNumber << 3) | 2), encodeVarint(bytes.length), bytes])
}

/** Encodes an integer, an enum or a bool (1). Zero is omitted, as in proto3. */
export const encodeNumber = (fieldNumber: number, value: number): Buffer =>
  value === 0
    ? Buffer.alloc(0)
    : Buffer.concat([encodeVarint(fieldNumber << 3), encodeVarint(value)])

/** Encodes a repeated field of integers that are not negative. */
export const encodePackedNumbers = (fieldNumber: number, values: readonly number[]): Buffer =>
  encodeLengthDelimited(fieldNumber, Buffer.concat(values.map(encodeVarint)))

/** The bytes of floats (32 bits) in little-endian order, as in a packed field. */
export function encodeFloats(values: Float32Array): Buffer {
  const bytes = Buffer.alloc(values.length * 4)
  values.forEach((value, index) => bytes.writeFloatLE(value, index * 4))
  return bytes
}

function encodeVarint(value: number): Buffer {
  const bytes: number[] = []
  let remaining = value
  while (remaining >= 128) {
    bytes.push((remaining % 128) | 128)
    remaining = Math.floor(remaining / 128)
  }
  return Buffer.from([...bytes, remaining])
}

/** The number at `offset`, and the offset after it. */
function decodeVarint(bytes: Buffer, offset: number): [value: bigint, end: number] {
  let value = 0n
  for (let index = 0; index < 10; index += 1) {
    const byte = bytes[offset + index]
    if (byte === undefined) throw new RangeError('truncated varint')
    value |= BigInt(byte & 127) << BigInt(7 * index)
    if (byte < 128) return [value, offset + index + 1]
  }
  throw new RangeError('varint of more than ten bytes')
}

/**
 * More than the names of the 65,536 collections that Milvus has at most by default. A decoded value
 * takes many times its bytes.
 */
const maxValues = 100_000

function decodePackedVarints(bytes: Buffer): bigint[] {
  const values: bigint[] = []
  let offset = 0
  while (offset < bytes.length) {
    const [value, end] = decodeVarint(bytes, offset)
    values.push(value)
    if (values.length > maxValues) throw new RangeError(`more than ${maxValues} values`)
    offset = end
  }
  return values
}

/** @throws RangeError when the bytes are not a message */
export function decodeMessage(bytes: Buffer): MessageFields {
  const fields = new Map<number, (bigint | Buffer)[]>()
  let offset = 0
  let valueCount = 0
  const readVarint = (): bigint => {
    const [value, end] = decodeVarint(bytes, offset)
    offset = end
    return value
  }
  const readBytes = (length: number): Buffer => {
    if (offset + length > bytes.length) throw new RangeError('field longer than its message')
    offset += length
    return bytes.subarray(offset - length, offset)
  }
  const wireTypeReaders: Readonly<Record<number, () => bigint | Buffer>> = {
    0: readVarint,
    1: () => readBytes(8),
    2: () => readBytes(Number(readVarint())),
    5: () => readBytes(4),
  }
  while (offset < bytes.length) {
    const tag = Number(readVarint())
    const readValue = wireTypeReaders[tag & 7]
    if (!readValue) throw new RangeError(`unknown wire type ${tag & 7}`)
    valueCount += 1
    if (valueCount > maxValues) throw new RangeError(`more than ${maxValues} values`)
    const values = fields.get(tag >>> 3) ?? []
    values.push(readValue())
    fields.set(tag >>> 3, values)
  }
  return fields
}

/** The last value of a number field; 0 when it is absent, as in proto3. */
export function getNumberField(fields: MessageFields, fieldNumber: number): number {
  const value = fields.get(fieldNumber)?.at(-1)
  return typeof value === 'bigint' ? Number(BigInt.asIntN(64, value)) : 0
}

/** The last value of a text field; empty when it is absent. */
export function getTextField(fields: MessageFields, fieldNumber: number): string {
  const value = fields.get(fieldNumber)?.at(-1)
  return Buffer.isBuffer(value) ? value.toString('utf8') : ''
}

/** A message field; empty when it is absent. */
export function getMessageField(fields: MessageFields, fieldNumber: number): MessageFields {
  const value = fields.get(fieldNumber)?.at(-1)
  return Buffer.isBuffer(value) ? decodeMessage(value) : new Map()
}

/** Every value of a repeated text field. */
export function getRepeatedTextField(fields: MessageFields, fieldNumber: number): string[] {
  return (fields.get(fieldNumber) ?? []).flatMap((value) =>
    Buffer.isBuffer(value) ? [value.toString('utf8')] : [],
  )
}

/** Every value of a repeated number field, packed or not. */
export function getRepeatedNumberField(fields: MessageFields, fieldNumber: number): number[] {
  const values = (fields.get(fieldNumber) ?? []).flatMap((value) =>
    Buffer.isBuffer(value) ? decodePackedVarints(value) : [value],
  )
  return values.map((value) => Number(BigInt.asIntN(64, value)))
}
