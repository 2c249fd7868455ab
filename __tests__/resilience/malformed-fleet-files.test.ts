/** Targets files, matrices and results of a fleet, damaged or built to break their parser. */
import { expect } from '@jest/globals'
import fc from 'fast-check'
import { renderPlan } from '../../src/fleet/report/plan.ts'
import { createFleetReport, renderReport, selectResults } from '../../src/fleet/report/report.ts'
import { buildJobs } from '../../src/fleet/plan/matrix.ts'
import { parseOutputs } from '../../src/fleet/deploy/outputs.ts'
import { readJobResults } from '../../src/fleet/deploy/job-results.ts'
import { readJobTargets } from '../../src/fleet/deploy/run-target.ts'
import {
  readTargets,
  readWorkflowTarget,
  type TargetsResult,
} from '../../src/fleet/plan/targets.ts'
import { anyLengthText, anyText, corruptText } from './arbitraries.ts'
import { expectReadable, testProperty } from './property.ts'
import { billionLaughs } from './yaml-attacks.ts'

const targetFragments = fc.constantFrom(
  'targets:',
  '- name: a',
  '  name: b',
  '  host: milvus.example.com',
  '  cluster: c',
  '  region: us-east-2',
  '  environment: e',
  '  tags: {a: b, __proto__: c}',
  '  subnets: [a, b]',
  '  inbound-cidrs: 10.0.0.0/8',
  '  listen-port: 443',
  '  listen-port: 1e9',
  '  runs-on: [x, y]',
  '  runs-on: 7',
  '  constructor: x',
  '  __proto__: {name: x}',
  '  private-key: x',
  'defaults: {environment: e, region: us-east-2}',
  'defaults: &d {environment: e}',
  '- {<<: *d, name: x}',
  '- *d',
  '- null',
  '- [a]',
  '- "a\\nb"',
  'targets: []',
  'targets: {a: b}',
  'targets: [&t {name: a, host: milvus.example.com, cluster: c, region: us-east-2, environment: e}, *t]',
  '{',
  'null',
  '- {name: "# a|b\\n\\n<img>"}',
  billionLaughs(6),
  '  role-to-assume: arn:aws:iam::111122223333:role/x',
  '  values: {a: {b: [no, 0644, null]}, __proto__: c}',
  '  values: "a: b"',
  '  values: "{"',
  '  values: &v {a: *v}',
  '  annotations: {constructor: x, alb.ingress.kubernetes.io/scheme: x}',
)
const validTarget =
  'name: a\n  host: milvus.example.com\n  cluster: c\n  region: us-east-2\n  environment: e'
const anyTargets = fc.oneof(
  {
    weight: 3,
    arbitrary: corruptText(
      fc.array(targetFragments, { maxLength: 10 }).map((lines) => lines.join('\n')),
      2,
    ),
  },
  {
    weight: 3,
    arbitrary: corruptText(
      fc.constantFrom(
        `targets:\n- ${validTarget}\n- ${validTarget.replace(/: [ac]\b/g, ': b')}\n  tags: {team: x}\n  annotations: {own: x}\n`,
      ),
    ),
  },
  { weight: 1, arbitrary: anyLengthText },
)

const locationPattern =
  /^(The file\b|The workflow\b|Input target\b|targets\b|defaults\b|\d+ targets have the name |[^\n]*: |[^\n]* are the same Ingress)/

function isValidReading(reading: TargetsResult): boolean {
  if ('targets' in reading) {
    const jobs = buildJobs(reading.targets, { runsOn: 'x', check: false })
    expect(
      jobs
        .flatMap(({ targets }) => readJobTargets(targets))
        .map(({ name }) => name)
        .sort(),
    ).toEqual(reading.targets.map(({ name }) => name).sort())
    return true
  }
  expect(reading.problems.length).toBeGreaterThan(0)
  for (const problem of reading.problems) {
    if (!locationPattern.test(problem)) throw new Error(`names no place: ${problem}`)
    expectReadable(problem)
  }
  return false
}

