import { expect, test } from '@jest/globals'
import type { Change } from '../../src/core/step.ts'
import { driftOf } from '../../src/modes/check.ts'

const scheme: Change = { step: 'ingress', object: 'Ingress milvus/milvus-demo', path: 'scheme', before: 'internal', after: 'internet-facing', why: 'differs' }
const where = { step: 'ingress', object: scheme.object, path: 'scheme', why: 'differs' } as const
const absent: Change = { ...where, after: 'internet-facing' }
const surplus: Change = { ...where, before: 'internal' }

test.each<[string, Change[], string[], RegExp | undefined]>([
  ['nothing', [], [], undefined],
  ['a difference', [scheme], [], /^drift-found in ingress: 1 difference from what the inputs say: Ingress milvus\/milvus-demo: scheme is internal, and should be internet-facing \(differs\)\.$/],
  ['what is not there', [absent], [], /scheme is not there, and should be internet-facing/],
  ['what should not be there', [surplus], [], /scheme is internal, and should not be there/],
  ['more than are named', [scheme, scheme, scheme, scheme, { ...scheme, step: 'release' }], [], /^drift-found in ingress: 5 differences .*; and 2 more\.$/],
  ['a difference, and what was not seen', [scheme], ['the rules'], /^drift-found/],
  ['what was not seen', [], ['the rules', 'the attributes'], /^drift-unknown in preflight: Nothing differs in what could be seen, but this run could not see the rules; the attributes\.$/],
])('%s', (_, found, unseen, expected) => {
  const error = driftOf(found, unseen)
  const text = error && `${error.code} in ${error.step ?? ''}: ${error.message}`
  if (expected) expect(text).toMatch(expected)
  else expect(text).toBeUndefined()
})
