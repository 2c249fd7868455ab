/** Before helm changes anything: what an upgrade of the release would do, why, and whether that is what was asked for. */
import { ActionError, combine } from '../core/errors.ts'
import type { Context } from '../core/step.ts'
import type { Preview } from '../helm/helm.ts'
import { compareManifests, isSame, type Difference } from '../helm/manifest.ts'
import { milvusVersionOf, valuesPathOf } from '../helm/milvus-chart.ts'
import { differingPaths } from '../helm/release.ts'
import type { Helm } from '../helm/session.ts'
import { changedWorkloads, restartedWorkloads, restartInWords, selectorOf, workloadsOf, type Workload } from '../helm/workloads.ts'
import { valuesDocument } from '../helm/values.ts'
import type { KubernetesClient } from '../kubernetes/client.ts'
import type { Settings } from '../settings/types.ts'
import type { Release, Target } from './preflight.ts'
import type { Permission } from './preflight/access.ts'
import { upgradePermissions } from './preflight/helm-permissions.ts'
import { upgradeRequest, type Installed } from './release.ts'
import { fetchAskedChart, refuseServiceType, withMilvusVersion } from './release-chart.ts'
import { reviewConflicts } from './release-conflicts.ts'
import { findLeftovers, type Leftover } from './release-leftovers.ts'
import { prepareRollback, type ReturnPath } from './release-rollback.ts'
import { requireReady, unreadyWorkloads } from './release-workloads.ts'

/** An upgrade that was rendered, and does no more than was asked for. */
export interface ReviewedUpgrade {
  /** Path of the chart. */
  readonly chart: string
  /** Where the values of Milvus' chart are in those of the release. */
  readonly valuesPath: readonly string[]
  /** Whether helm waits until the workloads of the release are ready. */
  readonly wait: boolean
  /** What helm asks of the cluster for it, beside what every upgrade needs. */
  readonly permissions: readonly Permission[]
  /** What failed revisions of this action have left, and helm would not delete. */
  readonly leftovers: readonly Leftover[]
  /** How the release goes back should the run fail; undefined where it would not. */
  readonly returnPath: ReturnPath | undefined
}

/** What an upgrade would do, by what makes it do so. */
export interface Comparison {
  /** All of it: from the deployed manifest to the upgrade that was asked for. */
  readonly total: Difference
  /** What the request does: from an upgrade that asks for nothing to the one that was asked for. */
  readonly requested: Difference
  /** What any upgrade of this release does: from the deployed manifest to an upgrade that asks for nothing. */
  readonly anyUpgrade: Difference
  /** Whether the chart is the deployed one: it makes the deployed manifest, as an installation or as an upgrade. */
  readonly isDeployedChart: boolean
}

/**
 * Fetches the chart, has helm render the upgrade, and says what it changes and restarts.
 * @throws ActionError `release-changes-more`, `service-type-not-set`, `release-conflict`, `release-not-ready`, of helm's failures
 */
export async function reviewUpgrade(context: Context, settings: Settings, { helm, kubernetes }: { readonly helm: Helm; readonly kubernetes: KubernetesClient }, installed: Installed & { readonly release: Release }): Promise<ReviewedUpgrade> {
  const { release, service } = installed
  const chart = await fetchAskedChart(settings, helm, release)
  const valuesPath = valuesPathOf(release.current, service.name)
  const request = upgradeRequest(release, settings, { chart, wait: false, valuesPath })
  const made = withMilvusVersion(release, await helm.preview(request))
  const comparison = await compare(settings, helm, installed, { chart, made })
  context.log.info(`helm would ${inWords(comparison.total)}`)
  const helmMajor = Number.parseInt(await helm.version())
  const serverSide = helmMajor >= 4 && release.last.serverSide
  const rendered = { name: release.last.name, namespace: settings.namespace, service: service.name, before: [release.current.manifest, release.last.manifest], after: made.manifest, serverSide }
  const refusals = [refuseMore(installed, settings, made.chart, comparison), refuseServiceType(settings, service.name, request, made.manifest), await reviewConflicts(context, kubernetes, rendered, settings.ingress.forceConflicts)].filter((each) => each !== undefined)
  if (refusals.length > 0) throw combine(refusals)
  if (made.chart.version !== release.current.chart.version) context.log.note(`Chart ${versions(release, made.chart)}: helm would ${inWords(comparison.total)}.${milvusStep(release, made.chart)}`)
  sayRestarts(context, { release, service, manifest: made.manifest }, comparison)
  // A failed revision may have changed the workloads that are there; an upgrade starts from the last that was deployed.
  const changed = [release.current, release.last].flatMap(({ manifest }) => changedWorkloads(manifest, made.manifest))
  const wait = await mayWait(settings, kubernetes, release.last.name, workloadsOf(made.manifest), changed)
  const permissions = upgradePermissions({ namespace: settings.namespace, before: release.current.manifest, after: made.manifest, helmMajor, serverSide, wait })
  const leftovers = await findLeftovers(context, kubernetes, settings.namespace, release, made.manifest)
  const returnPath = settings.mode === 'deploy' && settings.onFailure === 'rollback' ? await prepareRollback(settings, helm, release, { path: chart, version: made.chart.version }) : undefined
  return { chart, wait, valuesPath, permissions: [...permissions, ...leftovers.flatMap((each) => each.permissions)], leftovers, returnPath }
}

