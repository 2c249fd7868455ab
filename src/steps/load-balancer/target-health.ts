/**
 * Why an active ALB does not reach Milvus: the health of its targets in ELB, and the controller's
 * events about their binding.
 */
import type { TargetHealth } from '../../clients/aws/load-balancer-configuration.ts'
import type { ActionError } from '../../failures/action-error.ts'
import { type FailureCode } from '../../failures/codes.ts'
import { withExplanation, type Explanation } from '../../failures/load-balancer.ts'
import { adviseOnBinding, adviseOnTarget } from '../../failures/target-health.ts'
import { eventsPath, targetGroupBindingsPath } from '../../clients/kubernetes/paths.ts'
import type { Event, TargetGroupBinding } from '../../clients/kubernetes/types.ts'
import { annotationPrefix as prefix } from '../../controller/annotations.ts'
import type { EndpointSettings } from '../../inputs/types.ts'
import { normalizeMessage, getResourceVersion } from '../../controller/events.ts'
import { restPaths } from '../ingress/manifest.ts'
import { getRestServiceName } from '../ingress/rest-service.ts'
import { findGroupName } from '../preflight/ingress-class.ts'
import type { Target } from '../preflight/preflight.ts'
import type { Log } from '../step.ts'
import { describeLoadBalancer, findRule, type LoadBalancerSnapshot } from './snapshot.ts'
import type { LoadBalancerRun } from './wait.ts'

/** Failures of the probe that targets may explain. */
const explainableFailures: ReadonlySet<FailureCode> = new Set([
  'probe-no-targets',
  'probe-target-failed',
  'probe-target-timeout',
  'probe-http-error',
  'milvus-not-ready',
  'probe-calls-failed',
  'probe-rest-failed',
])

/** The endpoint that a probe called. */
export interface ProbedEndpoint {
  readonly target: Target
  /** DNS name of the ALB. */
  readonly address: string
}

/**
 * @returns the failure of a probe, with the state of the targets; unchanged when the targets do not
 *   explain it, or cannot be read
 */
export async function withTargetHealth(
  run: LoadBalancerRun,
  failure: ActionError,
  endpoint: ProbedEndpoint,
): Promise<ActionError> {
  if (!explainableFailures.has(failure.code)) return failure
  // The failure of the probe is what matters: a failed read must not replace it.
  const api = failure.code === 'probe-rest-failed' ? 'rest' : 'grpc'
  const explanation = await explainTargets(run, endpoint, api).catch(() => undefined)
  return explanation ? withExplanation(failure, explanation) : failure
}

/** @returns undefined when nothing can be read, or the targets are healthy */
async function explainTargets(
  run: LoadBalancerRun,
  { target, address }: ProbedEndpoint,
  api: Api,
): Promise<Explanation | undefined> {
  const [health, bindingWarning] = await Promise.all([
    fetchTargetHealth(run, address, api),
    findBindingWarning(run, target),
  ])
  const explanations: Explanation[] = []
  if (health) explanations.push(describeTargets(health, run.settings))
  if (bindingWarning) explanations.push(bindingWarning)
  if (explanations.length === 0) return undefined
  const joinTexts = (texts: readonly string[]): string =>
    texts.filter((text) => text !== '').join(' ')
  return {
    problem: joinTexts(explanations.map(({ problem }) => problem)),
    remedy: joinTexts(explanations.map(({ remedy }) => remedy)),
  }
}

async function fetchTargetHealth(
  { settings, clients: { loadBalancers } }: LoadBalancerRun,
  address: string,
  api: Api,
): Promise<readonly TargetHealth[] | undefined> {
  const snapshot = await describeLoadBalancer(settings, loadBalancers, address)
  const targetGroupArn = findTargetGroupArn(snapshot, settings, api)
  return targetGroupArn === undefined ? undefined : loadBalancers.getTargetHealth(targetGroupArn)
}

/** Each has a target group of its own. */
type Api = 'grpc' | 'rest'

/** The target group to which the rule for an API forwards. */
export function findTargetGroupArn(
  snapshot: LoadBalancerSnapshot | undefined,
  { host, ingress }: EndpointSettings,
  api: Api = 'grpc',
): string | undefined {
  const listeners = snapshot?.configuration.listeners
  const rules = listeners?.find(({ port }) => port === ingress.listenPort)?.rules ?? []
  const patterns = api === 'grpc' ? ['/*'] : restPaths.map((path) => `${path}/*`)
  const arns = patterns.map((pattern) => findRule(rules, host, pattern)?.targetGroupArn)
  return arns.find((arn) => arn !== undefined)
}

/**
 * Lists the targets; those that are not healthy as a warning: the ALB sends calls to the others.
 * Those that drain receive no calls any more.
 */
export function reportTargets(
  log: Log,
  targets: readonly TargetHealth[],
  settings: EndpointSettings,
): void {
  const active = targets.filter(({ state }) => state !== 'draining')
  const listed = active.length > 0 ? active : targets
  const { problem, remedy } = describeTargets(listed, settings)
  const areHealthy = listed.length > 0 && listed.every(({ state }) => state === 'healthy')
  if (areHealthy) log.info(problem)
  else log.warn(`${problem} ${remedy}`.trimEnd())
}

/** How many targets are listed. */
const maxShownTargets = 4

const manageRulesAnnotation = `${prefix}manage-backend-security-group-rules`

