import { expect, test } from '@jest/globals'
import { createFleetReport, addMissingResults } from '../../src/fleet/report/report.ts'
import type { TargetResult } from '../../src/fleet/deploy/run-target.ts'

const now = Date.parse('2026-11-24T00:00:00Z')
const change = {
  step: 'ingress',
  object: 'Ingress milvus/milvus-demo',
  path: 'metadata.annotations.x',
  before: 'a',
  after: 'b',
  why: 'differs',
}
const createResult = (
  outputs: Record<string, string>,
  outcome: TargetResult['outcome'] = 'success',
): TargetResult => ({ name: 'production', host: 'milvus.example.com', outcome, outputs })
const extractState = (targetResult: TargetResult): string =>
  /^\| (.) \| [^|]*\| [^|]*\| (.*) \|$/m
    .exec(createFleetReport([targetResult], 30, now).body.split('\n')[2] ?? '')
    ?.slice(1)
    .join(' ') ?? ''

test.each<{ name: string; targetResult: TargetResult; expected: string }>([
  {
    name: 'a check without drift',
    targetResult: createResult({ drift: 'false', 'certificate-expiry': '2027-02-01T00:00:00Z' }),
    expected: '✓ no drift',
  },
  {
    name: 'a deployment with a change',
    targetResult: createResult({ changed: 'true', changes: JSON.stringify([change]) }),
    expected: '✓ 1 object changed',
  },
  {
    name: 'a deployment without changes',
    targetResult: createResult({ changed: 'false', changes: '[]' }),
    expected: '✓ unchanged',
  },
  {
    name: 'a dry run',
    targetResult: createResult({ changed: 'false', changes: JSON.stringify([change]) }),
    expected: '✓ 1 object to change',
  },
  {
    name: 'drift',
    targetResult: createResult(
      { drift: 'true', changes: JSON.stringify([change, change]), 'failure-code': 'drift-found' },
      'failure',
    ),
    expected: '✗ 1 object differs (2 fields)',
  },
  {
    name: 'an incomplete check',
    targetResult: createResult({ drift: 'unknown', 'failure-code': 'drift-unknown' }, 'failure'),
    expected: '✗ not everything could be checked',
  },
  {
    name: 'an incomplete check with fail-on-drift: false',
    targetResult: createResult({ drift: 'unknown' }),
    expected: '✗ not everything could be checked',
  },
  {
    name: 'drift and a failed probe',
    targetResult: createResult(
      {
        drift: 'true',
        changes: JSON.stringify([change]),
        'failure-code': 'probe-unreachable',
        'failed-step': 'probe',
      },
      'failure',
    ),
    expected: '✗ probe-unreachable in probe; 1 object differs',
  },
  {
    name: 'a check that failed before the comparison',
    targetResult: createResult(
      { drift: 'unknown', 'failure-code': 'namespace-not-found', 'failed-step': 'preflight' },
      'failure',
    ),
    expected: '✗ namespace-not-found in preflight',
  },
  {
    name: 'a certificate that expires soon',
    targetResult: createResult({ drift: 'false', 'certificate-expiry': '2026-12-01T00:00:00Z' }),
    expected: '✗ the certificate expires in 7 days (2026-12-01)',
  },
  {
    name: 'a failed run',
    targetResult: createResult(
      { 'failure-code': 'probe-unreachable', 'failed-step': 'probe' },
      'failure',
    ),
    expected: '✗ probe-unreachable in probe',
  },
  {
    name: 'a failed run without outputs',
    targetResult: createResult({}, 'failure'),
    expected: '✗ failed',
  },
  { name: 'a cancelled run', targetResult: createResult({}, 'cancelled'), expected: '✗ cancelled' },
  {
    name: 'changes with invalid entries',
    targetResult: createResult({ changed: 'true', changes: '[null, {"object": 1}]' }),
    expected: '✓ 0 objects changed',
  },
  {
    name: 'changes that are not valid JSON',
    targetResult: createResult({ changed: 'true', changes: '{' }),
    expected: '✓ 0 objects changed',
  },
])('$name', ({ targetResult, expected }) => {
  expect(extractState(targetResult)).toBe(expected)
})

test('the report lists a target without a result', () => {
  const results = addMissingResults([createResult({ changed: 'false' })], ['production', 'lost'])
  expect(results.map(({ name, outcome }) => `${name} ${outcome}`)).toEqual([
    'production success',
    'lost missing',
  ])
  expect(createFleetReport(results, 30, now)).toMatchObject({
    clean: false,
    title: '1 of 2 targets needs attention',
    body: expect.stringContaining('no result: the job ended before the action finished'),
  })
})

test.each<[drifts: string[], drift: string]>([
  [['false', 'false'], 'false'],
  [['false', 'unknown', 'true'], 'true'],
  [['false', 'unknown'], 'unknown'],
  [['false', ''], 'unknown'],
])('targets with drift %j have the combined drift %s', (drifts, drift) => {
  expect(
    createFleetReport(
      drifts.map((value) => createResult({ drift: value })),
      30,
      now,
    ).drift,
  ).toBe(drift)
})

test('the title counts targets, and the body lists differences', () => {
  const report = createFleetReport(
    [
      createResult({ drift: 'true', changes: JSON.stringify([change]) }, 'failure'),
      createResult({ drift: 'false' }),
    ],
    30,
    now,
  )
  expect(report.title).toBe('1 of 2 targets needs attention')
  expect(report.clean).toBe(false)
  expect(report.body).toContain(
    '- Ingress milvus/milvus-demo: `metadata.annotations.x` is `a`, expected `b` (differs)',
  )
})

test('the title of a dry run counts planned changes', () => {
  expect(
    createFleetReport(
      [
        createResult({ changed: 'false', changes: JSON.stringify([change]) }),
        createResult({ changed: 'false', changes: '[]' }),
      ],
      30,
      now,
    ).title,
  ).toBe('A dry run would change 1 of 2 targets')
})

test('the report escapes external text', () => {
  const { body } = createFleetReport(
    [
      {
        ...createResult({
          drift: 'true',
          changes: JSON.stringify([
            { ...change, before: '`</code>| [x](http://e)', why: '<script>|\n@team' },
          ]),
        }),
        name: 'a|b<img>',
      },
    ],
    30,
    now,
  )
  expect(body).not.toMatch(/<script|<img|@team|\| \[x\]/)
})

test('the report shows an empty value', () => {
  expect(
    createFleetReport(
      [createResult({ drift: 'true', changes: JSON.stringify([{ ...change, before: ' ' }]) })],
      30,
      now,
    ).body,
  ).toContain('is `(empty)`, expected `b`')
})

test('a report of a thousand drifted targets fits into an issue', () => {
  const results = Array.from({ length: 1000 }, () =>
    createResult({ drift: 'true', changes: JSON.stringify(Array(20).fill(change)) }),
  )
  expect(createFleetReport(results, 30, now).body.length).toBeLessThanOrEqual(65_536)
})
