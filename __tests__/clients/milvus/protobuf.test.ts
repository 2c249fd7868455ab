import { describe, expect, test } from '@jest/globals'
import {
  decodeMessage,
  encodeLengthDelimited,
  getMessageField,
  getNumberField,
  getRepeatedNumberField,
  getRepeatedTextField,
  getTextField,
} from '../../../src/clients/milvus/protobuf.ts'

const parseHex = (text: string): Buffer => Buffer.from(text.replace(/\s/g, ''), 'hex')

describe('encodeLengthDelimited', () => {
  const longText = { content: Buffer.alloc(300, 0x61), bytes: `0a ac 02 ${'61'.repeat(300)}` }
  test.each<{ name: string; field: number; content: string | Buffer; bytes: string }>([
    { name: 'text', field: 1, content: 'nodejs', bytes: '0a 06 6e6f64656a73' },
    { name: 'an empty text, which is omitted', field: 1, content: '', bytes: '' },
    {
      name: 'a field above 15, which has a tag of two bytes',
      field: 16,
      content: 'a',
      bytes: '82 01 01 61',
    },
    {
      name: 'a text outside ASCII, whose length is in bytes',
      field: 2,
      content: 'é',
      bytes: '12 02 c3a9',
    },
    { name: 'a length of two bytes', field: 1, ...longText },
    {
      name: '127 bytes, which have a length of one byte',
      field: 1,
      content: Buffer.alloc(127),
      bytes: `0a 7f ${'00'.repeat(127)}`,
    },
    {
      name: '128 bytes, which have a length of two bytes',
      field: 1,
      content: Buffer.alloc(128),
      bytes: `0a 80 01 ${'00'.repeat(128)}`,
    },
  ])('$name', ({ field, content, bytes }) => {
    expect(encodeLengthDelimited(field, content).toString('hex')).toBe(
      parseHex(bytes).toString('hex'),
    )
  })
})

describe('decodeMessage', () => {
  test.each<{ name: string; bytes: string; fields: Record<number, (bigint | Buffer)[]> }>([
    { name: 'an empty message', bytes: '', fields: {} },
    { name: 'a number', bytes: '08 96 01', fields: { 1: [150n] } },
    { name: 'a number with padding', bytes: '08 80 80 00', fields: { 1: [0n] } },
    {
      name: 'the greatest number',
      bytes: '08 ff ff ff ff ff ff ff ff ff 01',
      fields: { 1: [2n ** 64n - 1n] },
    },
    { name: 'a text', bytes: '12 03 616263', fields: { 2: [Buffer.from('abc')] } },
    {
      name: 'an empty text, which some servers write',
      bytes: '12 00',
      fields: { 2: [Buffer.alloc(0)] },
    },
    { name: 'a field twice', bytes: '08 01 08 02', fields: { 1: [1n, 2n] } },
    {
      name: 'fixed 32 and 64',
      bytes: '0d 01020304 11 0102030405060708',
      fields: { 1: [parseHex('01020304')], 2: [parseHex('0102030405060708')] },
    },
    {
      name: 'the greatest field number',
      bytes: 'f8 ff ff ff 0f 01',
      fields: { [2 ** 29 - 1]: [1n] },
    },
  ])('$name', ({ bytes, fields }) => {
    expect(Object.fromEntries(decodeMessage(parseHex(bytes)))).toEqual(fields)
  })

  test.each([
    { name: 'a tag without a value', bytes: '08' },
    { name: 'a truncated number', bytes: '08 80' },
    { name: 'a number of eleven bytes', bytes: '08 80 80 80 80 80 80 80 80 80 80 01' },
    { name: 'a text longer than the message', bytes: '12 05 6162' },
    { name: 'an excessive length', bytes: '12 ff ff ff ff ff ff ff ff ff 01' },
    { name: 'a truncated length', bytes: '12 80' },
    { name: 'a truncated fixed 64', bytes: '11 01020304' },
    { name: 'a truncated fixed 32', bytes: '0d 01' },
    { name: 'a group', bytes: '0b 08 01 0c' },
    { name: 'wire type 6', bytes: '0e' },
    { name: 'wire type 7', bytes: '0f' },
    { name: 'the start of a web page', bytes: '3c 68 74 6d 6c 3e' },
  ])('rejects $name', ({ bytes }) => {
    expect(() => decodeMessage(parseHex(bytes))).toThrow(RangeError)
  })

  test('decodes many small fields within a second', () => {
    const startedAt = performance.now()
    expect(decodeMessage(Buffer.alloc(64 * 1024, parseHex('1a00'))).get(3)).toHaveLength(32 * 1024)
    expect(performance.now() - startedAt).toBeLessThan(1_000)
  })
})

describe('field accessors', () => {
  const message = decodeMessage(
    parseHex('08 01 08 ff ff ff ff ff ff ff ff ff 01 12 01 61 12 01 62 1a 02 08 07 25 01020304'),
  )
  const packedMessage = decodeMessage(parseHex('22 04 04 05 ac 02'))
  test.each<{ name: string; value: unknown; expected: unknown }>([
    {
      name: 'the last number, which may be negative',
      value: getNumberField(message, 1),
      expected: -1,
    },
    { name: 'an absent number', value: getNumberField(message, 9), expected: 0 },
    { name: 'a text instead of a number', value: getNumberField(message, 2), expected: 0 },
    { name: 'the last text', value: getTextField(message, 2), expected: 'b' },
    { name: 'an absent text', value: getTextField(message, 9), expected: '' },
    { name: 'a number instead of a text', value: getTextField(message, 1), expected: '' },
    { name: 'all texts', value: getRepeatedTextField(message, 2), expected: ['a', 'b'] },
    { name: 'no texts', value: getRepeatedTextField(message, 9), expected: [] },
    { name: 'numbers instead of texts', value: getRepeatedTextField(message, 1), expected: [] },
    {
      name: 'numbers, one field each',
      value: getRepeatedNumberField(message, 1),
      expected: [1, -1],
    },
    {
      name: 'packed numbers',
      value: getRepeatedNumberField(packedMessage, 4),
      expected: [4, 5, 300],
    },
    { name: 'no numbers', value: getRepeatedNumberField(message, 9), expected: [] },
    { name: 'a message', value: getNumberField(getMessageField(message, 3), 1), expected: 7 },
    { name: 'an absent message', value: getMessageField(message, 9).size, expected: 0 },
    {
      name: 'a number instead of a message',
      value: getMessageField(message, 1).size,
      expected: 0,
    },
  ])('$name', ({ value, expected }) => {
    expect(value).toEqual(expected)
  })
})
