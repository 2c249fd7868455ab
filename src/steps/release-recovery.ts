/** What a run that died in helm has left: a pending revision, which helm never clears by itself, and which nobody else works on. */
import type { Context } from '../core/step.ts'
import { serviceTypePath, valuesPathOf, withValueAt } from '../helm/milvus-chart.ts'
import { decodeRevision, differingPaths, type ReleaseRevision } from '../helm/release.ts'
import type { KubernetesClient } from '../kubernetes/client.ts'
import * as paths from '../kubernetes/paths.ts'
import type { DataObject } from '../kubernetes/types.ts'
import type { Settings } from '../settings/types.ts'
import type { HelmWork } from './lock.ts'
import { revisionsOf, rollBack, type Goal, type ReleaseRooms } from './release.ts'

/** A pending revision of a run that has died. */
export interface Interrupted {
  readonly work: HelmWork
  readonly revision: number
  /** `pending-upgrade` or `pending-rollback`. */
  readonly status: string
  /** The revision to go to: the pending one itself when it is what this run wants too. */
  readonly goal: Goal
  /** How many revisions helm keeps of the release. */
  readonly kept: number
}

/**
 * @param works what runs said in the Lease that helm was about to do, and not that it has ended
 * @returns undefined when the newest revision is pending because of somebody else
 */
export async function findInterrupted(settings: Settings, kubernetes: KubernetesClient, works: readonly HelmWork[]): Promise<Interrupted | undefined> {
  for (const name of new Set(works.map(({ release }) => release))) {
    const revisions = await revisionsOf(kubernetes, settings, name)
    const [newest] = revisions
    const work = newest && works.find((each) => each.release === name && each.revision === newest.revision && isWorkOf(each, newest))
    if (!newest || !work) continue
    const last = revisions.find(({ status }) => status === 'deployed') ?? revisions.find(({ status }) => status === 'superseded')
    const pending = await readRevision(settings, kubernetes, newest.object)
    const goal = isWanted(settings, pending) ? pending : last && (await readRevision(settings, kubernetes, last.object))
    if (goal) return { work, revision: newest.revision, status: newest.status, goal, kept: revisions.length }
  }
  return undefined
}

/** A rollback has the labels of the revision that it goes back to, an upgrade those of whoever made it. Source: helm, pkg/action/rollback.go, upgrade.go. */
function isWorkOf({ kind, holder }: HelmWork, { status, holder: label }: { readonly status: string; readonly holder: string | undefined }): boolean {
  return status === `pending-${kind}` && (kind === 'rollback' || label === holder)
}

/** Whether the revision sets what this run would set: going on with it spares the Service a way back and forth, which is a load balancer made and deleted. */
function isWanted(settings: Settings, revision: ReleaseRevision): boolean {
  const { values, chart } = revision
  const wanted = withValueAt(settings.values, serviceTypePath(valuesPathOf(revision)), settings.serviceType ?? 'ClusterIP')
  return differingPaths(wanted as Settings['values'], values).length === 0 && (settings.chart.version ?? chart.version) === chart.version
}

async function readRevision({ helmStorage, namespace }: Settings, kubernetes: KubernetesClient, name: string): Promise<ReleaseRevision> {
  const object = await kubernetes.get<DataObject>(`${paths.releasesPath(helmStorage, namespace)}/${name}`, `read ${helmStorage} ${name}`)
  return decodeRevision(object?.data?.['release'] ?? '', helmStorage, name)
}

/** Has helm roll the release to the goal. @returns what there is to show for it. @throws ActionError of helm's failures */
export async function recover(context: Context, settings: Settings, rooms: Pick<ReleaseRooms, 'helm' | 'lock'>, { work, revision, status, goal, kept }: Interrupted): Promise<string> {
  context.changed({ step: 'release', object: `release ${settings.namespace}/${work.release}`, path: 'status', before: status, after: 'deployed', why: `the helm of run ${work.holder} died at it` })
  await rollBack(context, settings, rooms, { release: work.release, newest: revision, goal, kept })
  return goal.revision === revision ? `the upgrade at which helm died is finished, revision ${revision + 1}` : `back to revision ${goal.revision}, the last that was deployed, as revision ${revision + 1}`
}