/** Lists the targets, with advice for the most frequent reason. Pure. */
export function describeTargets(
  targets: readonly TargetHealth[],
  { ingress }: EndpointSettings,
): Explanation {
  if (targets.length === 0)
    return { problem: 'No target is registered in the target group.', remedy: '' }
  const unhealthy = targets.filter(({ state }) => state !== 'healthy')
  const healthy = targets.filter(({ state }) => state === 'healthy')
  const shown = [...unhealthy, ...healthy].slice(0, maxShownTargets).map(describeTarget)
  if (targets.length > maxShownTargets) shown.push(`and ${targets.length - maxShownTargets} more`)
  const count = targets.length === 1 ? '1 target' : `${targets.length} targets`
  const remedy = adviseOnTarget(findMostFrequentReason(unhealthy), {
    isBackendGroupUnmanaged:
      ingress.securityGroups.length > 0 && ingress.annotations[manageRulesAnnotation] !== 'true',
    hasSuccessCodes: `${prefix}success-codes` in ingress.annotations,
    manageRulesAnnotation,
  })
  return { problem: `${count}: ${shown.join('; ')}.`, remedy }
}

function describeTarget({ id, port, state, reason, description }: TargetHealth): string {
  if (reason === '') return `${id}:${port} ${state}`
  const details = description === '' ? reason : `${reason}: ${description}`
  return `${id}:${port} ${state} (${details})`
}

/** @returns the first of several equally frequent reasons; empty without targets */
function findMostFrequentReason(targets: readonly TargetHealth[]): string {
  const countOf = (reason: string): number =>
    targets.filter((target) => target.reason === reason).length
  const reasons = new Set(targets.map(({ reason }) => reason))
  return [...reasons].sort((a, b) => countOf(b) - countOf(a))[0] ?? ''
}

/** The APIs of TargetGroupBindings: AWS Load Balancer Controller, EKS Auto Mode. */
const apiGroups = ['elbv2.k8s.aws', 'eks.amazonaws.com']

const sortByVersion = (events: readonly Event[]): Event[] =>
  [...events].sort((a, b) => Number(getResourceVersion(a) - getResourceVersion(b)))

/** A filter for lists: the latest event of each object, because a namespace may have many. */
const latestPerObject = (events: readonly Event[]): Event[] => [
  ...new Map(sortByVersion(events).map((event) => [event.involvedObject.uid, event])).values(),
]

/** Problems with targets never show in events of the Ingress, only in those of its bindings. */
async function findBindingWarning(
  run: LoadBalancerRun,
  target: Target,
): Promise<Explanation | undefined> {
  const { settings, clients } = run
  const { namespace } = settings
  const [events, ownUids] = await Promise.all([
    clients.kubernetes.list<Event>(
      eventsPath(namespace),
      { fieldSelector: 'involvedObject.kind=TargetGroupBinding' },
      `list Events in namespace ${namespace}`,
      latestPerObject,
    ),
    listBindingUids(run, target),
  ])
  const ownEvents = events.filter(({ involvedObject }) => ownUids.has(involvedObject.uid ?? ''))
  const latestEvent = sortByVersion(ownEvents).at(-1)
  return latestEvent?.type === 'Warning' ? describeBindingEvent(latestEvent, settings) : undefined
}

/** The uids of the TargetGroupBindings of the Ingress. */
async function listBindingUids(
  { settings, clients: { kubernetes } }: LoadBalancerRun,
  target: Target,
): Promise<Set<string>> {
  const { namespace } = settings
  const { ingressName, ingress, classParams } = target
  const group = findGroupName(settings.ingress, classParams, ingress)
  // An API group may not be served (404) or not be permitted: the explanation works without it.
  const listBindings = (apiGroup: string): Promise<TargetGroupBinding[]> =>
    kubernetes
      .list<TargetGroupBinding>(
        targetGroupBindingsPath(apiGroup, namespace),
        { labelSelector: buildBindingSelector(apiGroup, { namespace, ingressName, group }) },
        'list TargetGroupBindings',
      )
      .catch(() => [])
  const bindings = await Promise.all(apiGroups.map(listBindings))
  const ownBindings = bindings.flat().filter((binding) => isOwnBinding(binding, target))
  return new Set(ownBindings.map(({ metadata }) => metadata.uid))
}

/** Whether a binding of the group is not that of another member. Pure. */
export const isOwnBinding = (
  { spec }: TargetGroupBinding,
  { service, ingressName }: Pick<Target, 'service' | 'ingressName'>,
): boolean => [service.name, getRestServiceName(ingressName)].includes(spec.serviceRef.name)

/**
 * Selects the bindings of an Ingress, or of its group. The labels of EKS Auto Mode have another
 * prefix. Pure.
 */
export function buildBindingSelector(
  apiGroup: string,
  stack: { namespace: string; ingressName: string; group: string | undefined },
): string {
  const prefix = apiGroup === 'eks.amazonaws.com' ? 'ingress.eks.amazonaws.com' : 'ingress.k8s.aws'
  if (stack.group !== undefined) return `${prefix}/stack=${stack.group}`
  return `${prefix}/stack-namespace=${stack.namespace},${prefix}/stack-name=${stack.ingressName}`
}

/** Pure. */
export function describeBindingEvent(
  { reason = '', message = '', involvedObject: { name = '' } }: Event,
  { namespace }: EndpointSettings,
): Explanation {
  const text = normalizeMessage(message).replace(/\.$/, '')
  return {
    problem: `The controller reports for TargetGroupBinding ${name}: ${reason}: ${text}.`,
    remedy: adviseOnBinding({ binding: name, namespace, reason, message }),
  }
}
