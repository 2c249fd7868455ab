/**
 * Restores the load balancer class of a Service, which can be set only together with type
 * LoadBalancer. Milvus' chart has no value for the class, so the action sets both right before Helm
 * runs. Helm then finds the desired type, and does not change the class.
 */
import { loadBalancerClassRejected } from '../../failures/release.ts'
import { retry } from '../../util/retry.ts'
import { findServices } from '../../clients/helm/milvus-chart.ts'
import { StatusError } from '../../clients/kubernetes/request.ts'
import { servicePath } from '../../clients/kubernetes/paths.ts'
import type { Service } from '../../clients/kubernetes/types.ts'
import { fieldManager } from '../ingress/manifest.ts'
import type { Target } from '../preflight/preflight.ts'
import type { ClusterRun } from '../run.ts'
import { toChanges, type RestoreLoadBalancerClass } from './operations.ts'

/**
 * Sets type LoadBalancer and the class of a Service, unless it is of that type already.
 * @throws ActionError `service-not-restored`
 */
export async function restoreLoadBalancerClass(
  run: ClusterRun,
  operation: RestoreLoadBalancerClass,
): Promise<void> {
  const { context, clients } = run
  const { namespace, service: name, loadBalancerClass } = operation
  const path = servicePath(namespace, name)
  const live = await clients.kubernetes.get<Service>(path, `read Service ${name}`)
  if (!live || live.spec.type === 'LoadBalancer') return
  for (const change of toChanges([operation])) context.recordChange(change)
  const manifest = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace },
    spec: { type: 'LoadBalancer', loadBalancerClass },
  }
  try {
    await clients.kubernetes.apply<Service>(
      path,
      manifest,
      { fieldManager, force: true },
      `set the class of Service ${name}`,
    )
  } catch (thrown) {
    if (!(thrown instanceof StatusError)) throw thrown
    throw loadBalancerClassRejected(name, loadBalancerClass, thrown)
  }
  await relinquishOwnership(run, operation)
}

/**
 * Before a rollback sets type LoadBalancer again: restores the class that the Service had.
 * @throws ActionError `service-not-restored`
 */
export async function restoreClassBeforeRollback(
  run: ClusterRun,
  rollback: {
    /** As it was before this run. */
    readonly service: Target['service']
    /** Of the rollback. */
    readonly manifest: string
  },
): Promise<void> {
  const { service, manifest } = rollback
  const { type, loadBalancerClass } = service.live?.spec ?? {}
  const rendered = findServices(manifest).find(({ name }) => name === service.name)
  if (type !== 'LoadBalancer' || rendered?.type !== 'LoadBalancer') return
  if (loadBalancerClass === undefined) return
  await restoreLoadBalancerClass(run, {
    action: 'restore-load-balancer-class',
    namespace: run.settings.namespace,
    service: service.name,
    loadBalancerClass,
    why: 'rolled back, because the run failed',
  })
}

/** Whether this action owns fields of a Service, which a killed run may have left behind. */
export const isOwnedByAction = (service: Service | undefined): boolean =>
  service?.metadata.managedFields?.some(({ manager }) => manager === fieldManager) ?? false

const maxConflictAttempts = 5

/**
 * Gives up the ownership of the Service's fields without changing them. Helm 4 would fail at it
 * with a conflict when it changes the type.
 */
export async function relinquishOwnership(
  { context, clients: { kubernetes } }: ClusterRun,
  { namespace, service: name }: { readonly namespace: string; readonly service: string },
): Promise<void> {
  const path = servicePath(namespace, name)
  const attempt = async (): Promise<void> => {
    const live = await kubernetes.get<Service>(path, `read Service ${name}`)
    if (!live || !isOwnedByAction(live)) return
    const otherManagers = (live.metadata.managedFields ?? []).filter(
      ({ manager }) => manager !== fieldManager,
    )
    await kubernetes.replaceManagedFields(
      path,
      live.metadata.resourceVersion,
      otherManagers,
      `release the ownership of fields of Service ${name}`,
    )
  }
  // Load balancer controllers write the Service at the same time.
  const isWriteConflict = (thrown: unknown): boolean =>
    thrown instanceof StatusError && thrown.status === 409
  await retry(attempt, {
    maxAttempts: (thrown) => (isWriteConflict(thrown) ? maxConflictAttempts : 1),
    signal: context.signal,
    clock: context.clock,
  })
}
