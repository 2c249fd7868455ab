/** What prevents the Ingress from being applied or deleted. */
import { ActionError } from './action-error.ts'

/** @param fields with their managers: `.spec.rules (owned by "argocd")` */
export function ingressConflict(
  ingress: string,
  fields: readonly string[],
  cause?: unknown,
): ActionError {
  return new ActionError({
    code: 'ingress-conflict',
    step: 'ingress',
    problem: `Other field managers own fields of Ingress ${ingress} with different values: ${fields.join('; ')}.`,
    remedy:
      'Change the fields where they are managed, or set force-conflicts: true to take them over.',
    cause,
  })
}

/** A write of the Ingress that the Kubernetes API rejected. */
interface RejectedWrite {
  readonly ingress: string
  /** Whether something else wrote the Ingress at the same time. */
  readonly isConcurrent: boolean
  readonly message: string
  readonly cause: unknown
}

export function ingressRejected({
  ingress,
  isConcurrent,
  message,
  cause,
}: RejectedWrite): ActionError {
  return new ActionError({
    code: 'ingress-refused',
    problem: `The Kubernetes API rejected Ingress ${ingress}: ${message}`,
    remedy: isConcurrent
      ? 'Something else changed the Ingress at the same time. Run the job again.'
      : 'Correct what the message names (an input of this action, or a policy of the cluster), then run the job again.',
    cause,
  })
}

export function ingressDeletionRejected({
  ingress,
  isConcurrent,
  message,
  cause,
}: RejectedWrite): ActionError {
  return new ActionError({
    code: 'ingress-refused',
    problem: `The Kubernetes API rejected the deletion of Ingress ${ingress}: ${message}`,
    remedy: isConcurrent
      ? 'The Ingress was recreated at the same time. Find out by whom, then run the job again.'
      : 'Correct what the message names (a policy of the cluster, for example), then run the job again.',
    cause,
  })
}

const protectionAttribute = 'deletion_protection.enabled'

const disableProtectionCommand = (loadBalancerArn: string): string =>
  `"aws elbv2 modify-load-balancer-attributes --load-balancer-arn ${loadBalancerArn} --attributes Key=${protectionAttribute},Value=false"`

/** @param annotation with the attributes of the load balancer */
export function deletionProtectedByAnnotation(ingress: string, annotation: string): ActionError {
  return new ActionError({
    code: 'load-balancer-protected',
    problem: `Ingress ${ingress} cannot be deleted: its load-balancer-attributes enable deletion protection (${protectionAttribute}=true).`,
    remedy: `Run mode: deploy once with ${protectionAttribute}=false in ${annotation} of input annotations (removing the attribute does not turn it off), then run mode: destroy again.`,
  })
}

export function deletionProtectedByElb(
  ingress: string,
  loadBalancer: { readonly name: string; readonly arn: string },
): ActionError {
  return new ActionError({
    code: 'load-balancer-protected',
    problem: `Ingress ${ingress} cannot be deleted: deletion protection of load balancer ${loadBalancer.name} is on.`,
    remedy: `Turn it off, then run the job again: ${disableProtectionCommand(loadBalancer.arn)}.`,
  })
}

/** A change of class, scheme or group would delete an ALB that is protected. */
export function protectedFromReplacement(
  ingress: string,
  loadBalancer: { readonly name: string; readonly arn: string } | undefined,
): ActionError {
  const command = loadBalancer && ` and ${disableProtectionCommand(loadBalancer.arn)}`
  return new ActionError({
    code: 'load-balancer-protected',
    problem: `The change of ingress-class, scheme or group-name replaces ${loadBalancer ? `load balancer ${loadBalancer.name}` : `the load balancer of Ingress ${ingress}`}, whose deletion protection is on, and the controller would delete it all the same.`,
    remedy: `Keep ingress-class, scheme and group-name. Or turn the protection off first: run mode: deploy once with ${protectionAttribute}=false in load-balancer-attributes of input annotations${command ?? ''}.`,
  })
}

/**
 * @param timeout seconds
 * @param status what blocks the deletion, as a clause
 * @param remedy one of `deletionRemedies`
 */
export function ingressNotDeleted(timeout: number, status: string, remedy: string): ActionError {
  return new ActionError({
    code: 'ingress-not-deleted',
    problem: `The Ingress was not deleted within ${timeout} s: ${status}.`,
    remedy: `${remedy} Then run the job again. Do not remove the finalizer: the load balancer would remain and incur costs.`,
  })
}

const controllerLogsCommand =
  '"kubectl -n kube-system logs deployment/aws-load-balancer-controller"'

/** How to unblock the deletion of an Ingress. */
export const deletionRemedies = {
  foreignFinalizers: (finalizers: readonly string[]): string =>
    `Fix the component that set ${finalizers.join(', ')} on the Ingress. It is not the AWS Load Balancer Controller.`,
  controllerDown:
    'Check that the AWS Load Balancer Controller is running: none of its replicas is ready ("kubectl -n kube-system describe deployment aws-load-balancer-controller").',
  deletionProtected: (loadBalancerArn: string): string =>
    `Turn off its deletion protection: ${disableProtectionCommand(loadBalancerArn)}.`,
  resourcesInUse: `Its target groups or security groups remain, because something else uses them. The controller's log names them (${controllerLogsCommand}). Remove that use.`,
  other: `Fix what the controller's log reports, for example a missing permission of its role (${controllerLogsCommand}).`,
}
