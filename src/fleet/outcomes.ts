/**
 * Which targets of a run succeeded: an artifact of each run, which a later run with `only: failed`
 * reads. fleet/plan writes that no target has succeeded yet, and fleet/report replaces it with what
 * happened. A run that ends in between therefore has unsuccessful targets, never unknown ones.
 */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { outcomesInvalid } from '../failures/fleet.ts'
import { isPlainObject } from '../util/objects.ts'
import { parseJson } from '../util/json.ts'

/** Whether a target succeeded. */
export interface TargetOutcome {
  readonly name: string
  readonly succeeded: boolean
}

/** The outcomes of a run. */
export interface RecordedOutcomes {
  /** When the artifact was uploaded. Its number does not grow with time. */
  readonly uploadedAt: number
  readonly outcomes: readonly TargetOutcome[]
}

const isOutcome = (entry: unknown): boolean =>
  isPlainObject(entry) &&
  typeof entry['name'] === 'string' &&
  typeof entry['succeeded'] === 'boolean'

const isOutcomeList = (value: unknown): value is TargetOutcome[] =>
  Array.isArray(value) && value.every(isOutcome)

/**
 * Parses the file of an artifact.
 * @throws Error when writeOutcomes did not write it
 */
export function readOutcomes(text: string): TargetOutcome[] {
  const outcomes = parseJson(text)
  if (!isOutcomeList(outcomes)) throw outcomesInvalid()
  return outcomes
}

/** @returns the path of the file, for an upload as an artifact */
export function writeOutcomes(outcomes: readonly TargetOutcome[], directory: string): string {
  const file = join(directory, 'milvus-alb-outcomes.json')
  // The name is predictable, so whatever exists there, such as a link to another file, is replaced.
  rmSync(file, { force: true })
  writeFileSync(file, JSON.stringify(outcomes), { flag: 'wx' })
  return file
}

/**
 * The newest outcome of each target, from several runs and several parts of a file.
 * @returns whether it succeeded, by name
 */
export function combineOutcomes(recorded: readonly RecordedOutcomes[]): Map<string, boolean> {
  const succeeded = new Map<string, boolean>()
  for (const { outcomes } of recorded.toSorted((a, b) => a.uploadedAt - b.uploadedAt))
    for (const outcome of outcomes) succeeded.set(outcome.name, outcome.succeeded)
  return succeeded
}
