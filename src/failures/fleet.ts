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

/** The environment of a job is missing in the repository. */
export interface MissingEnvironment {
  readonly name: string
  readonly targetNames: readonly string[]
}

/** Environments of targets that GitHub would create, open to every branch. */
export function environmentsMissing(environments: readonly MissingEnvironment[]): Error {
  const described = environments.map(
    ({ name, targetNames }) => `${name} (${formatList('target', targetNames)})`,
  )
  return new Error(
    `The repository does not have ${formatList('environment', described)}. GitHub would create what is missing, without protection rules and secrets. Create it yourself first, or correct the name in the targets.`,
  )
}

/** `target a`, `targets a, b and 3 more` */
function formatList(noun: string, names: readonly string[]): string {
  const shown = names.slice(0, 5).join(', ')
  const rest = names.length > 5 ? ` and ${names.length - 5} more` : ''
  return `${noun}${names.length === 1 ? '' : 's'} ${shown}${rest}`
}

/** The environments of the repository cannot be read. */
export const environmentsUnknown = (cause: unknown): Error =>
  new Error(
    `Whether the environments of the targets exist is not known: ${getErrorMessage(cause)}`,
    { cause },
  )

/** fleet/plan has to ask GitHub, and cannot. */
export const tokenMissing = (): Error =>
  new Error(
    'Input token is empty, or the variables GITHUB_API_URL and GITHUB_REPOSITORY are not set. Set token to a token with the permission actions: read.',
  )

const jobCombination = 'one per combination of environment, role, region and runner'

/** The targets need more jobs than the matrices of the workflow can have. */
export const tooManyJobs = (jobCount: number, maxJobs: number): RangeError =>
  new RangeError(
    `The targets need at least ${jobCount} jobs, ${jobCombination}. GitHub allows at most ${maxJobs} here, 256 per matrix. Split the file into several, each with a workflow run of its own.`,
  )

/** The targets need more jobs than input `max-jobs` allows. */
export const maxJobsTooSmall = (jobCount: number, maxJobs: number): RangeError =>
  new RangeError(
    `Input max-jobs is ${maxJobs}, and the targets need at least ${jobCount} jobs, ${jobCombination}. Set it to ${jobCount} or more.`,
  )

/** Each matrix runs at least one job at a time, which are more than `max-parallel` together. */
export const maxParallelTooSmall = (maxParallel: number, matrixCount: number): RangeError =>
  new RangeError(
    `Input max-parallel is ${maxParallel}, and the jobs need ${matrixCount} matrices, each of which runs at least one job at a time. Set it to ${matrixCount} or more, or set max-jobs to 256 or less.`,
  )

/** A numeric input of a fleet action is not a number from 1 up. */
export const countInvalid = (input: string, text: string): RangeError =>
  new RangeError(`Input ${input} is "${text}". Set it to a whole number from 1 up.`)

/**
 * A job has more targets than a step can receive.
 * @param options.name of its first target
 * @param options.size of all its targets, in bytes
 */
export const jobTooLarge = (options: {
  readonly name: string
  readonly size: number
  readonly maxSize: number
}): RangeError =>
  new RangeError(
    `The job of ${options.name} has targets of ${options.size} bytes, and a step receives at most ${options.maxSize}. Increase max-jobs, or give inputs the same value in all targets.`,
  )

/** @param bytes of the outputs with all targets */
export const planTooLarge = (bytes: number, maxBytes: number): Error =>
  new Error(
    `The targets need ${bytes} bytes of job outputs, and GitHub passes on at most ${maxBytes}. Give inputs the same value in all targets where you can, or split the file into several, each with a workflow run of its own.`,
  )

/** Input `common-inputs` of fleet/deploy is not the output of fleet/plan. */
export const commonInputsInvalid = (): Error =>
  new Error(
    'Input common-inputs is not a JSON object of texts. Pass output common-inputs of fleet/plan without changes.',
  )

/** Input `targets` of fleet/deploy is not an entry of the matrix. */
export const jobTargetsInvalid = (): Error =>
  new Error(
    'Input targets is not a list of targets from fleet/plan. Pass matrix.targets without changes.',
  )

const runAllTargets = 'Leave only empty to select all targets, or name some.'

/** `only: failed` needs the results of a deployment. */
export const failedNotForChecks = (): Error =>
  new Error(
    `Input only is failed, which selects targets of deployments, not of checks or pull requests. ${runAllTargets}`,
  )

/** @param maxRuns how many runs were looked at */
export const failedOutcomesMissing = (maxRuns: number): Error =>
  new Error(
    `Input only is failed, but none of the last ${maxRuns} completed runs of this workflow on this branch planned targets of this file with the same dry-run. ${runAllTargets}`,
  )

