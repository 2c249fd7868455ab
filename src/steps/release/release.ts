/**
 * release: the release's Service is of the type that it shall have (ClusterIP, unless a removal
 * restores it), and nothing else about the release changed.
 */
import { ActionError } from '../../failures/action-error.ts'
import { progressLogger, type Change, type Context } from '../step.ts'
import { withProgress } from '../../util/polling.ts'
import {
  findDifferingPaths,
  parseRevisionLabels,
  releaseSelector,
  type RevisionLabels,
  omitStoredNulls,
} from '../../clients/helm/release-storage.ts'
import { historyMaxToRetain } from '../../clients/helm/commands.ts'
import { parseChartReference } from '../../clients/helm/chart-reference.ts'
import {
  findServices,
  serviceTypePath,
  getValueAtPath,
  findValuesPath,
} from '../../clients/helm/milvus-chart.ts'
import type { HelmClient, UpgradeRequest } from '../../clients/helm/client.ts'
import { serializeValues } from '../../clients/helm/values.ts'
import type { KubernetesClient } from '../../clients/kubernetes/client.ts'
import * as paths from '../../clients/kubernetes/paths.ts'
import type { Service } from '../../clients/kubernetes/types.ts'
import type { ServiceType, Settings } from '../../inputs/types.ts'
import type { Lock } from '../../locking/lease-lock.ts'
import { getRevisionHolder, revisionLabels } from '../../locking/revision-labels.ts'
import type { Release, Target } from '../preflight/preflight.ts'
import { isFailedByAction } from '../preflight/release.ts'
import { removeOrphanedObjects, type OrphanedObject } from './orphans.ts'
import type { ReviewedUpgrade } from './preview.ts'
import { isOwnedByAction, releaseOwnership } from './load-balancer-class.ts'

/** What changes a release. */
export interface ReleaseClients {
  readonly helm: HelmClient
  readonly kubernetes: KubernetesClient
  readonly lock: Lock
}

/** The release and its Service. */
export type ReleaseTarget = Pick<Target, 'namespace' | 'release' | 'service' | 'manager'>

const desiredServiceType = ({ serviceType = 'ClusterIP' }: Settings): ServiceType => serviceType

/**
 * The value of the release that sets the type of its Service: `service.type`, and deeper where
 * Milvus is a subchart.
 */
export const getServiceTypePath = (release: Release, service: string): readonly string[] =>
  serviceTypePath(findValuesPath(release.deployedRevision, service))

const typeChangeReasons: Readonly<Record<ServiceType, string>> = {
  ClusterIP: 'an ALB with ip targets needs no load balancer of the Service',
  LoadBalancer: 'restore-service-type asks for it',
  NodePort: 'restore-service-type asks for it',
}

/** What helm would have to change. Pure. Values do not appear, their paths do. */
export function plan(
  target: ReleaseTarget & { readonly unreadableReleaseName?: string | undefined },
  settings: Settings,
): Change[] {
  const { release, unreadableReleaseName, service, namespace } = target
  if (settings.cutover === 'never') return []
  const type = desiredServiceType(settings)
  const typePath = release ? getServiceTypePath(release, service.name) : ['service', 'type']
  const serviceTypeChanges =
    service.type === type
      ? findStoredTypeChanges(release, service.name, typePath, type)
      : [
          {
            path: typePath.join('.'),
            why: typeChangeReasons[type],
            before: service.type,
            after: type,
          },
        ]
  if (!release)
    return unreadableReleaseName === undefined
      ? []
      : serviceTypeChanges.map((details) => ({
          step: 'release',
          object: `release ${namespace.name}/${unreadableReleaseName}`,
          ...details,
        }))
  const { latestRevision, deployedRevision } = release
  // A revision of ours that failed is nobody's wish: what counts is the one that helm starts from.
  const baseRevision = isFailedByAction(release) ? deployedRevision : latestRevision
  const requestedChanges = [
    ...serviceTypeChanges,
    ...(settings.chart.version === undefined ||
    settings.chart.version === baseRevision.chart.version
      ? []
      : [
          {
            path: 'chart version',
            why: 'chart-version, or the tag in chart, asks for it',
            before: baseRevision.chart.version,
            after: settings.chart.version,
          },
        ]),
    ...findDifferingPaths(settings.values, deployedRevision.values).map((path) => ({
      path: `values.${path}`,
      why: 'values asks for it',
      after: '(not shown)',
    })),
  ]
  const object = `release ${namespace.name}/${latestRevision.name}`
  const toChange = (details: Omit<Change, 'step' | 'object'>): Change => ({
    step: 'release',
    object,
    ...details,
  })
  if (latestRevision.status === 'deployed') return requestedChanges.map(toChange)
  // A failed revision that already is what is asked, and has more than that, is left to whoever
  // made it.
  const isAlreadyApplied =
    service.type === type &&
    requestedChanges.every(({ path }) => path.startsWith('values.')) &&
    findDifferingPaths(settings.values, latestRevision.values).length === 0
  if (isAlreadyApplied && revertedByUpgrade(release, typePath, settings).length > 0) return []
  return [
    ...requestedChanges,
    {
      path: 'status',
      why: 'an earlier upgrade did not end well',
      before: latestRevision.status,
      after: 'deployed',
    },
  ].map(toChange)
}

