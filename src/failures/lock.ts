/** What keeps runs in one namespace apart. */
import { formatDuration } from '../util/text.ts'
import { ActionError } from './action-error.ts'

/**
 * @param holder the other run, for people: its URL
 * @param heldFor milliseconds since the other run acquired the Lease
 */
export function lockedByAnotherRun({
  namespace,
  holder,
  heldFor,
}: {
  namespace: string
  holder: string
  heldFor: number
}): ActionError {
  return new ActionError({
    code: 'locked-by-another-run',
    problem: `Other runs have been working in namespace ${namespace} for longer than lock-timeout allows. The current one has been working for ${formatDuration(heldFor)}: ${holder}.`,
    remedy:
      'Check that run, and run this job again once it has finished, or increase lock-timeout. The lock of a run that died expires after 30 seconds.',
  })
}

/** @param reason as a clause: `its Lease … could not be renewed for 30 seconds` */
export function lockLost(namespace: string, reason: string): ActionError {
  return new ActionError({
    code: 'lock-lost',
    problem: `This run may no longer be the only one in namespace ${namespace}: ${reason}.`,
    remedy:
      'Run the job again. If another run is working, it waits for that one. Then it continues from the current state.',
  })
}
