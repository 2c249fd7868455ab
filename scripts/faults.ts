/**
 * `npm run faults` runs every fault test in the simulator, and writes the results to
 * docs/reliability.md. `-- TEXT` runs only tests with TEXT in their names; `-- sample` runs some
 * cases of each, in two minutes.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { formatTable, replaceTable, type TableRow } from './tables.ts'
import { runJest } from './test/jest.ts'
import { formatFailures } from './test/jest-report.ts'

const pagePath = 'docs/reliability.md'
/** Twice the number of cores, because runs also wait: those with failing calls wait for seconds. */
const workers = 4

/** A row of one of the page's tables. */
export interface FaultResult {
  readonly table: string
  readonly row: TableRow
}

/**
 * Replaces the page's tables with the results. Rows are sorted by their first column.
 * @throws Error if the page has no region for a table
 */
export function replaceResultTables(text: string, results: readonly FaultResult[]): string {
  return listTableNames(results).reduce(
    (updated, name) => replaceTable(updated, name, selectRows(results, name)),
    text,
  )
}

const listTableNames = (results: readonly FaultResult[]): string[] => [
  ...new Set(results.map(({ table }) => table)),
]

function selectRows(results: readonly FaultResult[], name: string): TableRow[] {
  const firstCell = (row: TableRow): string => String(Object.values(row)[0])
  return results
    .filter(({ table }) => table === name)
    .map(({ row }) => row)
    .sort((one, other) => firstCell(one).localeCompare(firstCell(other)))
}

async function main(): Promise<void> {
  const isSample = process.argv[2] === 'sample'
  const namePattern = isSample ? undefined : process.argv[2]
  const scratchDirectory = mkdtempSync(join(tmpdir(), 'milvus-alb-faults-'))
  const start = performance.now()
  try {
    const recordPath = join(scratchDirectory, 'figures.jsonl')
    const filterArguments = namePattern === undefined ? [] : ['--testNamePattern', namePattern]
    const { passed, failed, files } = await runJest(
      [
        `--maxWorkers=${workers}`,
        '--testSequencer=./scripts/longest-first.mjs',
        '--testPathPatterns=__tests__/resilience',
        ...filterArguments,
      ],
      {
        testTimeout: 1_200_000,
        environment: isSample ? {} : { FAULTS: 'whole', FAULTS_RECORD: recordPath },
      },
    )
    const results = existsSync(recordPath)
      ? readFileSync(recordPath, 'utf8')
          .split('\n')
          .filter((line) => line !== '')
          .map((line) => JSON.parse(line) as FaultResult)
      : []
    if (failed === 0 && namePattern === undefined && !isSample)
      writeFileSync(pagePath, replaceResultTables(readFileSync(pagePath, 'utf8'), results))
    for (const name of listTableNames(results))
      console.log(`\n${name}\n${formatTable(selectRows(results, name))}`)
    for (const failure of formatFailures({ files })) console.log(`FAILED ${failure}`)
    console.log(`\n${Math.round((performance.now() - start) / 1000)} s`)
    console.log(`${passed} passed, ${failed} failed`)
    process.exitCode = failed > 0 ? 1 : 0
  } finally {
    rmSync(scratchDirectory, { recursive: true, force: true })
  }
}

if (import.meta.main) await main()
