/** release: the release's Service is of the type that it shall have (ClusterIP, unless a removal restores it), and nothing else about the release changed. */
import { ActionError } from '../core/errors.ts'
import { sayProgress, type Change, type Context } from '../core/step.ts'
import { withProgress } from '../core/waiting.ts'
import { differingPaths, readLabels, releaseSelector, type RevisionLabels, withoutStoredNulls } from '../helm/release.ts'
import { historyFor } from '../helm/helm.ts'
import { parseChartReference } from '../helm/chart-reference.ts'
import { servicesOf, serviceTypePath, valueAt, valuesPathOf } from '../helm/milvus-chart.ts'
import type { Helm, UpgradeRequest } from '../helm/session.ts'
import { valuesDocument } from '../helm/values.ts'
import type { KubernetesClient } from '../kubernetes/client.ts'
import * as paths from '../kubernetes/paths.ts'
import type { Service } from '../kubernetes/types.ts'
import type { ServiceType, Settings } from '../settings/types.ts'
import { makerOf, revisionLabels, type Lock } from './lock.ts'
import type { Release, Target } from './preflight.ts'
import { isOwnFailure } from './preflight/release.ts'
import { removeLeftovers, type Leftover } from './release-leftovers.ts'
import type { ReviewedUpgrade } from './release-preview.ts'
import { isHeld, leaveToHelm } from './service-class.ts'

/** What changes a release. */
export interface ReleaseRooms {
  readonly helm: Helm
  readonly kubernetes: KubernetesClient
  readonly lock: Lock
}

/** The release and its Service. */
export type Installed = Pick<Target, 'namespace' | 'release' | 'service' | 'manager'>

const typeOf = ({ serviceType = 'ClusterIP' }: Settings): ServiceType => serviceType

/** The value of the release that sets the type of its Service: `service.type`, and deeper where Milvus is a subchart. */
export const typePathOf = (release: Release, service: string): readonly string[] => serviceTypePath(valuesPathOf(release.current, service))

const whyType: Readonly<Record<ServiceType, string>> = {
  ClusterIP: 'an ALB with ip targets needs no load balancer of the Service',
  LoadBalancer: 'restore-service-type asks for it',
  NodePort: 'restore-service-type asks for it',
}

/** What helm would have to change. Pure. Values do not appear, their paths do. */
export function plan(target: Installed & { readonly unreadRelease?: string | undefined }, settings: Settings): Change[] {
  const { release, unreadRelease, service, namespace } = target
  if (settings.cutover === 'never') return []
  const type = typeOf(settings)
  const typePath = release ? typePathOf(release, service.name) : ['service', 'type']
  const ofService = service.type === type ? ofStoredType(release, service.name, typePath, type) : [{ path: typePath.join('.'), why: whyType[type], before: service.type, after: type }]
  if (!release) return unreadRelease === undefined ? [] : ofService.map((part) => ({ step: 'release', object: `release ${namespace.name}/${unreadRelease}`, ...part }))
  const { last, current } = release
  // A revision of ours that failed is nobody's wish: what counts is the one that helm starts from.
  const present = isOwnFailure(release) ? current : last
  const asked = [
    ...ofService,
    ...(settings.chart.version === undefined || settings.chart.version === present.chart.version ? [] : [{ path: 'chart version', why: 'chart-version, or the tag in chart, asks for it', before: present.chart.version, after: settings.chart.version }]),
    ...differingPaths(settings.values, current.values).map((path) => ({ path: `values.${path}`, why: 'values asks for it', after: '(not shown)' })),
  ]
  const object = `release ${namespace.name}/${last.name}`
  const change = (part: Omit<Change, 'step' | 'object'>): Change => ({ step: 'release', object, ...part })
  if (last.status === 'deployed') return asked.map(change)
  // A failed revision that already is what is asked, and has more than that, is left to whoever made it.
  const isAsAsked = service.type === type && asked.every(({ path }) => path.startsWith('values.')) && differingPaths(settings.values, last.values).length === 0
  if (isAsAsked && lostByUpgrade(release, typePath, settings).length > 0) return []
  return [...asked, { path: 'status', why: 'an earlier upgrade did not end well', before: last.status, after: 'deployed' }].map(change)
}

