/**
 * `npm run faults`: everything that goes wrong, on the sandbox, with its figures written into docs/reliability.md; `-- TEXT` only
 * what has TEXT in its name; `-- sample` some cases of each, in two minutes.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { tableOf, withTable, type Row } from './tables.ts'
import { runJest } from './test/jest.ts'
import { failuresOf } from './test/jest-report.ts'

const page = 'docs/reliability.md'
/** Twice the cores that it has to do with: a run waits now and then, one whose calls are failed for seconds. */
const workers = 4

/** A row of a table of the page. */
export interface Figure {
  readonly table: string
  readonly row: Row
}

/**
 * The page with the tables that the figures make; rows in the order of their first column.
 * @throws Error for a table without a place in the page
 */
export function withFigures(text: string, figures: readonly Figure[]): string {
  return tableNames(figures).reduce((now, name) => withTable(now, name, rowsOf(figures, name)), text)
}

const tableNames = (figures: readonly Figure[]): string[] => [...new Set(figures.map(({ table }) => table))]

function rowsOf(figures: readonly Figure[], name: string): Row[] {
  const first = (row: Row): string => String(Object.values(row)[0])
  return figures.filter(({ table }) => table === name).map(({ row }) => row).sort((one, other) => first(one).localeCompare(first(other)))
}

function main(): void {
  const isSample = process.argv[2] === 'sample'
  const text = isSample ? undefined : process.argv[2]
  const scratch = mkdtempSync(join(tmpdir(), 'milvus-alb-faults-'))
  const start = performance.now()
  try {
    const record = join(scratch, 'figures.jsonl')
    const selection = text === undefined ? [] : ['--testNamePattern', text]
    const { passed, failed, files } = runJest([`--maxWorkers=${workers}`, '--testSequencer=./scripts/longest-first.mjs', '--testTimeout=1200000', '--testPathPatterns=__tests__/faults', ...selection], isSample ? {} : { FAULTS: 'whole', FAULTS_RECORD: record })
    const figures = existsSync(record) ? readFileSync(record, 'utf8').split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as Figure) : []
    if (failed === 0 && text === undefined && !isSample) writeFileSync(page, withFigures(readFileSync(page, 'utf8'), figures))
    for (const name of tableNames(figures)) console.log(`\n${name}\n${tableOf(rowsOf(figures, name))}`)
    for (const failure of failuresOf({ files })) console.log(`FAILED ${failure}`)
    console.log(`\n${Math.round((performance.now() - start) / 1000)} s`)
    console.log(`${passed} passed, ${failed} failed`)
    process.exitCode = failed > 0 ? 1 : 0
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

if (import.meta.main) main()
