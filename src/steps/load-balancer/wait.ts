/**
 * The waits of the load-balancer step: for the controller's word on this Ingress, then for the ALB
 * to be active.
 */
import type { LoadBalancerClient, LoadBalancerSummary } from '../../clients/aws/load-balancers.ts'
import { ActionError } from '../../failures/action-error.ts'
import { type FailureCode } from '../../failures/codes.ts'
import { progressLogger, type Context } from '../step.ts'
import { pollInterval, noResponse, waitFor, type PollResult } from '../../util/polling.ts'
import type { KubernetesClient } from '../../clients/kubernetes/client.ts'
import { eventsPath, ingressPath, ingressesPath } from '../../clients/kubernetes/paths.ts'
import type { Event, Ingress } from '../../clients/kubernetes/types.ts'
import type { Settings } from '../../inputs/types.ts'
import {
  buildEventSelector,
  keepLatestStatusEvent,
  latestStatusEvent,
  normalizeMessage,
  classifyEvent,
  getResourceVersion,
  type ReconcileStatus,
} from '../../controller/events.ts'
import { getIngressHostname } from '../ingress/manifest.ts'
import type { AppliedIngress } from '../ingress/ingress.ts'
import type { Target } from '../preflight/preflight.ts'
import { ChangeSignal } from './change-signal.ts'
import {
  detectDrift,
  isComplete,
  unknownConfiguration,
  type LoadBalancerSnapshot,
} from './drift.ts'

/** What the step talks to. */
export interface LoadBalancerStepClients {
  readonly kubernetes: KubernetesClient
  readonly loadBalancers: LoadBalancerClient
}

/** What was applied, and how things were before. */
export interface LoadBalancerStepInput extends AppliedIngress {
  readonly certificate: { readonly arn: string; readonly newlyImported: boolean }
  readonly observed: LoadBalancerSnapshot | undefined
}

/**
 * The controller retries, so a refusal in the words of the last one before our apply may still be
 * about what was there before: it counts only when no success follows within this time after it was
 * first seen. Milliseconds.
 */
const repeatedRejectionGrace = 700

/**
 * After this long without a final word ELB is asked, and from then on this often: the word may have
 * been dropped. Milliseconds.
 */
const elbCheckInterval = 3_000

/**
 * @returns the ALB's name.
 * @throws ActionError `controller-refused`, `load-balancer-timeout`
 */
export async function waitForController(
  context: Context,
  settings: Settings,
  clients: LoadBalancerStepClients,
  target: Target,
  input: LoadBalancerStepInput,
  deadline: number,
): Promise<string> {
  const { namespace } = settings
  const { kubernetes } = clients
  const startedAt = context.clock.now()
  const selectors = buildEventSelector(target.ingressName)
  const { isRelevant, evaluate } = createEventEvaluator(context, target, input)
  const isConfirmedByElb = confirmByElb(settings, clients, target, input)
  let lastElbCheck = startedAt
  let finalizerAdded = false

  const poll = async (): Promise<PollResult<string>> => {
    const [events, ingress] = await Promise.all([
      kubernetes.list<Event>(
        eventsPath(namespace),
        selectors,
        `list Events in namespace ${namespace}`,
        keepLatestStatusEvent(isRelevant),
      ),
      kubernetes.get<Ingress>(
        ingressPath(namespace, target.ingressName),
        `read Ingress ${target.ingressName}`,
      ),
    ])
    const status = evaluate(events)
    finalizerAdded = status !== undefined || hasControllerFinalizer(ingress)
    const address = getIngressHostname(ingress)
    if (status?.kind === 'reconciled')
      return address === undefined
        ? { pending: 'the controller has reconciled the Ingress, which has no address yet' }
        : { done: address }
    if (address !== undefined && context.clock.now() - lastElbCheck >= elbCheckInterval) {
      lastElbCheck = context.clock.now()
      if (await isConfirmedByElb(address)) {
        context.log.note(
          'The controller has not said that it is done, which it leaves out when it has said much in a short time; ELB shows the listener, the rule and the target group as the Ingress says.',
        )
        return { done: address }
      }
    }
    return {
      pending: status
        ? `the controller says: ${status.message}`
        : describePendingController(finalizerAdded),
    }
  }

  const watchAbort = new AbortController()
  const changeSignal = new ChangeSignal()
  const signal = AbortSignal.any([context.signal, watchAbort.signal])
  void kubernetes.watch(eventsPath(namespace), selectors, () => changeSignal.notify(), signal)
  void kubernetes.watch(
    ingressesPath(namespace),
    { fieldSelector: `metadata.name=${target.ingressName}` },
    () => changeSignal.notify(),
    signal,
  )
  try {
    return await waitFor({
      poll: () => tolerateTransientErrors(poll),
      interval: pollInterval,
      timeout: deadline - startedAt,
      signal: context.signal,
      clock: context.clock,
      wakeUp: (sleepSignal) => changeSignal.waitForChange(sleepSignal),
      onProgress: progressLogger(context.log, 'load-balancer'),
      createTimeoutError: (lastObservation) =>
        timeout(
          settings,
          lastObservation,
          lastObservation === noResponse
            ? apiUnreachableRemedy
            : finalizerAdded
              ? controllerPendingRemedy(lastObservation)
              : controllerNotRunningRemedy(namespace),
        ),
    })
  } finally {
    watchAbort.abort()
  }
}

