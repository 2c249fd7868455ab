/** The results of all targets, as the texts of a summary and of an issue. Pure. */
import type { JobResults, TargetResult } from '../deploy/job-results.ts'
import { formatCount, formatDifferences, formatObjects } from '../../util/text.ts'
import { parseChanges, type ReportedChange } from './changes.ts'
import { escapeCell, codeSpan } from './markdown.ts'

/** A target, for people. */
export interface TargetRow {
  readonly result: TargetResult
  /** Whether the target needs no attention. */
  readonly clean: boolean
  readonly state: string
}

/** All targets together. */
export interface FleetReport {
  /** Whether no target failed, drifted, was partly unchecked, or has an expiring certificate. */
  readonly clean: boolean
  /** Output drift of all targets: any "true" wins, then any "unknown". */
  readonly drift: 'true' | 'false' | 'unknown'
  /** One line. */
  readonly title: string
  readonly rows: readonly TargetRow[]
  /** Problems with the targets file as a Markdown list; empty when there are none. */
  readonly fileProblems: string
}

/** The jobs whose results a report is about. */
export interface ReportScope {
  /** Inputs `mode` and `dry-run` of the jobs. */
  readonly mode: string
  readonly dryRun: boolean
  /**
   * The attempt of the run that planned the jobs. "Re-run all jobs" plans them again: results of
   * earlier attempts say nothing about the new ones.
   */
  readonly plannedIn: number
  /** The names of all targets, for those without a result; empty when they are not known. */
  readonly targetNames: readonly string[]
  /** Whether every result was read. */
  readonly isComplete: boolean
}

/**
 * The newest result of each target, of the jobs that a report is about. A target without one is
 * missing: its job ended before the action did. "Re-run failed jobs" repeats only some jobs, so the
 * newest results may come from different attempts.
 */
export function selectResults(
  jobs: readonly JobResults[],
  { mode, dryRun, plannedIn, targetNames, isComplete }: ReportScope,
): TargetResult[] {
  const newest = new Map<string, TargetResult>()
  const matching = jobs.filter(
    (job) => job.mode === mode && job.dryRun === dryRun && job.attempt >= plannedIn,
  )
  for (const { targets } of matching.toSorted((a, b) => a.attempt - b.attempt))
    for (const result of targets) newest.set(result.name, result)
  const outcome = isComplete ? 'missing' : 'unread'
  const missingResults = targetNames
    .filter((name) => !newest.has(name))
    .map((name): TargetResult => ({ name, host: '', outcome, outputs: {} }))
  const byName = (a: TargetResult, b: TargetResult): number => (a.name < b.name ? -1 : 1)
  return [...newest.values(), ...missingResults].sort(byName)
}

export function createFleetReport(results: readonly TargetResult[]): FleetReport {
  const rows = results.map(createRow)
  return {
    clean: rows.every(({ clean }) => clean),
    drift: combineDrift(results),
    title: createTitle(rows),
    rows,
    fileProblems: '',
  }
}

/**
 * The report of a run that could not read its targets.
 * @param fileProblems a Markdown list
 */
export const createFileReport = (fileProblems: string): FleetReport => ({
  clean: false,
  drift: 'unknown',
  title: 'The targets cannot be planned',
  rows: [],
  fileProblems,
})

/**
 * Renders the targets that need attention, then their differences, then all other targets: what a
 * limit cuts off is what matters least.
 * @param maxLength characters, at least 1,000
 * @param options.listClean whether to list the targets that need no attention, or only their number
 * @returns Markdown
 */
export function renderReport(
  { rows, fileProblems }: FleetReport,
  { maxLength, listClean }: { readonly maxLength: number; readonly listClean: boolean },
): string {
  const [cleanRows, badRows] = partition(rows, ({ clean }) => clean)
  const details = badRows.map(({ result }) => renderDifferences(result))
  const cleanSection = listClean
    ? renderTargetTable(cleanRows)
    : [`${formatCount(cleanRows.length, 'target')} without problems.`]
  const problemLines = fileProblems === '' ? [] : fileProblems.split('\n')
  const sections = [
    problemLines,
    renderTargetTable(badRows),
    ...details,
    cleanRows.length === 0 ? [] : cleanSection,
  ]
  return joinWithinLimit(
    sections.filter((lines) => lines.length > 0),
    maxLength,
  )
}

function partition<T>(items: readonly T[], matches: (item: T) => boolean): [T[], T[]] {
  return [items.filter(matches), items.filter((item) => !matches(item))]
}

