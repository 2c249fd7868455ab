/** Output `changes` of the main action, in the results of a target. Pure. */
import { parseJson } from '../../util/json.ts'
import type { TargetResult } from '../deploy/job-results.ts'

/** An entry of output `changes`. */
export interface ReportedChange {
  readonly object: string
  readonly path: string
  readonly before?: string
  readonly after?: string
  readonly why: string
}

function isChange(value: unknown): value is ReportedChange {
  const { object, path, before = '', after = '', why } = (value ?? {}) as Record<string, unknown>
  return [object, path, before, after, why].every((field) => typeof field === 'string')
}

/** @returns no changes when the output is not a list of changes */
export function parseChanges({ outputs }: TargetResult): ReportedChange[] {
  const changes = parseJson(outputs['changes'] ?? '[]')
  return Array.isArray(changes) && changes.every(isChange) ? changes : []
}