/**
 * Which events count, those since the apply, and what they come to; undefined when there is none.
 * `judge` throws ActionError `controller-refused`
 */
function createEventEvaluator(
  context: Context,
  target: Target,
  { ingress, eventCursor = 0n, certificate }: LoadBalancerStepInput,
): {
  readonly isRelevant: (event: Event) => boolean
  readonly evaluate: (events: readonly Event[]) => ReconcileStatus | undefined
} {
  const startedAt = context.clock.now()
  const previousMessage = normalizeMessage(latestStatusEvent(target.events)?.message ?? '')
  let firstRepeatedAt: number | undefined
  const isRelevant = (event: Event): boolean =>
    event.involvedObject.uid === ingress.metadata.uid && getResourceVersion(event) > eventCursor
  const evaluate = (events: readonly Event[]): ReconcileStatus | undefined => {
    const event = latestStatusEvent(events)
    if (!event) return undefined
    const status = classifyEvent(
      event,
      certificate.newlyImported && context.clock.now() - startedAt < 60_000,
    )
    if (status.kind !== 'failed') return status
    firstRepeatedAt ??= context.clock.now()
    if (
      status.message === previousMessage &&
      context.clock.now() - firstRepeatedAt < repeatedRejectionGrace
    )
      return status
    throw new ActionError({
      code: 'controller-refused',
      problem: `The AWS Load Balancer Controller refused Ingress ${target.ingressName}: ${status.message}`,
      remedy: status.remedy,
    })
  }
  return { isRelevant, evaluate }
}

/**
 * Whether ELB shows that the controller has done its work: it is as the Ingress says now, and was
 * not before. What shows in no listener or rule (a security group, a tag) proves nothing so.
 */
function confirmByElb(
  settings: Settings,
  clients: LoadBalancerStepClients,
  target: Target,
  { ingress, observed }: LoadBalancerStepInput,
): (address: string) => Promise<boolean> {
  const hadDrifted =
    getIngressHostname(target.ingress) === undefined ||
    (observed !== undefined &&
      detectDrift(observed, ingress, settings, target.classParams).length > 0)
  return async (address) => {
    if (!hadDrifted) return false
    const snapshot = await describeLoadBalancer(settings, clients.loadBalancers, address)
    return (
      snapshot?.loadBalancer !== undefined &&
      isComplete(snapshot.configuration, settings.ingress.listenPort) &&
      detectDrift(snapshot, ingress, settings, target.classParams).length === 0
    )
  }
}

/** Failures of looking at ELB that a run can do without. */
const optionalFailures: ReadonlySet<FailureCode> = new Set([
  'aws-access-denied',
  'aws-request-failed',
])

/**
 * What ELBv2 says of the load balancer behind a name; undefined when it may or can not be asked,
 * for the reason that `onUnseen` is told.
 */
export async function describeLoadBalancer(
  settings: Settings,
  loadBalancers: LoadBalancerClient,
  address: string,
  onUnreadable?: (reason: ActionError) => void,
): Promise<LoadBalancerSnapshot | undefined> {
  try {
    const loadBalancer = await loadBalancers.findByDnsName(address)
    return {
      address,
      loadBalancer,
      configuration: loadBalancer
        ? await loadBalancers.getConfiguration(loadBalancer.arn, settings.ingress.listenPort)
        : unknownConfiguration,
    }
  } catch (thrown) {
    if (!(thrown instanceof ActionError) || !optionalFailures.has(thrown.code)) throw thrown
    onUnreadable?.(thrown)
    return undefined
  }
}

/**
 * The controller puts its finalizer on an Ingress before anything else:
 * `ingress.k8s.aws/resources`, `group.ingress.k8s.aws/NAME`.
 */
const hasControllerFinalizer = (ingress: Ingress | undefined): boolean =>
  (ingress?.metadata.finalizers ?? []).some((finalizer) => /^(group\.)?ingress\./.test(finalizer))

