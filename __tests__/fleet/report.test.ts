import { expect, test } from '@jest/globals'
import { createFleetReport, renderReport, selectResults } from '../../src/fleet/report/report.ts'
import type { JobResults, TargetResult } from '../../src/fleet/deploy/job-results.ts'

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
const renderSummary = (results: readonly TargetResult[], maxLength = 1_000_000): string =>
  renderReport(createFleetReport(results), { maxLength, listClean: true })
const extractState = (targetResult: TargetResult): string =>
  /^\| (.) \| [^|]*\| [^|]*\| (.*) \|$/m
    .exec(renderSummary([targetResult]).split('\n')[2] ?? '')
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
    targetResult: createResult({
      drift: 'false',
      'certificate-expiry': '2026-12-01T00:00:00Z',
      'certificate-expires-soon': 'true',
    }),
    expected: '✗ the certificate expires on 2026-12-01',
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
  {
    name: 'a run whose outputs are empty',
    targetResult: createResult({ drift: '', 'failure-code': '', 'failed-step': '' }, 'failure'),
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

const job = (
  attempt: number,
  targets: readonly TargetResult[],
  overrides: Partial<JobResults> = {},
): JobResults => ({ attempt, mode: 'deploy', dryRun: false, targets, ...overrides })
const named = (name: string, outcome: TargetResult['outcome']): TargetResult => ({
  ...createResult({}, outcome),
  name,
})

test.each<{ name: string; jobs: JobResults[]; plannedIn?: number; expected: string[] }>([
  {
    name: 'a target without a result is missing',
    jobs: [job(1, [named('a', 'success')])],
    expected: ['a success', 'b missing'],
  },
  {
    name: 'of several attempts, the newest counts, whatever the order of the artifacts',
    jobs: [job(2, [named('a', 'success')]), job(1, [named('a', 'failure'), named('b', 'success')])],
    expected: ['a success', 'b success'],
  },
  {
    name: 'an attempt before the jobs were planned again does not count',
    jobs: [job(1, [named('a', 'success'), named('b', 'success')]), job(2, [named('a', 'success')])],
    plannedIn: 2,
    expected: ['a success', 'b missing'],
  },
  {
    name: 'a dry run and a check do not count as a deployment',
    jobs: [
      job(1, [named('a', 'success')], { dryRun: true }),
      job(1, [named('b', 'success')], { mode: 'check' }),
    ],
    expected: ['a missing', 'b missing'],
  },
])('$name', ({ jobs, plannedIn = 1, expected }) => {
  const results = selectResults(jobs, {
    mode: 'deploy',
    dryRun: false,
    plannedIn,
    targetNames: ['a', 'b'],
    isComplete: true,
  })
  expect(results.map(({ name, outcome }) => `${name} ${outcome}`)).toEqual(expected)
})

test.each<[drifts: string[], drift: string]>([
  [['false', 'false'], 'false'],
  [['false', 'unknown', 'true'], 'true'],
  [['false', 'unknown'], 'unknown'],
  [['false', ''], 'unknown'],
])('targets with drift %j have the combined drift %s', (drifts, drift) => {
  const results = drifts.map((value) => createResult({ drift: value }))
  expect(createFleetReport(results).drift).toBe(drift)
})

test('the title counts targets, and the text lists differences', () => {
  const results = [
    createResult({ drift: 'true', changes: JSON.stringify([change]) }, 'failure'),
    createResult({ drift: 'false' }),
  ]
  expect(createFleetReport(results)).toMatchObject({
    title: '1 of 2 targets needs attention',
    clean: false,
  })
  expect(renderSummary(results)).toContain(
    '- Ingress milvus/milvus-demo: `metadata.annotations.x` is `a`, expected `b` (differs)',
  )
})

test('the title of a dry run counts planned changes', () => {
  const results = [
    createResult({ changed: 'false', changes: JSON.stringify([change]) }),
    createResult({ changed: 'false', changes: '[]' }),
  ]
  expect(createFleetReport(results).title).toBe('A dry run would change 1 of 2 targets')
})

test('the report escapes external text', () => {
  const hostileChange = { ...change, before: '`</code>| [x](http://e)', why: '<script>|\n@team' }
  const result = {
    ...createResult({ drift: 'true', changes: JSON.stringify([hostileChange]) }),
    name: 'a|b<img>',
  }
  expect(renderSummary([result])).not.toMatch(/<script|<img|@team|\| \[x\]/)
})

test('the report shows an empty value', () => {
  const changes = JSON.stringify([{ ...change, before: ' ' }])
  expect(renderSummary([createResult({ drift: 'true', changes })])).toContain(
    'is `(empty)`, expected `b`',
  )
})

test('a report lists targets that need attention first, and an issue only counts the others', () => {
  const results = [named('fine', 'success'), named('broken', 'failure'), named('good', 'success')]
  const lines = renderSummary(results).split('\n')
  expect(lines.filter((line) => /^\| [✓✗]/.test(line)).map((line) => line.slice(0, 10))).toEqual([
    '| ✗ | brok',
    '| ✓ | fine',
    '| ✓ | good',
  ])
  const issue = renderReport(createFleetReport(results), { maxLength: 1_000, listClean: false })
  expect(issue).toMatch(/\| ✗ \| broken .*\n\n2 targets without problems\.$/)
})

test.each([1_000, 65_536])(
  'a report of a thousand targets fits into %d characters',
  (maxLength) => {
    const changes = JSON.stringify(Array(20).fill(change))
    const drifted = Array.from({ length: 500 }, () => createResult({ drift: 'true', changes }))
    const clean = Array.from({ length: 500 }, () => createResult({ drift: 'false' }))
    const text = renderSummary([...clean, ...drifted], maxLength)
    expect(text.length).toBeLessThanOrEqual(maxLength)
    expect(text.length).toBeGreaterThan(maxLength - 300)
    const [shownLines, omittedCount] = [
      text.split('\n').slice(0, -2),
      /\n\n\((\d+) more lines\./.exec(text)?.[1],
    ]
    expect(shownLines.length + Number(omittedCount)).toBe(
      renderSummary([...clean, ...drifted]).split('\n').length,
    )
  },
)
