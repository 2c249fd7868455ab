/** Observes whether the controller has reconciled the Ingress since it was applied. */
import {
  controllerNotRunning,
  controllerRejected,
  controllerRetrying,
  controllerSilent,
  clusterSilent,
  type LoadBalancerWait,
} from '../../failures/load-balancer.ts'
import type { ActionError } from '../../failures/action-error.ts'
import { noResponse, type PollResult } from '../../util/polling.ts'
import { eventsPath, ingressPath } from '../../clients/kubernetes/paths.ts'
import type { Event, Ingress } from '../../clients/kubernetes/types.ts'
import type { EndpointSettings } from '../../inputs/types.ts'
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
import { detectDrift } from './drift.ts'
import { describeLoadBalancer, isComplete } from './snapshot.ts'
import type { AwaitedIngress, LoadBalancerRun } from './wait.ts'

/**
 * Milliseconds. The controller retries, so an error with the same message as the last one before
 * our apply may still concern the previous Ingress: it is final only when no success follows within
 * this time after it was first seen.
 */
const repeatedRejectionGrace = 700

/**
 * Milliseconds without a final event after which ELB is read, and between two such reads: the
 * success event may have been dropped.
 */
const elbCheckInterval = 3_000

/** Milliseconds after its import during which ELB may not know a certificate. */
const certificatePropagationTime = 60_000

/** How far the controller is. */
type ControllerProgress = 'not-noticed' | 'accepted' | 'reported'

export class ControllerObserver {
  private readonly run: LoadBalancerRun
  private readonly input: AwaitedIngress
  private readonly startedAt: number
  /** Whether AWS differed from the Ingress before the apply. */
  private readonly hadDrifted: boolean
  private progress: ControllerProgress = 'not-noticed'
  private lastElbCheck: number
  private firstErrorAt: number | undefined

  constructor(run: LoadBalancerRun, input: AwaitedIngress) {
    this.run = run
    this.input = input
    this.startedAt = run.context.clock.now()
    this.lastElbCheck = this.startedAt
    this.hadDrifted = hadDrifted(run.settings, input)
  }

  /**
   * @returns the DNS name of the ALB when the controller has reconciled the Ingress
   * @throws ActionError `controller-refused`
   */
  async poll(): Promise<PollResult<string>> {
    const [events, ingress] = await this.read()
    const status = this.evaluate(events)
    this.progress = progressOf(status, ingress)
    const address = getIngressHostname(ingress)
    if (status?.kind === 'reconciled')
      return address === undefined
        ? { pending: 'the controller has reconciled the Ingress, which has no address yet' }
        : { done: address }
    if (address !== undefined && (await this.isConfirmedByElb(address))) {
      this.run.context.log.note(
        'The controller did not report success; its success event was probably rate-limited. ELB ' +
          'shows the listener, the rule and the target group of the Ingress.',
      )
      return { done: address }
    }
    return { pending: describePending(status, this.progress) }
  }

  /** @param lastStatus of the last poll */
  createTimeoutError(lastStatus: string): ActionError {
    const wait: LoadBalancerWait = { seconds: this.run.settings.timeouts.loadBalancer, lastStatus }
    if (lastStatus === noResponse) return clusterSilent(wait)
    switch (this.progress) {
      case 'not-noticed':
        return controllerNotRunning(wait, this.run.settings.namespace)
      case 'accepted':
        return controllerSilent(wait)
      case 'reported':
        return controllerRetrying(wait)
    }
  }

  private read(): Promise<[Event[], Ingress | undefined]> {
    const { namespace } = this.run.settings
    const { ingressName } = this.input.target
    const { kubernetes } = this.run.clients
    return Promise.all([
      kubernetes.list<Event>(
        eventsPath(namespace),
        buildEventSelector(ingressName),
        `list Events in namespace ${namespace}`,
        keepLatestStatusEvent((event) => this.isSinceApply(event)),
      ),
      kubernetes.get<Ingress>(ingressPath(namespace, ingressName), `read Ingress ${ingressName}`),
    ])
  }

  /** Earlier events concern an earlier Ingress. */
  private isSinceApply(event: Event): boolean {
    const { ingress, eventCursor = 0n } = this.input
    return (
      event.involvedObject.uid === ingress.metadata.uid && getResourceVersion(event) > eventCursor
    )
  }

  /** @throws ActionError `controller-refused` for a final error */
  private evaluate(events: readonly Event[]): ReconcileStatus | undefined {
    const event = latestStatusEvent(events)
    if (!event) return undefined
    const now = this.run.context.clock.now()
    const { isCertificateNew, target } = this.input
    const isPropagating = isCertificateNew && now - this.startedAt < certificatePropagationTime
    const status = classifyEvent(event, isPropagating)
    if (status.kind !== 'failed') return status
    this.firstErrorAt ??= now
    const isRepeated = status.message === this.previousMessage()
    if (isRepeated && now - this.firstErrorAt < repeatedRejectionGrace) return status
    const { message, remedy } = status
    throw controllerRejected({ ingress: target.ingressName, message, advice: remedy })
  }

  /** The message of the last status event before the apply. */
  private previousMessage(): string {
    return normalizeMessage(latestStatusEvent(this.input.target.events)?.message ?? '')
  }

  /**
   * Whether ELB shows that the controller has reconciled: AWS matches the Ingress now, and did not
   * before. A change that no listener or rule shows (a security group, a tag) cannot be confirmed.
   */
  private async isConfirmedByElb(address: string): Promise<boolean> {
    const now = this.run.context.clock.now()
    if (now - this.lastElbCheck < elbCheckInterval) return false
    this.lastElbCheck = now
    if (!this.hadDrifted) return false
    const { settings, clients } = this.run
    const { input } = this
    const snapshot = await describeLoadBalancer(settings, clients.loadBalancers, address)
    return (
      snapshot?.loadBalancer !== undefined &&
      isComplete(snapshot.configuration, settings.ingress.listenPort) &&
      detectDrift(snapshot, input.ingress, settings, input.target.classParams).length === 0
    )
  }
}

function hadDrifted(
  settings: EndpointSettings,
  { ingress, snapshot, target }: AwaitedIngress,
): boolean {
  if (getIngressHostname(target.ingress) === undefined) return true
  if (!snapshot) return false
  return detectDrift(snapshot, ingress, settings, target.classParams).length > 0
}

function progressOf(
  status: ReconcileStatus | undefined,
  ingress: Ingress | undefined,
): ControllerProgress {
  if (status !== undefined) return 'reported'
  return hasControllerFinalizer(ingress) ? 'accepted' : 'not-noticed'
}

/**
 * The controller sets its finalizer on an Ingress before anything else:
 * `ingress.k8s.aws/resources`, `group.ingress.k8s.aws/NAME`.
 */
const hasControllerFinalizer = (ingress: Ingress | undefined): boolean =>
  (ingress?.metadata.finalizers ?? []).some((finalizer) => /^(group\.)?ingress\./.test(finalizer))

/**
 * Source: the controller requeues without event or status while an existing ALB is provisioning
 * (load_balancer_synthesizer.go, since v2.11).
 */
function describePending(
  status: Exclude<ReconcileStatus, { kind: 'reconciled' }> | undefined,
  progress: ControllerProgress,
): string {
  if (status) return `the controller reports: ${status.message}`
  return progress === 'accepted'
    ? 'the controller has set its finalizer on the Ingress but has not reported a result yet; ' +
        'while the ALB is provisioning, it checks only every 2 minutes'
    : 'no controller has noticed the Ingress: it has neither an event nor the finalizer of one'
}
