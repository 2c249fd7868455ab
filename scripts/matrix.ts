/**
 * `npm run matrix`: every version and mode of Milvus' chart with both majors of helm, on the simulator; `-- lab` in the lab. Writes
 * the table of that world in docs/compatibility.md when all have passed.
 */
import { spawnSync } from 'node:child_process'
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

/** Plays the scenarios of chart-modes in the simulator. */
function inSimulator(environment: Readonly<Record<string, string>>): boolean {
  const { passed, failed, seconds } = runJest(['--maxWorkers=1', '--testPathPatterns=scenarios/chart-modes', `--testNamePattern=${ofCharts}`], environment)
  console.log(`${seconds.toFixed(0)} s\n${passed} passed, ${failed} failed`)
  return failed === 0
}

/** Plays them in the lab, which counts for itself. */
function inLab(environment: Readonly<Record<string, string>>): boolean {
  return spawnSync(process.execPath, ['lab/main.ts', ofCharts], { stdio: 'inherit', env: { ...process.env, ...environment } }).status === 0
}

const ofCharts = '^chart '
const isLab = process.argv[2] === 'lab'
const scratch = mkdtempSync(join(tmpdir(), 'milvus-alb-matrix-'))
try {
  const record = join(scratch, 'matrix.jsonl')
  const isPassed = (isLab ? inLab : inSimulator)({ MATRIX: 'whole', MATRIX_RECORD: record })
  const lines = existsSync(record) ? readFileSync(record, 'utf8').trim().split('\n').map((line) => JSON.parse(line) as Passed) : []
  if (isPassed) writeFileSync(page, withTable(readFileSync(page, 'utf8'), isLab ? 'charts-lab' : 'charts', rowsOf(lines)))
  else process.exitCode = 1
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
