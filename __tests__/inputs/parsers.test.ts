import { describe, expect, test } from '@jest/globals'
import * as parsers from '../../src/inputs/parsers.ts'
import { captureInvalidInput } from './capture-invalid-input.ts'

describe('valid values that remain unchanged', () => {
  test.each<{ name: string; parse: (raw: string) => string; raw: string }>([
    { name: 'text', parse: parsers.parseText, raw: ' as: it = is ' },
    { name: 'a choice', parse: parsers.createChoiceParser('required', 'off'), raw: 'off' },
  ])('$name', ({ parse, raw }) => {
    expect(parse(raw)).toBe(raw)
  })
})

describe('invalid values', () => {
  test.each<{ name: string; parse: (raw: string) => unknown; raw: string; expected: RegExp }>([
    {
      name: 'a choice in uppercase',
      parse: parsers.createChoiceParser('required', 'off'),
      raw: 'Off',
      expected: /is "Off", which is not a valid value\./,
    },
    {
      name: 'boolean yes',
      parse: parsers.parseBoolean,
      raw: 'yes',
      expected: /is "yes", which is neither true nor false/,
    },
    {
      name: 'boolean 1',
      parse: parsers.parseBoolean,
      raw: '1',
      expected: /neither true nor false/,
    },
    {
      name: 'boolean in mixed case',
      parse: parsers.parseBoolean,
      raw: 'tRUE',
      expected: /neither true nor false/,
    },
    {
      name: 'a long value, which is not quoted',
      parse: parsers.parsePort,
      raw: 'x'.repeat(200),
      expected: /^is a text of 200 characters, which is not a port number\.$/,
    },
    {
      name: 'a number of a hundred thousand digits',
      parse: parsers.createDurationParser(1, 2),
      raw: '0'.repeat(100_000),
      expected: /^is a text of 100000 characters, which is not a duration\.$/,
    },
  ])('$name', ({ parse, raw, expected }) => {
    const { message, remedy } = captureInvalidInput(parse, raw)
    expect(message).toMatch(expected)
    expect(remedy).toMatch(/^Use .+\.$/)
  })
})

describe('numbers', () => {
  test.each([
    ['1', 1],
    ['443', 443],
    ['65535', 65535],
    ['00443', 443],
  ])('accepts port %s', (raw, value) => {
    expect(parsers.parsePort(raw)).toBe(value)
  })
  test.each(['0', '65536', '-1', '4.5', '443/tcp', '0x1bb', '1e3', ' 443', '999999'])(
    'rejects port %s',
    (raw) => {
      expect(captureInvalidInput(parsers.parsePort, raw).message).toMatch(/which is not a port/)
    },
  )

  const duration = parsers.createDurationParser(1, 4000)
  test.each([
    ['90s', 90],
    ['10m', 600],
    ['1h', 3600],
    ['1h6m40s', 4000],
    ['1s', 1],
    ['0m1s', 1],
  ])('accepts duration %s', (raw, seconds) => {
    expect(duration(raw)).toBe(seconds)
  })
  test.each([
    ['90', /not a duration/],
    ['10 m', /not a duration/],
    ['10min', /not a duration/],
    ['1.5h', /not a duration/],
    ['-5m', /not a duration/],
    ['m', /not a duration/],
    ['10m!', /not a duration/],
    ['500ms', /not a duration/],
    ['PT10M', /not a duration/],
    ['0s', /out of range/],
    ['4001s', /out of range/],
    ['99999999999999h', /out of range/],
  ])('rejects duration %s', (raw, expected) => {
    const { message, remedy } = captureInvalidInput(duration, raw)
    expect(message).toMatch(expected)
    expect(remedy).toMatch(/out of range/.test(message) ? /from 1s to 4000s/ : /90s, 10m or 1h30m/)
  })

  test.each([
    ['true', true],
    ['True', true],
    ['TRUE', true],
    ['false', false],
    ['False', false],
    ['FALSE', false],
  ])('accepts boolean %s', (raw, value) => {
    expect(parsers.parseBoolean(raw)).toBe(value)
  })
})

describe('hostPort', () => {
  test.each([
    ['10.0.3.7:443', { host: '10.0.3.7', port: 443 }],
    ['alb.example.com:8443', { host: 'alb.example.com', port: 8443 }],
    ['localhost:19530', { host: 'localhost', port: 19530 }],
    ['[2001:db8::1]:443', { host: '2001:db8::1', port: 443 }],
    ['[::ffff:10.0.3.7]:443', { host: '::ffff:10.0.3.7', port: 443 }],
  ])('accepts %s', (raw, value) => {
    expect(parsers.parseHostPort(raw)).toEqual(value)
  })
  test.each([
    ['10.0.3.7', /not host:port/],
    ['2001:db8::1:443', /not host:port/],
    ['https://alb.example.com:443', /not host:port/],
    [':443', /not host:port/],
    ['alb.example.com:', /not host:port/],
    ['alb example:443', /not host:port/],
    ['alb.example.com:0', /not a port/],
    ['alb.example.com:70000', /not a port/],
  ])('rejects %s', (raw, expected) => {
    expect(captureInvalidInput(parsers.parseHostPort, raw).message).toMatch(expected)
  })
})
