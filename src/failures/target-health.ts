/** Advice about targets that are not healthy, by the reasons of ELB and of the controller. */

/** The settings that change the advice. */
export interface TargetSettings {
  /** Whether the pods' security group is not managed by the controller. */
  readonly isBackendGroupUnmanaged: boolean
  /** Whether input annotations sets success-codes. */
  readonly hasSuccessCodes: boolean
  /** The annotation that makes the controller manage the pods' security group. */
  readonly manageRulesAnnotation: string
}

const timeoutRemedy = ({ isBackendGroupUnmanaged, manageRulesAnnotation }: TargetSettings) =>
  isBackendGroupUnmanaged
    ? `With security-groups, the controller does not change the pods' security group: add ${manageRulesAnnotation}: "true" to annotations, or allow traffic from the ALB's group on the port of the targets.`
    : "The health check gets no response: allow traffic from the ALB on the port of the targets in the pods' security group, the network ACLs of their subnets and NetworkPolicies."

const responseCodeRemedy = ({ hasSuccessCodes }: TargetSettings): string =>
  hasSuccessCodes
    ? 'The pods answer the health check with an unexpected gRPC code: correct success-codes in annotations, or remove it (12 is right for the default path).'
    : 'The pods answer the health check with an unexpected gRPC code: leave healthcheck-path and success-codes at their defaults, or set both.'

/**
 * Source: ELBv2 API reference, TargetHealth; the user guide, "Target health reason codes".
 */
const remediesByReason: Readonly<Record<string, string | ((settings: TargetSettings) => string)>> =
  {
    'Target.Timeout': timeoutRemedy,
    'Target.FailedHealthChecks':
      'The pods refuse the connection or do not speak gRPC: check that they serve plaintext on that port, and see the log of Milvus.',
    'Target.ResponseCodeMismatch': responseCodeRemedy,
    'Target.NotInUse':
      "No rule of a listener forwards to the target group, or the ALB has no subnet in the pod's zone: run the job again, and set subnets to one subnet for each zone that Milvus runs in.",
    'Target.IpUnusable':
      'The IP address of the target is in use by a load balancer, so no pod can use it: restart the pod.',
    'Target.InvalidState': 'The pod or its node is stopping: wait until another pod is ready.',
    'Target.DeregistrationInProgress':
      'The pod was removed, and its target drains: wait until another pod is ready.',
    'Target.HealthCheckDisabled':
      'Health checks are off for the target group, so broken targets receive calls too. See the log of Milvus.',
    'Target.NotRegistered': 'The pod is not registered: see the events of the TargetGroupBinding.',
    'Elb.InitialHealthChecking':
      'The first health checks are in progress, which takes half a minute after a pod is ready: run the job again, or increase probe-timeout.',
    'Elb.RegistrationInProgress':
      'The targets are being registered: run the job again, or increase probe-timeout.',
    'Elb.InternalError':
      'ELB reports an internal error: run the job again in a few minutes, and see the AWS Health Dashboard.',
  }

/**
 * @param reason of ELB: `Target.Timeout`
 * @returns empty for an unknown reason
 */
export function adviseOnTarget(reason: string, settings: TargetSettings): string {
  const remedy = remediesByReason[reason] ?? ''
  return typeof remedy === 'string' ? remedy : remedy(settings)
}

/**
 * The first pattern that matches `REASON MESSAGE` counts. Source:
 * controllers/elbv2/targetgroupbinding_controller.go, pkg/targetgroupbinding/resource_manager.go.
 */
const bindingRemedies: readonly { readonly pattern: RegExp; readonly remedy: string }[] = [
  {
    pattern: /^BackendNotFound/,
    remedy: 'Set service and service-port to an existing Service and one of its ports.',
  },
  {
    pattern: /expected exactly one securityGroup tagged/,
    remedy:
      'Of the security groups of the nodes (or pods), keep the tag kubernetes.io/cluster/CLUSTER on one security group only.',
  },
  {
    pattern: /AccessDenied|UnauthorizedOperation|not authorized to perform/,
    remedy:
      "This concerns the controller's role, not the job's: attach the policy of its version (docs/install/iam_policy.json of the AWS Load Balancer Controller).",
  },
  {
    pattern: /TooManyTargets|LimitExceeded/,
    remedy: 'Request a higher quota from AWS, or run fewer pods behind this Service.',
  },
]

/** A warning event of a TargetGroupBinding. */
export interface BindingEvent {
  readonly binding: string
  readonly namespace: string
  readonly reason: string
  readonly message: string
}

/** What to do about the event. */
export function adviseOnBinding({ binding, namespace, reason, message }: BindingEvent): string {
  const match = bindingRemedies.find(({ pattern }) => pattern.test(`${reason} ${message}`))
  return match?.remedy ?? `See "kubectl -n ${namespace} describe targetgroupbinding ${binding}".`
}