/** A Service that was changed by hand only: the next upgrade would bring back the type that helm rendered. */
function ofStoredType(release: Release | undefined, service: string, typePath: readonly string[], type: ServiceType): { path: string; why: string; before: string; after: string }[] {
  if (release?.last.status !== 'deployed') return []
  const stored = servicesOf(release.last.manifest).find(({ name }) => name === service)?.type ?? valueAt(release.last.values, typePath)
  if (typeof stored !== 'string' || stored === type) return []
  return [{ path: typePath.join('.'), why: `the Service is of type ${type}, and the release is not: the next helm upgrade would make it ${stored} again`, before: stored, after: type }]
}

/**
 * What a failed revision of somebody else has that an upgrade would undo, because helm starts from the last one that was
 * deployed: its chart, and values of it that nothing asks for again.
 */
function lostByUpgrade(release: Release, typePath: readonly string[], settings: Settings): string[] {
  if (isOwnFailure(release)) return []
  const { last, current } = release
  const asked = new Set([typePath.join('.'), ...differingPaths(settings.values, {})])
  const values = differingPaths(last.values, current.values).filter((path) => !asked.has(path))
  const chart = settings.chart.version === undefined && last.chart.version !== current.chart.version ? [`chart ${last.chart.version}`] : []
  return [...chart, ...values.map((path) => `values.${path}`)]
}

/**
 * Whether helm may make the planned changes.
 * @throws ActionError `input-invalid`, `release-failed`, `release-managed-elsewhere`, `release-chart-differs`
 */
export function check({ release, service, manager }: Installed, settings: Settings): void {
  if (!release) return
  const { last, current } = release
  const typePath = typePathOf(release, service.name)
  refuseOtherType(settings, typePath)
  if (manager) {
    // Tools have the value under the same path as helm.
    throw new ActionError({
      code: 'release-managed-elsewhere',
      problem: `Release ${last.name} would have to be upgraded, and its Service ${service.name} is managed by ${manager.tool} (${manager.owner}), which would set it back.`,
      remedy: `Make the change there (${manager.setting.replace('service.type', typePath.join('.'))}: ${typeOf(settings)}), or leave the Service as it is: ${settings.mode === 'destroy' ? 'take restore-service-type out.' : `give service: ${service.name} in place of release, and helm is left alone.`}`,
    })
  }
  const lost = lostByUpgrade(release, typePath, settings)
  if (lost.length > 0) {
    throw new ActionError({
      code: 'release-failed',
      problem: `Revision ${last.revision} of release ${last.name} is ${last.status}, and an upgrade from revision ${current.revision}, the last that was deployed, would undo ${lost.join(', ')}.`,
      remedy: `Finish that upgrade or take it back (${byHand(settings, release)}), or give its chart-version and values to this action; then run the job again.`,
    })
  }
  const reference = parseChartReference(settings.chart.name)
  // What is elsewhere may have any name: its own metadata says it, once it is fetched.
  if (reference.kind === 'repository' || reference.kind === 'registry') requireChart(release, reference.chart)
}

/** @throws ActionError `release-chart-differs` */
export function requireChart({ last, current }: Release, name: string): void {
  if (current.chart.name === name) return
  throw new ActionError({
    code: 'release-chart-differs',
    problem: `Release ${last.name} was made with chart ${current.chart.name}, not ${name}, and has to be upgraded.`,
    remedy: `Set chart and chart-repository to where ${current.chart.name} comes from; or give service in place of release, and set its type to ClusterIP where it is managed.`,
  })
}

