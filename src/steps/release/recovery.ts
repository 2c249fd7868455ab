/**
 * Recovers from a run that was killed during a Helm operation. It leaves a pending revision, which
 * Helm never completes, and which blocks every later operation.
 */
import { recoveryRejected } from '../../failures/release.ts'
import type { LockedRun } from '../run.ts'
import { replaceStatus } from '../../clients/helm/release-storage.ts'
import type { KubernetesClient } from '../../clients/kubernetes/client.ts'
import * as paths from '../../clients/kubernetes/paths.ts'
import { StatusError } from '../../clients/kubernetes/request.ts'
import type { SecretOrConfigMap } from '../../clients/kubernetes/types.ts'
import type { Settings } from '../../inputs/types.ts'
import type { HelmOperation } from '../../locking/lease.ts'
import type { StoredRevision } from '../preflight/revisions.ts'
import { listRevisions } from './revisions.ts'

/** A pending revision whose Helm was killed. */
export interface InterruptedOperation {
  readonly release: string
  readonly revision: StoredRevision
  /** The status that it should have: `deployed` when only Helm's last write is missing. */
  readonly finalStatus: 'failed' | 'deployed'
}

/**
 * Finds the operation that a killed run of this action left pending.
 * @param pendingOperations the operations that runs recorded in the Lease before they started, and
 *   did not record as ended
 * @returns undefined when the latest revision is pending for another reason
 */
export async function findInterruptedOperation(
  settings: Settings,
  kubernetes: KubernetesClient,
  pendingOperations: readonly HelmOperation[],
): Promise<InterruptedOperation | undefined> {
  for (const name of new Set(pendingOperations.map(({ release }) => release))) {
    const revisions = await listRevisions(kubernetes, settings, name)
    const [latest] = revisions
    const isOwnOperation =
      latest &&
      pendingOperations.some(
        ({ release, revision, holder }) =>
          release === name && revision === latest.revision && holder === latest.holderId,
      )
    if (isOwnOperation && isPending(latest)) return toInterruptedOperation(name, latest, revisions)
  }
  return undefined
}

/** Whether an upgrade is pending: runs of this action do nothing else. */
export const isPending = ({ status }: StoredRevision): boolean => status === 'pending-upgrade'

/**
 * Finds out how an interrupted upgrade ended. When everything else is done, Helm marks the previous
 * revision `superseded`, right before it marks the new one `deployed`. Source: Helm,
 * pkg/action/upgrade.go, releasingUpgrade.
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
 * Stores how a pending revision ended, as Helm itself does when it is interrupted. The next upgrade
 * then starts from the deployed revision.
 * @returns a phrase for the step's line
 * @throws ActionError `release-unreadable`, `release-pending` when the cluster rejects the write,
 *   `lock-lost`, `cluster-forbidden`
 */
export async function recover(
  { context, settings, clients: { kubernetes, lock } }: LockedRun,
  { release, revision, finalStatus }: InterruptedOperation,
): Promise<string> {
  const { helmStorage: kind, namespace } = settings
  const { objectName: name, holderId = '' } = revision
  const path = `${paths.releasesPath(kind, namespace)}/${name}`
  const storedObject = await kubernetes.get<SecretOrConfigMap>(path, `read ${kind} ${name}`)
  if (!storedObject || storedObject.metadata.labels?.['status'] !== revision.status)
    return changedConcurrently
  const description =
    finalStatus === 'deployed'
      ? 'Upgrade complete'
      : `Upgrade "${release}" failed: Helm was killed in run ${holderId}`
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
    why: `Helm was killed at revision ${revision.revision} in run ${holderId}`,
  })
  // Source of the labels: Helm, pkg/storage/driver/secrets.go, Update.
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
    if ([404, 409].includes(thrown.status)) return changedConcurrently
    throw recoveryRejected({
      release,
      revision: revision.revision,
      status: revision.status,
      finalStatus,
      object: `${kind} ${name}`,
      cause: thrown,
    })
  }
  return finalStatus === 'deployed'
    ? `revision ${revision.revision}, which Helm had completed, is marked deployed`
    : `revision ${revision.revision}, at which Helm was killed, is marked failed`
}

const changedConcurrently = 'the revision was changed by someone else'
