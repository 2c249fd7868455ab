/** What a person reads while the action runs: one group a step with its verdict in the title, progress, notes; and what was found. */
import * as core from '@actions/core'
import { asActionError, cancelled, type ActionError, type StepName } from '../core/errors.ts'
import type { Change, Log, OutputName, Outcome, Way } from '../core/step.ts'
import type { Clock } from '../core/waiting.ts'
import type { Redactor } from './redaction.ts'

/** A step that ran. */
export interface StepRecord {
  readonly name: StepName
  readonly verdict: string
  readonly ok: boolean
  /** Milliseconds since the run began. */
  readonly began: number
  /** Milliseconds. */
  readonly took: number
}

/** The log of a run, and the record from which its summary is made. */
export class Report implements Log {
  readonly steps: StepRecord[] = []
  readonly changes: Change[] = []
  readonly notes: string[] = []
  readonly outputs = new Map<OutputName, string>()
  /** Whether the changes are what a check found or a dry run would make, and not made. */
  onlyLooked = false
  way: Way = {}
  private readonly redactor: Redactor
  private readonly clock: Clock
  private readonly start: number
  /** The lines of the group that is being gathered: its title, with the verdict, is known only at its end. */
  private lines: string[] = []

  private readonly signal: AbortSignal

  /** @param signal aborted when the job is cancelled: whatever a step throws after that is said to be the cancellation */
  constructor(redactor: Redactor, clock: Clock, signal: AbortSignal) {
    this.redactor = redactor
    this.clock = clock
    this.start = clock.now()
    this.signal = signal
  }

  info(line: string): void {
    this.lines.push(line)
  }

  note(line: string): void {
    this.lines.push(`note: ${line}`)
    if (!this.notes.includes(line)) this.notes.push(line)
  }

  warn(line: string): void {
    core.warning(this.redactor.redact(line), { title: 'Milvus ALB' })
    if (!this.notes.includes(line)) this.notes.push(line)
  }

  progress(line: string): void {
    this.print(line)
  }

  debug(line: string): void {
    core.debug(this.redactor.redact(line))
  }

  changed(change: Change): void {
    const before = this.changes.at(-1)
    this.changes.push(change)
    if (before?.object !== change.object || before.why !== change.why) this.info(`${change.object} (${change.why}):`)
    changeLines(change).forEach((line) => this.info(`  ${line}`))
  }

  differs(change: Change): void {
    this.onlyLooked = true
    this.changed(change)
  }

  unseen(what: string): void {
    this.note(`This run could not see ${what}.`)
  }

  found(parts: Way): void {
    this.way = { ...this.way, ...parts }
  }

  output(name: OutputName, value: string): void {
    const shown = this.redactor.redactOutput(value)
    this.outputs.set(name, shown)
    core.setOutput(name, shown)
  }

  /** Runs a step and writes its group. @throws ActionError placed in this step */
  async step<T>(name: StepName, work: () => Promise<Outcome<T>>): Promise<T> {
    const start = this.clock.now()
    const record = (verdict: string, ok: boolean): StepRecord => ({ name, verdict, ok, began: start - this.start, took: this.clock.now() - start })
    this.lines = []
    try {
      const { verdict, result } = await work()
      this.endGroup(record(verdict, true))
      return result
    } catch (thrown) {
      const error = (this.signal.aborted ? cancelled() : asActionError(thrown)).inStep(name)
      for (const problem of error.all) this.info(`${problem.code}: ${problem.message}`)
      if (error.code === 'internal-error' && error.cause instanceof Error) this.debug(error.cause.stack ?? '')
      this.endGroup(record(verdictOf(error), false))
      throw error
    }
  }

  private endGroup(record: StepRecord): void {
    this.steps.push(record)
    core.startGroup(this.redactor.redact(`${record.ok ? '✓' : '✗'} ${record.name}: ${record.verdict} (${seconds(record.took)})`))
    for (const line of this.lines) this.print(line)
    core.endGroup()
    this.lines = []
  }

  /**
   * Lines from outside may look like commands to the runner: `::error::` first in a line but for what is not seen, `##[error]`
   * anywhere in it. A sign more makes them text. Source: actions/runner, ActionCommand.cs.
   */
  private print(text: string): void {
    core.info(this.redactor.redact(text).replace(/^([^\p{L}\p{N}\p{P}\p{S}\n\r\u2028\u2029]*)::/gmu, '$1| ::').replaceAll('##[', '## ['))
  }
}

function verdictOf(error: ActionError): string {
  return error.also.length === 0 ? error.code : `${error.code} and ${error.also.length} more`
}

/** `1.2 s` */
export const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(1)} s`

/** A change as lines of a diff. */
export function changeLines({ path, before, after }: Change): string[] {
  const line = (sign: string, value: string | undefined) => (value === undefined ? [] : [`${sign} ${path}: ${value.replace(/\s+/g, ' ')}`])
  return [...line('-', before), ...line('+', after)]
}
