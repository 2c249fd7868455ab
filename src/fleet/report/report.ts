/** The results of all targets, as the text of a summary or an issue. Pure. */
import type { TargetResult } from '../deploy/run-target.ts'
import { formatCount, formatDifferences, formatObjects } from '../../util/text.ts'
import { escapeCell, inlineCode } from './markdown.ts'

/** A target, for people. */
interface TargetRow {
  readonly result: TargetResult
  /** Whether the target needs no attention. */
  readonly clean: boolean
  readonly state: string
}

/** An entry of output `changes`. */
interface Change {
  readonly object: string
  readonly path: string
  readonly before?: string
  readonly after?: string
  readonly why: string
}

/** All targets together. */
export interface FleetReport {
  /** Whether no target failed, drifted, was partly unchecked, or has an expiring certificate. */
  readonly clean: boolean
  /** Output drift of all targets: any "true" wins, then any "unknown". */
  readonly drift: 'true' | 'false' | 'unknown'
  /** One line. */
  readonly title: string
  /** Markdown, within the limit of an issue. */
  readonly body: string
}

const millisecondsPerDay = 86_400_000

/** Source: GitHub's REST API rejects longer bodies of issues. */
const maxBodyLength = 65_536

/** Adds a result for each target without one: its job ended before the action did. */
export function addMissingResults(
  results: readonly TargetResult[],
  names: readonly string[],
): TargetResult[] {
  const known = new Set(results.map(({ name }) => name))
  const missingNames = names.filter((name) => !known.has(name))
  const missingResults = missingNames.map((name): TargetResult => ({
    name,
    host: '',
    outcome: 'missing',
    outputs: {},
  }))
  return [...results, ...missingResults]
}

/**
 * @param expiryDays a certificate that expires within this number of days is not clean
 * @param now milliseconds since the epoch
 */
export function createFleetReport(
  results: readonly TargetResult[],
  expiryDays: number,
  now: number,
): FleetReport {
  const rows = results.map((result) => createRow(result, expiryDays, now))
  const details = rows.filter(({ clean }) => !clean).map(({ result }) => renderDifferences(result))
  const sections = [renderTable(rows), ...details].filter((section) => section !== '')
  return {
    clean: rows.every(({ clean }) => clean),
    drift: combineDrift(results),
    title: createTitle(rows),
    body: truncateBody(sections.join('\n\n')),
  }
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

function renderTable(rows: readonly TargetRow[]): string {
  const lines = rows.map(({ clean, result, state }) => {
    const cells = [clean ? '✓' : '✗', ...[result.name, result.host, state].map(escapeCell)]
    return `| ${cells.join(' | ')} |`
  })
  return ['| | Target | Host | State |', '|---|---|---|---|', ...lines].join('\n')
}

/** @returns an empty text when there are none */
function renderDifferences(result: TargetResult): string {
  const changes = parseChanges(result)
  if (changes.length === 0) return ''
  const lines = changes.map(({ object, path, before = '(absent)', after = '(absent)', why }) => {
    const difference = `${inlineCode(path)} is ${inlineCode(before)}, expected ${inlineCode(after)}`
    return `- ${escapeCell(object)}: ${difference} (${escapeCell(why)})`
  })
  return `### ${escapeCell(result.name)}\n\n${lines.join('\n')}`
}

/** Cuts a long text after a whole line. */
function truncateBody(body: string): string {
  if (body.length <= maxBodyLength) return body
  const lines = body.slice(0, maxBodyLength - 200).split('\n')
  const kept = lines.slice(0, -1).join('\n')
  return `${kept}\n\n(Too long for an issue. The job summaries contain the rest.)`
}

function createRow(result: TargetResult, expiryDays: number, now: number): TargetRow {
  const problems = [
    describeFailure(result),
    describeDrift(result),
    describeExpiry(result, expiryDays, now),
  ].filter((problem) => problem !== undefined)
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
  result.outputs['drift'] === undefined &&
  result.outputs['changed'] !== 'true' &&
  parseChanges(result).length > 0

function describeFailure({ outcome, outputs }: TargetResult): string | undefined {
  if (outcome === 'cancelled') return 'cancelled'
  if (outcome === 'missing') return 'no result: the job ended before the action finished'
  if (outcome === 'success') return undefined
  const code = outputs['failure-code']
  if (code === undefined) return 'failed'
  // The failure of a check that found drift repeats the differences.
  if (code.startsWith('drift-')) return undefined
  return `${code} in ${outputs['failed-step'] ?? 'preflight'}`
}

function describeDrift(result: TargetResult): string | undefined {
  const { drift } = result.outputs
  if (drift === 'true') return formatDifferences(parseChanges(result))
  // A check that failed before it could compare explains that by its failure.
  const isUnexplained = drift === 'unknown' && describeFailure(result) === undefined
  return isUnexplained ? 'not everything could be checked' : undefined
}

function describeExpiry(
  { outputs }: TargetResult,
  expiryDays: number,
  now: number,
): string | undefined {
  const expiresAt = outputs['certificate-expiry'] ?? ''
  const date = expiresAt.slice(0, 10)
  const remainingDays = Math.floor((Date.parse(expiresAt) - now) / millisecondsPerDay)
  if (remainingDays < 0) return `the certificate expired on ${date}`
  if (remainingDays < expiryDays)
    return `the certificate expires in ${formatCount(remainingDays, 'day')} (${date})`
  return undefined
}

function isChange(value: unknown): value is Change {
  const { object, path, before = '', after = '', why } = (value ?? {}) as Record<string, unknown>
  return [object, path, before, after, why].every((field) => typeof field === 'string')
}

/** @returns no changes when the output is not a list of changes */
function parseChanges({ outputs }: TargetResult): Change[] {
  try {
    const changes: unknown = JSON.parse(outputs['changes'] ?? '[]')
    return Array.isArray(changes) && changes.every(isChange) ? changes : []
  } catch {
    return []
  }
}
