/** The error class of the action, and how several problems become one error. */
import { failureCodes, type FailureCode, type StepName } from './codes.ts'
import { truncate } from '../util/text.ts'

/** What an ActionError says. */
export interface ActionErrorOptions {
  readonly code: FailureCode
  /** One sentence: what is wrong, naming the input or the object. */
  readonly problem: string
  /** One sentence: what to do about it. */
  readonly remedy: string
  readonly cause?: unknown
  /** The step that failed. Absent where the thrower cannot know it: the running step adds it. */
  readonly step?: StepName | undefined
}

/**
 * Characters. A problem quotes controllers, Helm and Milvus, whose messages may have any length.
 */
const maxProblemLength = 2_000

/** A failure that a person can act on, with the problems that were found at the same time. */
export class ActionError extends Error {
  override readonly name = 'ActionError'
  readonly code: FailureCode
  readonly remedy: string
  readonly step: StepName | undefined
  readonly otherErrors: readonly ActionError[]

  constructor(options: ActionErrorOptions, otherErrors: readonly ActionError[] = []) {
    super(truncate(options.problem, maxProblemLength), { cause: options.cause })
    this.code = options.code
    this.remedy = options.remedy
    this.step = options.step
    this.otherErrors = otherErrors
  }

  /** This error and those found with it, each once. */
  get allErrors(): readonly ActionError[] {
    return [this, ...this.otherErrors]
  }

  /** The same errors, placed in `step` unless they name one already. */
  withStep(step: StepName): ActionError {
    return this.copyEach((error) => ({ step: error.step ?? step }))
  }

  /** The same errors, with every text replaced. */
  mapTexts(transform: (text: string) => string): ActionError {
    return this.copyEach((error) => ({
      problem: transform(error.message),
      remedy: transform(error.remedy),
    }))
  }

  /** The same error with exactly these other errors. */
  withOtherErrors(otherErrors: readonly ActionError[]): ActionError {
    return this.copy({}, otherErrors)
  }

  private copyEach(getOverrides: (error: ActionError) => Partial<ActionErrorOptions>): ActionError {
    const otherErrors = this.otherErrors.map((error) => error.copy(getOverrides(error), []))
    return this.copy(getOverrides(this), otherErrors)
  }

  private copy(
    overrides: Partial<ActionErrorOptions>,
    otherErrors: readonly ActionError[],
  ): ActionError {
    const { code, message: problem, remedy, cause, step } = this
    return new ActionError({ code, problem, remedy, cause, step, ...overrides }, otherErrors)
  }
}

/** Problems of a connection or an identity: every call meets them, and one report is enough. */
const deduplicatedCodes: ReadonlySet<FailureCode> = new Set([
  'aws-credentials-missing',
  'aws-credentials-expired',
  'aws-credentials-refused',
  'cluster-unreachable',
  'cluster-unauthorized',
  'cancelled',
])

/**
 * Folds problems that were found together into one error, ranked in the order of `failureCodes`. A
 * problem that was met twice (two calls with the same expired credentials) counts once.
 * @param errors at least one
 */
export function combineErrors(errors: readonly ActionError[]): ActionError {
  const unique: ActionError[] = []
  for (const error of errors.flatMap(({ allErrors }) => allErrors))
    if (!unique.some((other) => isSameProblem(error, other))) unique.push(error)
  const [first, ...otherErrors] = unique.sort(
    (a, b) => failureCodes.indexOf(a.code) - failureCodes.indexOf(b.code),
  )
  if (!first) throw new TypeError('combineErrors() needs at least one error')
  return first.withOtherErrors(otherErrors)
}

const isSameProblem = (a: ActionError, b: ActionError): boolean =>
  a.code === b.code && (a.message === b.message || deduplicatedCodes.has(a.code))
