/**
 * The way back of a release: an upgrade to the chart and the values of the revision that was deployed before this run.
 * Not `helm rollback`: docs/decisions/cutover-and-rollback.md.
 */
import { ActionError, asActionError } from '../core/errors.ts'
import type { Context } from '../core/step.ts'
import { parseChartReference } from '../helm/chart-reference.ts'
import { historyFor } from '../helm/helm.ts'
import type { Helm, UpgradeRequest } from '../helm/session.ts'
import { changedWorkloads, workloadsOf } from '../helm/workloads.ts'
import { valuesDocument } from '../helm/values.ts'
import type { KubernetesClient } from '../kubernetes/client.ts'
import type { Settings } from '../settings/types.ts'
import type { Release, Target } from './preflight.ts'
import { findLeftovers, leftoverChanges } from './release-leftovers.ts'
import { interruptedOf, isPending, readRevision, recover } from './release-recovery.ts'
import { unreadyWorkloads } from './release-workloads.ts'
import { byHand, newestRevision, revisionsOf, runHelm, type KeptRevision, type ReleaseRooms } from './release.ts'
import { restoreLoadBalancer } from './service-class.ts'

/** The way back, rendered before anything changes; or why there is none. */
export type ReturnPath = { readonly chart: string; readonly manifest: string } | { readonly missing: string }

/**
 * Fetches the chart of the deployed revision, which helm does not keep whole, and renders the way back with it.
 * Source: helm, pkg/chart/chart.go, Chart: dependencies are not stored with a release.
 * @param fetched the chart of the upgrade
 * @throws ActionError `cancelled`
 */
export async function prepareRollback(settings: Settings, helm: Helm, release: Release, fetched: { readonly path: string; readonly version: string }): Promise<ReturnPath> {
  const { version } = release.current.chart
  try {
    const chart = fetched.version === version ? fetched.path : await helm.fetchChart({ ...settings.chart, name: withoutTag(settings.chart.name), version })
    const made = await helm.preview(rollbackRequest(settings, release, chart, false))
    return made.chart.version === version ? { chart, manifest: made.manifest } : { missing: `chart ${settings.chart.name} is of version ${made.chart.version}, not ${version}` }
  } catch (thrown) {
    const failure = asActionError(thrown)
    if (failure.code === 'cancelled') throw failure
    return { missing: failure.message }
  }
}

/** A tag or digest is that of the upgrade. */
function withoutTag(name: string): string {
  const reference = parseChartReference(name)
  return reference.kind === 'registry' ? reference.repository : name
}

/** Says before anything is changed that the release could not go back. */
export function remarkReturnPath(context: Context, { current, last }: Release, way: ReturnPath | undefined): void {
  if (way === undefined || !('missing' in way)) return
  context.log.note(`Should this run fail once helm has begun, release ${last.name} stays as helm leaves it: there is no way back to chart ${current.chart.version} of revision ${current.revision} (${way.missing}).`)
}

function rollbackRequest(settings: Settings, { last, current, kept }: Release, chart: string, wait: boolean): UpgradeRequest {
  return {
    release: last.name, namespace: settings.namespace, chart, wait,
    // All of the revision's values and no others, its Service's type among them.
    serviceType: undefined, values: valuesDocument(current.values), resetValues: true,
    timeout: settings.timeouts.release,
    forceConflicts: settings.ingress.forceConflicts && last.serverSide,
    historyMax: historyFor((kept ?? 0) + 1),
  }
}

/**
 * Takes the release back to what was deployed before this run's upgrade, if that made a revision and nobody made another.
 * @param way undefined when this run was not to upgrade
 * @returns what there is to show for it
 * @throws ActionError `release-pending` when others have upgraded it meanwhile, `chart-not-found` without a way, and of helm's failures
 */
export async function rollBack(context: Context, settings: Settings, rooms: ReleaseRooms, { release, service }: Target, way: ReturnPath | undefined): Promise<string> {
  if (!release || !way) return 'there is no upgrade to take back'
  const { kubernetes } = rooms
  const { last, current } = release
  const revisions = await revisionsOf(kubernetes, settings, last.name)
  const [newest] = revisions
  if (!newest || !revisions.some(({ maker }) => maker === rooms.lock.holder.id)) return 'helm made no revision of it for this run'
  if (newest.maker !== rooms.lock.holder.id) throw upgradedByOthers(settings, release, newest)
  if ('missing' in way) {
    throw new ActionError({
      code: 'chart-not-found',
      problem: `There is no way back to chart ${current.chart.version} of revision ${current.revision}: ${way.missing}`,
      remedy: `When the chart is there again, by hand: ${byHand(settings, release)}.`,
    })
  }
  const made = await readRevision(settings, kubernetes, newest)
  // Its helm has ended: it was killed, or could not say any more how it ended.
  const interrupted = isPending(newest) ? interruptedOf(last.name, newest, revisions) : undefined
  if (interrupted) await recover(context, settings, rooms, interrupted)
  const isDeployed = (interrupted?.becomes ?? newest.status) === 'deployed'
  const ownFailed = isDeployed ? [] : [...(release.ownFailed ?? []), made]
  const leftovers = await findLeftovers(context, kubernetes, settings.namespace, { current, last: made, ownFailed }, way.manifest)
  context.changed({ step: 'release', object: `release ${settings.namespace}/${last.name}`, path: 'revision', before: String(newest.revision), after: `as ${current.revision}`, why: 'put back, because the run failed' })
  leftoverChanges(settings.namespace, leftovers).forEach((change) => context.changed(change))
  const wait = await mayWait(kubernetes, settings, [current.manifest, made.manifest], way.manifest)
  await restoreLoadBalancer(context, kubernetes, { namespace: settings.namespace, service, manifest: way.manifest })
  await runHelm(context, rooms, { request: rollbackRequest(settings, release, way.chart, wait), revision: newest.revision + 1, leftovers }).catch((thrown: unknown) => {
    const { code, message, remedy } = asActionError(thrown)
    throw new ActionError({ code, problem: message, remedy: `${remedy} By hand: ${byHand(settings, release)}.`, cause: thrown })
  })
  context.output('release-revision', String(await newestRevision(kubernetes, settings, release)))
  if (service.type === 'LoadBalancer') context.log.note(`Service ${service.name} is of type LoadBalancer again. Look at its address before you point clients at it: "kubectl -n ${settings.namespace} get service ${service.name}".`)
  return `as in revision ${current.revision}`
}

/** helm waits for all workloads of the release: in vain, when one is not ready that the way back does not change. */
async function mayWait(kubernetes: KubernetesClient, { namespace }: Settings, before: readonly string[], after: string): Promise<boolean> {
  const changed = before.flatMap((manifest) => changedWorkloads(manifest, after))
  const others = workloadsOf(after).filter(({ kind, name }) => !changed.some((each) => each.kind === kind && each.name === name))
  return (await unreadyWorkloads(kubernetes, namespace, others)).length === 0
}

const upgradedByOthers = ({ namespace }: Settings, { last }: Release, { revision, status }: KeptRevision): ActionError => new ActionError({
  code: 'release-pending',
  problem: `Somebody else has upgraded release ${last.name} too: revision ${revision} is ${status}, and this run had seen ${last.revision}.`,
  remedy: `Look who did what ("helm history ${last.name} -n ${namespace}"), and go back by hand to the revision that is meant.`,
})
