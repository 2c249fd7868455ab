/**
 * What a run that died in helm has left: a pending revision, which helm never clears by itself, and
 * which nobody else works on.
 */
import { ActionError } from '../../failures/action-error.ts'
import type { Context } from '../step.ts'
import {
  decodeRevision,
  replaceStatus,
  type ReleaseRevision,
} from '../../clients/helm/release-storage.ts'
import type { KubernetesClient } from '../../clients/kubernetes/client.ts'
import * as paths from '../../clients/kubernetes/paths.ts'
import { StatusError } from '../../clients/kubernetes/request.ts'
import type { SecretOrConfigMap } from '../../clients/kubernetes/types.ts'
import type { Settings } from '../../inputs/types.ts'
import type { HelmOperation } from '../../locking/lease.ts'
import type { Lock } from '../../locking/lease-lock.ts'
import { listRevisions, type StoredRevision } from './release.ts'

/** A pending revision whose helm has ended without a word. */
export interface InterruptedOperation {
  readonly release: string
  readonly revision: StoredRevision
  /** What helm would have made of it: `deployed` when only its last write is missing. */
  readonly finalStatus: 'failed' | 'deployed'
}

/**
 * @param pendingOperations what runs said in the Lease that helm was about to do, and not that it
 *   has ended
 * @returns undefined when the newest revision is pending because of somebody else
 */
export async function findInterruptedOperation(
  settings: Settings,
  kubernetes: KubernetesClient,
  pendingOperations: readonly HelmOperation[],
): Promise<InterruptedOperation | undefined> {
  for (const name of new Set(pendingOperations.map(({ release }) => release))) {
    const revisions = await listRevisions(kubernetes, settings, name)
    const [newest] = revisions
    const isOwnOperation =
      newest &&
      pendingOperations.some(
        ({ release, revision, holder }) =>
          release === name && revision === newest.revision && holder === newest.holderId,
      )
    if (isOwnOperation && isPending(newest)) return toInterruptedOperation(name, newest, revisions)
  }
  return undefined
}

/** Runs of this action only upgrade. */
export const isPending = ({ status }: StoredRevision): boolean => status === 'pending-upgrade'

/**
 * What is to become of a pending revision. helm marks the revision that it started from
 * `superseded` when all else of an upgrade is done, right before the new one becomes `deployed`.
 * Source: helm, pkg/action/upgrade.go, releasingUpgrade.
 */
export function toInterruptedOperation(
  release: string,
  revision: StoredRevision,
  revisions: readonly StoredRevision[],
): InterruptedOperation {
  const isComplete =
    revisions[1]?.status === 'superseded' && !revisions.some(({ status }) => status === 'deployed')
  return { release, revision, finalStatus: isComplete ? 'deployed' : 'failed' }
}

/**
 * Writes of the revision how it ended, as helm does when it is interrupted: helm then goes on from
 * the one that is deployed.
 * @returns what there is to show for it
 * @throws ActionError `release-unreadable`, `release-pending` when the cluster refuses,
 *   `lock-lost`, `cluster-forbidden`
 */
export async function recover(
  context: Context,
  settings: Settings,
  { kubernetes, lock }: { readonly kubernetes: KubernetesClient; readonly lock: Lock },
  { release, revision, finalStatus }: InterruptedOperation,
): Promise<string> {
  const { helmStorage: kind, namespace } = settings
  const { object: name, holderId = '' } = revision
  const path = `${paths.releasesPath(kind, namespace)}/${name}`
  const storedObject = await kubernetes.get<SecretOrConfigMap>(path, `read ${kind} ${name}`)
  if (!storedObject || storedObject.metadata.labels?.['status'] !== revision.status)
    return changedMeanwhile
  const description =
    finalStatus === 'deployed'
      ? 'Upgrade complete'
      : `Upgrade "${release}" failed: the helm of run ${holderId} died`
  const encodedRelease = replaceStatus(storedObject.data?.['release'] ?? '', kind, name, {
    status: finalStatus,
    description,
  })
  lock.assertHeld()
  context.recordChange({
    step: 'release',
    object: `release ${namespace}/${release}`,
    path: 'status',
    before: revision.status,
    after: finalStatus,
    why: `the helm of run ${holderId} died at revision ${revision.revision}`,
  })
  // Source of the labels: helm, pkg/storage/driver/secrets.go, Update.
  const labels = {
    ...storedObject.metadata.labels,
    status: finalStatus,
    modifiedAt: String(Math.floor(kubernetes.now() / 1_000)),
  }
  try {
    await kubernetes.replace(
      path,
      {
        ...storedObject,
        metadata: { ...storedObject.metadata, labels },
        data: { ...storedObject.data, release: encodedRelease },
      },
      `update ${kind} ${name}`,
    )
  } catch (thrown) {
    if (!(thrown instanceof StatusError)) throw thrown
    if ([404, 409].includes(thrown.status)) return changedMeanwhile
    throw new ActionError({
      code: 'release-pending',
      problem: `Revision ${revision.revision} of release ${release} is ${revision.status} since a run of this action died, and the cluster refuses to mark it ${finalStatus}: ${thrown.message}`,
      remedy: `Make the policy or the webhook that says so allow an update of ${kind} ${name}; then run the job again.`,
      cause: thrown,
    })
  }
  return finalStatus === 'deployed'
    ? `revision ${revision.revision}, which helm had finished, is deployed`
    : `revision ${revision.revision}, at which helm died, is marked failed`
}

const changedMeanwhile = 'the revision has changed meanwhile'

/**
 * A revision with all that helm keeps of it.
 * @throws ActionError `release-unreadable`
 */
export async function readRevision(
  { helmStorage, namespace }: Settings,
  kubernetes: KubernetesClient,
  { object }: StoredRevision,
): Promise<ReleaseRevision> {
  const storedObject = await kubernetes.get<SecretOrConfigMap>(
    `${paths.releasesPath(helmStorage, namespace)}/${object}`,
    `read ${helmStorage} ${object}`,
  )
  return decodeRevision(storedObject?.data?.['release'] ?? '', helmStorage, object)
}