/**
 * A Service that was changed by hand only: the next upgrade would bring back the type that helm
 * rendered.
 */
function findStoredTypeChanges(
  release: Release | undefined,
  service: string,
  typePath: readonly string[],
  type: ServiceType,
): { path: string; why: string; before: string; after: string }[] {
  if (release?.latestRevision.status !== 'deployed') return []
  const stored =
    findServices(release.latestRevision.manifest).find(({ name }) => name === service)?.type ??
    getValueAtPath(release.latestRevision.values, typePath)
  if (typeof stored !== 'string' || stored === type) return []
  return [
    {
      path: typePath.join('.'),
      why: `the Service is of type ${type}, and the release is not: the next helm upgrade would make it ${stored} again`,
      before: stored,
      after: type,
    },
  ]
}

/**
 * What a failed revision of somebody else has that an upgrade would undo, because helm starts from
 * the last one that was deployed: its chart, and values of it that nothing asks for again.
 */
function revertedByUpgrade(
  release: Release,
  typePath: readonly string[],
  settings: Settings,
): string[] {
  if (isFailedByAction(release)) return []
  const { latestRevision, deployedRevision } = release
  const requestedPaths = new Set([typePath.join('.'), ...findDifferingPaths(settings.values, {})])
  const values = findDifferingPaths(latestRevision.values, deployedRevision.values).filter(
    (path) => !requestedPaths.has(path),
  )
  const chart =
    settings.chart.version === undefined &&
    latestRevision.chart.version !== deployedRevision.chart.version
      ? [`chart ${latestRevision.chart.version}`]
      : []
  return [...chart, ...values.map((path) => `values.${path}`)]
}

/**
 * Whether helm may make the planned changes.
 * @throws ActionError `input-invalid`, `release-failed`, `release-managed-elsewhere`,
 *   `release-chart-differs`
 */
export function check({ release, service, manager }: ReleaseTarget, settings: Settings): void {
  if (!release) return
  const { latestRevision, deployedRevision } = release
  const typePath = getServiceTypePath(release, service.name)
  rejectOtherServiceType(settings, typePath)
  if (manager) {
    // Tools have the value under the same path as helm.
    throw new ActionError({
      code: 'release-managed-elsewhere',
      problem: `Release ${latestRevision.name} would have to be upgraded, and its Service ${service.name} is managed by ${manager.tool} (${manager.owner}), which would set it back.`,
      remedy: `Make the change there (${manager.serviceTypeSetting.replace('service.type', typePath.join('.'))}: ${desiredServiceType(settings)}), or leave the Service as it is: ${settings.mode === 'destroy' ? 'take restore-service-type out.' : `give service: ${service.name} in place of release, and helm is left alone.`}`,
    })
  }
  const reverted = revertedByUpgrade(release, typePath, settings)
  if (reverted.length > 0) {
    throw new ActionError({
      code: 'release-failed',
      problem: `Revision ${latestRevision.revision} of release ${latestRevision.name} is ${latestRevision.status}, and an upgrade from revision ${deployedRevision.revision}, the last that was deployed, would undo ${reverted.join(', ')}.`,
      remedy: `Finish that upgrade or take it back (${formatManualRollback(settings, release)}), or give its chart-version and values to this action; then run the job again.`,
    })
  }
  const reference = parseChartReference(settings.chart.name)
  // What is elsewhere may have any name: its own metadata says it, once it is fetched.
  if (reference.kind === 'repository' || reference.kind === 'registry')
    requireChart(release, reference.chart)
}

