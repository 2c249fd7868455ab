/** The revisions of Helm releases, by the labels of the objects that store them. Pure. */
import { parseRevisionLabels, type RevisionLabels } from '../../clients/helm/release-storage.ts'
import type { KubernetesObject } from '../../clients/kubernetes/types.ts'
import { getRevisionHolder } from '../../locking/revision-labels.ts'

/** A revision by the labels of the object that stores it. */
export interface StoredRevision extends RevisionLabels {
  /** Name of the object. */
  readonly objectName: string
  /** The run that created the revision; undefined when it was not a run of this action. */
  readonly holderId: string | undefined
}

/** @param name only of this release */
export function parseRevisions(
  objects: readonly KubernetesObject[],
  name?: string,
): StoredRevision[] {
  const revisions: StoredRevision[] = []
  for (const { metadata } of objects) {
    const labels = parseRevisionLabels(metadata.labels)
    if (!labels || (name !== undefined && labels.name !== name)) continue
    const holderId = getRevisionHolder(metadata.labels, labels.revision)
    revisions.push({ ...labels, objectName: metadata.name, holderId })
  }
  return revisions
}

const findLatest = (revisions: readonly StoredRevision[]): StoredRevision | undefined =>
  [...revisions].sort((a, b) => b.revision - a.revision)[0]

/** The names of the objects that store two revisions of a release. */
export interface RevisionObjects {
  readonly latest: string
  /** The last deployed revision, with whose values Helm starts an upgrade; else the latest. */
  readonly deployed: string
}

/** The latest and the deployed revision of each release. */
export function findLatestRevisions(objects: readonly KubernetesObject[]): RevisionObjects[] {
  const names = new Set(parseRevisions(objects).map(({ name }) => name))
  const releases: RevisionObjects[] = []
  for (const name of names) {
    const revisions = parseRevisions(objects, name)
    const latest = findLatest(revisions)
    // "helm uninstall --keep-history" keeps the revisions: the latest shows that the release is
    // uninstalled.
    if (!latest || latest.status === 'uninstalled') continue
    const deployed = findLatest(revisions.filter(({ status }) => status === 'deployed')) ?? latest
    releases.push({ latest: latest.objectName, deployed: deployed.objectName })
  }
  return releases
}

/** The failed revisions of a release that runs of this action created after the deployed one. */
export const findFailedOwnRevisions = (
  objects: readonly KubernetesObject[],
  release: string,
  deployedRevision: number,
): StoredRevision[] =>
  parseRevisions(objects, release).filter(
    ({ status, revision, holderId }) =>
      status === 'failed' && revision > deployedRevision && holderId !== undefined,
  )

/**
 * The revision to roll back to: the last deployed one, else the last that was deployed before. An
 * uninstall changes the status of the deployed revision itself.
 */
export function findRollbackRevision(
  objects: readonly KubernetesObject[],
  release: string,
): number | undefined {
  const revisions = parseRevisions(objects, release)
  for (const status of ['uninstalling', 'deployed', 'superseded']) {
    const latest = findLatest(revisions.filter((revision) => revision.status === status))
    if (latest) return latest.revision
  }
  return undefined
}
