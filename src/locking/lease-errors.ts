/** What errors of reading and writing the Lease mean. */
import { ActionError } from '../failures/action-error.ts'
import { getErrorMessage } from '../util/text.ts'
import type { Lease } from '../clients/kubernetes/types.ts'
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

/**
 * Why a Lease is no longer that of this run, as a clause.
 * @param lease as it is now
 * @param otherHolder the run that holds it, for people
 */
export function formatLoss(lease: Lease | undefined, otherHolder: string | undefined): string {
  if (!lease) return `its Lease ${leaseName} has been deleted`
  return otherHolder === undefined
    ? `another run has changed its Lease ${leaseName}`
    : `${otherHolder} has taken over its Lease ${leaseName}`
}
