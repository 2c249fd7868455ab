/** Requests that a run can do without. */
import { ActionError } from './action-error.ts'
import type { FailureCode } from './codes.ts'

/** The result of a read, or the failure because of which there is none. */
export type OptionalRead<T> =
  | { readonly available: true; readonly value: T }
  | { readonly available: false; readonly failure: ActionError }

const deniedCodes: readonly FailureCode[] = ['cluster-forbidden', 'aws-access-denied']

/**
 * Awaits a request that may fail.
 * @param tolerated other failures that the run can do without
 * @throws every other failure
 */
export async function readOptional<T>(
  read: Promise<T>,
  tolerated: readonly FailureCode[] = [],
): Promise<OptionalRead<T>> {
  try {
    return { available: true, value: await read }
  } catch (thrown) {
    if (
      thrown instanceof ActionError &&
      (deniedCodes.includes(thrown.code) || tolerated.includes(thrown.code))
    )
      return { available: false, failure: thrown }
    throw thrown
  }
}

/** The value of a read; undefined when it is denied, and the run does without. */
export async function undefinedIfDenied<T>(read: Promise<T>): Promise<T | undefined> {
  const result = await readOptional(read)
  return result.available ? result.value : undefined
}
