/** What became of all targets, as one table and, for a drift check, as the text of one issue. Pure. */
import type { Result } from './run.ts'

/** A target as a person reads it. */
interface Row {
  readonly result: Result
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

const day = 86_400_000

/** All targets together. */
export interface FleetReport {
  /** Whether no target drifted, failed, could not be seen whole, or has a certificate that ends soon. */
  readonly clean: boolean
  /** What the action says of one target, said of all: one that drifted counts more than one that could not be seen. */
  readonly drift: 'true' | 'false' | 'unknown'
  /** One line. */
  readonly title: string
  /** Markdown, at most what an issue takes. */
  readonly body: string
}

/** Source: GitHub's REST API refuses longer bodies of issues. */
const longest = 65_536

/** The results, and those of the targets that have none: their job ended before the action could say anything. */
export function withMissing(results: readonly Result[], names: readonly string[]): Result[] {
  const known = new Set(results.map(({ name }) => name))
  return [...results, ...names.filter((name) => !known.has(name)).map((name): Result => ({ name, host: '', outcome: 'missing', outputs: {} }))]
}

/**
 * @param expiryDays a certificate that ends within so many days is not clean
 * @param now milliseconds since the epoch
 */
export function fleetReport(results: readonly Result[], expiryDays: number, now: number): FleetReport {
  const rows = results.map((result) => row(result, expiryDays, now))
  const bad = rows.filter(({ clean }) => !clean)
  const table = ['| | target | host | state |', '|---|---|---|---|', ...rows.map(({ clean, result, state }) => `| ${clean ? '✓' : '✗'} | ${cell(result.name)} | ${cell(result.host)} | ${cell(state)} |`)].join('\n')
  const details = bad.flatMap(({ result }) => {
    const changes = changesOf(result)
    return changes.length === 0 ? [] : [`### ${cell(result.name)}\n\n${changes.map(({ object, path, before, after, why }) => `- ${cell(object)}: \`${code(path)}\` is \`${code(before ?? '(absent)')}\`, should be \`${code(after ?? '(absent)')}\` (${cell(why)})`).join('\n')}`]
  })
  const rehearsed = results.filter(wouldChange).length
  const title = bad.length === 0 ? rehearsed > 0 ? `A dry run would change ${rehearsed} of ${rows.length} targets` : `${rows.length} of ${rows.length} targets are as they should be` : `${bad.length} of ${rows.length} targets ${bad.length === 1 ? 'needs' : 'need'} attention`
  const whole = [table, ...details].join('\n\n')
  const body = whole.length <= longest ? whole : `${[...whole.slice(0, longest - 200).split('\n').slice(0, -1)].join('\n')}\n\n(More than an issue holds: the summaries of the jobs have it all.)`
  const drifts = results.map(({ outputs }) => outputs['drift'])
  return { clean: bad.length === 0, drift: drifts.includes('true') ? 'true' : drifts.every((drift) => drift === 'false') ? 'false' : 'unknown', title, body }
}

function row(result: Result, expiryDays: number, now: number): Row {
  const troubles = [...failures(result), ...drift(result), ...expiry(result, expiryDays, now)]
  const { outputs } = result
  const fine = outputs['drift'] === 'false' ? 'as it should be' : outputs['changed'] === 'true' ? `${counted(changesOf(result).length, 'change')} made` : wouldChange(result) ? `${counted(changesOf(result).length, 'change')} would be made` : 'unchanged'
  return { result, clean: troubles.length === 0, state: troubles.join('; ') || fine }
}

/** Of a dry run, which changes nothing and compares for no check. */
const wouldChange = (result: Result): boolean => result.outcome === 'success' && result.outputs['drift'] === undefined && result.outputs['changed'] !== 'true' && changesOf(result).length > 0

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`

function failures({ outcome, outputs }: Result): string[] {
  if (outcome === 'cancelled') return ['cancelled']
  if (outcome === 'missing') return ['no result: its job ended before the action did']
  // A drift check that finds something ends as a failure of its own, which the differences say better.
  if (outcome === 'success' || outputs['failure-code']?.startsWith('drift-') === true) return []
  return [outputs['failure-code'] === undefined ? 'failed' : `${outputs['failure-code']} in ${outputs['failed-step'] ?? 'preflight'}`]
}

function drift(result: Result): string[] {
  if (result.outputs['drift'] === 'true') return [counted(changesOf(result).length, 'difference')]
  // A check that failed before it could compare says why by its failure.
  return result.outputs['drift'] === 'unknown' && failures(result).length === 0 ? ['not everything could be seen'] : []
}

function expiry({ outputs }: Result, days: number, now: number): string[] {
  const end = outputs['certificate-expiry'] ?? ''
  const left = Math.floor((Date.parse(end) - now) / day)
  return left < days ? [`the certificate ends in ${left} days (${end.slice(0, 10)})`] : []
}

function isChange(value: unknown): value is Change {
  const { object, path, before = '', after = '', why } = (value ?? {}) as Record<string, unknown>
  return [object, path, before, after, why].every((each) => typeof each === 'string')
}

/** What is not the list that it should be counts as none. */
function changesOf({ outputs }: Result): Change[] {
  try {
    const changes: unknown = JSON.parse(outputs['changes'] ?? '[]')
    return Array.isArray(changes) && changes.every(isChange) ? changes : []
  } catch {
    return []
  }
}

/** Text that is nothing but text in Markdown and HTML, on one line. */
export const cell = (text: string): string => text.replace(/\s+/g, ' ').replace(/[\\`*_{}[\]<>|#@!&~]/g, (sign) => `&#${sign.charCodeAt(0)};`)

/** Text within backticks: never nothing, which would make two of them one longer fence. */
const code = (text: string): string => text.replace(/\s+/g, ' ').replace(/`/g, "'").replaceAll('|', '¦').slice(0, 300).trim() || '(empty)'
