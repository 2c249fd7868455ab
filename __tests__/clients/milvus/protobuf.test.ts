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

describe('lengthDelimited', () => {
  test.each<[string, number, string | Buffer, string]>([
    ['text', 1, 'nodejs', '0a 06 6e6f64656a73'],
    ['an empty text is left out', 1, '', ''],
    ['a field above 15 has a tag of two bytes', 16, 'a', '82 01 01 61'],
    ['text beyond ASCII is counted in bytes', 2, 'é', '12 02 c3a9'],
    ['a length of two bytes', 1, Buffer.alloc(300, 0x61), `0a ac 02 ${'61'.repeat(300)}`],
    ['127 bytes still have a length of one', 1, Buffer.alloc(127), `0a 7f ${'00'.repeat(127)}`],
    ['128 bytes have one of two', 1, Buffer.alloc(128), `0a 80 01 ${'00'.repeat(128)}`],
  ])('%s', (_, field, content, bytes) => {
    expect(encodeLengthDelimited(field, content).toString('hex')).toBe(
      parseHex(bytes).toString('hex'),
    )
  })
})

describe('decode', () => {
  test.each<[string, string, [number, (bigint | Buffer)[]][]]>([
    ['nothing', '', []],
    ['a number', '08 96 01', [[1, [150n]]]],
    ['a number in more bytes than it needs', '08 80 80 00', [[1, [0n]]]],
    ['the greatest number', '08 ff ff ff ff ff ff ff ff ff 01', [[1, [2n ** 64n - 1n]]]],
    ['a text', '12 03 616263', [[2, [Buffer.from('abc')]]]],
    ['an empty text, which some servers write', '12 00', [[2, [Buffer.alloc(0)]]]],
    ['a field twice', '08 01 08 02', [[1, [1n, 2n]]]],
    [
      'fixed 32 and 64',
      '0d 01020304 11 0102030405060708',
      [
        [1, [parseHex('01020304')]],
        [2, [parseHex('0102030405060708')]],
      ],
    ],
    ['a field with a great number', 'f8 ff ff ff 0f 01', [[2 ** 29 - 1, [1n]]]],
  ])('%s', (_, bytes, fields) => {
    expect(
      [...decodeMessage(parseHex(bytes))].map(([field, values]) => [field, [...values]]),
    ).toEqual(fields)
  })

  test.each([
    ['a tag without a value', '08'],
    ['a number that breaks off', '08 80'],
    ['a number of eleven bytes', '08 80 80 80 80 80 80 80 80 80 80 01'],
    ['a text longer than the message', '12 05 6162'],
    ['a length beyond all memory', '12 ff ff ff ff ff ff ff ff ff 01'],
    ['a length that breaks off', '12 80'],
    ['fixed 64 that breaks off', '11 01020304'],
    ['fixed 32 that breaks off', '0d 01'],
    ['a group', '0b 08 01 0c'],
    ['wire type 6', '0e'],
    ['wire type 7', '0f'],
    ['the beginning of a page', '3c 68 74 6d 6c 3e'],
  ])('%s is no message', (_, bytes) => {
    expect(() => decodeMessage(parseHex(bytes))).toThrow(RangeError)
  })

  test('an answer of many small fields does not hold the job up: a megabyte of them may come', () => {
    const startedAt = performance.now()
    expect(decodeMessage(Buffer.alloc(64 * 1024, parseHex('1a00'))).get(3)).toHaveLength(32 * 1024)
    expect(performance.now() - startedAt).toBeLessThan(1_000)
  })
})

describe('fields', () => {
  const message = decodeMessage(
    parseHex('08 01 08 ff ff ff ff ff ff ff ff ff 01 12 01 61 12 01 62 1a 02 08 07 25 01020304'),
  )
  test.each<[string, unknown, unknown]>([
    ['the last number counts, and may be negative', getNumberField(message, 1), -1],
    ['a number that is absent is 0', getNumberField(message, 9), 0],
    ['a text where a number should be', getNumberField(message, 2), 0],
    ['the last text counts', getTextField(message, 2), 'b'],
    ['a text that is absent is empty', getTextField(message, 9), ''],
    ['a number where a text should be', getTextField(message, 1), ''],
    ['all texts', getRepeatedTextField(message, 2), ['a', 'b']],
    ['no texts', getRepeatedTextField(message, 9), []],
    ['numbers where texts should be', getRepeatedTextField(message, 1), []],
    ['numbers, a field each', getRepeatedNumberField(message, 1), [1, -1]],
    [
      'numbers, packed',
      getRepeatedNumberField(decodeMessage(parseHex('22 04 04 05 ac 02')), 4),
      [4, 5, 300],
    ],
    ['no numbers', getRepeatedNumberField(message, 9), []],
    ['a message', getNumberField(getMessageField(message, 3), 1), 7],
    ['a message that is absent', getMessageField(message, 9).size, 0],
    ['a number where a message should be', getMessageField(message, 1).size, 0],
  ])('%s', (_, value, expected) => {
    expect(value).toEqual(expected)
  })
})
