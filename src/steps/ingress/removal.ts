/** ingress, in mode destroy: deletes the Ingress, and waits until its ALB is deleted. */
import type { LoadBalancerSummary } from '../../clients/aws/load-balancers.ts'
import type { Ingress } from '../../clients/kubernetes/types.ts'
import { deletionProtectedByAnnotation, deletionProtectedByElb } from '../../failures/ingress.ts'
import type { LoadBalancerSnapshot } from '../load-balancer/snapshot.ts'
import type { IngressRemovalTarget } from '../preflight/removal.ts'
import type { Run } from '../run.ts'
import type { Change } from '../step.ts'
import {
  deleteIngress,
  getLoadBalancerState,
  isDeletionProtected,
  waitUntilDeleted,
  type IngressRemovalRun,
} from './deletion.ts'
import { findGroup, type IngressGroup } from './group.ts'
import { getIngressHostname } from './manifest.ts'
import { describeServiceDeletion, type DeleteRestService } from './operations.ts'
import { attributesAnnotation, isProtectedByAnnotation } from './protection.ts'
import { deleteRestService, planRestServiceDeletion } from './rest-service-operations.ts'

interface Removal {
  readonly namespace: string
  readonly ingress: Ingress
  /** The group whose ALB the Ingress shares. */
  readonly group: IngressGroup | undefined
  /** In ELBv2; undefined when it is not known. */
  readonly loadBalancer: LoadBalancerSummary | undefined
}

/** Deletes an Ingress and waits for the controller to finish. */
export interface DeleteIngress extends Removal {
  readonly action: 'delete'
  readonly why: string
}

/** Waits for an Ingress that is already being deleted. */
export interface AwaitDeletion extends Removal {
  readonly action: 'await-deletion'
}

export type IngressRemovalOperation = DeleteIngress | AwaitDeletion | DeleteRestService

/** What the plan of a removal depends on. */
export interface RemovalPlanInput {
  readonly target: IngressRemovalTarget
  readonly observed: LoadBalancerSnapshot | undefined
  /** The reason in the change; by default, that this action created the Ingress. */
  readonly why?: string
}

/** Pure. The Service of the RESTful API is last, because the Ingress refers to it. */
export function planRemoval(
  run: Pick<Run, 'settings'>,
  input: RemovalPlanInput,
): IngressRemovalOperation[] {
  const { namespace, ingressName, restService } = input.target
  const service = { namespace: namespace.name, ingressName, restService }
  return [
    ...planIngressRemoval(run, input),
    ...planRestServiceDeletion({ ...service, why: 'this action created it' }),
  ]
}

function planIngressRemoval(
  { settings }: Pick<Run, 'settings'>,
  { target, observed, why }: RemovalPlanInput,
): (DeleteIngress | AwaitDeletion)[] {
  const { ingress } = target
  if (!ingress) return []
  const group = findGroup(target)
  const { namespace } = settings
  const removal = { namespace, ingress, group, loadBalancer: observed?.loadBalancer }
  if (ingress.metadata.deletionTimestamp !== undefined)
    return [{ action: 'await-deletion', ...removal }]
  return [{ action: 'delete', ...removal, why: why ?? explainDeletion(group) }]
}

function explainDeletion(group: IngressGroup | undefined): string {
  const albNote = group
    ? `the ALB of group ${group.name} is deleted with the last member`
    : 'its ALB is deleted with it'
  return `this action created it; ${albNote}`
}

/** The changes of operations, in order. Pure. */
export const toChanges = (operations: readonly IngressRemovalOperation[]): Change[] =>
  operations.flatMap((operation) => {
    if (operation.action === 'delete') return [describeIngressDeletion(operation)]
    return operation.action === 'delete-rest-service' ? [describeServiceDeletion(operation)] : []
  })

function describeIngressDeletion({ namespace, ingress, why }: DeleteIngress): Change {
  const hosts = (ingress.spec.rules ?? []).map(({ host = '*' }) => host).join(', ')
  return {
    step: 'ingress',
    object: `Ingress ${namespace}/${ingress.metadata.name}`,
    path: 'load balancer',
    before: `${hosts} at ${getIngressHostname(ingress) ?? '(no address)'}`,
    why,
  }
}

/**
 * Finds deletion protection before anything is deleted, because the controller reports it nowhere.
 * @throws ActionError `load-balancer-protected`
 */
export function checkDeletionProtection(
  target: IngressRemovalTarget,
  observed: LoadBalancerSnapshot | undefined,
): void {
  const { ingress } = target
  if (!ingress) return
  const { name } = ingress.metadata
  if (isProtectedByAnnotation(ingress))
    throw deletionProtectedByAnnotation(name, attributesAnnotation)
  // The ALB of a group may remain: members in other namespaces are not known.
  if (findGroup(target)) return
  const { loadBalancer, configuration } = observed ?? {}
  if (loadBalancer && isDeletionProtected(configuration?.attributes))
    throw deletionProtectedByElb(name, loadBalancer)
}

/**
 * @returns the outcome, for the log; undefined without operations
 * @throws ActionError `ingress-not-deleted`, `ingress-refused`
 */
export async function applyRemoval(
  run: IngressRemovalRun,
  operations: readonly IngressRemovalOperation[],
): Promise<string | undefined> {
  const outcomes: string[] = []
  for (const operation of operations) {
    for (const change of toChanges([operation])) run.context.recordChange(change)
    if (operation.action === 'delete-rest-service') {
      await deleteRestService(run, operation)
      outcomes.push(`Service ${operation.name} is deleted`)
      continue
    }
    if (operation.action === 'delete') await deleteIngress(run, operation.ingress)
    await waitUntilDeleted(run, operation)
    outcomes.push(await describeRemoval(run, operation))
  }
  return outcomes.length === 0 ? undefined : outcomes.join(', ')
}

async function describeRemoval(
  { context, clients }: IngressRemovalRun,
  removal: Removal,
): Promise<string> {
  const { group, loadBalancer } = removal
  const state =
    group && loadBalancer && (await getLoadBalancerState(clients.loadBalancers, loadBalancer))
  const { outcome, note } = describeOutcome(removal, state)
  if (note !== undefined) context.log.note(note)
  return outcome
}

/**
 * Pure.
 * @param state of the load balancer of a group in ELB, or `deleted`; undefined when it is not known
 * @returns the outcome, and what is worth knowing about it
 */
export function describeOutcome(
  { ingress, loadBalancer, group }: Removal,
  state: string | undefined,
): { readonly outcome: string; readonly note?: string } {
  const { name } = ingress.metadata
  if (!loadBalancer) return { outcome: `${name} is deleted` }
  if (!group || state === 'deleted')
    return { outcome: `${name} and load balancer ${loadBalancer.name} are deleted` }
  if (state === undefined)
    return {
      outcome: `${name} is deleted, the state of load balancer ${loadBalancer.name} is not known`,
      note:
        `Whether load balancer ${loadBalancer.name} of group ${group.name} is deleted is not ` +
        'known: ELB could not be read.',
    }
  return {
    outcome: `${name} is deleted, load balancer ${loadBalancer.name} is kept for its group`,
    note:
      `Load balancer ${loadBalancer.name} is kept, ` +
      `because group ${group.name} has other members${listOtherMembers(group)}.`,
  }
}

function listOtherMembers({ otherMembers }: IngressGroup): string {
  if (!otherMembers) return ''
  if (otherMembers.length === 0) return ': Ingresses of other namespaces'
  return `: Ingress ${otherMembers.join(', ')}`
}
