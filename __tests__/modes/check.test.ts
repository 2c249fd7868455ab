import { expect, test } from '@jest/globals'
import type { DeployOutlook } from '../../src/failures/run.ts'
import type { Change } from '../../src/steps/step.ts'
import { createDriftError } from '../../src/modes/check.ts'

const deployable: DeployOutlook = { isDeployable: true, requiresForce: false }
const schemeChange: Change = {
  step: 'ingress',
  object: 'Ingress milvus/milvus-demo',
  path: 'scheme',
  before: 'internal',
  after: 'internet-facing',
  why: 'differs from the inputs',
}
const baseChange = {
  step: 'ingress',
  object: schemeChange.object,
  path: 'scheme',
  why: 'differs from the inputs',
} as const
const missingValue: Change = { ...baseChange, after: 'internet-facing' }
const unexpectedValue: Change = { ...baseChange, before: 'internal' }

test.each<[string, Change[], string[], RegExp | undefined]>([
  ['no differences', [], [], undefined],
  [
    'one difference',
    [schemeChange],
    [],
    /^drift-found in ingress: The deployment differs from the inputs in 1 object: Ingress milvus\/milvus-demo: scheme is internal, expected internet-facing\.$/,
  ],
  [
    'who changed a value',
    [{ ...schemeChange, why: 'differs from the inputs: changed by kubectl-edit' }],
    [],
    /scheme is internal, expected internet-facing \(changed by kubectl-edit\)\.$/,
  ],
  ['an absent value', [missingValue], [], /scheme is absent, expected internet-facing/],
  ['an unexpected value', [unexpectedValue], [], /scheme is internal, expected absent/],
  [
    'more differences than the message lists',
    [
      ...['scheme', 'target-type', 'ssl-policy', 'spec.rules'].map((path) => ({
        ...schemeChange,
        path,
      })),
      { ...schemeChange, step: 'load-balancer', object: 'listener 443', path: 'ssl-policy' },
    ],
    [],
    /^drift-found in ingress: The deployment differs from the inputs in 2 objects \(5 fields\): Ingress milvus\/milvus-demo: scheme is .*; listener 443: ssl-policy is .*; Ingress milvus\/milvus-demo: target-type is [^;(]*; and 2 more fields\.$/,
  ],
  ['a difference and an unchecked part', [schemeChange], ['the rules'], /^drift-found/],
  [
    'unchecked parts without a difference',
    [],
    ['the rules', 'the attributes'],
    /^drift-unknown in preflight: No differences were found, but this run could not check the rules; the attributes\.$/,
  ],
])('%s', (_, changes, unreadable, expected) => {
  const error = createDriftError(changes, unreadable, deployable)
  const text = error && `${error.code} in ${error.step ?? ''}: ${error.message}`
  if (expected) expect(text).toMatch(expected)
  else expect(text).toBeUndefined()
})

test.each<{ name: string; outlook: DeployOutlook; remedy: RegExp }>([
  {
    name: 'nothing else',
    outlook: deployable,
    remedy: /^Run mode deploy with the same inputs to correct this, or change the inputs/,
  },
  {
    name: 'a field of another manager',
    outlook: { isDeployable: true, requiresForce: true },
    remedy: /^Run mode deploy with force-conflicts: true to correct this, or change the inputs/,
  },
  {
    name: 'a problem at which a deploy would fail',
    outlook: { isDeployable: false, requiresForce: false },
    remedy:
      /^First solve the other problems of this check: .* Then run mode deploy with the same inputs/,
  },
  {
    name: 'such a problem, and a field of another manager',
    outlook: { isDeployable: false, requiresForce: true },
    remedy: /^First solve .* Then run mode deploy with force-conflicts: true/,
  },
])('the advice about a difference beside $name', ({ outlook, remedy }) => {
  expect(createDriftError([schemeChange], [], outlook)?.remedy).toMatch(remedy)
})
