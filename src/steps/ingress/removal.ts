/** ingress, in mode destroy: deletes the Ingress, and waits until its ALB is deleted. */
import { parseAttributes } from '../../controller/annotation-validators.ts'
import { annotationPrefix } from '../../controller/annotations.ts'
import { deletionProtectedByAnnotation, deletionProtectedByElb } from '../../failures/ingress.ts'
import type { Settings } from '../../inputs/types.ts'
import type { LoadBalancerSnapshot } from '../load-balancer/snapshot.ts'
import type { RemovalTarget } from '../preflight/removal.ts'
import type { Change, Context } from '../step.ts'
import {
  deleteIngress,
  getLoadBalancerState,
  isDeletionProtected,
  waitUntilDeleted,
  type IngressRemovalClients,
} from './deletion.ts'
import { findGroup } from './group.ts'
import { getIngressHostname } from './manifest.ts'

export type { IngressRemovalClients } from './deletion.ts'

/** Pure. An Ingress that is already being deleted is only waited for. */
export function planRemoval(target: RemovalTarget, { namespace }: Settings): Change[] {
  const { ingress, ingressName } = target
  if (!ingress || ingress.metadata.deletionTimestamp !== undefined) return []
  const group = findGroup(target)
  const hosts = (ingress.spec.rules ?? []).map(({ host = '*' }) => host).join(', ')
  const albNote = group
    ? `the ALB of group ${group.name} is deleted with the last member`
    : 'its ALB is deleted with it'
  return [
    {
      step: 'ingress',
      object: `Ingress ${namespace}/${ingressName}`,
      path: 'load balancer',
      before: `${hosts} at ${getIngressHostname(ingress) ?? '(no address)'}`,
      why: `this action created it; ${albNote}`,
    },
  ]
}

/**
 * Finds deletion protection before anything is deleted, because the controller reports it nowhere.
 * The annotation blocks the deletion of any Ingress, even of one that only leaves a group. Source:
 * the controller's pkg/ingress/model_builder.go, getDeletionProtectionViaAnnotation.
 * @throws ActionError `load-balancer-protected`
 */
export function checkDeletionProtection(
  target: RemovalTarget,
  observed: LoadBalancerSnapshot | undefined,
): void {
  const { ingress } = target
  if (!ingress) return
  const { name, annotations = {} } = ingress.metadata
  const attributesKey = `${annotationPrefix}load-balancer-attributes`
  const attributes = parseAttributes(annotations[attributesKey] ?? '') ?? []
  if (attributes.some(([key, value]) => isDeletionProtected({ [key]: value })))
    throw deletionProtectedByAnnotation(name, attributesKey)
  // The ALB of a group may remain: members in other namespaces are not known.
  if (findGroup(target)) return
  const { loadBalancer, configuration } = observed ?? {}
  if (loadBalancer && isDeletionProtected(configuration?.attributes))
    throw deletionProtectedByElb(name, loadBalancer)
}

/** What to delete. */
export interface IngressRemoval {
  readonly target: RemovalTarget
  readonly observed: LoadBalancerSnapshot | undefined
  readonly changes: readonly Change[]
}

/**
 * Deletes the Ingress and waits for the controller to finish.
 * @returns the outcome, for the log
 * @throws ActionError `ingress-not-deleted`, `ingress-refused`
 */
export async function remove(
  context: Context,
  settings: Settings,
  clients: IngressRemovalClients,
  { target, observed, changes }: IngressRemoval,
): Promise<string> {
  const { ingress, ingressName } = target
  if (!ingress) return `Ingress ${ingressName} does not exist`
  changes.forEach((change) => context.recordChange(change))
  if (changes.length > 0) await deleteIngress(settings, clients.kubernetes, ingress)
  const loadBalancer = observed?.loadBalancer
  await waitUntilDeleted(context, settings, clients, { ingress, loadBalancer })
  if (!loadBalancer) return `${ingressName} is deleted`
  const group = findGroup(target)
  const isKept =
    group !== undefined &&
    (await getLoadBalancerState(clients.loadBalancers, loadBalancer)) !== 'gone'
  if (!isKept) return `${ingressName} and load balancer ${loadBalancer.name} are deleted`
  const otherMembers =
    group.otherMembers.length > 0
      ? `Ingress ${group.otherMembers.join(', ')}`
      : 'Ingresses of other namespaces'
  context.log.note(
    `Load balancer ${loadBalancer.name} is kept, ` +
      `because group ${group.name} has other members: ${otherMembers}.`,
  )
  return `${ingressName} is deleted, load balancer ${loadBalancer.name} is kept for its group`
}
