/** Turns whatever was thrown into an ActionError. */
import { ActionError, combineErrors } from './action-error.ts'
import { internalError } from './run.ts'
import { runnerDiskFailed } from './runner.ts'

/** An error without an explanation of its own is a bug in the action, and says so. */
export function toActionError(thrown: unknown): ActionError {
  if (thrown instanceof ActionError) return thrown
  return runnerDiskFailed(thrown) ?? internalError(thrown)
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
  const errors = results
    .filter((result) => result.status === 'rejected')
    .map(({ reason }) => toActionError(reason))
  if (errors.length > 0) throw combineErrors(errors)
  return Promise.all(promises)
}
