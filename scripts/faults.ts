/** `npm run faults`: everything that goes wrong, on the sandbox; `-- TEXT` only what has TEXT in its name. Writes the figures into docs/reliability.md. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const page = 'docs/reliability.md'
/** Twice the cores that it has to do with: a run waits now and then, one whose calls are failed for seconds. */
const workers = 4

/** A row of a table of the page. */
export interface Figure {
  readonly table: string
  readonly row: Readonly<Record<string, string | number>>
}

/**
 * The page with the tables that the figures make, each between the lines `<!-- NAME -->` and `<!-- /NAME -->`; rows in the order of their first column.
 * @throws Error for a table without a place in the page
 */
export function withFigures(text: string, figures: readonly Figure[]): string {
  return [...new Set(figures.map(({ table }) => table))].reduce((now, name) => {
    const region = new RegExp(`(<!-- ${name} -->\\n)[\\s\\S]*?(<!-- /${name} -->)`)
    if (!region.test(now)) throw new Error(`${page} has no place for the table ${name}`)
    const rows = figures.filter(({ table }) => table === name).map(({ row }) => row)
    return now.replace(region, (_all, start: string, end: string) => `${start}\n${tableOf(rows)}\n\n${end}`)
  }, text)
}

function tableOf(rows: readonly Figure['row'][]): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  const cells = rows.map((row) => columns.map((column) => String(row[column] ?? '').replaceAll('|', '\\|')))
  const line = (texts: readonly string[]) => `| ${texts.join(' | ')} |`
  return [line(columns), line(columns.map(() => '---')), ...cells.sort(([a = ''], [b = '']) => a.localeCompare(b)).map(line)].join('\n')
}

function main(): void {
  const text = process.argv[2]
  const scratch = mkdtempSync(join(tmpdir(), 'milvus-alb-faults-'))
  const start = performance.now()
  try {
    const [record, report] = [join(scratch, 'figures.jsonl'), join(scratch, 'jest.json')]
    const selection = text === undefined ? [] : ['--testNamePattern', text]
    spawnSync('node', ['--disable-warning=ExperimentalWarning', '--experimental-vm-modules', 'node_modules/.bin/jest', `--maxWorkers=${workers}`, '--testSequencer=./scripts/longest-first.mjs', '--testTimeout=1200000', '--testPathPatterns=__tests__/faults', '--json', `--outputFile=${report}`, ...selection], { stdio: 'inherit', env: { ...process.env, FAULTS: 'whole', FAULTS_RECORD: record } })
    const result = JSON.parse(readFileSync(report, 'utf8')) as { numPassedTests: number; numFailedTests: number; numRuntimeErrorTestSuites: number }
    const failed = result.numFailedTests + result.numRuntimeErrorTestSuites + (result.numPassedTests === 0 ? 1 : 0)
    const figures = existsSync(record) ? readFileSync(record, 'utf8').split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as Figure) : []
    if (failed === 0 && text === undefined) writeFileSync(page, withFigures(readFileSync(page, 'utf8'), figures))
    for (const name of new Set(figures.map(({ table }) => table))) console.log(`\n${name}\n${tableOf(figures.filter(({ table }) => table === name).map(({ row }) => row))}`)
    console.log(`\n${Math.round((performance.now() - start) / 1000)} s`)
    console.log(`${result.numPassedTests} passed, ${failed} failed`)
    process.exitCode = failed > 0 ? 1 : 0
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

if (import.meta.main) main()
