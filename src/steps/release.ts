/** release: the release's Service is ClusterIP, and nothing else about the release changed. */
import { ActionError } from '../core/errors.ts'
import type { Change, Context } from '../core/step.ts'
import { withProgress } from '../core/waiting.ts'
import { differingPaths, readLabels, releaseSelector } from '../helm/release.ts'
import type { Helm } from '../helm/session.ts'
import type { KubernetesClient } from '../kubernetes/client.ts'
import * as paths from '../kubernetes/paths.ts'
import type { AnyObject, Service } from '../kubernetes/types.ts'
import type { Settings } from '../settings/types.ts'
import type { Release, Target } from './preflight.ts'

/** What helm would have to change. Pure. Values do not appear, their paths do. */
export function plan({ release, service, namespace }: Target, settings: Settings): Change[] {
  if (!release) return []
  const object = `release ${namespace.name}/${release.last.name}`
  const { last, current } = release
  const change = (path: string, why: string, values: { before?: string; after?: string } = {}): Change => ({ step: 'release', object, path, ...values, why })
  const version = settings.chart.version ?? current.chart.version
  return [
    ...(service.type === 'ClusterIP' ? [] : [change('service.type', 'an ALB with ip targets needs no load balancer of the Service', { before: service.type, after: 'ClusterIP' })]),
    ...(version === current.chart.version ? [] : [change('chart version', 'chart-version asks for it', { before: current.chart.version, after: version })]),
    ...differingPaths(settings.values, current.values).map((path) => change(`values.${path}`, 'values asks for it', { after: '(not shown)' })),
    ...(last.status === 'deployed' ? [] : [change('status', 'an earlier upgrade did not end well', { before: last.status, after: 'deployed' })]),
  ]
}

/**
 * Refuses to upgrade a release with a chart that it was not made with, as one of an umbrella chart would be.
 * @throws ActionError `release-chart-differs`
 */
export function checkChart({ release }: Target, settings: Settings): void {
  // A path may have any name; an oci:// reference may carry a tag.
  if (/^[./]/.test(settings.chart.name)) return
  const wanted = settings.chart.name.replace(/\/$/, '').split('/').at(-1)?.replace(/:.*$/, '') ?? ''
  const made = release?.current.chart.name ?? wanted
  if (made === wanted) return
  throw new ActionError({
    code: 'release-chart-differs',
    problem: `Release ${release?.last.name ?? ''} was made with chart ${made}, not ${wanted}, and has to be upgraded.`,
    remedy: `Set chart and chart-repository to where ${made} comes from; or give service in place of release, and set its type to ClusterIP where it is managed.`,
  })
}

/** Says what is left alone. */
export function remark(context: Context, { release, service }: Target): void {
  if (!release && service.type !== 'ClusterIP') {
    context.log.note(`Service ${service.name} is of type ${service.type} and is left so: set it to ClusterIP where it is managed, when nothing uses its own load balancer any more.`)
  }
}

/**
 * Runs helm when there is something to change.
 * @returns the release's revision; undefined without a release
 */
export async function apply(context: Context, settings: Settings, rooms: { helm: Helm; kubernetes: KubernetesClient }, target: Target, changes: readonly Change[]): Promise<number | undefined> {
  const { release } = target
  if (!release || changes.length === 0) return release?.last.revision
  changes.forEach((change) => context.changed(change))
  const upgrade = rooms.helm.upgrade({
    release: release.last.name,
    namespace: settings.namespace,
    chart: settings.chart.name,
    repository: settings.chart.repository,
    version: settings.chart.version ?? release.current.chart.version,
    values: Object.keys(settings.values).length === 0 ? undefined : JSON.stringify(settings.values),
    timeout: settings.timeouts.release,
  })
  await withProgress(upgrade, context.clock, (waited) => context.log.progress(`release: ${Math.round(waited / 1000)} s, helm waits for the objects of the release to be ready`))
  const [revision] = await Promise.all([newestRevision(rooms.kubernetes, settings, release), requireClusterIp(rooms.kubernetes, settings, target)])
  return revision
}

async function newestRevision(kubernetes: KubernetesClient, settings: Settings, { last }: Release): Promise<number> {
  const path = settings.helmStorage === 'Secret' ? paths.secretsPath : paths.configMapsPath
  const objects = await kubernetes.listMetadata<AnyObject>(path(settings.namespace), { labelSelector: `${releaseSelector},name=${last.name}` }, `list the revisions of release ${last.name}`)
  return Math.max(last.revision, ...objects.map(({ metadata }) => readLabels(metadata.labels)?.revision ?? 0))
}

async function requireClusterIp(kubernetes: KubernetesClient, settings: Settings, { service }: Target): Promise<void> {
  const now = await kubernetes.get<Service>(paths.servicePath(settings.namespace, service.name), `read Service ${service.name}`)
  if (now?.spec.type === 'ClusterIP') return
  throw new ActionError({
    code: 'service-not-cluster-ip',
    problem: `helm succeeded, and Service ${service.name} is ${now ? `of type ${now.spec.type ?? 'unknown'}` : 'gone'}.`,
    remedy: 'Check that chart and chart-version are the ones that the release was made with; something may also set the Service back (Argo CD, Flux).',
  })
}
