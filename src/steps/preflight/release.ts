/** Finds the Helm release of Milvus and reads its revisions. */
import type { ActionError } from '../../failures/action-error.ts'
import { readOptional } from '../../failures/optional-read.ts'
import {
  milvusReleaseNotFound,
  releaseAmbiguous,
  releaseNotFound,
  releasePending,
  releaseWithoutMilvus,
} from '../../failures/release-lookup.ts'
import { runConcurrently } from '../../util/concurrency.ts'
import { formatDuration } from '../../util/text.ts'
import { diffManifests } from '../../clients/helm/manifest-diff.ts'
import {
  decodeRevision,
  releaseSelector,
  type ReleaseRevision,
} from '../../clients/helm/release-storage.ts'
import {
  hasMilvusComponents,
  isMilvusRelease,
  findServices,
} from '../../clients/helm/milvus-chart.ts'
import type { KubernetesClient } from '../../clients/kubernetes/client.ts'
import { findManagingTool } from '../../clients/kubernetes/managing-tool.ts'
import { releasesPath } from '../../clients/kubernetes/paths.ts'
import type {
  KubernetesObject,
  SecretOrConfigMap,
  Service,
} from '../../clients/kubernetes/types.ts'
import type { Settings } from '../../inputs/types.ts'
import type { ClusterRun } from '../run.ts'
import {
  findFailedOwnRevisions,
  findLatestRevisions,
  findRollbackRevision,
  parseRevisions,
} from './revisions.ts'
import { hasMilvusPorts } from './service.ts'

/** A release: its latest revision, and the one with whose values an upgrade starts. */
export interface Release {
  readonly latestRevision: ReleaseRevision
  readonly deployedRevision: ReleaseRevision
  /** How many revisions Helm stores. */
  readonly storedRevisionCount?: number
  /**
   * Failed revisions that runs of this action created after the deployed one: the inputs set their
   * changes again.
   */
  readonly failedOwnRevisions?: readonly ReleaseRevision[]
}

/** Whether a run of this action created the latest revision, and it failed. */
export const isFailedByAction = ({ latestRevision, failedOwnRevisions = [] }: Release): boolean =>
  failedOwnRevisions.some(({ revision }) => revision === latestRevision.revision)

/** How many releases are read in parallel: each contains its chart, and few are Milvus'. */
const maxConcurrentReads = 4

/** Reads the objects in which Helm stores the releases of a namespace. */
class ReleaseStorage {
  private readonly kubernetes: KubernetesClient
  private readonly kind: Settings['helmStorage']
  private readonly namespace: string

  constructor(
    kubernetes: KubernetesClient,
    { helmStorage, namespace }: Pick<Settings, 'helmStorage' | 'namespace'>,
  ) {
    this.kubernetes = kubernetes
    this.kind = helmStorage
    this.namespace = namespace
  }

  /** @param release all releases when undefined */
  listObjects(release?: string): Promise<KubernetesObject[]> {
    const labelSelector =
      release === undefined ? releaseSelector : `${releaseSelector},name=${release}`
    return this.kubernetes.listMetadata(
      releasesPath(this.kind, this.namespace),
      { labelSelector },
      `list the ${this.kind}s of Helm in namespace ${this.namespace}`,
    )
  }

  async readRevision(objectName: string): Promise<ReleaseRevision> {
    const object = await this.kubernetes.get<SecretOrConfigMap>(
      `${releasesPath(this.kind, this.namespace)}/${objectName}`,
      `read ${this.kind} ${objectName}`,
    )
    return decodeRevision(object?.data?.['release'] ?? '', this.kind, objectName)
  }

  /** Reads the releases whose latest revision is a candidate. */
  async readReleases(
    objects: readonly KubernetesObject[],
    isCandidate: (latestRevision: ReleaseRevision) => boolean,
  ): Promise<Release[]> {
    const candidates = await Promise.all(
      runConcurrently(
        findLatestRevisions(objects),
        maxConcurrentReads,
        async ({ latest, deployed }): Promise<Release[]> => {
          const latestRevision = await this.readRevision(latest)
          if (!isCandidate(latestRevision)) return []
          const deployedRevision =
            deployed === latest ? latestRevision : await this.readRevision(deployed)
          return [{ latestRevision, deployedRevision }]
        },
      ),
    )
    return candidates.flat()
  }
}

/**
 * @param services of the namespace, to suggest Services when there is no release
 * @throws ActionError `release-not-found`, `release-ambiguous`, `release-pending`,
 *   `release-unreadable`
 */
export async function findRelease(
  { context, settings, clients: { kubernetes } }: ClusterRun,
  services: Promise<readonly Service[]>,
): Promise<Release> {
  const storage = new ReleaseStorage(kubernetes, settings)
  const objects = await storage.listObjects(settings.release)
  const release =
    settings.release === undefined
      ? await findOnlyRelease(settings, storage, objects, services)
      : await findNamedRelease(settings, storage, objects, settings.release)
  const { name, revision, status, chart } = release.latestRevision
  if (/^(pending-.*|uninstalling)$/.test(status))
    throw createPendingError(settings, release, objects, context.clock.now())
  context.log.info(
    `release ${name}: revision ${revision}, ${status}, chart ${chart.name} ${chart.version}`,
  )
  return {
    ...release,
    failedOwnRevisions: await readFailedOwnRevisions(storage, objects, release),
    storedRevisionCount: parseRevisions(objects, name).length,
  }
}

