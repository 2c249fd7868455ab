/** The order of the summary, and what is folded or linked. */
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { combineErrors } from '../../src/failures/action-error.ts'
import { renderSummary } from '../../src/reporting/summary.ts'
import { createSettings } from '../steps/fixtures.ts'
import { clearRunnerVariables, restoreRunnerVariables } from './runner-variables.ts'
import { now, createChange, createFailure, createSummaryInput } from './summary-fixtures.ts'

beforeEach(clearRunnerVariables)
afterEach(restoreRunnerVariables)

test('shows first what matters first, and folds the changes', () => {
  const text = renderSummary(
    createSummaryInput({
      warnings: ['Milvus answers without credentials.', 'Second.'],
      notes: ['A note.'],
      changes: [createChange(), createChange({ path: 'scheme' })],
      topology: { service: { name: 'milvus-demo', port: 19530 } },
    }),
    createSettings(),
    undefined,
    now,
  )
  const parts = [
    '## ✅ ',
    '\n\nmilvus-alb-action 1.2.0: deploy, host milvus.example.com\n\n',
    '> [!WARNING]\n> - Milvus answers without credentials.\n> - Second.\n\n',
    '```mermaid',
    '| gRPC endpoint | <code>milvus.example.com:443</code> |',
    '### Connect',
    '| Step |',
    '### Notes\n\n- A note.',
    '### Changes\n\n<details><summary>1 object (2 fields)</summary>\n\n```diff\n',
    '```\n\n</details>',
  ]
  const positions = parts.map((part) => text.indexOf(part))
  expect(positions).not.toContain(-1)
  expect(positions).toEqual(positions.toSorted((a, b) => a - b))
})

test.each<{ name: string; settings: Parameters<typeof createSettings>[0] }>([
  { name: 'a check', settings: { mode: 'check' } },
  { name: 'a dry run', settings: { dryRun: true } },
])('shows the changes of $name, which are its result', ({ settings }) => {
  const report = createSummaryInput({ changes: [createChange()] })
  expect(renderSummary(report, createSettings(settings), undefined, now)).toContain(
    '<details open><summary>1 object</summary>\n\n```diff\n',
  )
})

test('links each code once', () => {
  process.env['GITHUB_ACTION_REPOSITORY'] = 'owner/action'
  const error = combineErrors([createFailure('First.'), createFailure('Second.')])
  const text = renderSummary(createSummaryInput(), createSettings(), error, now)
  expect(text.match(/\]\(https:[^)]*#controller-refused\)/g)).toHaveLength(1)
  expect(text).toContain('What to do: Fix it. (<code>controller-refused</code>)')
})
