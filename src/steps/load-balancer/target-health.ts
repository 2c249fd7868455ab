/**
 * Why an ALB that works reaches no Milvus: the health of its targets in ELB's words, and what the
 * controller says of their binding.
 */
import type { TargetHealth as ElbTarget } from '../../clients/aws/load-balancer-configuration.ts'
import { ActionError } from '../../failures/action-error.ts'
import { type FailureCode } from '../../failures/codes.ts'
import { eventsPath, targetGroupBindingsPath } from '../../clients/kubernetes/paths.ts'
import type { KubernetesObject, Event } from '../../clients/kubernetes/types.ts'
import { annotationPrefix as prefix } from '../../controller/annotations.ts'
import type { Settings } from '../../inputs/types.ts'
import { normalizeMessage, getResourceVersion } from '../../controller/events.ts'
import type { Target } from '../preflight/preflight.ts'
import type { LoadBalancerSnapshot } from './drift.ts'
import { describeLoadBalancer, type LoadBalancerStepClients } from './wait.ts'

/** Failures of the probe that targets may explain. */
const explainableFailures: ReadonlySet<FailureCode> = new Set([
  'probe-no-targets',
  'probe-target-failed',
  'probe-target-timeout',
  'probe-http-error',
  'milvus-not-ready',
])

/** What targets say of a failure: sentences to append. */
export interface Explanation {
  readonly problem: string
  readonly remedy: string
}

/**
 * @returns the failure of a probe, with what is seen of the targets; the same when they say
 *   nothing, or may not be read
 */
export async function withTargetHealth(
  failure: ActionError,
  settings: Settings,
  clients: LoadBalancerStepClients,
  target: Target,
  address: string,
): Promise<ActionError> {
  if (!explainableFailures.has(failure.code)) return failure
  const explanation = await explainTargets(settings, clients, target, address).catch(
    () => undefined,
  )
  if (!explanation) return failure
  const { code, cause, otherErrors: also } = failure
  return new ActionError(
    {
      code,
      problem: `${failure.message} ${explanation.problem}`,
      remedy: [failure.remedy, explanation.remedy].filter((part) => part !== '').join(' '),
      cause,
    },
    also,
  )
}

/**
 * What is seen of the targets behind the rule for our host; undefined when nothing may be read, or
 * nothing is wrong with them.
 */
export async function explainTargets(
  settings: Settings,
  clients: LoadBalancerStepClients,
  target: Target,
  address: string,
): Promise<Explanation | undefined> {
  const [health, bindingWarning] = await Promise.all([
    fetchTargetHealth(settings, clients, address),
    findBindingWarning(settings, clients, target),
  ])
  const explanations = [
    ...(health ? [describeTargets(health, settings)] : []),
    ...(bindingWarning ? [bindingWarning] : []),
  ]
  if (explanations.length === 0) return undefined
  const joinField = (key: keyof Explanation): string =>
    explanations
      .map((part) => part[key])
      .filter((text) => text !== '')
      .join(' ')
  return { problem: joinField('problem'), remedy: joinField('remedy') }
}

async function fetchTargetHealth(
  settings: Settings,
  { loadBalancers }: LoadBalancerStepClients,
  address: string,
): Promise<readonly ElbTarget[] | undefined> {
  const targetGroupArn = findTargetGroupArn(
    await describeLoadBalancer(settings, loadBalancers, address),
    settings,
  )
  return targetGroupArn === undefined ? undefined : loadBalancers.getTargetHealth(targetGroupArn)
}

/** The target group that the rule for our host forwards to. */
export function findTargetGroupArn(
  snapshot: LoadBalancerSnapshot | undefined,
  { host, ingress }: Settings,
): string | undefined {
  const rules = snapshot?.configuration.listeners?.find(
    ({ port }) => port === ingress.listenPort,
  )?.rules
  return rules?.find(
    ({ hosts, targetGroupArn: targetGroup }) =>
      targetGroup !== undefined && hosts.some((each) => each.toLowerCase() === host),
  )?.targetGroupArn
}

