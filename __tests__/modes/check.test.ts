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
  ['no differences', [], [], undefined],
  [
    'one difference',
    [schemeChange],
    [],
    /^drift-found in ingress: The deployment has 1 difference from the inputs: Ingress milvus\/milvus-demo: scheme is internal, expected internet-facing \(differs\)\.$/,
  ],
  ['an absent value', [missingValue], [], /scheme is absent, expected internet-facing/],
  ['an unexpected value', [unexpectedValue], [], /scheme is internal, expected absent/],
  [
    'more differences than the message lists',
    [schemeChange, schemeChange, schemeChange, schemeChange, { ...schemeChange, step: 'release' }],
    [],
    /^drift-found in ingress: The deployment has 5 differences .*; and 2 more\.$/,
  ],
  ['a difference and an unchecked part', [schemeChange], ['the rules'], /^drift-found/],
  [
    'unchecked parts without a difference',
    [],
    ['the rules', 'the attributes'],
    /^drift-unknown in preflight: No differences were found, but this run could not check the rules; the attributes\.$/,
  ],
])('%s', (_, changes, unreadable, expected) => {
  const error = createDriftError(changes, unreadable, true)
  const text = error && `${error.code} in ${error.step ?? ''}: ${error.message}`
  if (expected) expect(text).toMatch(expected)
  else expect(text).toBeUndefined()
})

test.each([
  { name: 'nothing else', isDeployable: true, remedy: /^Run mode deploy with the same inputs/ },
  {
    name: 'a problem at which a deploy would fail',
    isDeployable: false,
    remedy: /^First solve the other problems of this check: .* Then run mode deploy/,
  },
])('the advice about a difference beside $name', ({ isDeployable, remedy }) => {
  expect(createDriftError([schemeChange], [], isDeployable)?.remedy).toMatch(remedy)
})
