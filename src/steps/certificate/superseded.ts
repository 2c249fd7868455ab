/** Earlier certificates of this target, which a deploy deletes once their successor is proven. */
import type { Acm } from '../../clients/aws/acm.ts'
import { isAwsAccessDenied } from '../../failures/aws.ts'
import { throwIfCancelled } from '../../util/polling.ts'
import type { Context } from '../step.ts'
import { describeCertificate, formatUsers } from './description.ts'
import type { Candidate, CertificateDecision } from './selection.ts'

/**
 * Announces the deletions as notes. They are not planned changes, because they depend on what uses
 * the certificates after the deploy.
 */
export function logSupersededNotes(context: Context, { superseded }: CertificateDecision): void {
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

/**
 * Deletes superseded certificates. Call it only after the probe: until then a rollback needs them.
 * One that cannot be deleted causes a note, and the next run tries again.
 * @param ingressUpdated whether this run changed the certificate of the Ingress, so that ACM may
 *   report outdated users
 */
export async function deleteSuperseded(
  context: Context,
  acm: Acm,
  superseded: readonly Candidate[],
  ingressUpdated: boolean,
): Promise<void> {
  for (const certificate of superseded) {
    const { arn } = certificate
    const inUseBy = await waitUntilUnused(context, acm, arn, ingressUpdated ? inUseByLag : 0)
    const obstacle =
      findDeletionObstacle(inUseBy) ?? (await deleteUnused(context, acm, certificate))
    if (obstacle !== undefined)
      context.log.note(`Superseded ACM certificate ${arn} was not deleted: ${obstacle}`)
  }
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
  context: Context,
  acm: Acm,
  { arn, leaf }: Candidate,
): Promise<string | undefined> {
  context.recordChange({
    step: 'certificate',
    object: `ACM certificate ${arn}`,
    path: 'certificate',
    before: describeCertificate(leaf),
    why: 'this action imported it for this target, and nothing uses it any more',
  })
  try {
    const rejection = await acm.deleteCertificate(arn)
    return rejection && `ACM rejected the deletion: ${rejection}`
  } catch (thrown) {
    if (isAwsAccessDenied(thrown)) return thrown.message
    throw thrown
  }
}

/**
 * @param timeout milliseconds to wait until ACM reports no users
 * @returns the users that ACM reports; undefined when the credentials are not allowed to read them
 */
async function waitUntilUnused(
  context: Context,
  acm: Acm,
  arn: string,
  timeout: number,
): Promise<readonly string[] | undefined> {
  const deadline = context.clock.now() + timeout
  for (;;) {
    const inUseBy = await acm.inUseBy(arn)
    if (inUseBy === undefined || inUseBy.length === 0) return inUseBy
    if (context.clock.now() >= deadline) return inUseBy
    await context.clock.sleep(inUseByPollInterval, context.signal)
    throwIfCancelled(context.signal)
  }
}
