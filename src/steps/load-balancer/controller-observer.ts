/** Observes whether the controller has reconciled the Ingress since it was applied. */
import {
  controllerNotRunning,
  controllerRejected,
  controllerRetrying,
  controllerNotReporting,
  clusterUnresponsive,
  type LoadBalancerWait,
} from '../../failures/load-balancer.ts'
import type { ActionError } from '../../failures/action-error.ts'
import { noResponse, type PollResult } from '../../util/polling.ts'
import { eventsPath, ingressPath } from '../../clients/kubernetes/paths.ts'
import type { Event, Ingress } from '../../clients/kubernetes/types.ts'
import type { EndpointSettings } from '../../inputs/types.ts'
import {
  buildEventSelector,
  getResourceVersion,
  keepLatestStatusEvents,
  type ReconcileStatus,
} from '../../controller/events.ts'
import {
  isConclusive,
  stabilizationWindow,
  ReconcileReports,
  type ReconcileReport,
} from '../../controller/reconcile-reports.ts'
import { getAddresses, getIngressHostname, type Addresses } from '../ingress/manifest.ts'
import { detectDrift } from './drift.ts'
import { describeLoadBalancer, isComplete } from './snapshot.ts'
import type { AwaitedIngress, LoadBalancerRun } from './wait.ts'

/**
 * Milliseconds without a conclusive event after which ELB is read, and between two such reads: the
 * success event may have been dropped.
 */
const elbCheckInterval = 3_000

/**
 * Milliseconds to wait for another event after a transient error, before the state of ELB is
 * accepted as success: the controller's next attempt may report.
 */
const stabilizationWindowAfterError = 120_000

/** How far the controller is. */
type ControllerProgress = 'not-noticed' | 'accepted' | 'reported'

export class ControllerObserver {
  private readonly run: LoadBalancerRun
  private readonly input: AwaitedIngress
  /** Whether AWS differed from the Ingress before the apply. */
  private readonly hadDrifted: boolean
  private readonly reports: ReconcileReports
  private progress: ControllerProgress = 'not-noticed'
  private lastElbCheck: number
  /** Since when ELB matches the Ingress, as far as it was read. */
  private matchingSince: number | undefined
  /** The last report that was compared with ELB. */
  private comparedReport: ReconcileReport | undefined

  constructor(run: LoadBalancerRun, input: AwaitedIngress) {
    this.run = run
    this.input = input
    const now = run.context.clock.now()
    this.lastElbCheck = now
    this.hadDrifted = hadDrifted(run.settings, input)
    this.reports = new ReconcileReports({
      version: getResourceVersion(input.ingress),
      isCreation: input.target.ingress === undefined,
      address: getIngressHostname(input.ingress),
      appliedAt: now,
      isCertificateNew: input.isCertificateNew,
    })
  }

  /**
   * @returns the DNS names when the controller has reconciled the Ingress
   * @throws ActionError `controller-refused`
   */
  async poll(): Promise<PollResult<Addresses>> {
    const events = await this.readEvents()
    // After its events: an older Ingress could still have the name of an ALB that was replaced.
    const ingress = await this.readIngress()
    const addresses = getAddresses(ingress)
    const address = addresses?.alb
    const now = this.run.context.clock.now()
    const report = this.reports.read({ events, address, now })
    this.progress = progressOf(report?.status, ingress)
    if (report && (await this.isConclusive(report, address))) {
      if (report.status.kind === 'failed') throw this.createRejection(report.status)
      if (report.status.kind === 'reconciled') return toResult(addresses)
    }
    if (addresses && (await this.isReconciledWithoutEvent(report, addresses.alb))) {
      this.run.context.log.note(
        'The controller did not report success; its success event was probably rate-limited. ELB ' +
          'shows the listener, the rule and the target group of the Ingress.',
      )
      return { done: addresses }
    }
    return { pending: describePending(report?.status, this.progress) }
  }

