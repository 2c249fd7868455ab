/** What a pull request would change, as the text of a comment and of a summary. Pure. */
import { isPlainObject } from '../../util/objects.ts'
import { formatCount } from '../../util/text.ts'
import { parseJson } from '../../util/json.ts'
import type { TargetResult } from '../deploy/job-results.ts'
import type { AbandonedTarget } from '../plan/pull-request.ts'
import { parseChanges, type ReportedChange } from './changes.ts'
import { escapeCell, codeSpan } from './markdown.ts'
import { joinWithinLimit, renderTargetTable, type FleetReport, type TargetRow } from './report.ts'

/** What a plan for a pull request leaves out. */
export interface PlanScope {
  /** How many targets the pull request does not change. */
  readonly unchangedCount: number
  readonly abandoned: readonly AbandonedTarget[]
}

/** How many names a line lists. */
const maxNames = 50

/**
 * Renders what is left behind, the number of targets that would not change, those that need
 * attention, those that would change, and the details of both.
 * @param maxLength characters, at least 10,000
 * @returns Markdown
 */
export function renderPlan(
  { rows, fileProblems }: FleetReport,
  { unchangedCount, abandoned }: PlanScope,
  maxLength: number,
): string {
  const shownRows = listShownRows(rows)
  const sections = [
    fileProblems === '' ? [] : fileProblems.split('\n'),
    renderAbandoned(abandoned),
    countOthers(rows.length - shownRows.length, unchangedCount),
    renderTargetTable(shownRows.map(describeRow)),
    ...shownRows.map(({ result }) => renderDetails(result)),
  ]
  return joinWithinLimit(
    sections.filter((lines) => lines.length > 0),
    maxLength,
  )
}

/** One line. */
export function createPlanTitle(report: FleetReport): string {
  const { rows, fileProblems, title } = report
  if (fileProblems !== '' || !report.clean) return title
  const changingCount = rows.filter(changesTarget).length
  if (changingCount > 0) return `${formatCount(changingCount, 'target')} would change`
  const uncomparedCount = rows.filter(isReleaseUncompared).length
  if (uncomparedCount === 0) return 'No target would change'
  return `${formatCount(uncomparedCount, 'target')} could not be compared completely`
}

/** Targets that need attention, then others that would change, and then those not compared. */
function listShownRows(rows: readonly TargetRow[]): TargetRow[] {
  const cleanRows = rows.filter(({ clean }) => clean)
  return [
    ...rows.filter(({ clean }) => !clean),
    ...cleanRows.filter(changesTarget),
    ...cleanRows.filter((row) => !changesTarget(row) && isReleaseUncompared(row)),
  ]
}

const changesTarget = ({ result }: TargetRow): boolean => parseChanges(result).length > 0

/** A dry run with a role that may not read the release cannot list restarts. */
const isReleaseUncompared = ({ result }: TargetRow): boolean =>
  result.outcome === 'success' && result.outputs['restarts'] === ''

/** @returns no lines without other targets */
function countOthers(convergedCount: number, unchangedCount: number): string[] {
  const sentences: string[] = []
  if (convergedCount > 0)
    sentences.push(`${formatCount(convergedCount, 'target')} would not change.`)
  if (unchangedCount > 0)
    sentences.push(
      `This pull request does not concern ${formatCount(unchangedCount, 'other target')}.`,
    )
  return sentences.length === 0 ? [] : [sentences.join(' ')]
}

function renderAbandoned(abandoned: readonly AbandonedTarget[]): string[] {
  const renamed = abandoned.filter(({ newName }) => newName !== undefined)
  const moved = abandoned.filter(({ newName, isMoved }) => newName === undefined && isMoved)
  const removed = abandoned.filter(({ newName, isMoved }) => newName === undefined && !isMoved)
  const lines = [
    listNames('No longer deployed, and nothing of it is removed', removed),
    listNames('Moved, and nothing is removed where they were', moved),
    listNames('Renamed', renamed),
  ]
  return lines.filter((line) => line !== '').map((line) => `- ${line}`)
}

function listNames(what: string, targets: readonly AbandonedTarget[]): string {
  if (targets.length === 0) return ''
  const names = targets
    .slice(0, maxNames)
    .map(({ name, newName }) => escapeCell(newName === undefined ? name : `${name} to ${newName}`))
  const others = targets.length - names.length
  return `${what}: ${names.join(', ')}${others === 0 ? '' : ` and ${others} more`}.`
}

/** The row, with what restarts and what cannot be rolled back. */
function describeRow(row: TargetRow): TargetRow {
  const restarts = parseEntries(row.result, 'restarts').length
  const irreversible = parseEntries(row.result, 'irreversible').length
  const parts = [row.state]
  if (isReleaseUncompared(row)) parts.push('the release was not compared')
  if (restarts > 0) parts.push(`${formatCount(restarts, 'workload')} to restart`)
  if (irreversible > 0) parts.push(`${irreversible} cannot be rolled back`)
  return { ...row, state: parts.join('; ') }
}

/** @returns no lines when there is nothing to say */
function renderDetails(result: TargetResult): string[] {
  const parts = [
    ['Would fail:', parseEntries(result, 'failures').map(renderFailure)],
    ['Would change:', parseChanges(result).map(renderChange)],
    ['Would restart:', parseEntries(result, 'restarts').map(renderRestart)],
    [
      'Cannot be rolled back:',
      parseEntries(result, 'irreversible').map(
        ({ object, why }) => `${escapeCell(toText(object))}: ${escapeCell(toText(why))}`,
      ),
    ],
  ] as const
  const lines = parts.flatMap(([heading, items]) =>
    items.length === 0 ? [] : ['', heading, '', ...items.map((item) => `- ${item}`)],
  )
  return lines.length === 0 ? [] : [`### ${escapeCell(result.name)}`, ...lines]
}

type Entry = Readonly<Record<string, unknown>>

/** @returns no entries when the output is not a list of objects */
function parseEntries({ outputs }: TargetResult, name: string): Entry[] {
  const entries = parseJson(outputs[name] || '[]')
  return Array.isArray(entries) ? entries.filter(isPlainObject) : []
}

const toText = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : ''

function renderFailure({ code, step, problem, remedy }: Entry): string {
  const sentences = `${escapeCell(toText(problem))} ${escapeCell(toText(remedy))}`
  return `${codeSpan(toText(code))} in ${escapeCell(toText(step))}: ${sentences}`
}

function renderChange({ object, path, before, after, why }: ReportedChange): string {
  const values = `${codeSpan(before ?? '(absent)')} → ${codeSpan(after ?? '(absent)')}`
  return `${escapeCell(object)}: ${codeSpan(path)} ${values} (${escapeCell(why)})`
}

function renderRestart({ object, pods, order }: Entry): string {
  const count = typeof pods === 'number' ? formatCount(pods, 'pod') : 'all pods'
  return `${escapeCell(toText(object))}: ${count}, ${escapeCell(toText(order))}`
}
