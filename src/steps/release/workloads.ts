/**
 * The live workloads of a release. Helm waits for all of them, including those that an upgrade does
 * not change.
 */
import { workloadsNotReady } from '../../failures/release.ts'
import { findChangedWorkloads, findWorkloads, type Workload } from '../../clients/helm/workloads.ts'
import type { KubernetesClient } from '../../clients/kubernetes/client.ts'
import { workloadPath } from '../../clients/kubernetes/paths.ts'
import type { LiveWorkload } from '../../clients/kubernetes/types.ts'
import { undefinedIfDenied } from '../../failures/optional-read.ts'

/** How many pods of a workload are ready. */
export interface WorkloadReadiness {
  readonly kind: string
  readonly name: string
  readonly ready: number
  readonly desired: number
}

export const isSameWorkload = (
  a: Pick<Workload, 'kind' | 'name'>,
  b: Pick<Workload, 'kind' | 'name'>,
): boolean => a.kind === b.kind && a.name === b.name

/** The workloads of an upgrade, by whether it creates or changes them. */
export interface UpgradedWorkloads {
  readonly changed: readonly Workload[]
  readonly unchanged: readonly Workload[]
}

/**
 * @param before the manifests that may be live: of the deployed revision, and of one that failed
 *   after it
 * @param after the manifest of the upgrade
 */
export function partitionWorkloads(before: readonly string[], after: string): UpgradedWorkloads {
  const changed = before.flatMap((manifest) => findChangedWorkloads(manifest, after))
  const unchanged = findWorkloads(after).filter(
    (workload) => !changed.some((each) => isSameWorkload(each, workload)),
  )
  return { changed, unchanged }
}

/** The workloads that are not ready, without those that do not exist or are not readable. */
export async function findUnreadyWorkloads(
  kubernetes: KubernetesClient,
  namespace: string,
  workloads: readonly Workload[],
): Promise<WorkloadReadiness[]> {
  const statuses = await Promise.all(
    workloads.map((workload) => readReadiness(kubernetes, namespace, workload)),
  )
  return statuses.filter(({ ready, desired }) => ready < desired)
}

async function readReadiness(
  kubernetes: KubernetesClient,
  namespace: string,
  { kind, name }: Workload,
): Promise<WorkloadReadiness> {
  const live = await undefinedIfDenied(
    kubernetes.get<LiveWorkload>(workloadPath(namespace, kind, name), `read ${kind} ${name}`),
  )
  const desired = live?.status?.desiredNumberScheduled ?? live?.spec.replicas ?? 0
  const ready = live?.status?.readyReplicas ?? live?.status?.numberReady ?? 0
  return { kind, name, ready, desired }
}

/** @throws ActionError `release-not-ready` when there is one: Helm would wait for it in vain */
export function rejectUnreadyWorkloads(
  release: string,
  namespace: string,
  unready: readonly WorkloadReadiness[],
): void {
  if (unready.length === 0) return
  throw workloadsNotReady(
    release,
    namespace,
    unready.map(
      ({ kind, name, ready, desired }) => `${kind} ${name} (${ready} of ${desired} pods ready)`,
    ),
  )
}
