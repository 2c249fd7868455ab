/** The revisions of a release that Helm keeps in the cluster. */
import {
  decodeRevision,
  releaseSelector,
  type ReleaseRevision,
} from '../../clients/helm/release-storage.ts'
import type { KubernetesClient } from '../../clients/kubernetes/client.ts'
import * as paths from '../../clients/kubernetes/paths.ts'
import type { SecretOrConfigMap } from '../../clients/kubernetes/types.ts'
import type { Settings } from '../../inputs/types.ts'
import type { Release } from '../preflight/preflight.ts'
import { parseRevisions, type StoredRevision } from '../preflight/revisions.ts'

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
  return parseRevisions(objects).sort((a, b) => b.revision - a.revision)
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
  { objectName }: StoredRevision,
): Promise<ReleaseRevision> {
  const storedObject = await kubernetes.get<SecretOrConfigMap>(
    `${paths.releasesPath(helmStorage, namespace)}/${objectName}`,
    `read ${helmStorage} ${objectName}`,
  )
  return decodeRevision(storedObject?.data?.['release'] ?? '', helmStorage, objectName)
}
