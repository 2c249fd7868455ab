/**
 * The failures that the field knows, each with what proves what the action does about it:
 * docs/field-failures.md, from `__tests__/failure-catalogue/`.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { load } from 'js-yaml'
import { repositoryRoot } from '../testing/environment.ts'
import { isApplicableTo, environmentKinds, type Records } from './records.ts'

/**
 * One failure, with exactly one of what proves it: scenarios, a table of cases, or the reason why
 * the action has nothing to do with it.
 */
interface FailureEntry {
  readonly row: string
  /** Names of scenarios. */
  readonly scenario?: string | readonly string[]
  /** Path of a test file with a table of cases, and `why` no scenario would prove more. */
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

/** Every source, in the order of the files' names. */
export function readFailureCatalogue(): FailureSource[] {
  return readdirSync(catalogueDirectory)
    .sort()
    .map((name) => load(readFileSync(join(catalogueDirectory, name), 'utf8')) as FailureSource)
}

const escapeCell = (value: string): string =>
  value.replaceAll('|', '\\|').replace(/\s+/g, ' ').trim()

/** @throws Error that lists every row that names what is not there, or nothing, or too much */
export function renderFieldFailures(sources: readonly FailureSource[], records: Records): string {
  const problems = sources.flatMap(({ rows }) => rows.flatMap((row) => findProblems(row, records)))
  if (problems.length > 0)
    throw new Error(
      `__tests__/failure-catalogue:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
    )
  const entries = sources.flatMap(({ rows }) => rows)
  const count = (key: keyof FailureEntry): number =>
    entries.filter((row) => row[key] !== undefined).length
  return `# Failures of the field

Written by \`npm run scenarios\` from \`__tests__/failure-catalogue/\` and what the scenarios record. ${entries.length} failures and facts that the sources know: ${count('scenario')} are proven by scenarios (what the built action does in a whole world), ${count('table')} by tables of cases, and of ${count('not')} the reason says why there is nothing to prove. Codes are those of [troubleshooting](troubleshooting.md); a row without one is a warning, a note, or a run that succeeds.

${sources.map(({ title, rows }) => [`## ${title}`, '', '| failure | proven by | world | code |', '|---|---|---|---|', ...rows.map((row) => formatRow(row, records))].join('\n')).join('\n\n')}
`
}

const getScenarioNames = ({ scenario = [] }: FailureEntry): readonly string[] =>
  typeof scenario === 'string' ? [scenario] : scenario

function findProblems(row: FailureEntry, { scenarios }: Records): string[] {
  const proofKinds = (['scenario', 'table', 'not'] as const).filter((key) => row[key] !== undefined)
  return [
    ...(proofKinds.length === 1
      ? []
      : [
          `"${row.row}" has ${proofKinds.length === 0 ? 'none' : 'more than one'} of scenario, table, not`,
        ]),
    ...getScenarioNames(row)
      .filter((name) => !scenarios.has(name))
      .map((name) => `"${row.row}" names the scenario "${name}", which is not there`),
    ...(row.table === undefined || existsSync(join(repositoryRoot, row.table))
      ? []
      : [`"${row.row}" names ${row.table}, which is not there`]),
    ...(row.table !== undefined && row.why === undefined
      ? [`"${row.row}" does not say why a table is enough`]
      : []),
  ]
}

function formatRow(row: FailureEntry, { scenarios }: Records): string {
  const proofs = getScenarioNames(row).flatMap((name) => scenarios.get(name) ?? [])
  const codes = [...new Set(proofs.flatMap((proof) => proof.codes))]
    .map((code) => `[${code}](troubleshooting.md#${code})`)
    .join(', ')
  const provenIn = environmentKinds
    .filter((kind) => proofs.some((proof) => isApplicableTo(proof, kind)))
    .join(', ')
  if (row.not !== undefined)
    return `| ${escapeCell(row.row)} | nothing to prove: ${escapeCell(row.not)} | | |`
  if (row.table !== undefined)
    return `| ${escapeCell(row.row)} | [\`${row.table.replace('__tests__/', '')}\`](../${row.table}): ${escapeCell(row.why ?? '')} | table | |`
  return `| ${escapeCell(row.row)} | ${proofs.map(({ name }) => escapeCell(name)).join('; ')} | ${provenIn} | ${codes} |`
}

/** docs/troubleshooting.md with, in each section, the scenarios whose runs ended with its code. */
export function replaceProofs(page: string, { scenarios }: Records): string {
  return page.replace(
    /^## ([a-z0-9-]+)$[\s\S]*?^\*\*Proven by\*\*:.*$/gm,
    (section, code: string) => {
      const names = [...scenarios.values()]
        .filter(({ codes }) => codes.includes(code))
        .map(({ name }) => name)
      return section.replace(
        /^(\*\*Proven by\*\*:).*$/m,
        (_line, start: string) =>
          `${start} ${names.length > 0 ? names.join('; ') : 'tables of cases only'}.`,
      )
    },
  )
}
