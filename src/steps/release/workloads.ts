/**
 * The live workloads of a release. helm waits for all of them, also for those that an upgrade does
 * not change.
 */
import { ActionError } from '../../failures/action-error.ts'
import type { Workload } from '../../clients/helm/workloads.ts'
import type { KubernetesClient } from '../../clients/kubernetes/client.ts'
import { workloadPath } from '../../clients/kubernetes/paths.ts'
import type { LiveWorkload } from '../../clients/kubernetes/types.ts'
import { undefinedIfDenied } from '../../failures/read-if-allowed.ts'

/** A workload with fewer ready pods than it wants. */
export interface UnreadyWorkload {
  readonly kind: string
  readonly name: string
  readonly ready: number
  readonly desired: number
}

/** Those that are not ready now. One that is not there, or may not be read, is left to helm. */
export async function findUnreadyWorkloads(
  kubernetes: KubernetesClient,
  namespace: string,
  workloads: readonly Workload[],
): Promise<UnreadyWorkload[]> {
  const statuses = await Promise.all(
    workloads.map(async ({ kind, name }) => {
      const live = await undefinedIfDenied(
        kubernetes.get<LiveWorkload>(workloadPath(namespace, kind, name), `read ${kind} ${name}`),
      )
      const desired = live?.status?.desiredNumberScheduled ?? live?.spec.replicas ?? 0
      const ready = live?.status?.readyReplicas ?? live?.status?.numberReady ?? 0
      return { kind, name, ready, desired }
    }),
  )
  return statuses.filter(({ ready, desired }) => ready < desired)
}

/** @throws ActionError `release-not-ready` when helm would wait for one of these in vain */
export function requireReady(
  release: string,
  namespace: string,
  unready: readonly UnreadyWorkload[],
): void {
  if (unready.length === 0) return
  const workloadList = unready
    .map(({ kind, name, ready, desired }) => `${kind} ${name} (${ready} of ${desired} pods ready)`)
    .join(', ')
  throw new ActionError({
    code: 'release-not-ready',
    problem: `helm would wait until everything in release ${release} is ready, and the upgrade changes nothing about ${workloadList}.`,
    remedy: `Make it ready ("kubectl get pods,events -n ${namespace}" says what it lacks) or switch it off in the values of the release; then run the job again.`,
  })
}