  /** @param lastStatus of the last poll */
  createTimeoutError(lastStatus: string): ActionError {
    const wait: LoadBalancerWait = { seconds: this.run.settings.timeouts.loadBalancer, lastStatus }
    if (lastStatus === noResponse) return clusterUnresponsive(wait)
    switch (this.progress) {
      case 'not-noticed':
        return controllerNotRunning(wait, this.run.settings.namespace)
      case 'accepted':
        return controllerNotReporting(wait)
      case 'reported':
        return controllerRetrying(wait)
    }
  }

  private readEvents(): Promise<Event[]> {
    const { namespace } = this.run.settings
    return this.run.clients.kubernetes.list<Event>(
      eventsPath(namespace),
      buildEventSelector(this.input.target.ingressName),
      `list Events in namespace ${namespace}`,
      keepLatestStatusEvents((event) => this.isSinceApply(event)),
    )
  }

  private readIngress(): Promise<Ingress | undefined> {
    const { ingressName } = this.input.target
    return this.run.clients.kubernetes.get<Ingress>(
      ingressPath(this.run.settings.namespace, ingressName),
      `read Ingress ${ingressName}`,
    )
  }

  /** Events that were written before the apply concern an earlier Ingress. */
  private isSinceApply(event: Event): boolean {
    const { ingress, eventCursor = 0n } = this.input
    return (
      event.involvedObject.uid === ingress.metadata.uid && getResourceVersion(event) > eventCursor
    )
  }

  private createRejection({ message, remedy }: Extract<ReconcileStatus, { kind: 'failed' }>) {
    return controllerRejected({ ingress: this.input.target.ingressName, message, advice: remedy })
  }

  /** A success of an unknown reconcile counts when ELB shows what the apply changed. */
  private async isConclusive(
    report: ReconcileReport,
    address: string | undefined,
  ): Promise<boolean> {
    if (isConclusive(report, this.run.context.clock.now())) return true
    if (report.status.kind !== 'reconciled' || address === undefined) return false
    if (this.comparedReport === report) return false
    this.comparedReport = report
    return this.isConfirmedByElb(address)
  }

  /**
   * Whether the controller has certainly reconciled, although no event tells: ELB matches, and the
   * controller, which reports a failure after ELB's part too, has been silent since.
   */
  private async isReconciledWithoutEvent(
    report: ReconcileReport | undefined,
    address: string,
  ): Promise<boolean> {
    if (report?.status.kind === 'failed') return false
    const now = this.run.context.clock.now()
    if (now - this.lastElbCheck < elbCheckInterval) return false
    this.lastElbCheck = now
    if (!(await this.isConfirmedByElb(address))) {
      this.matchingSince = undefined
      return false
    }
    this.matchingSince ??= now
    if (report && now - report.seenAt < stabilizationWindowAfterError) return false
    return now - this.matchingSince >= stabilizationWindow
  }

  /**
   * Whether ELB shows that the controller has reconciled: AWS matches the Ingress now, and did not
   * before. A change that no listener or rule shows (a security group, a tag) cannot be confirmed.
   */
  private async isConfirmedByElb(address: string): Promise<boolean> {
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

const toResult = (addresses: Addresses | undefined): PollResult<Addresses> =>
  addresses === undefined
    ? { pending: 'the controller has reconciled the Ingress, which has no address yet' }
    : { done: addresses }

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
  status: ReconcileStatus | undefined,
  progress: ControllerProgress,
): string {
  if (status?.kind === 'reconciled')
    return 'the controller reports success, perhaps of an earlier version of the Ingress'
  if (status) return `the controller reports: ${status.message}`
  return progress === 'accepted'
    ? 'the controller has set its finalizer on the Ingress but has not reported a result yet; ' +
        'while the ALB is provisioning, it checks only every 2 minutes'
    : 'no controller has noticed the Ingress: it has neither an event nor the finalizer of one'
}
