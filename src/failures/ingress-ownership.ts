/** Failures of an Ingress that is not this action's, or cannot be changed. */
import { truncate } from '../util/text.ts'
import { ActionError } from './action-error.ts'

/** The chart of the release creates an Ingress with the same name. */
export function chartIngressEnabled(chartIngress: {
  readonly release: string
  readonly ingress: string
  /** Path of the setting in the values: `ingress.enabled`. */
  readonly valuesPath: string
}): ActionError {
  const { release, ingress, valuesPath } = chartIngress
  return new ActionError({
    code: 'ingress-not-ours',
    problem: `The values of release ${release} (${valuesPath}: true) make the chart create Ingress ${ingress} itself.`,
    remedy: `Turn the chart's own Ingress off with values (${valuesPath}: false), or set ingress-name to another name.`,
  })
}

/** @param since timestamp of the deletion */
export function ingressTerminating(name: string, since: string): ActionError {
  return new ActionError({
    code: 'ingress-terminating',
    problem: `Ingress ${name} has been terminating since ${since}.`,
    remedy:
      'Wait until it is deleted. If it remains, the controller cannot delete its load balancer: see "kubectl -n kube-system logs deployment/aws-load-balancer-controller".',
  })
}

/** Helm created the Ingress. */
export function ingressOfRelease(name: string, release: string): ActionError {
  return new ActionError({
    code: 'ingress-not-ours',
    problem: `Ingress ${name} belongs to Helm release ${release}, which would revert the changes of this action.`,
    remedy:
      "Turn the chart's own Ingress off (ingress.enabled: false), or set ingress-name to another name.",
  })
}

/** @param purposes its other class and hosts: `class nginx`, `other.example.com` */
export function ingressServesSomethingElse(name: string, purposes: readonly string[]): ActionError {
  return new ActionError({
    code: 'ingress-not-ours',
    problem: `Ingress ${name} was not created by this action and serves something else: ${purposes.join(', ')}.`,
    remedy:
      'Set ingress-name to another name, or set force-conflicts: true to replace its configuration.',
  })
}

/** @param managers the field managers of its spec */
export function ingressToRemoveNotOurs(
  name: string,
  namespace: string,
  managers: readonly string[],
): ActionError {
  return new ActionError({
    code: 'ingress-not-ours',
    problem: `Ingress ${name} was not created by this action, so it is not deleted: it belongs to ${managers.join(', ') || 'an unknown manager'}.`,
    remedy: `Set ingress-name to the Ingress that this action created. To delete this one, use the tool that manages it ("kubectl -n ${namespace} delete ingress ${name}").`,
  })
}

/** @param disagreements `scheme is internal, not internet-facing` */
export function ingressGroupConflict(
  member: string,
  groupName: string,
  disagreements: readonly string[],
): ActionError {
  return new ActionError({
    code: 'ingress-group-conflict',
    problem: `Ingress ${member} of group ${groupName} disagrees with this Ingress, so the controller would reject the group: ${disagreements.join('; ')}.`,
    remedy: `Set the inputs to the values of Ingress ${member}, change that Ingress, or use another group (group-name, or the class or annotation that sets it).`,
  })
}

/**
 * The controller cannot sort the group, and reports it only in its log.
 * @param order the value of annotation group.order
 */
export function groupOrderInvalid(member: string, groupName: string, order: string): ActionError {
  return new ActionError({
    code: 'ingress-group-conflict',
    problem: `Ingress ${member} of group ${groupName} has group.order ${truncate(order, 40)}, which is not an integer from -1000 to 1000, so the controller stops the whole group without an event.`,
    remedy: `Correct the annotation of Ingress ${member}, or use another group.`,
  })
}
