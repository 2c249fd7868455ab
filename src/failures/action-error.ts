/** The one error class of the action, and how several problems become one. */
import { failureCodes, type FailureCode, type StepName } from './codes.ts'
import { getErrorMessage, truncate } from '../util/text.ts'

/** What an ActionError is made of. */
export interface ActionErrorOptions {
  readonly code: FailureCode
  /** One sentence: what is wrong, naming the input or the thing. */
  readonly problem: string
  /** One sentence: what to do about it. */
  readonly remedy: string
  readonly cause?: unknown
  /** Set by the step that ran into it, when whoever threw it does not know. */
  readonly step?: StepName
}

/**
 * Characters. What others say (a controller, helm, Milvus) is part of a problem, and may be of any
 * length.
 */
const maxProblemLength = 2_000

/**
 * A failure that a person can act on. `also` holds the other problems that were found at the same
 * time.
 */
export class ActionError extends Error {
  override readonly name = 'ActionError'
  readonly code: FailureCode
  readonly remedy: string
  readonly step: StepName | undefined
  readonly otherErrors: readonly ActionError[]

  constructor(problem: ActionErrorOptions, otherErrors: readonly ActionError[] = []) {
    super(truncate(problem.problem, maxProblemLength), { cause: problem.cause })
    this.code = problem.code
    this.remedy = problem.remedy
    this.step = problem.step
    this.otherErrors = otherErrors
  }

  /** This error and those found with it, each once. */
  get allErrors(): readonly ActionError[] {
    return [this, ...this.otherErrors]
  }

  /** The same error, said to have happened in `step` unless it knows better. */
  withStep(step: StepName): ActionError {
    const copyWithStep = (error: ActionError, otherErrors: readonly ActionError[]) =>
      new ActionError(
        {
          code: error.code,
          problem: error.message,
          remedy: error.remedy,
          cause: error.cause,
          step: error.step ?? step,
        },
        otherErrors,
      )
    return copyWithStep(
      this,
      this.otherErrors.map((error) => copyWithStep(error, [])),
    )
  }
}

/** Problems of a whole connection or identity: every call meets them, and one of them says it. */
const deduplicatedCodes: ReadonlySet<FailureCode> = new Set([
  'aws-credentials-missing',
  'aws-credentials-expired',
  'aws-credentials-refused',
  'cluster-unreachable',
  'cluster-unauthorized',
  'cancelled',
])

/**
 * Folds problems that were found together into one error, ranked in the order of `failureCodes`;
 * the same problem met twice (two calls with the same expired credentials) counts once.
 * @param errors at least one
 */
export function combineErrors(errors: readonly ActionError[]): ActionError {
  const flattened = errors.flatMap((error) => error.allErrors)
  const isDuplicate = (candidate: ActionError, other: ActionError): boolean =>
    candidate.code === other.code &&
    (candidate.message === other.message || deduplicatedCodes.has(candidate.code))
  const unique = flattened.filter(
    (error, index) => flattened.findIndex((other) => isDuplicate(other, error)) === index,
  )
  const sorted = unique.sort((a, b) => failureCodes.indexOf(a.code) - failureCodes.indexOf(b.code))
  const [first, ...otherErrors] = sorted
  if (!first) throw new TypeError('combine() needs at least one error')
  return new ActionError(
    {
      code: first.code,
      problem: first.message,
      remedy: first.remedy,
      cause: first.cause,
      ...(first.step && { step: first.step }),
    },
    otherErrors,
  )
}

/** The error of a job that was cancelled. */
export const createCancelledError = (): ActionError =>
  new ActionError({
    code: 'cancelled',
    problem: 'The job was cancelled.',
    remedy: 'Run it again when you want to: a run continues from whatever an earlier one left.',
  })

/** What the runner's disk says, in the words of errno(3), and what to do about it. */
const diskErrorRemedies: Readonly<Record<string, string>> = {
  ENOSPC:
    'Free space on the runner ("df -h" shows where there is none), or run the job on another one, and run it again.',
  EDQUOT:
    "Free some of what the runner's user has on that disk, or have its quota raised, and run the job again.",
  EROFS:
    'That disk is mounted read-only: give the runner a RUNNER_TEMP that it can write to, and run the job again.',
  EACCES:
    "Give the runner's user the right to write there, or set RUNNER_TEMP to a directory of its own, and run the job again.",
  EPERM:
    "Give the runner's user the right to write there, or set RUNNER_TEMP to a directory of its own, and run the job again.",
  ENOENT:
    'See that RUNNER_TEMP, GITHUB_OUTPUT and GITHUB_STEP_SUMMARY name places that are there, and that nothing else clears them while the job runs.',
  EIO: 'The disk of the runner is broken: run the job on another one.',
}

/** Calls of node:fs; a socket has others. */
const fileSystemCalls: ReadonlySet<string> = new Set([
  'open',
  'write',
  'close',
  'mkdir',
  'mkdtemp',
  'rename',
  'rm',
  'unlink',
  'rmdir',
  'scandir',
  'lstat',
])

/**
 * Any thrown value as an ActionError: what is neither one nor the runner's disk is a defect of ours
 * and says so.
 */
export function toActionError(thrown: unknown): ActionError {
  if (thrown instanceof ActionError) return thrown
  const { code = '', syscall = '' } =
    thrown instanceof Error ? (thrown as NodeJS.ErrnoException) : {}
  const remedy = diskErrorRemedies[code]
  if (remedy !== undefined && fileSystemCalls.has(syscall))
    return new ActionError({
      code: 'runner-disk-failed',
      problem: `The runner's disk failed: ${getErrorMessage(thrown)}.`,
      remedy,
      cause: thrown,
    })
  return new ActionError({
    code: 'internal-error',
    problem: `Something went wrong inside the action: ${getErrorMessage(thrown)}`,
    remedy: 'Run the job again with debug logging, and report the log as an issue of the action.',
    cause: thrown,
  })
}

/**
 * Awaits everything, so that all problems are reported and not only the fastest.
 * @returns the values in order
 * @throws ActionError of all the problems
 */
export async function settleAll<const T extends readonly Promise<unknown>[]>(
  promises: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  const results = await Promise.allSettled(promises)
  const errors = results.flatMap((result) =>
    result.status === 'rejected' ? [toActionError(result.reason)] : [],
  )
  if (errors.length > 0) throw combineErrors(errors)
  return Promise.all(promises)
}
