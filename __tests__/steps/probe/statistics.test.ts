import { describe, expect, test } from '@jest/globals'
import type { Confirmation } from '../../../src/clients/milvus/repeated-calls.ts'
import { httpError } from '../../../src/failures/probe-http.ts'
import {
  countTargets,
  describeConfirmation,
  percentile,
  toOutput,
} from '../../../src/steps/probe/statistics.ts'

const createConfirmation = (overrides: Partial<Confirmation> = {}): Confirmation => ({
  addresses: { working: 3, total: 3 },
  addressFailures: [],
  unreachableFamilies: [],
  calls: { answered: 20, total: 20 },
  callFailures: [],
  durations: Array.from({ length: 20 }, (_each, index) => index + 0.5),
  ...overrides,
})

const createTargets = (...states: string[]) =>
  states.map((state) => ({ id: '10.0.1.7', port: 19530, state, reason: '', description: '' }))

const badGateway = httpError({ status: 502, server: '' })

describe('countTargets', () => {
  test.each([
    { states: [], expected: undefined },
    { states: ['draining'], expected: undefined },
    { states: ['healthy', 'draining'], expected: { healthy: 1, initial: 0, total: 1 } },
    { states: ['healthy', 'unhealthy'], expected: { healthy: 1, initial: 0, total: 2 } },
    { states: ['healthy', 'initial', 'unused'], expected: { healthy: 1, initial: 1, total: 3 } },
  ])('$states', ({ states, expected }) => {
    expect(countTargets(createTargets(...states))).toEqual(expected)
  })
})

describe('a confirmation', () => {
  test.each([
    {
      name: 'of everything',
      confirmation: createConfirmation(),
      targets: createTargets('healthy', 'healthy'),
      phrase: '3 of 3 addresses, 2 of 2 targets, 20 of 20 calls, p50 10 ms, p95 19 ms',
      output: {
        addresses: { working: 3, total: 3 },
        targets: { healthy: 2, total: 2 },
        calls: { answered: 20, total: 20 },
        failures: {},
        p50: 10,
        p95: 19,
      },
    },
    {
      name: 'through a proxy, without permission to read targets',
      confirmation: createConfirmation({ addresses: undefined }),
      targets: [],
      phrase: '20 of 20 calls, p50 10 ms, p95 19 ms',
      output: { addresses: null, targets: null, calls: { answered: 20, total: 20 } },
    },
    {
      name: 'without any answer',
      confirmation: createConfirmation({
        addresses: { working: 1, total: 1 },
        calls: { answered: 0, total: 2 },
        callFailures: [badGateway, badGateway],
        durations: [],
      }),
      targets: createTargets('unhealthy'),
      phrase: '1 of 1 address, 0 of 1 target, 0 of 2 calls',
      output: { failures: { 'probe-target-failed': 2 }, p50: null, p95: null },
    },
  ])('$name', ({ confirmation, targets, phrase, output }) => {
    const counts = countTargets(targets)
    expect(describeConfirmation(confirmation, counts)).toBe(phrase)
    expect(toOutput(confirmation, counts)).toMatchObject(output)
  })
})

test.each([
  { values: [], percent: 50, expected: 0 },
  { values: [7.2], percent: 95, expected: 8 },
  { values: [3, 1, 2], percent: 50, expected: 2 },
  { values: [4, 1, 3, 2], percent: 50, expected: 2 },
  { values: [4, 1, 3, 2], percent: 95, expected: 4 },
])('percentile $percent of $values', ({ values, percent, expected }) => {
  expect(percentile(values, percent)).toBe(expected)
})