/**
 * Source: the controller requeues without event or status while an ALB that it found is
 * provisioning (load_balancer_synthesizer.go, since v2.11).
 */
const describePendingController = (finalizerAdded: boolean): string =>
  finalizerAdded
    ? 'the controller works on the Ingress (its finalizer is there) and has not said anything about it yet; while the ALB is provisioning it looks again only every 2 minutes'
    : 'the controller has not said anything about this Ingress yet, nor put its finalizer on it: nobody has taken it up'

const controllerNotRunningRemedy = (namespace: string): string =>
  `Check that the controller runs and has a leader, and that its arguments leave in namespace ${namespace} (--watch-namespace): "kubectl -n kube-system logs deployment/aws-load-balancer-controller". EKS Auto Mode has no such deployment: check that it is on for the cluster.`

const apiUnreachableRemedy =
  'Check the control plane ("kubectl get --raw \'/readyz?verbose\'") and the connection of this runner to it, and run the job again.'

const controllerPendingRemedy = (lastObservation: string): string =>
  /not said anything/.test(lastObservation)
    ? 'Give load-balancer-timeout more time and run the job again; if it stays silent, see what it waits for: "kubectl -n kube-system logs deployment/aws-load-balancer-controller".'
    : 'Mend what the controller names, or give load-balancer-timeout more time; then run the job again.'

/** Failures of an API that a wait of minutes has to survive. */
const transientFailures = new Set<FailureCode>([
  'cluster-unreachable',
  'cluster-request-failed',
  'aws-request-failed',
])

/** A look whose failure, when it may pass, counts as nothing seen yet. */
export async function tolerateTransientErrors<T>(
  poll: () => Promise<PollResult<T>>,
): Promise<PollResult<T>> {
  try {
    return await poll()
  } catch (thrown) {
    if (thrown instanceof ActionError && transientFailures.has(thrown.code))
      return { pending: thrown.message.replace(/\.$/, '') }
    throw thrown
  }
}

function timeout(settings: Settings, lastObservation: string, remedy: string): ActionError {
  return new ActionError({
    code: 'load-balancer-timeout',
    problem: `The load balancer was not ready within ${settings.timeouts.loadBalancer} s: ${lastObservation}.`,
    remedy,
  })
}

/** The error of a load balancer whose state is failed. */
export const loadBalancerFailedError = ({ name, reason }: LoadBalancerSummary): ActionError =>
  new ActionError({
    code: 'load-balancer-failed',
    problem: `ELB could not make load balancer ${name}: ${reason || 'its state is failed'}.`,
    remedy: 'Delete the Ingress, mend what ELB names, and run the job again.',
  })

/** @throws ActionError `load-balancer-failed`, `load-balancer-timeout` */
export async function waitForActive(
  context: Context,
  settings: Settings,
  { loadBalancers }: LoadBalancerStepClients,
  address: string,
  deadline: number,
): Promise<void> {
  const poll = async (): Promise<PollResult<undefined>> => {
    const loadBalancer = await loadBalancers.findByDnsName(address).catch((thrown: unknown) => {
      if (!(thrown instanceof ActionError) || thrown.code !== 'aws-access-denied') throw thrown
      context.log.note(
        'These credentials may not describe load balancers, so that only the probe says whether the ALB is active.',
      )
      return 'unknown' as const
    })
    if (loadBalancer === 'unknown' || (loadBalancer && isActive(loadBalancer)))
      return { done: undefined }
    if (loadBalancer?.state === 'failed') {
      throw loadBalancerFailedError(loadBalancer)
    }
    return {
      pending: loadBalancer
        ? `load balancer ${loadBalancer.name} is ${loadBalancer.state}`
        : `ELB knows no load balancer ${address}`,
    }
  }
  await waitFor({
    poll: () => tolerateTransientErrors(poll),
    interval: pollInterval,
    timeout: deadline - context.clock.now(),
    signal: context.signal,
    clock: context.clock,
    onProgress: progressLogger(context.log, 'load-balancer'),
    createTimeoutError: (lastObservation) =>
      timeout(
        settings,
        lastObservation,
        lastObservation === noResponse
          ? 'Check the connection of this runner to AWS, and run the job again.'
          : 'Provisioning takes minutes: give load-balancer-timeout more time. If ELB knows none, check that region is that of the cluster.',
      ),
  })
}

/** Whether it passes traffic. Source: ELBv2, LoadBalancerState. */
export const isActive = ({ state }: { readonly state: string }): boolean =>
  state === 'active' || state === 'active_impaired'
