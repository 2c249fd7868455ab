import { expect, test } from '@jest/globals'
import { createCommentBody } from '../../src/fleet/report/comment.ts'
import { createPlanTitle, renderPlan, type PlanScope } from '../../src/fleet/report/plan.ts'
import { createFileReport, createFleetReport } from '../../src/fleet/report/report.ts'
import type { TargetResult } from '../../src/fleet/deploy/job-results.ts'

const change = {
  step: 'ingress',
  object: 'Ingress milvus/milvus-demo',
  path: 'metadata.annotations.scheme',
  before: 'internal',
  after: 'internet-facing',
  why: 'differs from the inputs',
}
const created = { ...change, object: 'ACM', path: 'certificate', before: undefined, after: 'x' }
const restart = { object: 'StatefulSet milvus-etcd', pods: 3, order: 'one after the other' }
const irreversible = { object: 'load balancer of Service milvus/milvus', why: 'it is deleted' }
const failure = {
  step: 'ingress',
  code: 'ingress-conflict',
  problem: 'Field x belongs to @admin.',
  remedy: 'Set force-conflicts.',
}

const createResult = (
  name: string,
  outputs: Readonly<Record<string, unknown>>,
  outcome: TargetResult['outcome'] = 'success',
): TargetResult => ({
  name,
  host: `${name}.example.com`,
  outcome,
  outputs: Object.fromEntries(
    Object.entries(outputs).map(([output, value]) => [
      output,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  ),
})
const unchanged = createResult('same', { changed: 'false', changes: [] })
const uncompared = createResult('uncompared', { changed: 'false', changes: [], restarts: '' })
const changing = createResult('changing', {
  changed: 'false',
  changes: [change, created],
  restarts: [restart, { ...restart, object: 'DaemonSet x', pods: null }],
  irreversible: [irreversible],
})
const failing = createResult(
  'failing',
  { 'failure-code': failure.code, 'failed-step': failure.step, failures: [failure] },
  'failure',
)
const everything: PlanScope = { unchangedCount: 0, abandoned: [] }
const render = (
  results: readonly TargetResult[],
  scope: Partial<PlanScope> = {},
  maxLength = 60_000,
): string => renderPlan(createFleetReport(results), { ...everything, ...scope }, maxLength)

test('a plan lists failures before changes, and their details in the same order', () => {
  expect(render([unchanged, changing, failing], { unchangedCount: 997 }).split('\n')).toEqual([
    '1 target would not change. This pull request does not concern 997 other targets.',
    '',
    '| | Target | Host | State |',
    '|---|---|---|---|',
    '| ✗ | failing | failing.example.com | ingress-conflict in ingress |',
    '| ✓ | changing | changing.example.com | 2 objects to change; 2 workloads to restart; 1 cannot be rolled back |',
    '',
    '### failing',
    '',
    'Would fail:',
    '',
    '- `ingress-conflict` in ingress: Field x belongs to &#64;&#8203;admin. Set force-conflicts.',
    '',
    '### changing',
    '',
    'Would change:',
    '',
    '- Ingress milvus/milvus-demo: `metadata.annotations.scheme` `internal` → `internet-facing` (differs from the inputs)',
    '- ACM: `certificate` `(absent)` → `x` (differs from the inputs)',
    '',
    'Would restart:',
    '',
    '- StatefulSet milvus-etcd: 3 pods, one after the other',
    '- DaemonSet x: all pods, one after the other',
    '',
    'Cannot be rolled back:',
    '',
    '- load balancer of Service milvus/milvus: it is deleted',
  ])
})

test.each<{ name: string; results: readonly TargetResult[]; title: string; text: string }>([
  {
    name: 'no target is planned',
    results: [],
    title: 'No target would change',
    text: '',
  },
  {
    name: 'nothing changes',
    results: [unchanged],
    title: 'No target would change',
    text: '1 target would not change.',
  },
  {
    name: 'outputs that are not lists of objects',
    results: [createResult('odd', { changes: '[]', restarts: '{', irreversible: ['x', null] })],
    title: 'No target would change',
    text: '1 target would not change.',
  },
])('a plan: $name', ({ results, title, text }) => {
  expect([createPlanTitle(createFleetReport(results)), render(results)]).toEqual([title, text])
})

test.each<{ name: string; results: readonly TargetResult[]; title: string }>([
  { name: 'one change', results: [changing, unchanged], title: '1 target would change' },
  {
    name: 'a release that the role may not read',
    results: [uncompared, unchanged],
    title: '1 target could not be compared completely',
  },
  {
    name: 'a failure',
    results: [changing, failing],
    title: '1 of 2 targets needs attention',
  },
  {
    name: 'a job without a result',
    results: [createResult('lost', {}, 'missing')],
    title: '1 of 1 targets needs attention',
  },
])('the title of a plan with $name', ({ results, title }) => {
  expect(createPlanTitle(createFleetReport(results))).toBe(title)
})

test('a plan shows the targets whose release could not be compared, after those that would change', () => {
  const table = render([unchanged, uncompared, changing]).split('\n').slice(2, 6)
  expect(table.map((line) => line.split(' | ').slice(1).join(' | '))).toEqual([
    'Target | Host | State |',
    '',
    'changing | changing.example.com | 2 objects to change; 2 workloads to restart; 1 cannot be rolled back |',
    'uncompared | uncompared.example.com | unchanged; the release was not compared |',
  ])
})

test('a plan names targets that are left behind, and that nothing of them is removed', () => {
  const names = Array.from({ length: 60 }, (_, index) => ({ name: `t${index}`, isMoved: false }))
  const abandoned = [
    ...names,
    { name: 'moved', isMoved: true },
    { name: 'old', newName: 'new', isMoved: false },
  ]
  const lines = render([], { abandoned }).split('\n')
  expect(lines[0]).toMatch(
    /^- No longer deployed, and nothing of it is removed: t0, .*, t49 and 10 more\.$/,
  )
  expect(lines.slice(1)).toEqual([
    '- Moved, and nothing is removed where they were: moved.',
    '- Renamed: old to new.',
  ])
})

test('problems of the targets file are the whole plan', () => {
  const report = createFileReport('- a: Input host is empty. Set it.')
  expect([createPlanTitle(report), renderPlan(report, everything, 60_000)]).toEqual([
    'The targets cannot be planned',
    '- a: Input host is empty. Set it.',
  ])
})

test('the comment on 1,000 targets fits into the limit of GitHub, and keeps the failure', () => {
  const results = Array.from({ length: 999 }, (_, index) => ({
    ...changing,
    name: `target-${index}`,
  }))
  const report = createFleetReport([...results, failing])
  const body = createCommentBody(report, everything, {
    workflow: 'Plan',
    runId: 12,
    runUrl: 'https://github.com/team/infra/actions/runs/1',
    marker: '<!-- milvus-alb-plan: Plan x -->',
    commit: '0a1b2c3d',
  })
  expect(body.length).toBeLessThanOrEqual(65_536)
  expect(body.length).toBeGreaterThan(65_000)
  expect(body.split('\n').slice(0, 7)).toEqual([
    '<!-- milvus-alb-plan: Plan x -->',
    '<!-- run 12 -->',
    '## Milvus: 1 of 1000 targets needs attention',
    '',
    '| | Target | Host | State |',
    '|---|---|---|---|',
    '| ✗ | failing | failing.example.com | ingress-conflict in ingress |',
  ])
  expect(body).toMatch(
    /\(\d+ more lines\. The summaries of the jobs contain them\.\)\n\nPlanned for 0a1b2c3d by \[this run\]\(https:\/\/github\.com\/team\/infra\/actions\/runs\/1\), which changed nothing\./,
  )
})
