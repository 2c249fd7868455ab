/** The helm release: which one, its revisions, and whether another helm has it in hand. */
import { ActionError } from '../../failures/action-error.ts'
import type { Context } from '../step.ts'
import { formatDuration } from '../../util/text.ts'
import { diffManifests } from '../../clients/helm/manifest-diff.ts'
import {
  decodeRevision,
  parseRevisionLabels,
  releaseSelector,
  type ReleaseRevision,
  type RevisionLabels,
} from '../../clients/helm/release-storage.ts'
import {
  hasMilvusComponents,
  isMilvusRelease,
  findServices,
} from '../../clients/helm/milvus-chart.ts'
import type { KubernetesClient } from '../../clients/kubernetes/client.ts'
import { findManagingTool } from '../../clients/kubernetes/managing-tool.ts'
import * as paths from '../../clients/kubernetes/paths.ts'
import type {
  KubernetesObject,
  SecretOrConfigMap,
  Service,
} from '../../clients/kubernetes/types.ts'
import type { Settings } from '../../inputs/types.ts'
import { getRevisionHolder } from '../../locking/revision-labels.ts'
import { hasMilvusPorts } from './service.ts'

/** A release: its newest revision, and the one whose values an upgrade starts from. */
export interface Release {
  readonly latestRevision: ReleaseRevision
  readonly deployedRevision: ReleaseRevision
  /** How many revisions helm keeps of it. */
  readonly storedRevisionCount?: number
  /**
   * Revisions after the deployed one that runs of this action made, and that failed: what they set,
   * the inputs say anew.
   */
  readonly failedOwnRevisions?: readonly ReleaseRevision[]
}

/** Whether a run of this action made the newest revision, and it failed. */
export const isFailedByAction = ({ latestRevision, failedOwnRevisions = [] }: Release): boolean =>
  failedOwnRevisions.some(({ revision }) => revision === latestRevision.revision)

/**
 * Releases that are read at the same time: each carries its whole chart, and only those of Milvus
 * are kept.
 */
const maxConcurrentReads = 4

/**
 * @param services of the namespace, to name those that may be meant when there is no release
 * @throws ActionError `release-not-found`, `release-ambiguous`, `release-pending`,
 *   `release-unreadable`
 */
export async function findRelease(
  context: Context,
  settings: Settings,
  kubernetes: KubernetesClient,
  services: Promise<readonly Service[]>,
): Promise<Release> {
  const kind = settings.helmStorage
  const path = paths.releasesPath(kind, settings.namespace)
  const listRevisionObjects = (labelSelector: string): Promise<KubernetesObject[]> =>
    kubernetes.listMetadata(
      path,
      { labelSelector },
      `list the ${kind}s of helm in namespace ${settings.namespace}`,
    )
  const readRevision = async (objectName: string): Promise<ReleaseRevision> => {
    const object = await kubernetes.get<SecretOrConfigMap>(
      `${path}/${objectName}`,
      `read ${kind} ${objectName}`,
    )
    return decodeRevision(object?.data?.['release'] ?? '', kind, objectName)
  }
  const readReleases = async (
    objects: readonly KubernetesObject[],
    isCandidate: (latestRevision: ReleaseRevision) => boolean,
  ): Promise<Release[]> => {
    const queue = findLatestRevisions(objects)
    const found: Release[] = []
    const readQueue = async (): Promise<void> => {
      for (let next = queue.shift(); next; next = queue.shift()) {
        const latestRevision = await readRevision(next.latest)
        if (isCandidate(latestRevision))
          found.push({
            latestRevision,
            deployedRevision:
              next.deployed === next.latest ? latestRevision : await readRevision(next.deployed),
          })
      }
    }
    await Promise.all(Array.from({ length: maxConcurrentReads }, readQueue))
    return found
  }
  const objects = await listRevisionObjects(
    settings.release === undefined
      ? releaseSelector
      : `${releaseSelector},name=${settings.release}`,
  )
  const candidates = await readReleases(
    objects,
    (latestRevision) => settings.release !== undefined || isMilvusRelease(latestRevision),
  )
  const release = chooseRelease(settings, candidates)
  const hasNoMilvus = release !== undefined && !mayContainMilvus(release)
  if (settings.release !== undefined && (!release || hasNoMilvus)) {
    // One that cannot be read must not hide what is wrong.
    const otherReleases = await listRevisionObjects(releaseSelector)
      .then((all) => readReleases(all, isMilvusRelease))
      .catch(() => undefined)
    throw wrongReleaseError(settings, settings.release, release, otherReleases)
  }
  if (!release) throw releaseNotFoundError(settings, await services.catch(() => []))
  if (/^(pending-.*|uninstalling)$/.test(release.latestRevision.status))
    throw releasePendingError(release, findRollbackRevision(objects, release), {
      kind,
      namespace: settings.namespace,
      now: context.clock.now(),
    })
  context.log.info(
    `release ${release.latestRevision.name}: revision ${release.latestRevision.revision}, ${release.latestRevision.status}, chart ${release.latestRevision.chart.name} ${release.latestRevision.chart.version}`,
  )
  const failedRevisions =
    release.latestRevision.status === 'failed' ? findFailedOwnRevisions(objects, release) : []
  const failedOwnRevisions = await Promise.all(
    failedRevisions.map(async ({ revision, object }) =>
      revision === release.latestRevision.revision ? release.latestRevision : readRevision(object),
    ),
  )
  return {
    ...release,
    failedOwnRevisions,
    storedRevisionCount: objects.filter(
      ({ metadata }) => parseRevisionLabels(metadata.labels)?.name === release.latestRevision.name,
    ).length,
  }
}

