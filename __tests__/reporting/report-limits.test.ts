/** Texts from outside that are too long to be shown, or that a shell would interpret. */
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { Redactor } from '../../src/reporting/redaction.ts'
import { Report } from '../../src/reporting/report.ts'
import { FakeClock } from '../util/clock.ts'
import { captureStdout } from './capture-stdout.ts'
import { clearRunnerVariables, restoreRunnerVariables } from './runner-variables.ts'

beforeEach(clearRunnerVariables)
afterEach(restoreRunnerVariables)

const createReport = () => new Report(new Redactor(), new FakeClock(), new AbortController().signal)

test('a note and a warning that quote a long text are shortened', async () => {
  const report = createReport()
  await captureStdout(() => {
    report.note('n'.repeat(1_000_000))
    report.warn('w'.repeat(1_000_000))
  })
  for (const [line = ''] of [report.notes, report.warnings]) {
    expect(line.length).toBeLessThan(2_100)
    expect(line).toMatch(/\(998000 more characters\)$/)
  }
})

test.each(['v2.6$(id)', 'v2.6`id`', "v2';id", 'v2 6', 'v2\nchanged=true', '9'.repeat(3_000)])(
  'an output that a shell would interpret is empty: %j',
  async (version) => {
    const report = createReport()
    const text = await captureStdout(() => report.setOutput('milvus-version', version))
    expect(report.outputs.get('milvus-version')).toBe('')
    expect(text).toContain('::warning title=Milvus ALB::Output milvus-version is empty')
  },
)
