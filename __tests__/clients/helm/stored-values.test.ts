/** Comparing desired Helm values with those of a stored revision. */
import { describe, expect, test } from '@jest/globals'
import { findDifferingPaths, omitStoredNulls } from '../../../src/clients/helm/release-storage.ts'

test.each<{
  name: string
  desired: Record<string, unknown>
  current: unknown
  expected: Record<string, unknown>
}>([
  {
    name: 'a stored null',
    desired: { a: null, b: { c: null, d: 1 } },
    current: { a: null, b: { c: null } },
    expected: { b: { d: 1 } },
  },
  {
    name: 'a null for a stored value and for a missing one',
    desired: { a: null, b: null, c: { d: null } },
    current: { a: 1 },
    expected: { a: null, b: null, c: { d: null } },
  },
  {
    name: 'lists and strings',
    desired: { a: [null], b: 'x' },
    current: { a: [null], b: null },
    expected: { a: [null], b: 'x' },
  },
])('omitStoredNulls: $name', ({ desired, current, expected }) => {
  expect(omitStoredNulls(desired, current)).toEqual(expected)
})

describe('findDifferingPaths', () => {
  test.each<{ name: string; desired: Record<string, unknown>; current: unknown; paths: string[] }>([
    { name: 'no desired values', desired: {}, current: { a: 1 }, paths: [] },
    {
      name: 'the same values',
      desired: { a: 1, b: { c: [1, { d: 2 }] } },
      current: { b: { c: [1, { d: 2 }], more: true }, a: 1 },
      paths: [],
    },
    { name: 'another value', desired: { a: 1 }, current: { a: 2 }, paths: ['a'] },
    { name: 'a missing value', desired: { a: { b: 1 } }, current: {}, paths: ['a.b'] },
    {
      name: 'no current values',
      desired: { a: { b: 1 }, c: 2 },
      current: undefined,
      paths: ['a.b', 'c'],
    },
    {
      name: 'a nested value',
      desired: { a: { b: { c: 1, d: 2 } } },
      current: { a: { b: { c: 1, d: 3 } } },
      paths: ['a.b.d'],
    },
    { name: 'a number instead of a string', desired: { a: 2 }, current: { a: '2' }, paths: ['a'] },
    { name: 'false instead of a missing value', desired: { a: false }, current: {}, paths: ['a'] },
    {
      name: 'zero and an empty string instead of missing values',
      desired: { a: 0, b: '' },
      current: {},
      paths: ['a', 'b'],
    },
    {
      name: 'a list in another order',
      desired: { a: [1, 2] },
      current: { a: [2, 1] },
      paths: ['a'],
    },
    {
      name: 'an empty list instead of a missing value',
      desired: { a: [] },
      current: {},
      paths: ['a'],
    },
    {
      name: 'a map instead of a string',
      desired: { a: { b: 1 } },
      current: { a: 'text' },
      paths: ['a.b'],
    },
    {
      name: 'a map instead of a list',
      desired: { a: { b: 1 } },
      current: { a: [1] },
      paths: ['a.b'],
    },
    {
      name: 'a string instead of a map',
      desired: { a: 'text' },
      current: { a: { b: 1 } },
      paths: ['a'],
    },
    {
      name: 'a null instead of a nested map',
      desired: { a: { b: null } },
      current: { a: { b: { c: 1 } } },
      paths: ['a.b'],
    },
    {
      name: 'a null instead of a missing value, which removes the default of the chart',
      desired: { a: { b: null }, c: null },
      current: { a: {} },
      paths: ['a.b', 'c'],
    },
    {
      name: 'a null in a missing map',
      desired: { a: { b: null } },
      current: undefined,
      paths: ['a.b'],
    },
    {
      name: 'a nested stored null',
      desired: { a: { b: null } },
      current: { a: { b: null } },
      paths: [],
    },
    {
      name: 'a value instead of a stored null',
      desired: { a: 1, b: {} },
      current: { a: null, b: null },
      paths: ['a', 'b'],
    },
    { name: 'a top-level stored null', desired: { a: null }, current: { a: null }, paths: [] },
    {
      name: 'a null instead of a top-level map',
      desired: { a: null },
      current: { a: { b: 1 } },
      paths: ['a'],
    },
    {
      name: 'an empty map for a map with keys',
      desired: { a: {} },
      current: { a: { b: 1 } },
      paths: [],
    },
    {
      name: 'an empty map instead of a string',
      desired: { a: {} },
      current: { a: 'text' },
      paths: ['a'],
    },
    {
      name: 'keys named like properties of Object.prototype',
      desired: { constructor: 'x', toString: { a: 1 } },
      current: {},
      paths: ['constructor', 'toString.a'],
    },
    {
      name: 'keys in another order',
      desired: { a: [{ x: 1, y: 2 }] },
      current: { a: [{ y: 2, x: 1 }] },
      paths: [],
    },
  ])('$name', ({ desired, current, paths }) => {
    expect(findDifferingPaths(desired, current)).toEqual(paths)
  })
})
