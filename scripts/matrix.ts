/** `npm run matrix`: every version and mode of Milvus' chart with both majors of helm. Writes the table of docs/compatibility.md. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { withTable, type Row } from './tables.ts'
import { runJest } from './test/jest.ts'

const page = 'docs/compatibility.md'

/** A release that was deployed, checked and destroyed. */
interface Passed {
  readonly chart: string
  readonly mode: string
  readonly helm: number
}

/** One row for each chart and mode, with the helms that passed. */
function rowsOf(passed: readonly Passed[]): Row[] {
  const releases = Map.groupBy(passed, ({ chart, mode }) => `${chart} ${mode}`)
  return [...releases].sort(([one], [other]) => one.localeCompare(other)).map(([, own]) => {
    const [{ chart, mode } = { chart: '', mode: '' }] = own
    const withHelm = (major: number): string => (own.some(({ helm }) => helm === major) ? 'yes' : 'no')
    return { chart, mode, 'Helm 3.17': withHelm(3), 'Helm 4.1': withHelm(4) }
  })
}

const scratch = mkdtempSync(join(tmpdir(), 'milvus-alb-matrix-'))
try {
  const record = join(scratch, 'matrix.jsonl')
  const { passed, failed, seconds } = runJest(['--maxWorkers=4', '--testPathPatterns=scenarios/chart-modes', '--testNamePattern=^chart '], { MATRIX: 'whole', MATRIX_RECORD: record })
  const lines = existsSync(record) ? readFileSync(record, 'utf8').trim().split('\n').map((line) => JSON.parse(line) as Passed) : []
  writeFileSync(page, withTable(readFileSync(page, 'utf8'), 'charts', rowsOf(lines)))
  process.exitCode = failed > 0 ? 1 : 0
  console.log(`${seconds.toFixed(0)} s\n${passed} passed, ${failed} failed`)
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