/** @throws ActionError `release-chart-differs` */
export function requireChart({ latestRevision, deployedRevision }: Release, name: string): void {
  if (deployedRevision.chart.name === name) return
  throw new ActionError({
    code: 'release-chart-differs',
    problem: `Release ${latestRevision.name} was made with chart ${deployedRevision.chart.name}, not ${name}, and has to be upgraded.`,
    remedy: `Set chart and chart-repository to where ${deployedRevision.chart.name} comes from; or give service in place of release, and set its type to ClusterIP where it is managed.`,
  })
}

/**
 * The type is what this action is there to set: --set wins over values, and every run would find a
 * difference.
 */
function rejectOtherServiceType(
  { values, serviceType }: Settings,
  typePath: readonly string[],
): void {
  const requestedType = getValueAtPath(values, typePath)
  if (requestedType === undefined || requestedType === (serviceType ?? 'ClusterIP')) return
  throw new ActionError({
    code: 'input-invalid',
    problem: `Input values sets ${typePath.join('.')} to something other than ClusterIP, which is what this action is there to set.`,
    remedy: `Take ${typePath.join('.')} out of values.`,
  })
}

/**
 * The command that takes a release back to the deployed revision. `helm rollback` may fail, or
 * restart what installations render otherwise than upgrades:
 * docs/decisions/cutover-and-rollback.md.
 */
export function formatManualRollback(
  { namespace, chart }: Settings,
  {
    deployedRevision: {
      name,
      revision,
      chart: { version },
    },
  }: Release,
): string {
  const reference = parseChartReference(chart.name)
  const sources: Readonly<Record<typeof reference.kind, string>> = {
    repository: `${chart.name} --repo ${chart.repository} --version ${version}`,
    registry: `${'repository' in reference ? reference.repository : ''} --version ${version}`,
    'path-or-alias': `${chart.name} --version ${version}`,
    archive: chart.name,
    path: chart.name,
  }
  return `"helm get values ${name} -n ${namespace} --revision ${revision} -o yaml | helm upgrade ${name} ${sources[reference.kind]} -n ${namespace} --reset-values -f -"`
}

/** Says what is left alone. */
export function logReleaseNotes(
  context: Context,
  { cutover }: Settings,
  { release, unreadableReleaseName, service, manager }: Target,
  changes: readonly Change[],
): void {
  if (release && manager && cutover !== 'never')
    context.log.note(
      `Service ${service.name} of release ${release.latestRevision.name} is managed by ${manager.tool} (${manager.owner}), and is as it should be: change the release there.`,
    )
  if (
    release &&
    release.latestRevision.status !== 'deployed' &&
    changes.length === 0 &&
    cutover !== 'never'
  ) {
    context.log.note(
      `Revision ${release.latestRevision.revision} of release ${release.latestRevision.name} is ${release.latestRevision.status}, and is left to whoever made it: its Service is as it should be.`,
    )
  }
  if (
    ((!release && unreadableReleaseName === undefined) || cutover === 'never') &&
    service.type !== 'ClusterIP'
  ) {
    context.log.note(
      `Service ${service.name} is of type ${service.type} and is left so: set it to ClusterIP where it is managed, when nothing uses its own load balancer any more.`,
    )
  }
}

/** What helm is asked for. */
export function upgradeRequest(
  { latestRevision, deployedRevision, storedRevisionCount }: Release,
  settings: Settings,
  { chart, wait, valuesPath }: Pick<ReviewedUpgrade, 'chart' | 'wait' | 'valuesPath'>,
): UpgradeRequest {
  const values = omitStoredNulls(settings.values, deployedRevision.values)
  return {
    release: latestRevision.name,
    namespace: settings.namespace,
    chart,
    serviceType: desiredServiceType(settings),
    valuesPath,
    values: Object.keys(values).length === 0 ? undefined : serializeValues(values),
    wait,
    timeout: settings.timeouts.release,
    // helm 4 goes on as the last revision was applied, and refuses the flag for a client-side one.
    // Source: helm 4, pkg/action/upgrade.go.
    forceConflicts: settings.ingress.forceConflicts && latestRevision.serverSide,
    historyMax: historyMaxToRetain(storedRevisionCount),
  }
}

/**
 * Runs helm when there is something to change.
 * @param upgrade what was reviewed; undefined when there is nothing to change
 * @returns the release's revision; undefined without a release
 */
