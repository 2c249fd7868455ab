/**
 * The log of a run: one group per step with its result in the title, progress and notes. Also
 * collects the data of the job summary.
 */
import * as core from '@actions/core'
import type { ActionError } from '../failures/action-error.ts'
import { jobCancelled } from '../failures/run.ts'
import { toActionError } from '../failures/thrown.ts'
import { type StepName } from '../failures/codes.ts'
import type { OutputName } from '../steps/outputs.ts'
import type { Change, Log, Outcome, StepState, Topology } from '../steps/step.ts'
import type { Clock } from '../util/polling.ts'
import { truncate } from '../util/text.ts'
import { annotationTitle } from './failure.ts'
import type { Redactor } from './redaction.ts'

/** Characters of a note or warning. They quote Milvus and other programs, at any length. */
const maxNoteLength = 2_000

/** Names, URLs, ARNs, dates, versions. Workflows may interpolate outputs into scripts. */
const harmlessValue = /^[A-Za-z0-9_.:/+*=-]{0,2048}$/
const jsonOutputs: ReadonlySet<OutputName> = new Set([
  'changes',
  'failures',
  'irreversible',
  'probe',
  'restarts',
])

/** A finished step. */
export interface StepRecord {
  readonly name: StepName
  readonly summary: string
  readonly state: StepState
  /** Milliseconds from the start of the run. */
  readonly startOffset: number
  /** Milliseconds. */
  readonly duration: number
}

const stateMarks: Readonly<Record<StepState, string>> = {
  done: '✓',
  differs: '≠',
  skipped: '–',
  failed: '✗',
}

interface GroupLine {
  readonly text: string
  /** Whether the line is an annotation too. */
  readonly isWarning: boolean
}

/** Writes the log, and records the data of the summary. */
export class Report implements Log {
  readonly steps: StepRecord[] = []
  readonly changes: Change[] = []
  readonly notes: string[] = []
  readonly warnings: string[] = []
  readonly outputs = new Map<OutputName, string>()
  /** What the run does, and where. */
  opening = ''
  /** Whether the changes were only found by a check or planned by a dry run. */
  isReadOnly = false
  topology: Topology = {}
  private readonly redactor: Redactor
  private readonly clock: Clock
  private readonly startedAt: number
  /** The lines of the current step, held back until the title of its group is known. */
  private group: GroupLine[] | undefined
  private readonly signal: AbortSignal

  /**
   * @param signal aborted when the job is cancelled: any later error of a step is reported as the
   *   cancellation
   */
  constructor(redactor: Redactor, clock: Clock, signal: AbortSignal) {
    this.redactor = redactor
    this.clock = clock
    this.startedAt = clock.now()
    this.signal = signal
  }

  /** Writes the first line. */
  open(line: string): void {
    this.opening = line
    this.print(line)
  }

  info(line: string): void {
    this.add({ text: line, isWarning: false })
  }

  note(text: string): void {
    const line = this.shorten(text)
    this.info(`note: ${line}`)
    if (!this.notes.includes(line)) this.notes.push(line)
  }

  warn(text: string): void {
    const line = this.shorten(text)
    if (this.warnings.includes(line)) return
    this.warnings.push(line)
    this.add({ text: line, isWarning: true })
  }

  /** Outside of a step, a line appears at once. */
  private add(line: GroupLine): void {
    if (this.group) this.group.push(line)
    else this.write(line)
  }

  private write({ text, isWarning }: GroupLine): void {
    if (isWarning) core.warning(this.redactor.redact(text), { title: annotationTitle })
    else this.print(text)
  }

  /** Redacts first: a secret that the cut splits would not be found. */
  private shorten(text: string): string {
    return truncate(this.redactor.redact(text), maxNoteLength)
  }

  progress(line: string): void {
    this.print(line)
  }

  debug(line: string): void {
    core.debug(this.redactor.redact(line))
  }

  recordChange(change: Change): void {
    const previous = this.changes.at(-1)
    this.changes.push(change)
    if (previous?.object !== change.object || previous.why !== change.why)
      this.info(`${change.object} (${change.why}):`)
    formatChange(change).forEach((line) => this.info(`  ${line}`))
  }

  recordDifference(change: Change): void {
    this.isReadOnly = true
    this.recordChange(change)
  }

  recordUnreadable(what: string): void {
    this.note(`This run could not check ${what}.`)
  }

  recordTopology(part: Topology): void {
    this.topology = { ...this.topology, ...part }
  }

  setOutput(name: OutputName, value: string): void {
    const redacted = this.redactor.redactOutput(value)
    const isSafe = jsonOutputs.has(name) || harmlessValue.test(redacted)
    if (!isSafe)
      this.warn(
        `Output ${name} is empty, because its value has characters that shells interpret. ` +
          'Look for it in the log of this run.',
      )
    const safeValue = isSafe ? redacted : ''
    this.outputs.set(name, safeValue)
    core.setOutput(name, safeValue)
  }

  /**
   * Runs a step and writes its group.
   * @throws ActionError with this step, unless it names another
   */
  async step<T>(name: StepName, work: () => Promise<Outcome<T>>): Promise<T> {
    const startedAt = this.clock.now()
    const record = (summary: string, state: StepState): StepRecord => ({
      name,
      summary,
      state,
      startOffset: startedAt - this.startedAt,
      duration: this.clock.now() - startedAt,
    })
    this.group = []
    try {
      const { summary, state = 'done', result } = await work()
      this.writeGroup(record(summary, state))
      return result
    } catch (thrown) {
      const error = (this.signal.aborted ? jobCancelled() : toActionError(thrown)).withStep(name)
      for (const problem of error.allErrors) this.info(`${problem.code}: ${problem.message}`)
      if (error.code === 'internal-error' && error.cause instanceof Error)
        this.debug(error.cause.stack ?? '')
      this.writeGroup(record(summarizeError(error), 'failed'))
      throw error
    }
  }

  private writeGroup(record: StepRecord): void {
    const { name, summary, state, duration } = record
    this.steps.push(record)
    const title = `${stateMarks[state]} ${name}: ${summary} (${formatStepDuration(duration)})`
    core.startGroup(this.redactor.redact(title))
    for (const line of this.group ?? []) this.write(line)
    core.endGroup()
    this.group = undefined
  }

  /**
   * A line from outside may look like a command to the runner: `::error::` after nothing but
   * invisible characters, or `##[error]` anywhere. One more character makes it text. Source:
   * actions/runner, ActionCommand.cs.
   */
  private print(text: string): void {
    core.info(
      this.redactor
        .redact(text)
        .replace(/^([^\p{L}\p{N}\p{P}\p{S}\n\r\u2028\u2029]*)::/gmu, '$1| ::')
        .replaceAll('##[', '## ['),
    )
  }
}

function summarizeError(error: ActionError): string {
  return error.otherErrors.length === 0
    ? error.code
    : `${error.code} and ${error.otherErrors.length} more`
}

/** `1.2 s` */
export const formatStepDuration = (milliseconds: number): string =>
  `${(milliseconds / 1000).toFixed(1)} s`

/** A change as lines of a diff. */
export function formatChange({ path, before, after }: Change): string[] {
  const lines: string[] = []
  if (before !== undefined) lines.push(`- ${path}: ${before.replace(/\s+/g, ' ')}`)
  if (after !== undefined) lines.push(`+ ${path}: ${after.replace(/\s+/g, ' ')}`)
  return lines
}