/**
 * Whether helm waits until the release is ready: when it changes workloads, and for a new load balancer when nothing keeps it from ending.
 * @throws ActionError `release-not-ready`
 */
async function mayWait({ namespace, serviceType }: Settings, kubernetes: KubernetesClient, release: string, workloads: readonly Workload[], changed: readonly Workload[]): Promise<boolean> {
  if (changed.length === 0 && serviceType !== 'LoadBalancer') return false
  const unready = await unreadyWorkloads(kubernetes, namespace, workloads.filter(({ kind, name }) => !changed.some((each) => each.kind === kind && each.name === name)))
  if (changed.length > 0) requireReady(release, namespace, unready)
  return changed.length > 0 || unready.length === 0
}

/** Renders what tells the request from what any upgrade would do, where there is something to tell apart. */
async function compare(settings: Settings, helm: Helm, { release, service }: Installed & { readonly release: Release }, { chart, made }: { readonly chart: string; readonly made: Preview }): Promise<Comparison> {
  const { current } = release
  const total = compareManifests(current.manifest, made.manifest)
  const isOtherVersion = made.chart.version !== current.chart.version
  if (isOtherVersion || isSame(without(total, `Service ${service.name}`))) return { total, requested: total, anyUpgrade: nothing, isDeployedChart: true }
  const unchanged = await helm.preview({ ...upgradeRequest(release, settings, { chart, wait: false, valuesPath: [] }), serviceType: undefined, values: undefined })
  const anyUpgrade = compareManifests(current.manifest, unchanged.manifest)
  const requested = compareManifests(unchanged.manifest, made.manifest)
  return { total, requested, anyUpgrade, isDeployedChart: isSame(anyUpgrade) || await isInstallation(settings, helm, release, chart) }
}

/** Whether the deployed manifest is what an installation of this chart makes. */
async function isInstallation({ namespace }: Settings, helm: Helm, { current }: Release, chart: string): Promise<boolean> {
  const installation = await helm.previewInstallation({ release: current.name, namespace, chart, values: valuesDocument(current.values) })
  return isSame(compareManifests(current.manifest, installation.manifest))
}

const nothing: Difference = { added: [], removed: [], changed: [] }

/** A difference without a change of this object. */
const without = (difference: Difference, object: string): Difference => ({ ...difference, changed: difference.changed.filter((each) => each !== object) })

/** Says which pods the upgrade replaces, and for the pods behind the Service also that it replaces none. */
function sayRestarts(context: Context, { release, service, manifest }: Pick<Target, 'service'> & { readonly release: Release; readonly manifest: string }, { anyUpgrade }: Comparison): void {
  const restarted = restartedWorkloads(release.last.manifest, manifest)
  const selector = Object.entries(selectorOf(manifest, service.name) ?? {})
  const isServing = ({ podLabels }: Workload): boolean => selector.length > 0 && selector.every(([label, value]) => podLabels[label] === value)
  const serving = workloadsOf(manifest).filter((workload) => isServing(workload) && !restarted.some(({ kind, name }) => kind === workload.kind && name === workload.name))
  const words = [...restarted.map(restartInWords), ...serving.map(({ kind, name }) => `${kind} ${name}: none`)].join('; ')
  if (restarted.length === 0) {
    context.log.info(`The upgrade restarts no pods${words === '' ? '' : ` (${words})`}.`)
    return
  }
  const isOfAnyUpgrade = restarted.every(({ kind, name }) => anyUpgrade.changed.includes(`${kind} ${name}`))
  const why = isOfAnyUpgrade ? ' Every first upgrade of this release does so: the chart renders these objects differently at an upgrade than at an installation.' : ''
  context.log.note(`The upgrade restarts pods: ${words}.${why}`)
}

