/** What errors of reading and writing the Lease mean. */
import { ActionError } from '../failures/action-error.ts'
import { getErrorMessage } from '../util/text.ts'
import { leaseName } from './lease.ts'

/** Whether the API did not respond; `cluster-forbidden` is a response. */
export const isApiUnavailable = (thrown: unknown): boolean =>
  thrown instanceof ActionError && thrown.code !== 'cluster-forbidden'

/** The note of a run that continues without the Lease. */
export function formatUnlockedNote(namespace: string, thrown: unknown): string {
  const reason =
    thrown instanceof ActionError
      ? `This identity is not allowed to get, create and update Leases in namespace ${namespace}`
      : `Lease ${leaseName} in namespace ${namespace} is unavailable (${getErrorMessage(thrown)})`
  return (
    `${reason}. ` +
    'Only the concurrency group of the workflow prevents another run at the same time.'
  )
}