async function findOnlyRelease(
  settings: Settings,
  storage: ReleaseStorage,
  objects: readonly KubernetesObject[],
  services: Promise<readonly Service[]>,
): Promise<Release> {
  const candidates = await storage.readReleases(objects, isMilvusRelease)
  const [release] = candidates
  if (candidates.length > 1) throw releaseAmbiguous(settings.namespace, releaseNames(candidates))
  if (release) return release
  const namespaceServices = await services.catch(() => [])
  throw milvusReleaseNotFound(settings.namespace, suggestServices(namespaceServices))
}

async function findNamedRelease(
  { namespace }: Settings,
  storage: ReleaseStorage,
  objects: readonly KubernetesObject[],
  name: string,
): Promise<Release> {
  const [release] = await storage.readReleases(objects, () => true)
  if (release && mayContainMilvus(release)) return release
  const milvusReleases = await listMilvusReleases(storage)
  if (!release) throw releaseNotFound(name, namespace, milvusReleases)
  const { chart } = release.deployedRevision
  throw releaseWithoutMilvus(
    { name, namespace, chart: `${chart.name} ${chart.version}` },
    milvusReleases,
  )
}

const releaseNames = (releases: readonly Release[]): string[] =>
  releases.map(({ latestRevision }) => latestRevision.name).sort()

/** @returns undefined when one of them cannot be read, which must not hide the original problem */
async function listMilvusReleases(storage: ReleaseStorage): Promise<string[] | undefined> {
  try {
    return releaseNames(await storage.readReleases(await storage.listObjects(), isMilvusRelease))
  } catch {
    return undefined
  }
}

/** Whether a release contains Milvus, or something that looks like it. */
const mayContainMilvus = ({ deployedRevision }: Release): boolean =>
  isMilvusRelease(deployedRevision) ||
  hasMilvusComponents(deployedRevision) ||
  findServices(deployedRevision.manifest).some((service) => service.hasMilvusPort)

/** Services that look like Milvus' API: `milvus-demo (of Argo CD)`. */
const suggestServices = (services: readonly Service[]): string[] =>
  services.filter(hasMilvusPorts).map((service) => {
    const managingTool = findManagingTool(service)
    const { name } = service.metadata
    return managingTool ? `${name} (of ${managingTool.tool})` : name
  })

async function readFailedOwnRevisions(
  storage: ReleaseStorage,
  objects: readonly KubernetesObject[],
  { latestRevision, deployedRevision }: Release,
): Promise<ReleaseRevision[]> {
  if (latestRevision.status !== 'failed') return []
  const failedRevisions = findFailedOwnRevisions(
    objects,
    latestRevision.name,
    deployedRevision.revision,
  )
  return Promise.all(
    failedRevisions.map(async ({ revision, objectName }) =>
      revision === latestRevision.revision ? latestRevision : storage.readRevision(objectName),
    ),
  )
}

/**
 * @param objects that store the revisions of the release
 * @param now milliseconds since the epoch
 */
function createPendingError(
  { helmStorage, namespace }: Settings,
  { latestRevision, deployedRevision }: Release,
  objects: readonly KubernetesObject[],
  now: number,
): ActionError {
  const { name, revision, status, deployedAt } = latestRevision
  // Helm rolls back only to objects that are in the newest revision too, or do not exist. Source:
  // Helm 3, pkg/kube/client.go, Update ("no ... with the name ... found"); Helm 4 likewise.
  const isRollbackBlocked =
    diffManifests(latestRevision.manifest, deployedRevision.manifest).added.length > 0
  const startedAt = status === 'uninstalling' ? NaN : Date.parse(deployedAt)
  return releasePending({
    name,
    namespace,
    revision,
    status,
    duration: Number.isNaN(startedAt) ? undefined : formatDuration(now - startedAt),
    rollbackRevision: findRollbackRevision(objects, name),
    blockingObject: isRollbackBlocked
      ? `${helmStorage.toLowerCase()} sh.helm.release.v1.${name}.v${revision}`
      : undefined,
  })
}

/**
 * Finds the release; undefined for a check or a dry run that is not allowed to read where Helm
 * stores releases, and therefore does not compare chart and values.
 */
export async function findReleaseIfReadable(
  run: ClusterRun,
  services: Promise<readonly Service[]>,
): Promise<Release | undefined> {
  const { context, settings } = run
  const release = findRelease(run, services)
  if (settings.mode !== 'check' && !settings.dryRun) return release
  const read = await readOptional(release)
  if (read.available) return read.value
  const isComparisonRequested =
    settings.chart.version !== undefined || Object.keys(settings.values).length > 0
  if (isComparisonRequested)
    context.recordUnreadable(
      `the releases of Helm (list and get ${settings.helmStorage.toLowerCase()}s), so ` +
        'chart-version and values were not compared',
    )
  else
    context.log.note(
      'This identity is not allowed to read the releases of Helm: of the release, only its ' +
        'Service is compared.',
    )
  return undefined
}
