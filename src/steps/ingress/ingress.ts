/** ingress: the Ingress matches the inputs, applied server-side by this action's field manager. */
import { isDeepStrictEqual } from 'node:util'
import { eventsPath, ingressPath } from '../../clients/kubernetes/paths.ts'
import { StatusError } from '../../clients/kubernetes/request.ts'
import type { Ingress } from '../../clients/kubernetes/types.ts'
import { parseResourceVersion } from '../../controller/events.ts'
import type { Deferred } from '../deferred.ts'
import type { Target } from '../preflight/preflight.ts'
import type { ClusterRun, EndpointRun } from '../run.ts'
import {
  buildDesiredFieldTree,
  buildDesiredIngress,
  diffDesiredIngress,
  toManifest,
} from './desired.ts'
import { fieldManager, type IngressManifest } from './manifest.ts'
import { toChanges, type ApplyIngress, type IngressOperation } from './operations.ts'
import { isOwnedByKubectl, transferOwnership } from './ownership.ts'
import { getDesiredAlb } from './replacement.ts'
import { translateApplyError } from './rejections.ts'
import {
  applyRestService,
  deleteRestService,
  planRestService,
  planRestServiceDeletion,
} from './rest-service-operations.ts'

export {
  changesFields,
  checkConflicts,
  isCleanup,
  replacesLoadBalancer,
  resolveCertificate,
  requiresForce,
  toChanges,
} from './operations.ts'

/** What the plan of the Ingress depends on. */
export interface IngressPlanInput {
  readonly target: Target
  readonly certificateArn: Deferred<string>
}

/**
 * Pure. Compares with the live objects, because even an apply without effect is a write. The
 * controller reports an Ingress whose Service does not exist, so the Service comes first.
 */
export function plan(
  run: Pick<EndpointRun, 'settings'>,
  input: IngressPlanInput,
): IngressOperation[] {
  return [
    ...planRestService(run, input.target),
    ...planIngress(run, input),
    ...planRestServiceRemoval(run, input.target),
  ]
}

function planIngress(
  { settings }: Pick<EndpointRun, 'settings'>,
  { target, certificateArn }: IngressPlanInput,
): IngressOperation[] {
  const { ingress: before, ingressName } = target
  const desired = buildDesiredIngress(settings, target, certificateArn)
  const name = { namespace: settings.namespace, name: ingressName }
  const fields = buildDesiredFieldTree(desired)
  const force = settings.ingress.forceConflicts
  const desiredAlb = getDesiredAlb(settings.ingress, target)
  const apply: IngressOperation = { action: 'apply', ...name, desired, before, desiredAlb, force }
  // The ownership is transferred before the apply: while kubectl owns fields, a different value
  // would be a conflict, and a field that is removed later would remain.
  if (before && isOwnedByKubectl(before, fields))
    return [{ action: 'transfer-ownership', ...name, fields }, apply]
  return diffDesiredIngress(desired, before).length > 0 ? [apply] : []
}

/** A rollback of a run that changes the Service restores it: it is deleted only afterwards. */
function planRestServiceRemoval(
  { settings }: Pick<EndpointRun, 'settings'>,
  { namespace, ingressName, restService }: Target,
): IngressOperation[] {
  if (settings.ingress.rest) return []
  const why = 'input rest is false'
  return planRestServiceDeletion({ namespace: namespace.name, ingressName, restService, why })
}

/** The Ingress after an apply. */
export interface AppliedIngress {
  readonly ingress: Ingress
  /**
   * Set when the apply triggered a reconcile: events with a greater resourceVersion may report it.
   */
  readonly eventCursor: bigint | undefined
}

/**
 * @returns undefined when nothing was applied
 * @throws ActionError `ingress-conflict`, `ingress-refused`, `controller-webhook-unavailable`
 */
export async function apply(
  run: ClusterRun,
  operations: readonly IngressOperation[],
): Promise<AppliedIngress | undefined> {
  let applied: AppliedIngress | undefined
  for (const operation of operations) {
    for (const change of toChanges([operation])) run.context.recordChange(change)
    switch (operation.action) {
      case 'transfer-ownership':
        await transferOwnership(run, operation)
        break
      case 'apply':
        applied = await applyDesiredIngress(run, operation)
        break
      case 'apply-rest-service':
        await applyRestService(run, operation.desired)
        break
      case 'delete-rest-service':
        await deleteRestService(run, operation)
    }
  }
  return applied
}

async function applyDesiredIngress(
  run: ClusterRun,
  { desired, before }: ApplyIngress,
): Promise<AppliedIngress> {
  const eventCursor = await getEventCursor(run)
  const ingress = await applyManifest(run, toManifest(desired))
  // The controller emits no event about a change of ownership only, nor about one that something
  // reverted at once.
  const isReconciled = triggersReconcile(before, ingress)
  return { ingress, eventCursor: isReconciled ? eventCursor : undefined }
}

/**
 * The resourceVersion of the latest Event. Events are only compared with Events, because a cluster
 * may store them in a separate etcd, with its own revisions.
 */
export async function getEventCursor({ settings, clients }: ClusterRun): Promise<bigint> {
  const { namespace } = settings
  const purpose = `list Events in namespace ${namespace}`
  const path = eventsPath(namespace)
  return parseResourceVersion(await clients.kubernetes.getCollectionVersion(path, purpose))
}

/** Whether the controller reconciles a change: it looks at annotations and spec. */
function triggersReconcile(before: Ingress | undefined, after: Ingress): boolean {
  if (!before) return true
  const areAnnotationsEqual = isDeepStrictEqual(
    before.metadata.annotations,
    after.metadata.annotations,
  )
  return !areAnnotationsEqual || !isDeepStrictEqual(before.spec, after.spec)
}

/**
 * Writes the Ingress by server-side apply.
 * @throws ActionError `ingress-conflict`, `ingress-refused`, `controller-webhook-unavailable`
 */
export async function applyManifest(
  { settings, clients }: ClusterRun,
  manifest: IngressManifest,
): Promise<Ingress> {
  const { name, namespace } = manifest.metadata
  try {
    return await clients.kubernetes.apply<Ingress>(
      ingressPath(namespace, name),
      manifest,
      { fieldManager, force: settings.ingress.forceConflicts },
      `apply Ingress ${name}`,
    )
  } catch (thrown) {
    throw thrown instanceof StatusError ? translateApplyError(name, thrown) : thrown
  }
}
