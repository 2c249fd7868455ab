/** Failures of the IngressClass and its parameters. */
import { ActionError } from './action-error.ts'

/** Input ingress-class names a class that does not exist. */
export function ingressClassNotFound(name: string): ActionError {
  return new ActionError({
    code: 'ingress-class-not-found',
    problem: `IngressClass ${name} does not exist in the cluster.`,
    remedy:
      'Install the AWS Load Balancer Controller (it creates class alb), or set ingress-class to the name of your class.',
  })
}

/**
 * No ALB controller serves the class.
 * @param controller of the class; empty when it has none
 * @param albControllers the controllers that create ALBs
 */
export function ingressClassUnsupported(
  name: string,
  controller: string,
  albControllers: readonly string[],
): ActionError {
  return new ActionError({
    code: 'ingress-class-unsupported',
    problem: `IngressClass ${name} belongs to ${controller || 'no controller'}, which does not create ALBs.`,
    remedy: `Set ingress-class to a class of ${albControllers.join(' or ')} ("kubectl get ingressclass").`,
  })
}

/** Input group-name on EKS Auto Mode. */
export function groupNameUnsupported(groupName: string): ActionError {
  return new ActionError({
    code: 'ingress-class-params-unsuitable',
    problem: `Input group-name (${groupName}) has no effect on EKS Auto Mode, where only the class assigns groups.`,
    remedy:
      'Leave group-name empty, and set spec.group.name in the IngressClassParams of a dedicated class.',
  })
}

/** The class refers to parameters that do not exist. */
export function classParamsNotFound(className: string, paramsName: string): ActionError {
  return new ActionError({
    code: 'ingress-class-params-unsuitable',
    problem: `IngressClass ${className} refers to IngressClassParams ${paramsName}, which do not exist, so the controller rejects every Ingress of the class.`,
    remedy:
      'Create them, remove the reference from the class, or set ingress-class to another class.',
  })
}

/**
 * The parameters of the class override inputs in ways that would break the endpoint.
 * @param params `IngressClassParams alb of class alb`
 * @param conflicts predicates: `set scheme internal, which overrides scheme internet-facing`
 */
export function classParamsConflict(params: string, conflicts: readonly string[]): ActionError {
  return new ActionError({
    code: 'ingress-class-params-unsuitable',
    problem: `${params} ${conflicts.join('; ')}.`,
    remedy:
      'Set the inputs to the values of the class, set ingress-class to a class without these parameters, or change the class where it is managed.',
  })
}
