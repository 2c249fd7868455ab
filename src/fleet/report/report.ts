/**
 * What became of all targets, as one table and, for a drift check, as the text of one issue. Pure.
 */
import type { TargetResult } from '../deploy/run-target.ts'

/** A target as a person reads it. */
interface TargetRow {
  readonly result: TargetResult
  /** Nothing to do for anybody. */
  readonly clean: boolean
  /** One sentence. */
  readonly state: string
}

/** What an action's output `changes` holds. */
interface Change {
  readonly object: string
  readonly path: string
  readonly before?: string
  readonly after?: string
  readonly why: string
}

const millisecondsPerDay = 86_400_000

/** All targets together. */
export interface FleetReport {
  /**
   * Whether no target drifted, failed, could not be seen whole, or has a certificate that ends
   * soon.
   */
  readonly clean: boolean
  /**
   * What the action says of one target, said of all: one that drifted counts more than one that
   * could not be seen.
   */
  readonly drift: 'true' | 'false' | 'unknown'
  /** One line. */
  readonly title: string
  /** Markdown, at most what an issue takes. */
  readonly body: string
}

/** Source: GitHub's REST API refuses longer bodies of issues. */
const maxBodyLength = 65_536

/**
 * The results, and those of the targets that have none: their job ended before the action could say
 * anything.
 */
export function addMissingResults(
  results: readonly TargetResult[],
  names: readonly string[],
): TargetResult[] {
  const known = new Set(results.map(({ name }) => name))
  return [
    ...results,
    ...names
      .filter((name) => !known.has(name))
      .map((name): TargetResult => ({ name, host: '', outcome: 'missing', outputs: {} })),
  ]
}

/**
 * @param expiryDays a certificate that ends within so many days is not clean
 * @param now milliseconds since the epoch
 */
export function createFleetReport(
  results: readonly TargetResult[],
  expiryDays: number,
  now: number,
): FleetReport {
  const rows = results.map((result) => createRow(result, expiryDays, now))
  const rowsWithProblems = rows.filter(({ clean }) => !clean)
  const table = [
    '| | target | host | state |',
    '|---|---|---|---|',
    ...rows.map(
      ({ clean, result, state }) =>
        `| ${clean ? '✓' : '✗'} | ${escapeCell(result.name)} | ${escapeCell(result.host)} | ${escapeCell(state)} |`,
    ),
  ].join('\n')
  const details = rowsWithProblems.flatMap(({ result }) => {
    const changes = parseChanges(result)
    return changes.length === 0
      ? []
      : [
          `### ${escapeCell(result.name)}\n\n${changes.map(({ object, path, before, after, why }) => `- ${escapeCell(object)}: \`${inlineCode(path)}\` is \`${inlineCode(before ?? '(absent)')}\`, should be \`${inlineCode(after ?? '(absent)')}\` (${escapeCell(why)})`).join('\n')}`,
        ]
  })
  const dryRunCount = results.filter(isDryRunWithChanges).length
  const title =
    rowsWithProblems.length === 0
      ? dryRunCount > 0
        ? `A dry run would change ${dryRunCount} of ${rows.length} targets`
        : `${rows.length} of ${rows.length} targets are as they should be`
      : `${rowsWithProblems.length} of ${rows.length} targets ${rowsWithProblems.length === 1 ? 'needs' : 'need'} attention`
  const fullBody = [table, ...details].join('\n\n')
  const body =
    fullBody.length <= maxBodyLength
      ? fullBody
      : `${[
          ...fullBody
            .slice(0, maxBodyLength - 200)
            .split('\n')
            .slice(0, -1),
        ].join('\n')}\n\n(More than an issue holds: the summaries of the jobs have it all.)`
  const drifts = results.map(({ outputs }) => outputs['drift'])
  return {
    clean: rowsWithProblems.length === 0,
    drift: drifts.includes('true')
      ? 'true'
      : drifts.every((drift) => drift === 'false')
        ? 'false'
        : 'unknown',
    title,
    body,
  }
}

function createRow(result: TargetResult, expiryDays: number, now: number): TargetRow {
  const problems = [
    ...describeFailure(result),
    ...drift(result),
    ...describeExpiry(result, expiryDays, now),
  ]
  const { outputs } = result
  const okState =
    outputs['drift'] === 'false'
      ? 'as it should be'
      : outputs['changed'] === 'true'
        ? `${formatCount(parseChanges(result).length, 'change')} made`
        : isDryRunWithChanges(result)
          ? `${formatCount(parseChanges(result).length, 'change')} would be made`
          : 'unchanged'
  return { result, clean: problems.length === 0, state: problems.join('; ') || okState }
}

/** Of a dry run, which changes nothing and compares for no check. */
const isDryRunWithChanges = (result: TargetResult): boolean =>
  result.outcome === 'success' &&
  result.outputs['drift'] === undefined &&
  result.outputs['changed'] !== 'true' &&
  parseChanges(result).length > 0

const formatCount = (count: number, noun: string): string =>
  `${count} ${noun}${count === 1 ? '' : 's'}`

function describeFailure({ outcome, outputs }: TargetResult): string[] {
  if (outcome === 'cancelled') return ['cancelled']
  if (outcome === 'missing') return ['no result: its job ended before the action did']
  // A drift check that finds something ends as a failure of its own, which the differences say
  // better.
  if (outcome === 'success' || outputs['failure-code']?.startsWith('drift-') === true) return []
  return [
    outputs['failure-code'] === undefined
      ? 'failed'
      : `${outputs['failure-code']} in ${outputs['failed-step'] ?? 'preflight'}`,
  ]
}

function drift(result: TargetResult): string[] {
  if (result.outputs['drift'] === 'true')
    return [formatCount(parseChanges(result).length, 'difference')]
  // A check that failed before it could compare says why by its failure.
  return result.outputs['drift'] === 'unknown' && describeFailure(result).length === 0
    ? ['not everything could be seen']
    : []
}

function describeExpiry({ outputs }: TargetResult, thresholdDays: number, now: number): string[] {
  const expiresAt = outputs['certificate-expiry'] ?? ''
  const remainingDays = Math.floor((Date.parse(expiresAt) - now) / millisecondsPerDay)
  return remainingDays < thresholdDays
    ? [`the certificate ends in ${remainingDays} days (${expiresAt.slice(0, 10)})`]
    : []
}

function isChange(value: unknown): value is Change {
  const { object, path, before = '', after = '', why } = (value ?? {}) as Record<string, unknown>
  return [object, path, before, after, why].every((field) => typeof field === 'string')
}

/** What is not the list that it should be counts as none. */
function parseChanges({ outputs }: TargetResult): Change[] {
  try {
    const changes: unknown = JSON.parse(outputs['changes'] ?? '[]')
    return Array.isArray(changes) && changes.every(isChange) ? changes : []
  } catch {
    return []
  }
}

/** Text that is nothing but text in Markdown and HTML, on one line. */
export const escapeCell = (text: string): string =>
  text
    .replace(/\s+/g, ' ')
    .replace(/[\\`*_{}[\]<>|#@!&~]/g, (character) => `&#${character.charCodeAt(0)};`)

/** Text within backticks: never nothing, which would make two of them one longer fence. */
const inlineCode = (text: string): string =>
  text.replace(/\s+/g, ' ').replace(/`/g, "'").replaceAll('|', '¦').slice(0, 300).trim() ||
  '(empty)'
