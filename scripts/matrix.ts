/**
 * `npm run matrix` tests every version and mode of the Milvus chart with Helm 3 and Helm 4 in the
 * simulator, or in the lab with `-- lab`. If all pass, it writes the table of that environment in
 * docs/compatibility.md.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { helmVersions } from '../testing/cli-tools.ts'
import { replaceTable, type TableRow } from './tables.ts'
import { runJest } from './test/jest.ts'

const pagePath = 'docs/compatibility.md'

/** A combination in which a release was deployed, checked and destroyed. */
interface PassedCombination {
  readonly chart: string
  readonly mode: string
  readonly helm: number
}

/** One row per chart and mode, with the versions of Helm that passed. */
function buildRows(passed: readonly PassedCombination[]): TableRow[] {
  const combinations = Map.groupBy(passed, ({ chart, mode }) => `${chart} ${mode}`)
  return [...combinations]
    .sort(([one], [other]) => one.localeCompare(other))
    .map(([, results]) => {
      const [{ chart, mode } = { chart: '', mode: '' }] = results
      const formatResult = (major: number): string =>
        results.some(({ helm }) => helm === major) ? 'yes' : 'no'
      return {
        chart,
        mode,
        [`Helm ${helmVersions[3]}`]: formatResult(3),
        [`Helm ${helmVersions[4]}`]: formatResult(4),
      }
    })
}

/** Runs the scenarios of chart-modes in the simulator. */
async function runInSimulator(environment: Readonly<Record<string, string>>): Promise<boolean> {
  const { passed, failed, seconds } = await runJest(
    [
      '--maxWorkers=1',
      '--testPathPatterns=scenarios/chart-modes',
      `--testNamePattern=${chartTestPattern}`,
    ],
    { environment },
  )
  console.log(`${seconds.toFixed(0)} s\n${passed} passed, ${failed} failed`)
  return failed === 0
}

/** Runs the scenarios in the lab, which prints its own count. */
function runInLab(environment: Readonly<Record<string, string>>): boolean {
  return (
    spawnSync(process.execPath, ['integration/main.ts', chartTestPattern], {
      stdio: 'inherit',
      env: { ...process.env, ...environment },
    }).status === 0
  )
}

const chartTestPattern = '^chart '
const isLab = process.argv[2] === 'lab'
const scratchDirectory = mkdtempSync(join(tmpdir(), 'milvus-alb-matrix-'))
try {
  const recordPath = join(scratchDirectory, 'matrix.jsonl')
  const hasPassed = await (isLab ? runInLab : runInSimulator)({
    MATRIX: 'whole',
    MATRIX_RECORD: recordPath,
  })
  const lines = existsSync(recordPath)
    ? readFileSync(recordPath, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as PassedCombination)
    : []
  if (hasPassed)
    writeFileSync(
      pagePath,
      replaceTable(
        readFileSync(pagePath, 'utf8'),
        isLab ? 'charts-lab' : 'charts',
        buildRows(lines),
      ),
    )
  else process.exitCode = 1
} finally {
  rmSync(scratchDirectory, { recursive: true, force: true })
}
