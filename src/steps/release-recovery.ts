/** What a run that died in helm has left: a pending revision, which helm never clears by itself, and which nobody else works on. */
import { sayProgress, type Context } from '../core/step.ts'
import { withProgress } from '../core/waiting.ts'
import { decodeRevision, differingPaths, readLabels, releaseSelector } from '../helm/release.ts'
import type { Helm } from '../helm/session.ts'
import type { KubernetesClient } from '../kubernetes/client.ts'
import * as paths from '../kubernetes/paths.ts'
import type { DataObject } from '../kubernetes/types.ts'
import type { Settings } from '../settings/types.ts'
import { holderLabel, type HelmWork, type Lock } from './lock.ts'

/** A pending revision of a run that has died. */
export interface Interrupted {
  readonly work: HelmWork
  readonly revision: number
  /** `pending-upgrade` or `pending-rollback`. */
  readonly status: string
  /** The revision to go to: the pending one itself when it is what this run wants too. */
  readonly goal: number
}

/**
 * @param works what runs said in the Lease that helm was about to do, and not that it has ended
 * @returns undefined when the newest revision is pending because of somebody else
 */
export async function findInterrupted(settings: Settings, kubernetes: KubernetesClient, works: readonly HelmWork[]): Promise<Interrupted | undefined> {
  for (const name of new Set(works.map(({ release }) => release))) {
    const path = paths.releasesPath(settings.helmStorage, settings.namespace)
    const objects = await kubernetes.listMetadata(path, { labelSelector: `${releaseSelector},name=${name}` }, `list the revisions of release ${name}`)
    const revisions = objects.flatMap(({ metadata }) => {
      const labels = readLabels(metadata.labels)
      return labels ? [{ ...labels, object: metadata.name, holder: metadata.labels?.[holderLabel] }] : []
    }).sort((a, b) => b.revision - a.revision)
    const [newest] = revisions
    const work = newest && works.find((each) => each.release === name && each.revision === newest.revision && isWorkOf(each, newest))
    if (!newest || !work) continue
    const last = revisions.find(({ status }) => status === 'deployed') ?? revisions.find(({ status }) => status === 'superseded')
    const goal = await isWanted(settings, kubernetes, `${path}/${newest.object}`) ? newest.revision : last?.revision
    if (goal !== undefined) return { work, revision: newest.revision, status: newest.status, goal }
  }
  return undefined
}

/** A rollback has the labels of the revision that it goes back to, an upgrade those of whoever made it. Source: helm, pkg/action/rollback.go, upgrade.go. */
function isWorkOf({ kind, holder }: HelmWork, { status, holder: label }: { readonly status: string; readonly holder: string | undefined }): boolean {
  return status === `pending-${kind}` && (kind === 'rollback' || label === holder)
}

/** Whether the revision sets what this run would set: going on with it spares the Service a way back and forth, which is a load balancer made and deleted. */
async function isWanted(settings: Settings, kubernetes: KubernetesClient, path: string): Promise<boolean> {
  const object = await kubernetes.get<DataObject>(path, 'read the pending revision')
  const { values, chart } = decodeRevision(object?.data?.['release'] ?? '', settings.helmStorage, path)
  const wanted = { ...settings.values, service: { ...(settings.values['service'] as object | undefined), type: settings.serviceType ?? 'ClusterIP' } }
  return differingPaths(wanted, values).length === 0 && (settings.chart.version ?? chart.version) === chart.version
}

/** Has helm roll the release to the goal. @returns what there is to show for it. @throws ActionError of helm's failures */
export async function recover(context: Context, settings: Settings, { helm, lock }: { helm: Helm; lock: Lock }, { work, revision, status, goal }: Interrupted): Promise<string> {
  context.changed({ step: 'release', object: `release ${settings.namespace}/${work.release}`, path: 'status', before: status, after: 'deployed', why: `run ${work.holder}, which began it, has died` })
  const request = { release: work.release, namespace: settings.namespace, revision: goal, timeout: settings.timeouts.release, forceConflicts: settings.ingress.forceConflicts }
  const rollback = lock.during({ kind: 'rollback', release: work.release, revision: revision + 1 }, () => helm.rollback(request))
  await withProgress(rollback, context.clock, (waited) => sayProgress(context.log, 'release')(waited, 'helm waits for the objects of the release to be ready'))
  return goal === revision ? `the upgrade that a dead run began is finished, revision ${revision + 1}` : `back to revision ${goal}, the last that was deployed, as revision ${revision + 1}`
}
