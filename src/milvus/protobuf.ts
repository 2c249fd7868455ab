/** As much of Protocol Buffers' wire format as three messages need. Source: protobuf.dev, Encoding. */

/** A decoded message: for each field number its values in order; unknown fields are simply there and ignored. */
export type Fields = ReadonlyMap<number, readonly (bigint | Buffer)[]>

/** A field of bytes, text or a message inside. An empty one is left out, as proto3 does. */
export function lengthDelimited(field: number, content: string | Uint8Array): Buffer {
  const bytes = Buffer.from(content)
  return bytes.length === 0 ? bytes : Buffer.concat([varint((field << 3) | 2), varint(bytes.length), bytes])
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest])
    bytes.push((rest % 128) | 128)
  }
}

/** The number that begins at `at`, and where what follows it begins. */
function numberAt(bytes: Buffer, at: number): [value: bigint, end: number] {
  let value = 0n
  for (let index = 0; index < 10; index += 1) {
    const byte = bytes[at + index]
    if (byte === undefined) throw new RangeError('a varint that never ends')
    value |= BigInt(byte & 127) << BigInt(7 * index)
    if (byte < 128) return [value, at + index + 1]
  }
  throw new RangeError('a varint of more than ten bytes')
}

function varints(bytes: Buffer): bigint[] {
  const values: bigint[] = []
  for (let at = 0, value = 0n; at < bytes.length; values.push(value)) [value, at] = numberAt(bytes, at)
  return values
}

/** No message that we read has as many values; each costs many times the bytes that it came in. */
const mostValues = 50_000

/** @throws RangeError when the bytes are not a message */
export function decode(bytes: Buffer): Fields {
  const fields = new Map<number, (bigint | Buffer)[]>()
  let at = 0
  let count = 0
  const readVarint = (): bigint => {
    const [value, end] = numberAt(bytes, at)
    at = end
    return value
  }
  const take = (length: number): Buffer => {
    if (at + length > bytes.length) throw new RangeError('a field longer than its message')
    at += length
    return bytes.subarray(at - length, at)
  }
  const readers: Readonly<Record<number, () => bigint | Buffer>> = {
    0: readVarint,
    1: () => take(8),
    2: () => take(Number(readVarint())),
    5: () => take(4),
  }
  while (at < bytes.length) {
    const tag = Number(readVarint())
    const read = readers[tag & 7]
    if (!read) throw new RangeError(`wire type ${tag & 7}`)
    if ((count += 1) > mostValues) throw new RangeError(`more than ${mostValues} values`)
    const values = fields.get(tag >>> 3) ?? []
    values.push(read())
    fields.set(tag >>> 3, values)
  }
  return fields
}

/** The last value of a number field; 0 when it is absent, as in proto3. */
export function numberField(fields: Fields, field: number): number {
  const value = fields.get(field)?.at(-1)
  return typeof value === 'bigint' ? Number(BigInt.asIntN(64, value)) : 0
}

/** The last value of a text field; empty when it is absent. */
export function textField(fields: Fields, field: number): string {
  const value = fields.get(field)?.at(-1)
  return Buffer.isBuffer(value) ? value.toString('utf8') : ''
}

/** A message field; empty when it is absent. */
export function messageField(fields: Fields, field: number): Fields {
  const value = fields.get(field)?.at(-1)
  return Buffer.isBuffer(value) ? decode(value) : new Map()
}

/** Every value of a repeated text field. */
export function repeatedTextField(fields: Fields, field: number): string[] {
  return (fields.get(field) ?? []).flatMap((value) => (Buffer.isBuffer(value) ? [value.toString('utf8')] : []))
}

/** Every value of a repeated number field, packed into one or a field each. */
export function repeatedNumberField(fields: Fields, field: number): number[] {
  const values = (fields.get(field) ?? []).flatMap((value) => (Buffer.isBuffer(value) ? varints(value) : [value]))
  return values.map((value) => Number(BigInt.asIntN(64, value)))
}
