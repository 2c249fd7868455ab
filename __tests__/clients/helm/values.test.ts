/** Helm values: as a document, and by their paths. */
import { expect, test } from '@jest/globals'
import { load } from 'js-yaml'
import { getHelmValue, overlayValues, serializeValues } from '../../../src/clients/helm/values.ts'

test.each([
  { name: 'maps, lists and null', values: { a: { b: [1, 'x', null] }, c: null } },
  { name: 'quotes and line ends', values: { a: 'x "y"\n\\z: #' } },
  { name: 'a next-line character, which YAML folds', values: { a: 'x\u0085y' } },
  {
    name: 'control characters, which YAML does not allow',
    values: { a: '\u0000\u0007\u007f\u0080\u009f' },
  },
  {
    name: 'other Unicode line ends and characters beyond 16 bits',
    values: { a: '\u2028\u2029\ufeff\u{1f600}' },
  },
])('serializeValues keeps $name', ({ values }) => {
  const document = serializeValues(values)
  expect(document).not.toMatch(/[\u007f-\u009f]/)
  expect(load(document)).toEqual(values)
})

test.each<{ name: string; values: unknown; path: readonly string[]; value: unknown }>([
  { name: 'a value', values: { a: { b: 1 } }, path: ['a', 'b'], value: 1 },
  { name: 'a missing key', values: { a: {} }, path: ['a', 'b'], value: undefined },
  {
    name: 'a string along the path',
    values: { a: 'text' },
    path: ['a', 'length'],
    value: undefined,
  },
  { name: 'a null along the path', values: { a: null }, path: ['a', 'b'], value: undefined },
  {
    name: 'a key named like a property of Object.prototype',
    values: {},
    path: ['constructor'],
    value: undefined,
  },
])('getHelmValue: $name', ({ values, path, value }) => {
  expect(getHelmValue(values, path)).toEqual(value)
})

test.each<{ name: string; base: object; overrides: object; merged: object }>([
  {
    name: 'maps by key, at any depth',
    base: { a: { b: { c: 1, d: 2 } } },
    overrides: { a: { b: { d: 3 }, e: 4 } },
    merged: { a: { b: { c: 1, d: 3 }, e: 4 } },
  },
  {
    name: 'lists as a whole',
    base: { a: [1, 2] },
    overrides: { a: [3] },
    merged: { a: [3] },
  },
  {
    name: 'a map over a scalar, and a scalar over a map',
    base: { a: 1, b: { c: 2 } },
    overrides: { a: { d: 3 }, b: 4 },
    merged: { a: { d: 3 }, b: 4 },
  },
  {
    name: 'null, which then removes the value of the release',
    base: { a: { b: 1, c: 2 }, d: { e: 3 } },
    overrides: { a: { b: null }, d: null },
    merged: { a: { b: null, c: 2 }, d: null },
  },
  {
    name: 'a key named like a property of Object.prototype',
    base: {},
    overrides: JSON.parse('{"__proto__": {"a": 1}}') as object,
    merged: JSON.parse('{"__proto__": {"a": 1}}') as object,
  },
])('overlayValues merges $name', ({ base, overrides, merged }) => {
  expect(overlayValues({ ...base }, { ...overrides })).toEqual(merged)
})
