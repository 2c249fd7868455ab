/** Errors of AWS and Kubernetes that do not end a wait of minutes. */
import { ActionError } from '../failures/action-error.ts'
import type { FailureCode } from '../failures/codes.ts'
import type { PollResult } from '../util/polling.ts'

const transientFailures: ReadonlySet<FailureCode> = new Set([
  'cluster-unreachable',
  'cluster-request-failed',
  'aws-request-failed',
])

/** A poll whose transient failure counts as pending. */
export async function tolerateTransientErrors<T>(
  poll: () => Promise<PollResult<T>>,
): Promise<PollResult<T>> {
  try {
    return await poll()
  } catch (thrown) {
    if (thrown instanceof ActionError && transientFailures.has(thrown.code))
      return { pending: thrown.message.replace(/\.$/, '') }
    throw thrown
  }
}
