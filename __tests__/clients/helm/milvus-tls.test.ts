import { describe, expect, test } from '@jest/globals'
import { readTlsMode } from '../../../src/clients/helm/milvus-tls.ts'
import { mergeValues } from '../../../src/clients/helm/values.ts'

const createUserYaml = (text: string) => ({ extraConfigFiles: { 'user.yaml': text } })
const path = 'extraConfigFiles.user.yaml'
const tlsDisabled = { mode: 0, path: undefined }

describe('readTlsMode', () => {
  test.each([
    { name: 'no values', values: {}, expected: tlsDisabled },
    {
      name: 'only comments',
      values: createUserYaml('# common:\n#   security:\n#     tlsMode: 1\n'),
      expected: tlsDisabled,
    },
    {
      name: 'another key',
      values: createUserYaml('common: {security: {authorizationEnabled: true}}'),
      expected: tlsDisabled,
    },
    {
      name: 'nested keys',
      values: createUserYaml('tls: {serverPemPath: /a}\ncommon:\n  security:\n    tlsMode: 1\n'),
      expected: { mode: 1, path },
    },
    {
      name: 'joined keys with a string value',
      values: createUserYaml('common.security:\n  TLSMode: "2"\n'),
      expected: { mode: 2, path },
    },
    {
      name: 'an explicit 0',
      values: createUserYaml('common: {security: {tlsMode: 0}}'),
      expected: { mode: 0, path },
    },
    {
      name: 'a value that Milvus treats as 0',
      values: createUserYaml('common: {security: {tlsMode: mutual}}'),
      expected: { mode: 0, path },
    },
    {
      name: 'a variable of the proxy, which takes precedence',
      values: {
        ...createUserYaml('common: {security: {tlsMode: 2}}'),
        proxy: { extraEnv: [{ name: 'COMMON_SECURITY_TLSMODE', value: '1' }] },
      },
      expected: { mode: 1, path: 'proxy.extraEnv' },
    },
    {
      name: 'a variable with the prefix',
      values: { extraEnv: [{ name: 'MILVUS_CONF_COMMON_SECURITY_TLSMODE', value: 2 }] },
      expected: { mode: 2, path: 'extraEnv' },
    },
    {
      name: 'a variable from a Secret',
      values: { extraEnv: [{ name: 'COMMON_SECURITY_TLSMODE', valueFrom: {} }] },
      expected: tlsDisabled,
    },
    {
      name: 'a subchart',
      values: { global: {}, vectors: createUserYaml('common: {security: {tlsMode: 1}}') },
      valuesPath: ['vectors'],
      expected: { mode: 1, path: `vectors.${path}` },
    },
    {
      name: 'another part of an umbrella chart',
      values: { other: createUserYaml('common: {security: {tlsMode: 1}}') },
      valuesPath: ['vectors'],
      expected: tlsDisabled,
    },
    { name: 'invalid YAML', values: createUserYaml('common: {security: '), expected: undefined },
    { name: 'YAML that is not a map', values: createUserYaml('- 1'), expected: tlsDisabled },
    { name: 'a custom ConfigMap', values: { customConfigMap: 'mine' }, expected: undefined },
    {
      name: 'values of other types',
      values: { extraConfigFiles: null, proxy: null, standalone: 1 },
      expected: tlsDisabled,
    },
  ])(
    '$name',
    ({
      values,
      valuesPath = [],
      expected,
    }: {
      values: Readonly<Record<string, unknown>>
      valuesPath?: readonly string[]
      expected: unknown
    }) => {
      expect(readTlsMode(values, valuesPath)).toEqual(expected)
    },
  )
})

test('mergeValues merges maps, replaces other values and removes null values', () => {
  expect(
    mergeValues({ a: { b: 1, c: 2 }, d: [1], e: 5 }, { a: { b: 9, c: null }, d: [2], f: {} }),
  ).toEqual({ a: { b: 9 }, d: [2], e: 5, f: {} })
})