/** Why an upgrade is more than was asked for; undefined when it is not, or when that is allowed. Pure. */
export function refuseMore({ release, service }: Pick<Target, 'service'> & { readonly release: Release }, settings: Settings, chart: Preview['chart'], { total, requested, anyUpgrade, isDeployedChart }: Comparison): ActionError | undefined {
  if (settings.allowChartChange) return undefined
  const { current } = release
  const refusal = (problem: string, remedy: string): ActionError => new ActionError({ code: 'release-changes-more', problem, remedy: `${remedy}; if all of it is meant, set allow-chart-change: true.` })
  if (chart.version !== current.chart.version) {
    return refusal(`Release ${current.name} would go from chart ${versions(release, chart)}: helm would ${inWords(total)}.${milvusStep(release, chart)}`, settings.chart.version === undefined ? `Give chart ${current.chart.version} to keep it` : `Take chart-version out to keep chart ${current.chart.version}`)
  }
  if (!isDeployedChart) {
    return refusal(
      `Chart ${current.chart.name} ${chart.version} is not the one that release ${current.name} was made with: any upgrade with it would ${inWords(anyUpgrade)}, and an installation with it makes other objects too. It was published anew under its version, comes from elsewhere, or renders differently on this version of Kubernetes.`,
      'Set chart-repository and chart to where the release came from',
    )
  }
  if (differingPaths(settings.values, current.values).length > 0) {
    const off = switchedOff(settings.values)
    const isAsked = (object: string): boolean => off.some((part) => object.toLowerCase().includes(part))
    const more = [...requested.removed.filter((object) => isStateful(object) || !isAsked(object)), ...requested.added.filter(isStateful)]
    return more.length === 0 ? undefined : refusal(`With values helm would ${inWords(requested)}, which is more than to set values: ${names(more)}.`, 'Take out of values what makes these objects come or go')
  }
  const own = `Service ${service.name}`
  const more = without(requested, own)
  if (isSame(more)) return undefined
  return refusal(`To set the type of ${own} helm would also ${inWords(more)}: the templates of chart ${current.chart.name} ${chart.version} make these objects depend on service.type.`, 'Change them in the release first, in an upgrade of its own')
}

const versions = ({ current }: Release, { version, appVersion }: Preview['chart']): string => `${current.chart.version} (Milvus ${milvusVersionOf(current)}) to ${version} (Milvus ${appVersion})`

/** Source: milvus-helm, charts/milvus/README.md: 2.6 only from 2.5.16 with mixCoordinator on; no way back. */
function milvusStep({ current }: Release, chart: Preview['chart']): string {
  const [before, after] = [milvusVersionOf(current), chart.appVersion].map(number)
  if (before === undefined || after === undefined || before >= number('2.6.0') || after < number('2.6.0')) return ''
  return ` Milvus allows the step to 2.6 only from 2.5.16 or later with mixCoordinator on${before < number('2.5.16') ? ': go to chart 4.2.58 (Milvus 2.5.16) first' : ''}.`
}

const number = (version: string): number => version.replace(/^v/, '').split('.').slice(0, 3).reduce((sum, part) => sum * 1000 + (Number.parseInt(part) || 0), 0)

const isStateful = (object: string): boolean => /^(StatefulSet|PersistentVolumeClaim) /.test(object)

/** The parts that values switch off (`attu: {enabled: false}`), in lower case: that their objects go is what was asked for. */
const switchedOff = (values: object): string[] => Object.entries(values).flatMap(([name, value]: [string, unknown]) =>
  typeof value !== 'object' || value === null ? [] : [...('enabled' in value && value.enabled === false ? [name.toLowerCase()] : []), ...switchedOff(value)])

/** More names than a person reads are counted. */
const longest = 12

const names = (objects: readonly string[]): string => `${objects.slice(0, longest).join(', ')}${objects.length > longest ? ` and ${objects.length - longest} more` : ''}`

function inWords({ added, removed, changed }: Difference): string {
  const parts = Object.entries({ remove: removed, add: added, change: changed }).flatMap(([verb, objects]) => (objects.length === 0 ? [] : [`${verb} ${names(objects)}`]))
  return parts.length === 0 ? 'change no object' : parts.join('; ')
}
