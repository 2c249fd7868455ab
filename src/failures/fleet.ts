/** Failures of the fleet actions. They have no codes: each ends its action with one message. */
import { getErrorMessage } from '../util/text.ts'

/** Input `file` of fleet/plan names a file that cannot be read. */
export const targetsFileUnreadable = (path: string, cause: unknown): Error =>
  new Error(
    `Input file: cannot read ${path} (${getErrorMessage(cause)}). Check out the repository before this step, and set a path relative to its root.`,
    { cause },
  )

/**
 * Input `only` of fleet/plan contains names of no target.
 * @param source what the targets come from, for people
 */
export const unmatchedFilter = (
  names: readonly string[],
  source: string,
  targetCount: number,
): Error =>
  new Error(
    `Input only contains ${names.join(', ')}, which matches none of the ${targetCount} targets of ${source}. Correct it, or leave it empty to select all targets.`,
  )

/** The targets differ in more environments, roles, regions and runners than a matrix has jobs. */
export const tooManyJobs = (jobCount: number, maxJobs: number): RangeError =>
  new RangeError(
    `The targets need at least ${jobCount} jobs, one per combination of environment, role, region and runner. A matrix has at most ${maxJobs} jobs. Split the file into several, each with a workflow run of its own.`,
  )

/** Input `targets` of fleet/deploy is not an entry of the matrix. */
export const jobTargetsInvalid = (): Error =>
  new Error(
    'Input targets is not a list of targets from fleet/plan. Pass matrix.targets without changes.',
  )

/** No job uploaded results for fleet/report. */
export const resultsMissing = (): Error =>
  new Error('No job of this run uploaded results. See the logs of the jobs.')

/** An artifact has the name of results, but fleet/deploy did not write it. */
export const resultsInvalid = (artifactId: number): Error =>
  new Error(
    `Artifact ${artifactId} of this run has the name of results, but fleet/deploy did not write it. Rename artifacts of other steps that start with the same name.`,
  )

/** @param maxBytes the largest archive that can be results of fleet/deploy */
export const resultsTooLarge = (artifactId: number, maxBytes: number): Error =>
  new Error(
    `Artifact ${artifactId} of this run is larger than ${maxBytes} bytes, so fleet/deploy did not write it. Rename artifacts of other steps that start with the same name.`,
  )

/**
 * A request to GitHub's REST API failed.
 * @param options.requiredPermissions as GitHub names them: `issues=write`
 */
export function gitHubRequestFailed(options: {
  readonly operation: string
  readonly status: number
  readonly body: string
  readonly requiredPermissions: string | null
}): Error {
  const { operation, status, body, requiredPermissions } = options
  const problem = `GitHub API request "${operation}" failed with status ${status}: ${body}`
  if (!requiredPermissions) return new Error(problem)
  return new Error(`${problem} Grant the token the permissions ${requiredPermissions}.`)
}