/**
 * As findRelease; undefined for a check that may not read where helm keeps releases: their chart
 * and values are then not compared.
 */
export async function findReleaseIfReadable(
  context: Context,
  settings: Settings,
  kubernetes: KubernetesClient,
  services: Promise<readonly Service[]>,
): Promise<Release | undefined> {
  return findRelease(context, settings, kubernetes, services).catch((thrown: unknown) => {
    if (
      settings.mode !== 'check' ||
      !(thrown instanceof ActionError) ||
      thrown.code !== 'cluster-forbidden'
    )
      throw thrown
    const isComparisonRequested =
      settings.chart.version !== undefined || Object.keys(settings.values).length > 0
    if (isComparisonRequested)
      context.recordUnreadable(
        `the releases of helm (list and get ${settings.helmStorage.toLowerCase()}s), so that chart-version and values were not compared`,
      )
    else
      context.log.info(
        `The releases of helm may not be read: of the release only its Service is compared.`,
      )
    return undefined
  })
}

/**
 * For each release the names of the objects of its newest revision and of the one whose values helm
 * starts an upgrade from: the last that was deployed.
 */
export function findLatestRevisions(
  objects: readonly KubernetesObject[],
): { latest: string; deployed: string }[] {
  const revisions = objects.flatMap(({ metadata }) => {
    const labels = parseRevisionLabels(metadata.labels)
    return labels ? [{ ...labels, object: metadata.name }] : []
  })
  const findLatest = (revisionLabels: readonly (RevisionLabels & { object: string })[]) =>
    [...revisionLabels].sort((a, b) => b.revision - a.revision)[0]
  return [...new Set(revisions.map(({ name }) => name))].flatMap((release) => {
    const releaseRevisions = revisions.filter(({ name }) => name === release)
    const latest = findLatest(releaseRevisions)
    const deployed = findLatest(releaseRevisions.filter(({ status }) => status === 'deployed'))
    // "helm uninstall --keep-history" leaves the revisions behind: the newest says that the release
    // is gone.
    return latest && latest.status !== 'uninstalled'
      ? [{ latest: latest.object, deployed: (deployed ?? latest).object }]
      : []
  })
}

/** The failed revisions after the deployed one that runs of this action made. */
function findFailedOwnRevisions(
  objects: readonly KubernetesObject[],
  { latestRevision, deployedRevision }: Release,
): { revision: number; object: string }[] {
  return objects.flatMap(({ metadata }) => {
    const labels = parseRevisionLabels(metadata.labels)
    const isOwnFailedRevision =
      labels?.name === latestRevision.name &&
      labels.status === 'failed' &&
      labels.revision > deployedRevision.revision &&
      getRevisionHolder(metadata.labels, labels.revision) !== undefined
    return isOwnFailedRevision ? [{ revision: labels.revision, object: metadata.name }] : []
  })
}

/** Undefined when there is none. */
function chooseRelease(settings: Settings, candidates: readonly Release[]): Release | undefined {
  if (candidates.length < 2) return candidates[0]
  throw new ActionError({
    code: 'release-ambiguous',
    problem: `There are ${candidates.length} Milvus releases in namespace ${settings.namespace}: ${candidates
      .map(({ latestRevision }) => latestRevision.name)
      .sort()
      .join(', ')}.`,
    remedy: 'Set release to the one that is meant.',
  })
}

/** Whether anything of a release is of Milvus, or looks like it. */
const mayContainMilvus = ({ deployedRevision }: Release): boolean =>
  isMilvusRelease(deployedRevision) ||
  hasMilvusComponents(deployedRevision) ||
  findServices(deployedRevision.manifest).some((service) => service.hasMilvusPort)

