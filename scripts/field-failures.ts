/** The failures that the field knows, each with what proves what the action does about it: docs/field-failures.md, from `__tests__/rows/`. */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { load } from 'js-yaml'
import { repository } from '../sandbox/world.ts'
import { isFor, worlds, type Records } from './records.ts'

/** One failure, with exactly one of what proves it: scenarios, a table of cases, or the reason why the action has nothing to do with it. */
interface Row {
  readonly row: string
  /** Names of scenarios. */
  readonly scenario?: string | readonly string[]
  /** Path of a test file with a table of cases, and `why` no scenario would prove more. */
  readonly table?: string
  readonly why?: string
  readonly not?: string
}

/** One source of failures. */
export interface Rows {
  readonly title: string
  readonly rows: readonly Row[]
}

const folder = join(repository, '__tests__/rows')

/** Every source, in the order of the files' names. */
export function readRows(): Rows[] {
  return readdirSync(folder).sort().map((name) => load(readFileSync(join(folder, name), 'utf8')) as Rows)
}

const text = (value: string): string => value.replaceAll('|', '\\|').replace(/\s+/g, ' ').trim()

/** @throws Error that lists every row that names what is not there, or nothing, or too much */
export function fieldFailures(sources: readonly Rows[], records: Records): string {
  const problems = sources.flatMap(({ rows }) => rows.flatMap((row) => problemsOf(row, records)))
  if (problems.length > 0) throw new Error(`__tests__/rows:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`)
  const all = sources.flatMap(({ rows }) => rows)
  const count = (key: keyof Row): number => all.filter((row) => row[key] !== undefined).length
  return `# Failures of the field

Written by \`npm run scenarios\` from \`__tests__/rows/\` and what the scenarios record. ${all.length} failures and facts that the sources know: ${count('scenario')} are proven by scenarios (what the built action does in a whole world), ${count('table')} by tables of cases, and of ${count('not')} the reason says why there is nothing to prove. Codes are those of [troubleshooting](troubleshooting.md); a row without one is a warning, a note, or a run that succeeds.

${sources.map(({ title, rows }) => [`## ${title}`, '', '| failure | proven by | world | code |', '|---|---|---|---|', ...rows.map((row) => line(row, records))].join('\n')).join('\n\n')}
`
}

const namesOf = ({ scenario = [] }: Row): readonly string[] => (typeof scenario === 'string' ? [scenario] : scenario)

function problemsOf(row: Row, { scenarios }: Records): string[] {
  const given = (['scenario', 'table', 'not'] as const).filter((key) => row[key] !== undefined)
  return [
    ...(given.length === 1 ? [] : [`"${row.row}" has ${given.length === 0 ? 'none' : 'more than one'} of scenario, table, not`]),
    ...namesOf(row).filter((name) => !scenarios.has(name)).map((name) => `"${row.row}" names the scenario "${name}", which is not there`),
    ...(row.table === undefined || existsSync(join(repository, row.table)) ? [] : [`"${row.row}" names ${row.table}, which is not there`]),
    ...(row.table !== undefined && row.why === undefined ? [`"${row.row}" does not say why a table is enough`] : []),
  ]
}

function line(row: Row, { scenarios }: Records): string {
  const proofs = namesOf(row).flatMap((name) => scenarios.get(name) ?? [])
  const codes = [...new Set(proofs.flatMap((proof) => proof.codes))].map((code) => `[${code}](troubleshooting.md#${code})`).join(', ')
  const where = worlds.filter((world) => proofs.some((proof) => isFor(proof, world))).join(', ')
  if (row.not !== undefined) return `| ${text(row.row)} | nothing to prove: ${text(row.not)} | | |`
  if (row.table !== undefined) return `| ${text(row.row)} | [\`${row.table.replace('__tests__/', '')}\`](../${row.table}): ${text(row.why ?? '')} | table | |`
  return `| ${text(row.row)} | ${proofs.map(({ name }) => text(name)).join('; ')} | ${where} | ${codes} |`
}

/** docs/troubleshooting.md with, in each section, the scenarios whose runs ended with its code. */
export function withProofs(page: string, { scenarios }: Records): string {
  return page.replace(/^## ([a-z0-9-]+)$[\s\S]*?^\*\*Proven by\*\*:.*$/gm, (section, code: string) => {
    const names = [...scenarios.values()].filter(({ codes }) => codes.includes(code)).map(({ name }) => name)
    return section.replace(/^(\*\*Proven by\*\*:).*$/m, (_line, start: string) => `${start} ${names.length > 0 ? names.join('; ') : 'tables of cases only'}.`)
  })
}
