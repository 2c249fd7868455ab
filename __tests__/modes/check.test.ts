import { expect, test } from '@jest/globals'
import type { Change } from '../../src/steps/step.ts'
import { createDriftError } from '../../src/modes/check.ts'

const schemeChange: Change = {
  step: 'ingress',
  object: 'Ingress milvus/milvus-demo',
  path: 'scheme',
  before: 'internal',
  after: 'internet-facing',
  why: 'differs',
}
const baseChange = {
  step: 'ingress',
  object: schemeChange.object,
  path: 'scheme',
  why: 'differs',
} as const
const missingValue: Change = { ...baseChange, after: 'internet-facing' }
const unexpectedValue: Change = { ...baseChange, before: 'internal' }

test.each<[string, Change[], string[], RegExp | undefined]>([
  ['nothing', [], [], undefined],
  [
    'a difference',
    [schemeChange],
    [],
    /^drift-found in ingress: 1 difference from what the inputs say: Ingress milvus\/milvus-demo: scheme is internal, and should be internet-facing \(differs\)\.$/,
  ],
  ['what is not there', [missingValue], [], /scheme is not there, and should be internet-facing/],
  [
    'what should not be there',
    [unexpectedValue],
    [],
    /scheme is internal, and should not be there/,
  ],
  [
    'more than are named',
    [schemeChange, schemeChange, schemeChange, schemeChange, { ...schemeChange, step: 'release' }],
    [],
    /^drift-found in ingress: 5 differences .*; and 2 more\.$/,
  ],
  ['a difference, and what was not seen', [schemeChange], ['the rules'], /^drift-found/],
  [
    'what was not seen',
    [],
    ['the rules', 'the attributes'],
    /^drift-unknown in preflight: Nothing differs in what could be seen, but this run could not see the rules; the attributes\.$/,
  ],
])('%s', (_, changes, unreadable, expected) => {
  const error = createDriftError(changes, unreadable)
  const text = error && `${error.code} in ${error.step ?? ''}: ${error.message}`
  if (expected) expect(text).toMatch(expected)
  else expect(text).toBeUndefined()
})
