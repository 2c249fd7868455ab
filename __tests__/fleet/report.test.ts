import { expect, test } from '@jest/globals'
import { fleetReport, withMissing } from '../../src/fleet/report.ts'
import type { Result } from '../../src/fleet/run.ts'

const now = Date.parse('2026-11-24T00:00:00Z')
const change = { step: 'ingress', object: 'Ingress milvus/milvus-demo', path: 'metadata.annotations.x', before: 'a', after: 'b', why: 'differs' }
const result = (outputs: Record<string, string>, outcome: Result['outcome'] = 'success'): Result => ({ name: 'production', host: 'milvus.example.com', outcome, outputs })
const state = (given: Result): string => /^\| (.) \| [^|]*\| [^|]*\| (.*) \|$/m.exec(fleetReport([given], 30, now).body.split('\n')[2] ?? '')?.slice(1).join(' ') ?? ''

test.each<[string, Result, string]>([
  ['as it should be', result({ drift: 'false', 'certificate-expiry': '2027-02-01T00:00:00Z' }), '✓ as it should be'],
  ['deployed', result({ changed: 'true', changes: JSON.stringify([change]) }), '✓ 1 change made'],
  ['unchanged', result({ changed: 'false', changes: '[]' }), '✓ unchanged'],
  ['a dry run', result({ changed: 'false', changes: JSON.stringify([change]) }), '✓ 1 change would be made'],
  ['drifted', result({ drift: 'true', changes: JSON.stringify([change, change]), 'failure-code': 'drift-found' }, 'failure'), '✗ 2 differences'],
  ['not seen whole', result({ drift: 'unknown', 'failure-code': 'drift-unknown' }, 'failure'), '✗ not everything could be seen'],
  ['not seen whole, and only warned', result({ drift: 'unknown' }), '✗ not everything could be seen'],
  ['drifted, and the probe failed', result({ drift: 'true', changes: JSON.stringify([change]), 'failure-code': 'probe-unreachable', 'failed-step': 'probe' }, 'failure'), '✗ probe-unreachable in probe; 1 difference'],
  ['not compared', result({ drift: 'unknown', 'failure-code': 'namespace-not-found', 'failed-step': 'preflight' }, 'failure'), '✗ namespace-not-found in preflight'],
  ['ends soon', result({ drift: 'false', 'certificate-expiry': '2026-12-01T00:00:00Z' }), '✗ the certificate ends in 7 days (2026-12-01)'],
  ['failed', result({ 'failure-code': 'probe-unreachable', 'failed-step': 'probe' }, 'failure'), '✗ probe-unreachable in probe'],
  ['failed without a word', result({}, 'failure'), '✗ failed'],
  ['cancelled', result({}, 'cancelled'), '✗ cancelled'],
  ['changes that are no changes', result({ changed: 'true', changes: '[null, {"object": 1}]' }), '✓ 0 changes made'],
  ['changes that are no list', result({ changed: 'true', changes: '{' }), '✓ 0 changes made'],
])('%s', (_name, given, expected) => {
  expect(state(given)).toBe(expected)
})

test('a target whose job left no result is not forgotten', () => {
  const results = withMissing([result({ changed: 'false' })], ['production', 'lost'])
  expect(results.map(({ name, outcome }) => `${name} ${outcome}`)).toEqual(['production success', 'lost missing'])
  expect(fleetReport(results, 30, now)).toMatchObject({ clean: false, title: '1 of 2 targets needs attention', body: expect.stringContaining('no result: its job ended before the action did') })
})

test.each<[drifts: string[], drift: string]>([
  [['false', 'false'], 'false'],
  [['false', 'unknown', 'true'], 'true'],
  [['false', 'unknown'], 'unknown'],
  [['false', ''], 'unknown'],
])('of targets with %j the drift is %s', (drifts, drift) => {
  expect(fleetReport(drifts.map((each) => result({ drift: each })), 30, now).drift).toBe(drift)
})

test('the title counts, and differences are listed', () => {
  const report = fleetReport([result({ drift: 'true', changes: JSON.stringify([change]) }, 'failure'), result({ drift: 'false' })], 30, now)
  expect(report.title).toBe('1 of 2 targets needs attention')
  expect(report.clean).toBe(false)
  expect(report.body).toContain('- Ingress milvus/milvus-demo: `metadata.annotations.x` is `a`, should be `b` (differs)')
})

test('the title of a dry run does not say that all is well', () => {
  expect(fleetReport([result({ changed: 'false', changes: JSON.stringify([change]) }), result({ changed: 'false', changes: '[]' })], 30, now).title).toBe('A dry run would change 1 of 2 targets')
})

test('texts from outside stay text', () => {
  const { body } = fleetReport([{ ...result({ drift: 'true', changes: JSON.stringify([{ ...change, before: '`</code>| [x](http://e)', why: '<script>|\n@team' }]) }), name: 'a|b<img>' }], 30, now)
  expect(body).not.toMatch(/<script|<img|@team|\| \[x\]/)
})

test('a text that is empty is said to be', () => {
  expect(fleetReport([result({ drift: 'true', changes: JSON.stringify([{ ...change, before: ' ' }]) })], 30, now).body).toContain('is `(empty)`, should be `b`')
})

test('a thousand drifted targets fit into an issue', () => {
  const many = Array.from({ length: 1000 }, () => result({ drift: 'true', changes: JSON.stringify(Array(20).fill(change)) }))
  expect(fleetReport(many, 30, now).body.length).toBeLessThanOrEqual(65_536)
})
