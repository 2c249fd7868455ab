/** The results of a job, which fleet/deploy writes to a file and fleet/report reads. */
import { resultsInvalid } from '../../failures/fleet.ts'
import { parseJson } from '../../util/json.ts'
import { isPlainObject } from '../../util/objects.ts'

/** How the run of a target ended. */
export interface TargetResult {
  readonly name: string
  readonly host: string
  /** `missing`: its job uploaded no result. `unread`: its result may exist, and was not read. */
  readonly outcome: 'success' | 'failure' | 'cancelled' | 'missing' | 'unread'
  /** The outputs of the main action. */
  readonly outputs: Readonly<Record<string, string>>
}

/** The results of a job's targets, and which run they belong to. */
export interface JobResults {
  /** GITHUB_RUN_ATTEMPT: a re-run has the artifacts of earlier attempts too. */
  readonly attempt: number
  /** Inputs `mode` and `dry-run` of the job. */
  readonly mode: string
  readonly dryRun: boolean
  readonly targets: readonly TargetResult[]
}

export const isStringRecord = (value: unknown): value is Readonly<Record<string, string>> =>
  isPlainObject(value) && Object.values(value).every((entry) => typeof entry === 'string')

const isTargetResult = (entry: unknown): boolean =>
  isPlainObject(entry) &&
  ['name', 'host', 'outcome'].every((name) => typeof entry[name] === 'string') &&
  isStringRecord(entry['outputs'])

const isJobResults = (value: unknown): value is JobResults =>
  isPlainObject(value) &&
  typeof value['attempt'] === 'number' &&
  typeof value['mode'] === 'string' &&
  typeof value['dryRun'] === 'boolean' &&
  Array.isArray(value['targets']) &&
  value['targets'].every(isTargetResult)

/**
 * Parses the file of a job.
 * @throws Error when fleet/deploy did not write it
 */
export function readJobResults(text: string): JobResults {
  const results = parseJson(text)
  if (!isJobResults(results)) throw resultsInvalid()
  return results
}