/** How many targets are named. */
const maxShownTargets = 4

/** What targets there are, and the advice for the reason that most of them have. Pure. */
export function describeTargets(targets: readonly ElbTarget[], settings: Settings): Explanation {
  if (targets.length === 0)
    return { problem: 'No target is registered in the target group.', remedy: '' }
  const unhealthy = targets.filter(({ state }) => state !== 'healthy')
  const sortedTargets = [...unhealthy, ...targets.filter(({ state }) => state === 'healthy')]
  const descriptions = sortedTargets
    .slice(0, maxShownTargets)
    .map(
      ({ id, port, state, reason, description }) =>
        `${id}:${port} ${state}${reason === '' ? '' : ` (${reason}${description === '' ? '' : `: ${description}`})`}`,
    )
  const remainder =
    targets.length > maxShownTargets ? `; and ${targets.length - maxShownTargets} more` : ''
  const [mostFrequentReason] = [...new Set(unhealthy.map(({ reason }) => reason))].sort(
    (a, b) => countByReason(unhealthy, b) - countByReason(unhealthy, a),
  )
  return {
    problem: `${targets.length} target${targets.length === 1 ? '' : 's'}: ${descriptions.join('; ')}${remainder}.`,
    remedy:
      mostFrequentReason === undefined
        ? ''
        : (remedyByReason[mostFrequentReason]?.(settings) ?? ''),
  }
}

const countByReason = (targets: readonly ElbTarget[], reason: string): number =>
  targets.filter((target) => target.reason === reason).length

const manageRulesAnnotation = `${prefix}manage-backend-security-group-rules`

/**
 * What to do about a target's reason. Source: ELBv2 API reference, TargetHealth; the user guide,
 * "Target health reason codes".
 */
const remedyByReason: Readonly<Record<string, (settings: Settings) => string>> = {
  'Target.Timeout': ({ ingress }) =>
    ingress.securityGroups.length > 0 && ingress.annotations[manageRulesAnnotation] !== 'true'
      ? `With security-groups the controller leaves the pods' security group alone: give annotations the entry ${manageRulesAnnotation}: "true", or let that group accept the ALB's on the port of the targets.`
      : "The health check gets no answer: let the pods' security group, the network ACLs of their subnets and NetworkPolicies accept the ALB on the port of the targets.",
  'Target.FailedHealthChecks': () =>
    'The pods refuse the connection or answer no gRPC: check that they serve plaintext on that port, and see the log of Milvus.',
  'Target.ResponseCodeMismatch': ({ ingress }) =>
    `The pods answer the health check with another gRPC code than it takes${`${prefix}success-codes` in ingress.annotations ? ': correct success-codes in annotations, or leave it out (12 is right for the path that is asked)' : ': leave healthcheck-path and success-codes to their defaults, or set both'}.`,
  'Target.NotInUse': () =>
    'No rule of a listener leads to the target group, or the zone of the pod has no subnet of the ALB: run the job again, and give subnets one for each zone that Milvus runs in.',
  'Target.IpUnusable': () =>
    'The address of the target is taken by a load balancer, and no pod can have it: restart the pod.',
  'Target.InvalidState': () => 'The pod or its node is stopping: wait until another one is ready.',
  'Target.DeregistrationInProgress': () =>
    'The pod went away, and its target drains: wait until another one is ready.',
  'Target.HealthCheckDisabled': () =>
    'Health checks are off for the target group: a target that is broken gets calls too. See the log of Milvus.',
  'Target.NotRegistered': () =>
    'The pod is not registered: see the events of the TargetGroupBinding.',
  'Elb.InitialHealthChecking': () =>
    'The first health checks go on, which takes half a minute after a pod is ready: run the job again, or give probe-timeout more time.',
  'Elb.RegistrationInProgress': () =>
    'The targets are being registered: run the job again, or give probe-timeout more time.',
  'Elb.InternalError': () =>
    'This is a fault inside of ELB: run the job again in some minutes, and look at the AWS Health Dashboard.',
}

