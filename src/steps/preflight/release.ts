/** The helm release: which one, its revisions, and whether another helm has it in hand. */
import { ActionError } from '../../core/errors.ts'
import type { Context } from '../../core/step.ts'
import { decodeRevision, readLabels, releaseSelector, type ReleaseRevision, type RevisionLabels } from '../../helm/release.ts'
import type { KubernetesClient } from '../../kubernetes/client.ts'
import * as paths from '../../kubernetes/paths.ts'
import type { AnyObject, DataObject } from '../../kubernetes/types.ts'
import type { Settings } from '../../settings/types.ts'

/** A release: its newest revision, and the one whose values an upgrade starts from. */
export interface Release {
  readonly last: ReleaseRevision
  readonly current: ReleaseRevision
}

/** @throws ActionError `release-not-found`, `release-ambiguous`, `release-pending`, `release-unreadable` */
export async function findRelease(context: Context, settings: Settings, kubernetes: KubernetesClient): Promise<Release> {
  const kind = settings.helmStorage
  const path = paths.releasesPath(kind, settings.namespace)
  const selector = settings.release === undefined ? releaseSelector : `${releaseSelector},name=${settings.release}`
  const objects = await kubernetes.listMetadata<AnyObject>(path, { labelSelector: selector }, `list the ${kind}s of helm in namespace ${settings.namespace}`)
  const read = async (objectName: string): Promise<ReleaseRevision> => {
    const object = await kubernetes.get<DataObject>(`${path}/${objectName}`, `read ${kind} ${objectName}`)
    return decodeRevision(object?.data?.['release'] ?? '', kind, objectName)
  }
  const releases = await Promise.all(newestRevisions(objects).map(async ({ last, current }) => {
    const lastRevision = await read(last)
    return { last: lastRevision, current: current === last ? lastRevision : await read(current) }
  }))
  const release = chooseRelease(settings, releases)
  if (/^pending-/.test(release.last.status)) throw pending(release.last, settings.namespace)
  context.log.info(`release ${release.last.name}: revision ${release.last.revision}, ${release.last.status}, chart ${release.last.chart.name} ${release.last.chart.version}`)
  return release
}

/** For each release the names of the objects of its newest revision and of the one whose values helm starts an upgrade from: the last that was deployed. */
export function newestRevisions(objects: readonly AnyObject[]): { last: string; current: string }[] {
  const revisions = objects.flatMap(({ metadata }) => {
    const labels = readLabels(metadata.labels)
    return labels ? [{ ...labels, object: metadata.name }] : []
  })
  const newest = (some: readonly (RevisionLabels & { object: string })[]) => [...some].sort((a, b) => b.revision - a.revision)[0]
  return [...new Set(revisions.map(({ name }) => name))].flatMap((release) => {
    const own = revisions.filter(({ name }) => name === release)
    const last = newest(own)
    const deployed = newest(own.filter(({ status }) => status === 'deployed'))
    // "helm uninstall --keep-history" leaves the revisions behind: the newest says that the release is gone.
    return last && last.status !== 'uninstalled' ? [{ last: last.object, current: (deployed ?? last).object }] : []
  })
}

function chooseRelease(settings: Settings, releases: readonly Release[]): Release {
  const candidates = settings.release === undefined ? releases.filter(({ last }) => last.chart.name === 'milvus') : releases
  const [first, second] = candidates
  const where = `namespace ${settings.namespace}`
  if (!first) {
    throw new ActionError({
      code: 'release-not-found',
      problem: settings.release === undefined ? `There is no helm release of the chart milvus in ${where}.` : `There is no helm release ${settings.release} in ${where}.`,
      remedy: 'Set release and namespace as "helm list -A" shows them; for a Milvus that helm did not install, set service to the name of its Service.',
    })
  }
  if (!second) return first
  throw new ActionError({
    code: 'release-ambiguous',
    problem: `There are ${candidates.length} Milvus releases in ${where}: ${candidates.map(({ last }) => last.name).join(', ')}.`,
    remedy: 'Set release to the one that is meant.',
  })
}

function pending({ name, revision, status, deployedAt }: ReleaseRevision, namespace: string): ActionError {
  return new ActionError({
    code: 'release-pending',
    problem: `Release ${name} is ${status} (revision ${revision}, since ${deployedAt}): another helm is at work, or one was killed.`,
    remedy: status === 'pending-install'
      ? 'If none is at work, finish or remove the installation by hand: there is nothing to roll back to. Then run the job again.'
      : `If none is at work, run "helm history ${name} -n ${namespace}", then "helm rollback ${name} REVISION -n ${namespace} --wait" with the last revision that it shows as deployed; then run the job again.`,
  })
}