/** The type is what this action is there to set: --set wins over values, and every run would find a difference. */
function refuseOtherType({ values, serviceType }: Settings, typePath: readonly string[]): void {
  const asked = valueAt(values, typePath)
  if (asked === undefined || asked === (serviceType ?? 'ClusterIP')) return
  throw new ActionError({
    code: 'input-invalid',
    problem: `Input values sets ${typePath.join('.')} to something other than ClusterIP, which is what this action is there to set.`,
    remedy: `Take ${typePath.join('.')} out of values.`,
  })
}

/**
 * The command that takes a release back to the deployed revision. `helm rollback` may fail, or restart what installations
 * render otherwise than upgrades: docs/decisions/cutover-and-rollback.md.
 */
export function byHand({ namespace, chart }: Settings, { current: { name, revision, chart: { version } } }: Release): string {
  const reference = parseChartReference(chart.name)
  const sources: Readonly<Record<typeof reference.kind, string>> = {
    'repository': `${chart.name} --repo ${chart.repository} --version ${version}`,
    'registry': `${'repository' in reference ? reference.repository : ''} --version ${version}`,
    'path-or-alias': `${chart.name} --version ${version}`,
    'archive': chart.name,
    'path': chart.name,
  }
  return `"helm get values ${name} -n ${namespace} --revision ${revision} -o yaml | helm upgrade ${name} ${sources[reference.kind]} -n ${namespace} --reset-values -f -"`
}

/** Says what is left alone. */
export function remark(context: Context, { cutover }: Settings, { release, unreadRelease, service, manager }: Target, changes: readonly Change[]): void {
  if (release && manager && cutover !== 'never') context.log.note(`Service ${service.name} of release ${release.last.name} is managed by ${manager.tool} (${manager.owner}), and is as it should be: change the release there.`)
  if (release && release.last.status !== 'deployed' && changes.length === 0 && cutover !== 'never') {
    context.log.note(`Revision ${release.last.revision} of release ${release.last.name} is ${release.last.status}, and is left to whoever made it: its Service is as it should be.`)
  }
  if (((!release && unreadRelease === undefined) || cutover === 'never') && service.type !== 'ClusterIP') {
    context.log.note(`Service ${service.name} is of type ${service.type} and is left so: set it to ClusterIP where it is managed, when nothing uses its own load balancer any more.`)
  }
}

/** What helm is asked for. */
export function upgradeRequest({ last, current, kept }: Release, settings: Settings, { chart, wait, valuesPath }: Pick<ReviewedUpgrade, 'chart' | 'wait' | 'valuesPath'>): UpgradeRequest {
  const values = withoutStoredNulls(settings.values, current.values)
  return {
    release: last.name,
    namespace: settings.namespace,
    chart,
    serviceType: typeOf(settings),
    valuesPath,
    values: Object.keys(values).length === 0 ? undefined : valuesDocument(values),
    wait,
    timeout: settings.timeouts.release,
    // helm 4 goes on as the last revision was applied, and refuses the flag for a client-side one. Source: helm 4, pkg/action/upgrade.go.
    forceConflicts: settings.ingress.forceConflicts && last.serverSide,
    historyMax: historyFor(kept),
  }
}

/**
 * Runs helm when there is something to change.
 * @param upgrade what was reviewed; undefined when there is nothing to change
 * @returns the release's revision; undefined without a release
 */
export async function apply(context: Context, settings: Settings, rooms: ReleaseRooms, target: Installed, changes: readonly Change[], upgrade: ReviewedUpgrade | undefined): Promise<number | undefined> {
  const { release } = target
  if (!release || !upgrade || changes.length === 0) return release?.last.revision
  changes.forEach((change) => context.changed(change))
  if (isHeld(target.service.live)) await leaveToHelm(context, rooms.kubernetes, { namespace: settings.namespace, name: target.service.name })
  await runHelm(context, rooms, { request: upgradeRequest(release, settings, upgrade), revision: release.last.revision + 1, leftovers: upgrade.leftovers })
  const [revision] = await Promise.all([newestRevision(rooms.kubernetes, settings, release), requireType(rooms.kubernetes, settings, target)])
  return revision
}