/**
 * Where TargetGroupBindings are: those of the AWS Load Balancer Controller, and of EKS Auto Mode.
 */
const apiGroups = ['elbv2.k8s.aws', 'eks.amazonaws.com']

const sortByVersion = (events: readonly Event[]): Event[] =>
  [...events].sort((a, b) => Number(getResourceVersion(a) - getResourceVersion(b)))

/** Of events as they come, the newest of each object: a namespace may have very many. */
const newestPerObject = (events: readonly Event[]): Event[] => [
  ...new Map(sortByVersion(events).map((event) => [event.involvedObject.uid, event])).values(),
]

/**
 * The newest event of our TargetGroupBindings, when it is a warning: troubles with targets never
 * show on the Ingress.
 */
async function findBindingWarning(
  settings: Settings,
  { kubernetes }: LoadBalancerStepClients,
  { ingressName }: Target,
): Promise<Explanation | undefined> {
  const { namespace } = settings
  const { groupName } = settings.ingress
  const labelSelector =
    groupName === undefined
      ? `ingress.k8s.aws/stack-namespace=${namespace},ingress.k8s.aws/stack-name=${ingressName}`
      : `ingress.k8s.aws/stack=${groupName}`
  // Not served (404), or not allowed: there is nothing to be had.
  const listBindings = async (group: string): Promise<KubernetesObject[]> =>
    kubernetes
      .list<KubernetesObject>(
        targetGroupBindingsPath(group, namespace),
        { labelSelector },
        'list TargetGroupBindings',
      )
      .catch(() => [])
  const [events, ...bindings] = await Promise.all([
    kubernetes.list<Event>(
      eventsPath(namespace),
      { fieldSelector: 'involvedObject.kind=TargetGroupBinding' },
      `list Events in namespace ${namespace}`,
      newestPerObject,
    ),
    ...apiGroups.map(listBindings),
  ])
  const ownBindingUids = new Set(bindings.flat().map(({ metadata }) => metadata.uid))
  const latestEvent = sortByVersion(
    events.filter(({ involvedObject }) => ownBindingUids.has(involvedObject.uid ?? '')),
  ).at(-1)
  return latestEvent?.type === 'Warning' ? describeBindingEvent(latestEvent, settings) : undefined
}

/** Pure. */
export function describeBindingEvent(
  { reason = '', message = '', involvedObject: { name = '' } }: Event,
  { namespace }: Settings,
): Explanation {
  const matchingRemedy = bindingRemedies.find(([pattern]) =>
    pattern.test(`${reason} ${message}`),
  )?.[1]
  return {
    problem: `The controller says of TargetGroupBinding ${name}: ${reason}: ${normalizeMessage(message).replace(/\.$/, '')}.`,
    remedy: matchingRemedy ?? `See "kubectl -n ${namespace} describe targetgroupbinding ${name}".`,
  }
}

/**
 * The first that matches `REASON MESSAGE`. Source:
 * controllers/elbv2/targetgroupbinding_controller.go, pkg/targetgroupbinding/resource_manager.go.
 */
const bindingRemedies: readonly (readonly [RegExp, string])[] = [
  [
    /^BackendNotFound/,
    'Set service and service-port to a Service that is there and has that port.',
  ],
  [
    /expected exactly one securityGroup tagged/,
    'Leave the tag kubernetes.io/cluster/CLUSTER on one security group only of those that the nodes (or pods) have.',
  ],
  [
    /AccessDenied|UnauthorizedOperation|not authorized to perform/,
    "This is the controller's role, not the job's: give it the policy of its version (docs/install/iam_policy.json of the AWS Load Balancer Controller).",
  ],
  [
    /TooManyTargets|LimitExceeded/,
    'Ask AWS for a higher quota, or run fewer pods behind this Service.',
  ],
]
