/** Deletes an Ingress, waits for its controller, and finds out what blocks it. */
import type { LoadBalancerClient, LoadBalancerSummary } from '../../clients/aws/load-balancers.ts'
import { ingressPath } from '../../clients/kubernetes/paths.ts'
import { StatusError } from '../../clients/kubernetes/request.ts'
import type { Ingress } from '../../clients/kubernetes/types.ts'
import { ActionError } from '../../failures/action-error.ts'
import {
  deletionRemedies,
  ingressDeletionRejected,
  ingressNotDeleted,
} from '../../failures/ingress.ts'
import { pollInterval, waitFor, type PollResult } from '../../util/polling.ts'
import { isControllerDown } from '../preflight/controller.ts'
import type { LockedClients, Run } from '../run.ts'
import { progressLogger } from '../step.ts'
import { tolerateTransientErrors } from '../transient-errors.ts'
import { isControllerFinalizer } from './group.ts'

/** A run that removes an Ingress. */
export type IngressRemovalRun = Run<Pick<LockedClients, 'kubernetes' | 'loadBalancers'>>

export async function deleteIngress(
  { settings, clients }: IngressRemovalRun,
  { metadata: { name, uid } }: Ingress,
): Promise<void> {
  const path = ingressPath(settings.namespace, name)
  try {
    await clients.kubernetes.deleteObject(path, { uid }, `delete Ingress ${name}`)
  } catch (thrown) {
    if (!(thrown instanceof StatusError)) throw thrown
    throw ingressDeletionRejected({
      ingress: name,
      isConcurrent: thrown.status === 409,
      message: thrown.message,
      cause: thrown,
    })
  }
}

/** @param attributes of a load balancer */
export const isDeletionProtected = (
  attributes: Readonly<Record<string, string>> | undefined,
): boolean => attributes?.['deletion_protection.enabled'] === 'true'

/** @returns the state in ELB, or `deleted`; undefined when it cannot be read */
export async function getLoadBalancerState(
  loadBalancers: LoadBalancerClient,
  { arn }: LoadBalancerSummary,
): Promise<string | undefined> {
  try {
    const loadBalancer = await loadBalancers.getByArn(arn)
    return loadBalancer?.state ?? 'deleted'
  } catch (thrown) {
    if (thrown instanceof ActionError) return undefined
    throw thrown
  }
}

/** What blocks a deletion. */
interface DeletionBlocker {
  readonly finalizers: readonly string[]
  /** The state in ELB, or `deleted`; undefined when unknown. */
  readonly loadBalancerState: string | undefined
}

/** An Ingress that is being deleted, and its load balancer, if known. */
interface PendingDeletion {
  readonly ingress: Ingress
  readonly loadBalancer: LoadBalancerSummary | undefined
}

/**
 * Waits until the controller has removed its finalizer. A deletion that fails emits no event, so
 * the remaining objects have to tell what blocks it. Source: the controller's group_controller.go.
 * @throws ActionError `ingress-not-deleted`
 */
export async function waitUntilDeleted(
  run: IngressRemovalRun,
  deletion: PendingDeletion,
): Promise<void> {
  const { context, settings, clients } = run
  const { kubernetes, loadBalancers } = clients
  const { name, uid } = deletion.ingress.metadata
  const timeout = settings.timeouts.loadBalancer
  let blocker: DeletionBlocker = { finalizers: [], loadBalancerState: undefined }
  let timeoutStatus: string | undefined
  const poll = async (): Promise<PollResult<true>> => {
    const path = ingressPath(settings.namespace, name)
    const live = await kubernetes.get<Ingress>(path, `read Ingress ${name}`)
    if (live?.metadata.uid !== uid) return { done: true }
    const { loadBalancer } = deletion
    blocker = {
      finalizers: live.metadata.finalizers ?? [],
      loadBalancerState: loadBalancer && (await getLoadBalancerState(loadBalancers, loadBalancer)),
    }
    return { pending: describeBlocker(name, blocker, loadBalancer) }
  }
  try {
    await waitFor({
      poll: () => tolerateTransientErrors(poll),
      interval: pollInterval,
      timeout: timeout * 1000,
      signal: context.signal,
      clock: context.clock,
      onProgress: progressLogger(context.log, 'ingress'),
      createTimeoutError: (status) => {
        timeoutStatus = status
        return ingressNotDeleted(timeout, status, deletionRemedies.other)
      },
    })
  } catch (thrown) {
    if (timeoutStatus === undefined) throw thrown
    const remedy = await findRemedy(run, deletion, blocker)
    throw ingressNotDeleted(timeout, timeoutStatus, remedy)
  }
}

function describeBlocker(
  name: string,
  { finalizers, loadBalancerState }: DeletionBlocker,
  loadBalancer: LoadBalancerSummary | undefined,
): string {
  const blockedBy = finalizers.join(', ') || '(none)'
  const blockerNote = `finalizer ${blockedBy} blocks the deletion of Ingress ${name}`
  if (!loadBalancer || loadBalancerState === undefined) return blockerNote
  return `${blockerNote}; load balancer ${loadBalancer.name} is ${loadBalancerState}`
}

async function findRemedy(
  { settings, clients }: IngressRemovalRun,
  { loadBalancer }: PendingDeletion,
  blocker: DeletionBlocker,
): Promise<string> {
  const { kubernetes, loadBalancers } = clients
  const { listenPort } = settings.ingress
  const remainingLoadBalancer = blocker.loadBalancerState === 'deleted' ? undefined : loadBalancer
  const configuration =
    remainingLoadBalancer &&
    (await loadBalancers
      .getConfiguration(remainingLoadBalancer.arn, listenPort)
      .catch(() => undefined))
  const isProtected = isDeletionProtected(configuration?.attributes)
  return selectRemedy(blocker, {
    isControllerDown: await isControllerDown(kubernetes),
    protectedArn: isProtected ? remainingLoadBalancer?.arn : undefined,
  })
}

/** Pure. @param protectedArn ARN of a load balancer with deletion protection */
export function selectRemedy(
  { finalizers, loadBalancerState }: DeletionBlocker,
  cause: { readonly isControllerDown: boolean; readonly protectedArn: string | undefined },
): string {
  const foreignFinalizers = finalizers.filter((finalizer) => !isControllerFinalizer(finalizer))
  if (finalizers.length > 0 && foreignFinalizers.length === finalizers.length)
    return deletionRemedies.foreignFinalizers(foreignFinalizers)
  if (cause.isControllerDown) return deletionRemedies.controllerDown
  if (cause.protectedArn !== undefined)
    return deletionRemedies.deletionProtected(cause.protectedArn)
  return loadBalancerState === 'deleted' ? deletionRemedies.resourcesInUse : deletionRemedies.other
}