/** An upgrade, the revision that it makes, and what goes before it. */
interface HelmRun {
  readonly request: UpgradeRequest
  readonly revision: number
  readonly leftovers: readonly Leftover[]
}

/**
 * Has helm upgrade the release, and shows meanwhile that the run lives. Leftovers go first: a run that dies in between finds
 * the failed revision, and with it the rest of them.
 * @throws ActionError of helm's failures
 */
export async function runHelm(context: Context, { helm, kubernetes, lock }: ReleaseRooms, { request, revision, leftovers }: HelmRun): Promise<void> {
  const labels = revisionLabels(lock.holder.id, revision)
  const working = lock.during({ release: request.release, revision }, async () => {
    await removeLeftovers(kubernetes, leftovers)
    await helm.upgrade({ ...request, labels })
  })
  await withProgress(working, context.clock, (waited) => sayProgress(context.log, 'release')(waited, 'helm waits for the objects of the release to be ready'))
}

/** A revision as its object's labels say it, with the name of that object and the run that made it. */
export interface KeptRevision extends RevisionLabels {
  readonly object: string
  /** Undefined for a revision of somebody else. */
  readonly maker: string | undefined
}

/** The revisions that helm keeps of a release, the newest first. */
export async function revisionsOf(kubernetes: KubernetesClient, { helmStorage, namespace }: Settings, release: string): Promise<KeptRevision[]> {
  const objects = await kubernetes.listMetadata(paths.releasesPath(helmStorage, namespace), { labelSelector: `${releaseSelector},name=${release}` }, `list the revisions of release ${release}`)
  return objects.flatMap(({ metadata }) => {
    const labels = readLabels(metadata.labels)
    return labels ? [{ ...labels, object: metadata.name, maker: makerOf(metadata.labels, labels.revision) }] : []
  }).sort((a, b) => b.revision - a.revision)
}

/** The number of the newest revision, which is not older than the one that was seen. */
export async function newestRevision(kubernetes: KubernetesClient, settings: Settings, { last }: Release): Promise<number> {
  const [newest = last] = await revisionsOf(kubernetes, settings, last.name)
  return Math.max(newest.revision, last.revision)
}

async function requireType(kubernetes: KubernetesClient, settings: Settings, { service }: Installed): Promise<void> {
  const now = await kubernetes.get<Service>(paths.servicePath(settings.namespace, service.name), `read Service ${service.name}`)
  const type = typeOf(settings)
  if (now?.spec.type === type) return
  throw new ActionError({
    code: type === 'ClusterIP' ? 'service-not-cluster-ip' : 'service-not-restored',
    problem: `helm succeeded, and Service ${service.name} is ${now ? `of type ${now.spec.type ?? 'unknown'}` : 'gone'}.`,
    remedy: 'Check that chart and chart-version are the ones that the release was made with; something may also set the Service back (Argo CD, Flux).',
  })
}

/** Says what the Service has become: with a load balancer of its own, the name of that is new. @returns a phrase for the step's line */
export async function sayRestored(context: Context, { namespace }: Settings, kubernetes: KubernetesClient, name: string): Promise<string> {
  const service = await kubernetes.get<Service>(paths.servicePath(namespace, name), `read Service ${name}`)
  const address = service?.status?.loadBalancer?.ingress?.[0]?.hostname
  if (service?.spec.type === 'LoadBalancer') context.log.note(`Service ${name} has a load balancer of its own: ${address ?? `its name is not known yet ("kubectl -n ${namespace} get service ${name}")`}. Point the DNS record at it.`)
  return `Service ${name} is of type ${service?.spec.type ?? 'unknown'}`
}