/** @param maxRuns how many runs were looked at */
export const failedOutcomesTooOld = (maxRuns: number): Error =>
  new Error(
    `Input only is failed, but the last ${maxRuns} completed runs of this workflow on this branch did not plan every target. ${runAllTargets}`,
  )

/** @param runUrl the newest run that is needed and whose artifact no longer exists */
export const failedOutcomesExpired = (runUrl: string): Error =>
  new Error(
    `Input only is failed, but the artifacts that say which targets succeeded in ${runUrl} have expired. ${runAllTargets}`,
  )

/** An artifact has the name of outcomes, but neither fleet/plan nor fleet/report wrote it. */
export const outcomesInvalid = (): Error =>
  new Error(
    `Input only is failed, but an artifact of an earlier run whose name starts with milvus-alb-outcomes is not from this action. ${runAllTargets}`,
  )

/** No job uploaded results for fleet/report. */
export const resultsMissing = (): Error =>
  new Error('No job of this run uploaded results. See the logs of the jobs.')

const renameArtifacts = 'Rename artifacts of other steps that start with the same name.'

/** An artifact has the name of results, but fleet/deploy did not write it. */
export const resultsInvalid = (): Error =>
  new Error(`fleet/deploy did not write it. ${renameArtifacts}`)

/** @param maxBytes the largest archive that can be results of fleet/deploy */
export const resultsTooLarge = (maxBytes: number): Error =>
  new Error(
    `It is larger than ${maxBytes} bytes, so fleet/deploy did not write it. ${renameArtifacts}`,
  )

/** The results of a job cannot be read; the report has no result for its targets. */
export const resultsUnreadable = (artifact: string, cause: unknown): Error =>
  new Error(`Artifact ${artifact} cannot be read: ${getErrorMessage(cause)}`, { cause })

/** The report lacks the results of some jobs; a warning per artifact says why. */
export const resultsIncomplete = (): Error =>
  new Error(
    'The report is incomplete, because some results could not be read. The issue was left as it is. Select "Re-run failed jobs" in this run.',
  )

/** The report of a pull request lacks the results of some jobs; a warning per artifact says why. */
export const planIncomplete = (): Error =>
  new Error(
    'The plan is incomplete, because some results could not be read. Select "Re-run failed jobs" in this run.',
  )

/** The comment on a pull request cannot be written or updated. */
export const commentNotUpdated = (cause: unknown): Error =>
  new Error(
    `The comment on the pull request does not say what this run found: ${getErrorMessage(cause)} The summary of this run does.`,
    { cause },
  )

/** The issue of a drift check cannot be opened, updated or closed. */
export const issueNotUpdated = (cause: unknown): Error =>
  new Error(
    `The issue does not say what this run found: ${getErrorMessage(cause)} The summary of this run does.`,
    { cause },
  )

/** Input `heartbeat-url` is unusable. Its value is a secret. */
export const heartbeatUrlInvalid = (): Error =>
  new Error(
    'Input heartbeat-url is not an https URL, so no heartbeat was sent. Copy the URL from the service that expects it.',
  )

/**
 * The service did not accept a heartbeat.
 * @param host of the service; the rest of its URL is a secret
 */
export const heartbeatFailed = (host: string, reason: string): Error =>
  new Error(
    `The heartbeat was not accepted by ${host}: ${reason}. Check the URL in heartbeat-url, and whether the runner can reach it.`,
  )

/** A check that left out targets is not complete. */
export const heartbeatWithheld = (uncheckedCount: number): Error =>
  new Error(
    `No heartbeat was sent, because ${uncheckedCount} of the targets were not checked. See the report for them.`,
  )

/**
 * A request to GitHub's REST API failed.
 * @param options.status undefined without a response
 * @param options.requiredPermissions as GitHub names them: `issues=write`
 */
export function gitHubRequestFailed(options: {
  readonly operation: string
  readonly status: number | undefined
  readonly message: string
  readonly requiredPermissions: string | undefined
  readonly cause: unknown
}): Error {
  const { operation, status, message, requiredPermissions, cause } = options
  const outcome = status === undefined ? 'failed' : `failed with status ${status}`
  const problem = `GitHub API request "${operation}" ${outcome}: ${message.replace(/\.?$/, '.')}`
  // GitHub hides what a token may not see behind 404.
  const isDenied = status === 403 || status === 404
  const remedy =
    isDenied && requiredPermissions !== undefined
      ? `Grant the token the permissions ${requiredPermissions}.`
      : 'Run the job again.'
  return new Error(`${problem} ${remedy}`, { cause })
}
