/** Failures of the AWS Load Balancer Controller and of the ALB. */
import { ActionError } from './action-error.ts'

/** A final error of the controller about an Ingress. */
export interface Rejection {
  readonly ingress: string
  /** The controller's message. */
  readonly message: string
  /** What to do about that message. */
  readonly advice: string
}

/** The controller rejected what was just applied. */
export function controllerRejected({ ingress, message, advice }: Rejection): ActionError {
  return new ActionError({
    code: 'controller-refused',
    problem: `The AWS Load Balancer Controller rejected Ingress ${ingress}: ${message}`,
    remedy: advice,
  })
}

/** The controller's latest event, found by a check. */
export function lastReconcileRejected({ ingress, message, advice }: Rejection): ActionError {
  return new ActionError({
    code: 'controller-refused',
    problem: `The AWS Load Balancer Controller rejected Ingress ${ingress} in its last attempt: ${message}`,
    remedy: advice,
  })
}

/** @param reason of ELB; may be empty */
export function loadBalancerFailed(name: string, reason: string): ActionError {
  return new ActionError({
    code: 'load-balancer-failed',
    problem: `ELB could not create load balancer ${name}: ${reason || 'its state is failed'}.`,
    remedy:
      'Fix what ELB reports. Then run "kubectl delete ingress INGRESS -n NAMESPACE", wait until the Ingress is gone, and run the job again. The new ALB has another name, so update the DNS record.',
  })
}

/** A wait that ended without an active load balancer. */
export interface LoadBalancerWait {
  /** Its limit: input load-balancer-timeout. */
  readonly seconds: number
  /** What was last observed, as a clause: `load balancer k8s-1 is provisioning`. */
  readonly lastStatus: string
}

const loadBalancerTimeout = (
  { seconds, lastStatus }: LoadBalancerWait,
  remedy: string,
): ActionError =>
  new ActionError({
    code: 'load-balancer-timeout',
    problem: `The load balancer was not ready within ${seconds} s: ${lastStatus}.`,
    remedy,
  })

/** The Kubernetes API did not respond during the whole wait. */
export const clusterUnresponsive = (wait: LoadBalancerWait): ActionError =>
  loadBalancerTimeout(
    wait,
    'Check the control plane ("kubectl get --raw \'/readyz?verbose\'") and the connection of this runner to it, and run the job again.',
  )

/** No controller has noticed the Ingress. */
export const controllerNotRunning = (wait: LoadBalancerWait, namespace: string): ActionError =>
  loadBalancerTimeout(
    wait,
    `Check that the controller is running and has a leader, and that its arguments do not exclude namespace ${namespace} (--watch-namespace): "kubectl -n kube-system logs deployment/aws-load-balancer-controller". EKS Auto Mode has no such Deployment: check that it is enabled for the cluster.`,
  )

/** The controller set its finalizer and has not reported a result. */
export const controllerNotReporting = (wait: LoadBalancerWait): ActionError =>
  loadBalancerTimeout(
    wait,
    'Increase load-balancer-timeout and run the job again. If the controller still reports nothing, its log shows what it waits for: "kubectl -n kube-system logs deployment/aws-load-balancer-controller".',
  )

/** The controller keeps reporting an error that may be transient. */
export const controllerRetrying = (wait: LoadBalancerWait): ActionError =>
  loadBalancerTimeout(
    wait,
    'Fix what the controller reports, or increase load-balancer-timeout; then run the job again.',
  )

/** AWS did not respond during the whole wait. */
export const elbUnresponsive = (wait: LoadBalancerWait): ActionError =>
  loadBalancerTimeout(wait, 'Check the connection of this runner to AWS, and run the job again.')

/** The load balancer exists, or should, and is not active. */
export const loadBalancerNotActive = (wait: LoadBalancerWait): ActionError =>
  loadBalancerTimeout(
    wait,
    "Provisioning takes minutes: increase load-balancer-timeout. If ELB finds no load balancer, check that region is the cluster's region.",
  )

/** Sentences about the targets that explain a failure of the probe; empty when there are none. */
export interface Explanation {
  readonly problem: string
  readonly remedy: string
}

/** @returns the failure with an explanation appended to its problem and its remedy */
export function withExplanation(failure: ActionError, explanation: Explanation): ActionError {
  return new ActionError(
    {
      code: failure.code,
      problem: `${failure.message} ${explanation.problem}`,
      remedy: [failure.remedy, explanation.remedy].filter((text) => text !== '').join(' '),
      cause: failure.cause,
    },
    failure.otherErrors,
  )
}
