/** The revisions of a release that Helm keeps in the cluster. */
import {
  decodeRevision,
  parseRevisionLabels,
  releaseSelector,
  type ReleaseRevision,
  type RevisionLabels,
} from '../../clients/helm/release-storage.ts'
import type { KubernetesClient } from '../../clients/kubernetes/client.ts'
import * as paths from '../../clients/kubernetes/paths.ts'
import type { KubernetesObject, SecretOrConfigMap } from '../../clients/kubernetes/types.ts'
import type { Settings } from '../../inputs/types.ts'
import { getRevisionHolder } from '../../locking/revision-labels.ts'
import type { Release } from '../preflight/preflight.ts'

/** A revision by the labels of the object that stores it. */
export interface StoredRevision extends RevisionLabels {
  /** Name of the object. */
  readonly object: string
  /** The run that created the revision; undefined when it was not a run of this action. */
  readonly holderId: string | undefined
}

/** The revisions of a release, latest first. */
export async function listRevisions(
  kubernetes: KubernetesClient,
  { helmStorage, namespace }: Settings,
  release: string,
): Promise<StoredRevision[]> {
  const objects = await kubernetes.listMetadata(
    paths.releasesPath(helmStorage, namespace),
    { labelSelector: `${releaseSelector},name=${release}` },
    `list the revisions of release ${release}`,
  )
  return objects
    .map(parseStoredRevision)
    .filter((revision) => revision !== undefined)
    .sort((a, b) => b.revision - a.revision)
}

function parseStoredRevision({ metadata }: KubernetesObject): StoredRevision | undefined {
  const labels = parseRevisionLabels(metadata.labels)
  if (!labels) return undefined
  const holderId = getRevisionHolder(metadata.labels, labels.revision)
  return { ...labels, object: metadata.name, holderId }
}

/** The number of the latest revision, which is at least the one that preflight found. */
export async function findLatestRevisionNumber(
  kubernetes: KubernetesClient,
  settings: Settings,
  { latestRevision }: Release,
): Promise<number> {
  const [latest = latestRevision] = await listRevisions(kubernetes, settings, latestRevision.name)
  return Math.max(latest.revision, latestRevision.revision)
}

/**
 * Reads all that Helm stores of a revision.
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
