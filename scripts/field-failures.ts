/**
 * Renders docs/field-failures.md from `__tests__/failure-catalogue/`: failures known from public
 * sources, each with the test that covers how the action handles it.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { load } from 'js-yaml'
import { repositoryRoot } from '../testing/environment.ts'
import { isApplicableTo, environmentKinds, type Records } from './records.ts'

/**
 * One failure with exactly one kind of test: scenarios, a table of cases, or the reason why the
 * action is not affected.
 */
interface FailureEntry {
  readonly row: string
  /** Names of scenarios. */
  readonly scenario?: string | readonly string[]
  /**
   * Path of a test file with a table of cases; `why` explains why a scenario would not test more.
   */
  readonly table?: string
  readonly why?: string
  readonly not?: string
}

/** One source of failures. */
export interface FailureSource {
  readonly title: string
  readonly rows: readonly FailureEntry[]
}

const catalogueDirectory = join(repositoryRoot, '__tests__/failure-catalogue')

/** Every source, sorted by file name. */
export function readFailureCatalogue(): FailureSource[] {
  return readdirSync(catalogueDirectory)
    .sort()
    .map((name) => load(readFileSync(join(catalogueDirectory, name), 'utf8')) as FailureSource)
}

const escapeCell = (value: string): string =>
  value.replaceAll('|', '\\|').replace(/\s+/g, ' ').trim()

/** @throws Error that lists every row whose test is missing, ambiguous or nonexistent */
export function renderFieldFailures(sources: readonly FailureSource[], records: Records): string {
  const problems = sources.flatMap(({ rows }) => rows.flatMap((row) => findProblems(row, records)))
  if (problems.length > 0)
    throw new Error(
      `__tests__/failure-catalogue:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
    )
  const entries = sources.flatMap(({ rows }) => rows)
  const count = (key: keyof FailureEntry): number =>
    entries.filter((row) => row[key] !== undefined).length
  return `# Known failures

Written by \`npm run scenarios\` from \`__tests__/failure-catalogue/\` and from the records of the
scenarios. It lists ${entries.length} failures and facts from public sources.
${count('scenario')} are covered by scenarios (the built action in a complete environment) and
${count('table')} by tables of cases. For ${count('not')}, the reason says why there is nothing to
test. Codes are explained in [troubleshooting](troubleshooting.md). A row without a code is a
warning, a note, or a run that succeeds.

${sources.map((source) => formatSource(source, records)).join('\n\n')}
`
}

/** The table of a source. */
function formatSource({ title, rows }: FailureSource, records: Records): string {
  return [
    `## ${title}`,
    '',
    '| failure | covered by | environment | code |',
    '|---|---|---|---|',
    ...rows.map((row) => formatRow(row, records)),
  ].join('\n')
}

const getScenarioNames = ({ scenario = [] }: FailureEntry): readonly string[] =>
  typeof scenario === 'string' ? [scenario] : scenario

function findProblems(row: FailureEntry, { scenarios }: Records): string[] {
  const problems: string[] = []
  const testKinds = (['scenario', 'table', 'not'] as const).filter((key) => row[key] !== undefined)
  if (testKinds.length !== 1)
    problems.push(`"${row.row}" must have exactly one of scenario, table and not`)
  for (const name of getScenarioNames(row))
    if (!scenarios.has(name))
      problems.push(`"${row.row}" names the scenario "${name}", which does not exist`)
  if (row.table !== undefined && !existsSync(join(repositoryRoot, row.table)))
    problems.push(`"${row.row}" names ${row.table}, which does not exist`)
  if (row.table !== undefined && row.why === undefined)
    problems.push(`"${row.row}" has a table but no why`)
  return problems
}

/** A row of a source's table. */
function formatRow(row: FailureEntry, { scenarios }: Records): string {
  const coveringScenarios = getScenarioNames(row).flatMap((name) => scenarios.get(name) ?? [])
  const codes = [...new Set(coveringScenarios.flatMap(({ codes }) => codes))]
    .map((code) => `[${code}](troubleshooting.md#${code})`)
    .join(', ')
  const testedIn = environmentKinds
    .filter((kind) => coveringScenarios.some((scenario) => isApplicableTo(scenario, kind)))
    .join(', ')
  const description = escapeCell(row.row)
  if (row.not !== undefined)
    return `| ${description} | nothing to test: ${escapeCell(row.not)} | | |`
  if (row.table !== undefined) {
    const link = `[\`${row.table.replace('__tests__/', '')}\`](../${row.table})`
    return `| ${description} | ${link}: ${escapeCell(row.why ?? '')} | table | |`
  }
  const names = coveringScenarios.map(({ name }) => escapeCell(name)).join('; ')
  return `| ${description} | ${names} | ${testedIn} | ${codes} |`
}

/**
 * Renders docs/troubleshooting.md with the scenarios that ended with the failure code of each
 * section.
 */
export function replaceTestLines(page: string, { scenarios }: Records): string {
  return page.replace(
    /^## ([a-z0-9-]+)$[\s\S]*?^\*\*Tested by\*\*:.*$/gm,
    (section, code: string) => {
      const names = [...scenarios.values()]
        .filter(({ codes }) => codes.includes(code))
        .map(({ name }) => name)
      return section.replace(
        /^(\*\*Tested by\*\*:).*$/m,
        (_line, start: string) =>
          `${start} ${names.length > 0 ? names.join('; ') : 'tables of cases only'}.`,
      )
    },
  )
}
