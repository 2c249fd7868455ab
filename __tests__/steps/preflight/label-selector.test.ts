import { describe, expect, test } from '@jest/globals'
import type { LabelSelector } from '../../../src/clients/kubernetes/types.ts'
import { matchesSelector } from '../../../src/steps/preflight/label-selector.ts'

const labels = { team: 'search' }

describe('matchesSelector: a label selector', () => {
  const createSelector = (key: string, operator: string, values?: string[]): LabelSelector => ({
    matchExpressions: [{ key, operator, ...(values && { values }) }],
  })
  test.each<{ name: string; selector: LabelSelector; expected: boolean }>([
    { name: 'an empty selector', selector: {}, expected: true },
    { name: 'a label', selector: { matchLabels: { team: 'search' } }, expected: true },
    {
      name: 'another value of a label',
      selector: { matchLabels: { team: 'ads' } },
      expected: false,
    },
    { name: 'In', selector: createSelector('team', 'In', ['search', 'ads']), expected: true },
    {
      name: 'In, with other values',
      selector: createSelector('team', 'In', ['ads']),
      expected: false,
    },
    { name: 'In, absent', selector: createSelector('x', 'In', ['y']), expected: false },
    { name: 'NotIn', selector: createSelector('team', 'NotIn', ['ads']), expected: true },
    {
      name: 'NotIn, present',
      selector: createSelector('team', 'NotIn', ['search']),
      expected: false,
    },
    { name: 'NotIn, absent', selector: createSelector('x', 'NotIn', ['y']), expected: true },
    { name: 'Exists', selector: createSelector('team', 'Exists'), expected: true },
    { name: 'Exists, absent', selector: createSelector('x', 'Exists'), expected: false },
    { name: 'DoesNotExist', selector: createSelector('x', 'DoesNotExist'), expected: true },
    { name: 'an unknown operator', selector: createSelector('team', 'Gt', ['1']), expected: false },
  ])('$name', ({ selector, expected }) => {
    expect(matchesSelector(selector, labels)).toBe(expected)
  })
})