/** Joins sections of lines. Lines after the limit are left out, and counted. */
export function joinWithinLimit(
  sections: readonly (readonly string[])[],
  maxLength: number,
): string {
  const lines = sections.flatMap((section, index) => (index === 0 ? section : ['', ...section]))
  const text = lines.join('\n')
  if (text.length <= maxLength) return text
  const cutNote = (count: number): string =>
    `\n\n(${count} more lines. The summaries of the jobs contain them.)`
  let length = cutNote(lines.length).length
  const keptCount = lines.findIndex((line) => (length += line.length + 1) > maxLength)
  return lines.slice(0, keptCount).join('\n') + cutNote(lines.length - keptCount)
}

function createTitle(rows: readonly TargetRow[]): string {
  const problemCount = rows.filter(({ clean }) => !clean).length
  const verb = problemCount === 1 ? 'needs' : 'need'
  if (problemCount > 0) return `${problemCount} of ${rows.length} targets ${verb} attention`
  const dryRunCount = rows.filter(({ result }) => isDryRunWithChanges(result)).length
  if (dryRunCount > 0) return `A dry run would change ${dryRunCount} of ${rows.length} targets`
  return `No problems in ${formatCount(rows.length, 'target')}`
}

function combineDrift(results: readonly TargetResult[]): FleetReport['drift'] {
  const drifts = results.map(({ outputs }) => outputs['drift'])
  if (drifts.includes('true')) return 'true'
  return drifts.every((drift) => drift === 'false') ? 'false' : 'unknown'
}

/** @returns no lines without rows */
export function renderTargetTable(rows: readonly TargetRow[]): string[] {
  if (rows.length === 0) return []
  const lines = rows.map(({ clean, result, state }) => {
    const cells = [clean ? '✓' : '✗', ...[result.name, result.host, state].map(escapeCell)]
    return `| ${cells.join(' | ')} |`
  })
  return ['| | Target | Host | State |', '|---|---|---|---|', ...lines]
}

/** @returns no lines without differences */
function renderDifferences(result: TargetResult): string[] {
  const changes = parseChanges(result)
  if (changes.length === 0) return []
  return [`### ${escapeCell(result.name)}`, '', ...changes.map(renderDifference)]
}

function renderDifference(change: ReportedChange): string {
  const { object, path, before = '(absent)', after = '(absent)', why } = change
  const difference = `${codeSpan(path)} is ${codeSpan(before)}, expected ${codeSpan(after)}`
  return `- ${escapeCell(object)}: ${difference} (${escapeCell(why)})`
}

function createRow(result: TargetResult): TargetRow {
  const problems = [describeFailure(result), describeDrift(result), describeExpiry(result)].filter(
    (problem) => problem !== undefined,
  )
  const clean = problems.length === 0
  return { result, clean, state: clean ? describeSuccess(result) : problems.join('; ') }
}

function describeSuccess(result: TargetResult): string {
  const { outputs } = result
  if (outputs['drift'] === 'false') return 'no drift'
  const changes = parseChanges(result)
  if (outputs['changed'] === 'true') return formatObjects(changes, 'changed')
  return isDryRunWithChanges(result) ? formatObjects(changes, 'to change') : 'unchanged'
}

/** A dry run changes nothing, and has no output drift. */
const isDryRunWithChanges = (result: TargetResult): boolean =>
  result.outcome === 'success' &&
  !result.outputs['drift'] &&
  result.outputs['changed'] !== 'true' &&
  parseChanges(result).length > 0

function describeFailure({ outcome, outputs }: TargetResult): string | undefined {
  if (outcome === 'cancelled') return 'cancelled'
  if (outcome === 'missing') return 'no result: the job ended before the action finished'
  if (outcome === 'unread') return 'its result could not be read'
  if (outcome === 'success') return undefined
  const code = outputs['failure-code']
  if (!code) return 'failed'
  // The failure of a check that found drift repeats the differences.
  if (code.startsWith('drift-')) return undefined
  return `${code} in ${outputs['failed-step'] || 'preflight'}`
}

function describeDrift(result: TargetResult): string | undefined {
  const { drift } = result.outputs
  if (drift === 'true') return formatDifferences(parseChanges(result))
  // A check that failed before it could compare explains that by its failure.
  const isUnexplained = drift === 'unknown' && describeFailure(result) === undefined
  return isUnexplained ? 'not everything could be checked' : undefined
}

/** The main action applies `expiry-warning` of the target. */
function describeExpiry({ outputs }: TargetResult): string | undefined {
  if (outputs['certificate-expires-soon'] !== 'true') return undefined
  return `the certificate expires on ${(outputs['certificate-expiry'] ?? '').slice(0, 10)}`
}