const anyWorkflowInputs = fc.oneof(
  anyText,
  fc.json(),
  corruptText(
    fc.constant(
      JSON.stringify({
        host: 'milvus.example.com',
        cluster: 'c',
        region: 'us-east-2',
        issue: true,
        tags: null,
      }),
    ),
  ),
)
const anyTargetsSource = fc.oneof(
  fc.tuple(fc.constant('file'), anyTargets),
  fc.tuple(fc.constant('workflow'), anyWorkflowInputs),
)
testProperty('targets files', anyTargetsSource, ([source, text]) =>
  isValidReading(source === 'file' ? readTargets(text) : readWorkflowTarget(text)),
)

const anyResult = fc.record(
  {
    name: anyText,
    host: anyText,
    outcome: fc.constantFrom('success', 'failure', 'cancelled', 'missing'),
    outputs: fc.dictionary(
      fc.constantFrom(
        'drift',
        'changed',
        'failure-code',
        'failed-step',
        'certificate-expiry',
        'changes',
        'failures',
        'restarts',
        'irreversible',
      ),
      fc.oneof(
        anyText,
        fc.constantFrom(
          'true',
          'false',
          '2026-12-01T00:00:00Z',
          '[null]',
          '[{}]',
          '[[]]',
          '{"object": 1}',
          '[{"object":"a","path":"b","why":"c"}]',
          '[{"object":"<a>","pods":{},"order":"](b","why":7},{"code":"`","step":"@","problem":"|"}]',
        ),
      ),
    ),
  },
  { noNullPrototype: true },
)
const anyJobResults = fc
  .array(anyResult, { maxLength: 3 })
  .map((targets) => JSON.stringify({ attempt: 1, mode: 'check', dryRun: false, targets }))
const anyArtifact = fc.oneof(fc.json(), anyText, anyJobResults, corruptText(anyJobResults))

/**
 * Whether an action for fleets rejects the text and names its source. Their errors have no codes.
 */
function isAcceptedByFleet(messagePattern: RegExp, parse: () => unknown): boolean {
  try {
    parse()
    return true
  } catch (thrown) {
    if (!(thrown instanceof Error) || !messagePattern.test(thrown.message)) throw thrown
    expectReadable(thrown.message)
    return false
  }
}

const findRows = (markdown: string): string[] =>
  markdown.split('\n').filter((line) => /^\| [✓✗] /.test(line))

testProperty(
  'matrix and results of a fleet',
  fc.tuple(anyArtifact, fc.dictionary(fc.stringMatching(/^[a-z-]{1,12}$/), anyText)),
  ([text, outputs]) => {
    const outputFile = Object.entries(outputs)
      .map(
        ([name, value], index) =>
          `${name}<<ghadelimiter_${index}\n${value}\nghadelimiter_${index}\n`,
      )
      .join('')
    expect(parseOutputs(outputFile)).toEqual(outputs)
    isAcceptedByFleet(/Input targets /, () => readJobTargets(text))
    return isAcceptedByFleet(/fleet\/deploy did not write it/, () => {
      const results = selectResults([readJobResults(text)], {
        mode: 'check',
        dryRun: false,
        plannedIn: 1,
        targetNames: ['lost'],
        isComplete: true,
      })
      const report = createFleetReport(results)
      const body = renderReport(report, { maxLength: 60_000, listClean: true })
      expectReadable(report.title)
      // Each target is one row of four cells, whatever its values contain.
      const rows = findRows(body)
      expect(rows.map((line) => line.split('|').length)).toEqual(Array(results.length).fill(6))
      const plan = renderPlan(report, { unchangedCount: 1, abandoned: [] }, 60_000)
      expect(findRows(plan).filter((line) => line.split('|').length !== 6)).toEqual([])
      for (const text of [body, plan])
        expect(text.replace(/`[^`]*`/g, '')).not.toMatch(/[<>@]|(?<!\n)###|\]\(/)
    })
  },
)
