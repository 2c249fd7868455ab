/**
 * Scalars as Helm reads them. The expected values are those of sigs.k8s.io/yaml 1.4.0 and 1.6.0,
 * which Helm 3.17 and 4.1 use: YAMLToJSON of `key: SCALAR`.
 */
import { expect, test } from '@jest/globals'
import { load } from 'js-yaml'
import { helmSchema } from '../../../src/clients/helm/yaml-schema.ts'

const readScalar = (scalar: string): unknown =>
  (load(`key: ${scalar}\n`, { schema: helmSchema }) as { readonly key: unknown }).key

const address = '0xde0B295669a9FD93d5F28D9Ec85E40f4cb697BAe'
const longBinary = `0b${'1'.repeat(65)}`

test.each<{ name: string; scalars: Readonly<Record<string, unknown>> }>([
  {
    name: 'base 60 as text',
    scalars: {
      '22:30': '22:30',
      '-1:30': '-1:30',
      '12:30:45': '12:30:45',
      '190:20:30.15': '190:20:30.15',
      '1_0:30': '1_0:30',
    },
  },
  {
    name: 'whole numbers',
    scalars: { '0': 0, '-0': 0, '+7': 7, '-10': -10, '1_000': 1000, '1__0_': 10, _1: '_1' },
  },
  {
    name: 'octal numbers, and decimal ones with a leading zero',
    scalars: {
      '0644': 420,
      '-0644': -420,
      '0_7': 7,
      '00': 0,
      '0o17': 15,
      '-0O17': -15,
      '08': 8,
      '-09': -9,
      '0_8': 8,
      '018': 18,
      '012345678901': 12345678901,
      '0o8': '0o8',
      '0o': '0o',
    },
  },
  {
    name: 'hexadecimal and binary numbers',
    scalars: {
      '0x1F': 31,
      '-0X1f': -31,
      '0x_1F': 31,
      '0b101': 5,
      '+0B11': 3,
      '0xg': '0xg',
      '0b2': '0b2',
      '0x': '0x',
    },
  },
  {
    name: 'numbers that are longer than 64 bits',
    scalars: {
      '0xFFFFFFFFFFFFFFFF': 0xffff_ffff_ffff_ffff,
      '-0xFFFFFFFFFFFFFFFF': '-0xFFFFFFFFFFFFFFFF',
      '0x10000000000000000': '0x10000000000000000',
      [address]: address,
      [longBinary]: longBinary,
      '18446744073709551616': 18446744073709551616,
      '0777777777777777777777777': 777777777777777777777777,
    },
  },
  {
    // Helm converts YAML to JSON and parses that: every number becomes a float64, as here.
    name: 'numbers beyond 2^53, which Helm rounds as well',
    scalars: {
      '9007199254740993': 9007199254740992,
      '9223372036854775807': 9223372036854775808,
    },
  },
  {
    name: 'decimal numbers',
    scalars: {
      '1.10': 1.1,
      '1.': 1,
      '.5': 0.5,
      '+.5': 0.5,
      '00.5': 0.5,
      '1_0.5': 10.5,
      '.1_0': 0.1,
      '._5': '._5',
      '.5_': '.5_',
      '.': '.',
      '1.2.3': '1.2.3',
    },
  },
  {
    name: 'exponents',
    scalars: {
      '1e3': 1000,
      '1E5': 100_000,
      '5e-3': 0.005,
      '-1e+3': -1000,
      '1.e5': 100_000,
      '.5e3': 500,
      '08e1': 80,
      '1e-999': 0,
      '1e999': '1e999',
      '1e': '1e',
      '.e5': '.e5',
      '0x1p3': '0x1p3',
    },
  },
  {
    name: 'numbers that are not finite',
    scalars: {
      '.inf': Infinity,
      '+.Inf': Infinity,
      '-.INF': -Infinity,
      '.nan': NaN,
      '-.nan': '-.nan',
      '.iNf': '.iNf',
      inf: 'inf',
      NaN: 'NaN',
    },
  },
  {
    name: 'booleans and nulls',
    scalars: {
      yes: true,
      y: true,
      On: true,
      TRUE: true,
      No: false,
      N: false,
      OFF: false,
      tRue: 'tRue',
      '~': null,
      '': null,
      Null: null,
      nULL: 'nULL',
    },
  },
  {
    name: 'dates and other text',
    scalars: {
      '2027-01-01': '2027-01-01',
      '2001-12-14 21:59:43.10': '2001-12-14 21:59:43.10',
      '10.0.0.1': '10.0.0.1',
      '10Gi': '10Gi',
      '100m': '100m',
      '1-2': '1-2',
      '+-1': '+-1',
      '"22"': '22',
    },
  },
  {
    name: 'scalars with a tag',
    scalars: { '!!str 22': '22', '!!int 0o17': 15, '!!float 8': 8, '!!float 0x10': 16 },
  },
])('$name', ({ scalars }) => {
  const read = Object.keys(scalars).map((scalar) => [scalar, readScalar(scalar)])
  expect(Object.fromEntries(read)).toEqual(scalars)
})

test.each(['!!int 22:30', '!!float 22:30', '!!int 1.5', '!!float abc'])('rejects %s', (scalar) => {
  expect(() => readScalar(scalar)).toThrow()
})
