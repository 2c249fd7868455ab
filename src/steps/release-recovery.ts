/** What a run that died in helm has left: a pending revision, which helm never clears by itself, and which nobody else works on. */
import { ActionError } from '../core/errors.ts'
import type { Context } from '../core/step.ts'
import { decodeRevision, withStatus, type ReleaseRevision } from '../helm/release.ts'
import type { KubernetesClient } from '../kubernetes/client.ts'
import * as paths from '../kubernetes/paths.ts'
import { StatusError } from '../kubernetes/request.ts'
import type { DataObject } from '../kubernetes/types.ts'
import type { Settings } from '../settings/types.ts'
import type { HelmWork, Lock } from './lock.ts'
import { revisionsOf, type KeptRevision } from './release.ts'

/** A pending revision whose helm has ended without a word. */
export interface Interrupted {
  readonly release: string
  readonly revision: KeptRevision
  /** What helm would have made of it: `deployed` when only its last write is missing. */
  readonly becomes: 'failed' | 'deployed'
}

/**
 * @param works what runs said in the Lease that helm was about to do, and not that it has ended
 * @returns undefined when the newest revision is pending because of somebody else
 */
export async function findInterrupted(settings: Settings, kubernetes: KubernetesClient, works: readonly HelmWork[]): Promise<Interrupted | undefined> {
  for (const name of new Set(works.map(({ release }) => release))) {
    const revisions = await revisionsOf(kubernetes, settings, name)
    const [newest] = revisions
    const isOurs = newest && works.some(({ release, revision, holder }) => release === name && revision === newest.revision && holder === newest.maker)
    if (isOurs && isPending(newest)) return interruptedOf(name, newest, revisions)
  }
  return undefined
}

/** Runs of this action only upgrade. */
export const isPending = ({ status }: KeptRevision): boolean => status === 'pending-upgrade'

/**
 * What is to become of a pending revision. helm marks the revision that it started from `superseded` when all else of an upgrade
 * is done, right before the new one becomes `deployed`. Source: helm, pkg/action/upgrade.go, releasingUpgrade.
 */
export function interruptedOf(release: string, revision: KeptRevision, revisions: readonly KeptRevision[]): Interrupted {
  const isDone = revisions[1]?.status === 'superseded' && !revisions.some(({ status }) => status === 'deployed')
  return { release, revision, becomes: isDone ? 'deployed' : 'failed' }
}

/**
 * Writes of the revision how it ended, as helm does when it is interrupted: helm then goes on from the one that is deployed.
 * @returns what there is to show for it
 * @throws ActionError `release-unreadable`, `release-pending` when the cluster refuses, `lock-lost`, `cluster-forbidden`
 */
export async function recover(context: Context, settings: Settings, { kubernetes, lock }: { readonly kubernetes: KubernetesClient; readonly lock: Lock }, { release, revision, becomes }: Interrupted): Promise<string> {
  const { helmStorage: kind, namespace } = settings
  const { object: name, maker = '' } = revision
  const path = `${paths.releasesPath(kind, namespace)}/${name}`
  const found = await kubernetes.get<DataObject>(path, `read ${kind} ${name}`)
  if (!found || found.metadata.labels?.['status'] !== revision.status) return changedMeanwhile
  const description = becomes === 'deployed' ? 'Upgrade complete' : `Upgrade "${release}" failed: the helm of run ${maker} died`
  const stored = withStatus(found.data?.['release'] ?? '', kind, name, { status: becomes, description })
  lock.check()
  context.changed({ step: 'release', object: `release ${namespace}/${release}`, path: 'status', before: revision.status, after: becomes, why: `the helm of run ${maker} died at revision ${revision.revision}` })
  // Source of the labels: helm, pkg/storage/driver/secrets.go, Update.
  const labels = { ...found.metadata.labels, status: becomes, modifiedAt: String(Math.floor(kubernetes.now() / 1_000)) }
  try {
    await kubernetes.replace(path, { ...found, metadata: { ...found.metadata, labels }, data: { ...found.data, release: stored } }, `update ${kind} ${name}`)
  } catch (thrown) {
    if (!(thrown instanceof StatusError)) throw thrown
    if ([404, 409].includes(thrown.status)) return changedMeanwhile
    throw new ActionError({
      code: 'release-pending',
      problem: `Revision ${revision.revision} of release ${release} is ${revision.status} since a run of this action died, and the cluster refuses to mark it ${becomes}: ${thrown.message}`,
      remedy: `Make the policy or the webhook that says so allow an update of ${kind} ${name}; then run the job again.`,
      cause: thrown,
    })
  }
  return becomes === 'deployed' ? `revision ${revision.revision}, which helm had finished, is deployed` : `revision ${revision.revision}, at which helm died, is marked failed`
}

const changedMeanwhile = 'the revision has changed meanwhile'

/** A revision with all that helm keeps of it. @throws ActionError `release-unreadable` */
export async function readRevision({ helmStorage, namespace }: Settings, kubernetes: KubernetesClient, { object }: KeptRevision): Promise<ReleaseRevision> {
  const found = await kubernetes.get<DataObject>(`${paths.releasesPath(helmStorage, namespace)}/${object}`, `read ${helmStorage} ${object}`)
  return decodeRevision(found?.data?.['release'] ?? '', helmStorage, object)
}
