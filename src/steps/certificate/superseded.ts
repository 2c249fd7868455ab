/** Earlier certificates, which a deploy deletes once the probe has seen the new one. */
import type { FailureCode } from '../../failures/codes.ts'
import { readOptional } from '../../failures/optional-read.ts'
import { throwIfCancelled } from '../../util/polling.ts'
import type { AcmRun } from '../run.ts'
import type { Context } from '../step.ts'
import { formatUsers } from './description.ts'
import { toChanges } from './operations.ts'
import type { Candidate, CertificatePlan } from './selection.ts'

/**
 * Announces the deletions as notes. They are not planned operations, because they depend on what
 * uses the certificates after the deploy.
 */
export function logSupersededNotes(context: Context, { superseded }: CertificatePlan): void {
  for (const { arn } of superseded)
    context.log.note(
      `ACM certificate ${arn} of this target is superseded. ` +
        'A deploy deletes it after the probe, unless something still uses it.',
    )
}

/** Milliseconds for which ACM may report outdated users after a listener changed. */
const inUseByLag = 10_000
/** Milliseconds. */
const inUseByPollInterval = 500

/** The credentials of a job may expire while it waits for the ALB. */
const toleratedDeletionFailures: readonly FailureCode[] = [
  'aws-request-failed',
  'aws-credentials-missing',
  'aws-credentials-expired',
  'aws-credentials-refused',
]

/**
 * Deletes superseded certificates. Call it only after the probe: until then a rollback needs them.
 * One that cannot be deleted causes a note, and the next run tries again: the endpoint works.
 */
export async function deleteSuperseded(
  run: AcmRun,
  { superseded, operations }: CertificatePlan,
): Promise<void> {
  // After an import, the listeners have changed, and ACM may report outdated users.
  const timeout = operations.some(({ action }) => action === 'import') ? inUseByLag : 0
  for (const certificate of superseded) {
    const attempt = await readOptional(
      tryToDelete(run, certificate, timeout),
      toleratedDeletionFailures,
    )
    const obstacle = attempt.available ? attempt.value : attempt.failure.message
    if (obstacle !== undefined)
      run.context.log.note(
        `Superseded ACM certificate ${certificate.arn} was not deleted: ${obstacle}`,
      )
  }
}

/** @returns why the certificate was not deleted */
async function tryToDelete(
  run: AcmRun,
  certificate: Candidate,
  timeout: number,
): Promise<string | undefined> {
  const inUseBy = await waitUntilUnused(run, certificate.arn, timeout)
  return findDeletionObstacle(inUseBy) ?? (await deleteUnused(run, certificate))
}

function findDeletionObstacle(inUseBy: readonly string[] | undefined): string | undefined {
  if (inUseBy === undefined)
    return 'the credentials are not allowed to call acm:DescribeCertificate. Delete it by hand.'
  if (inUseBy.length > 0)
    return `it is still used by ${formatUsers(inUseBy)}. A later run deletes it once it is unused.`
  return undefined
}

/** @returns why the certificate was not deleted */
async function deleteUnused(
  { context, clients }: AcmRun,
  { arn, leaf }: Candidate,
): Promise<string | undefined> {
  const why = 'this action imported it for this target, and nothing uses it any more'
  for (const change of toChanges([{ action: 'delete', arn, leaf, why }]))
    context.recordChange(change)
  const rejection = await clients.acm.deleteCertificate(arn)
  return rejection && `ACM rejected the deletion: ${rejection}`
}

/**
 * @param timeout milliseconds to wait until ACM reports no users
 * @returns the users that ACM reports; undefined when the credentials are not allowed to read them
 */
async function waitUntilUnused(
  { context, clients }: AcmRun,
  arn: string,
  timeout: number,
): Promise<readonly string[] | undefined> {
  const deadline = context.clock.now() + timeout
  for (;;) {
    const inUseBy = await clients.acm.inUseBy(arn)
    if (inUseBy === undefined || inUseBy.length === 0) return inUseBy
    if (context.clock.now() >= deadline) return inUseBy
    await context.clock.sleep(inUseByPollInterval, context.signal)
    throwIfCancelled(context.signal)
  }
}