export async function apply(
  context: Context,
  settings: Settings,
  clients: ReleaseClients,
  target: ReleaseTarget,
  changes: readonly Change[],
  upgrade: ReviewedUpgrade | undefined,
): Promise<number | undefined> {
  const { release } = target
  if (!release || !upgrade || changes.length === 0) return release?.latestRevision.revision
  changes.forEach((change) => context.recordChange(change))
  if (isOwnedByAction(target.service.live))
    await releaseOwnership(context, clients.kubernetes, {
      namespace: settings.namespace,
      name: target.service.name,
    })
  await runHelm(context, clients, {
    request: upgradeRequest(release, settings, upgrade),
    revision: release.latestRevision.revision + 1,
    orphanedObjects: upgrade.orphanedObjects,
  })
  const [revision] = await Promise.all([
    findNewestRevision(clients.kubernetes, settings, release),
    verifyServiceType(clients.kubernetes, settings, target),
  ])
  return revision
}

/** An upgrade, the revision that it makes, and what goes before it. */
interface HelmRun {
  readonly request: UpgradeRequest
  readonly revision: number
  readonly orphanedObjects: readonly OrphanedObject[]
}

/**
 * Has helm upgrade the release, and shows meanwhile that the run lives. Leftovers go first: a run
 * that dies in between finds the failed revision, and with it the rest of them.
 * @throws ActionError of helm's failures
 */
export async function runHelm(
  context: Context,
  { helm, kubernetes, lock }: ReleaseClients,
  { request, revision, orphanedObjects }: HelmRun,
): Promise<void> {
  const labels = revisionLabels(lock.holder.id, revision)
  const upgradePromise = lock.runRecorded({ release: request.release, revision }, async () => {
    await removeOrphanedObjects(kubernetes, orphanedObjects)
    await helm.upgrade({ ...request, labels })
  })
  await withProgress(upgradePromise, context.clock, (waited) =>
    progressLogger(context.log, 'release')(
      waited,
      'helm waits for the objects of the release to be ready',
    ),
  )
}

/**
 * A revision as its object's labels say it, with the name of that object and the run that made it.
 */
export interface StoredRevision extends RevisionLabels {
  readonly object: string
  /** Undefined for a revision of somebody else. */
  readonly holderId: string | undefined
}

/** The revisions that helm keeps of a release, the newest first. */
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
    .flatMap(({ metadata }) => {
      const labels = parseRevisionLabels(metadata.labels)
      return labels
        ? [
            {
              ...labels,
              object: metadata.name,
              holderId: getRevisionHolder(metadata.labels, labels.revision),
            },
          ]
        : []
    })
    .sort((a, b) => b.revision - a.revision)
}

/** The number of the newest revision, which is not older than the one that was seen. */
export async function findNewestRevision(
  kubernetes: KubernetesClient,
  settings: Settings,
  { latestRevision }: Release,
): Promise<number> {
  const [newest = latestRevision] = await listRevisions(kubernetes, settings, latestRevision.name)
  return Math.max(newest.revision, latestRevision.revision)
}

async function verifyServiceType(
  kubernetes: KubernetesClient,
  settings: Settings,
  { service }: ReleaseTarget,
): Promise<void> {
  const liveService = await kubernetes.get<Service>(
    paths.servicePath(settings.namespace, service.name),
    `read Service ${service.name}`,
  )
  const type = desiredServiceType(settings)
  if (liveService?.spec.type === type) return
  throw new ActionError({
    code: type === 'ClusterIP' ? 'service-not-cluster-ip' : 'service-not-restored',
    problem: `helm succeeded, and Service ${service.name} is ${liveService ? `of type ${liveService.spec.type ?? 'unknown'}` : 'gone'}.`,
    remedy:
      'Check that chart and chart-version are the ones that the release was made with; something may also set the Service back (Argo CD, Flux).',
  })
}

/**
 * Says what the Service has become: with a load balancer of its own, the name of that is new.
 * @returns a phrase for the step's line
 */
export async function reportRestoredService(
  context: Context,
  { namespace }: Settings,
  kubernetes: KubernetesClient,
  name: string,
): Promise<string> {
  const service = await kubernetes.get<Service>(
    paths.servicePath(namespace, name),
    `read Service ${name}`,
  )
  const address = service?.status?.loadBalancer?.ingress?.[0]?.hostname
  if (service?.spec.type === 'LoadBalancer')
    context.log.note(
      `Service ${name} has a load balancer of its own: ${address ?? `its name is not known yet ("kubectl -n ${namespace} get service ${name}")`}. Point the DNS record at it.`,
    )
  return `Service ${name} is of type ${service?.spec.type ?? 'unknown'}`
}