/**
 * The release that an input names is not there, or has no Milvus.
 * @param otherReleases the releases of Milvus in the namespace; undefined when they cannot be
 *   read
 */
function wrongReleaseError(
  { namespace }: Settings,
  name: string,
  release: Release | undefined,
  otherReleases: readonly Release[] | undefined,
): ActionError {
  return new ActionError({
    code: 'release-not-found',
    problem: release
      ? `Helm release ${name} in namespace ${namespace} is of chart ${release.deployedRevision.chart.name} ${release.deployedRevision.chart.version}, and has no Milvus.`
      : `There is no helm release ${name} in namespace ${namespace}.`,
    remedy: suggestReleases(otherReleases?.map(({ latestRevision }) => latestRevision.name).sort()),
  })
}

/** @param names of the releases of Milvus in the namespace */
function suggestReleases(names: readonly string[] | undefined): string {
  if (names === undefined) return 'Set release and namespace as "helm list -A" shows them.'
  const elsewhere = 'set namespace to the one that it is in ("helm list -A" shows all)'
  if (names.length === 0) return `No release of Milvus is in this namespace: ${elsewhere}.`
  return `Set release to ${names.join(' or ')}, ${names.length === 1 ? 'the release' : 'the releases'} of Milvus in this namespace; or ${elsewhere}.`
}

function releaseNotFoundError(settings: Settings, services: readonly Service[]): ActionError {
  const candidates = services.filter(hasMilvusPorts).map((service) => {
    const manager = findManagingTool(service)
    return `${service.metadata.name}${manager ? ` (of ${manager.tool})` : ''}`
  })
  return new ActionError({
    code: 'release-not-found',
    problem: `There is no helm release of Milvus in namespace ${settings.namespace}.`,
    remedy:
      candidates.length === 0
        ? 'Set release and namespace as "helm list -A" shows them; for a Milvus that helm did not install, set service to the name of its Service.'
        : `For a Milvus that helm did not install, set service to its Service, which here looks like ${candidates.join(' or ')}; otherwise set release and namespace as "helm list -A" shows them.`,
  })
}

/** The revision to go back to: the last that was deployed, else the last that once was. */
function findRollbackRevision(
  objects: readonly KubernetesObject[],
  { latestRevision }: Release,
): number | undefined {
  const revisions = objects
    .flatMap(({ metadata }) => parseRevisionLabels(metadata.labels) ?? [])
    .filter(({ name }) => name === latestRevision.name)
  const latestWithStatus = (wantedStatus: string): number =>
    Math.max(
      ...revisions.filter(({ status }) => status === wantedStatus).map(({ revision }) => revision),
    )
  // An uninstall marks the revision that is deployed itself.
  return ['uninstalling', 'deployed', 'superseded'].map(latestWithStatus).find(Number.isFinite)
}

function releasePendingError(
  { latestRevision, deployedRevision }: Release,
  rollbackTarget: number | undefined,
  {
    kind,
    namespace,
    now,
  }: { readonly kind: 'Secret' | 'ConfigMap'; readonly namespace: string; readonly now: number },
): ActionError {
  const { name, revision, status, deployedAt } = latestRevision
  // helm rolls back only to objects that are in the newest revision too, or are not there. Source:
  // helm 3, pkg/kube/client.go, Update ("no ... with the name ... found"); helm 4 alike.
  const isRollbackBlocked =
    diffManifests(latestRevision.manifest, deployedRevision.manifest).added.length > 0
  const command = isRollbackBlocked
    ? `kubectl delete ${kind.toLowerCase()} sh.helm.release.v1.${name}.v${revision} -n ${namespace}`
    : `helm rollback ${name} ${rollbackTarget ?? ''} -n ${namespace} --wait`
  const startedAt = status === 'uninstalling' ? NaN : Date.parse(deployedAt)
  const state = Number.isNaN(startedAt)
    ? `is ${status}`
    : `has been ${status} for ${formatDuration(now - startedAt)}`
  return new ActionError({
    code: 'release-pending',
    problem: `Release ${name} ${state} (revision ${revision}): another helm is at work, or one was killed, which helm itself never clears.`,
    remedy:
      rollbackTarget === undefined
        ? `If none is at work, there is nothing to roll back to: "helm uninstall ${name} -n ${namespace}" (it keeps the volumes of StatefulSets), and install it again; then run the job again.`
        : `If none is at work, ${status === 'uninstalling' ? 'and the release was meant to stay, ' : ''}run "${command}"${isRollbackBlocked ? `, which takes the pending revision out of helm's history (a rollback to revision ${rollbackTarget} would fail)` : ''}; then run the job again.`,
  })
}
