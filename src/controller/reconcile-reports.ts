/**
 * Which events report on the Ingress that was applied. A reconcile loads the Ingress when it
 * starts and reports when it ends, so the first event after an apply may concern the Ingress before
 * it. Source: AWS Load Balancer Controller, group_controller.go (reconcile), and client-go,
 * tools/record/events_cache.go.
 */
import type { Event } from '../clients/kubernetes/types.ts'
import {
  classifyEvent,
  getResourceVersion,
  parseResourceVersion,
  type ReconcileStatus,
} from './events.ts'

/**
 * Milliseconds without another event after which the last one counts, where neither its
 * resourceVersion nor ELB shows which Ingress it is about. A reconcile of ours that waited for an
 * earlier one reports in this time.
 */
export const stabilizationWindow = 10_000

/**
 * Milliseconds after an apply during which AWS may not know what the controller has just created,
 * nor a certificate that was just imported. Source: terraform-provider-aws #10510, #41789.
 */
export const propagationTime = 120_000

/** Milliseconds after an apply during which the controller's cache may not contain it. */
const cacheDelay = 1_000

/** What is known about an apply when it is done. */
export interface Apply {
  /** The resourceVersion of the Ingress. */
  readonly version: bigint
  /** Whether the apply created the Ingress, so that no earlier reconcile can know it. */
  readonly isCreation: boolean
  /** The ALB's name in the status of the Ingress. */
  readonly address: string | undefined
  /** Milliseconds since the epoch. */
  readonly appliedAt: number
  /** Whether the certificate was just imported. */
  readonly isCertificateNew: boolean
}

/** What a poll has read: the events first, then the Ingress. */
export interface PollInput {
  /** Status events since the apply, the oldest first; at least the two latest. */
  readonly events: readonly Event[]
  readonly address: string | undefined
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** The latest event that may be about the applied Ingress. */
export interface ReconcileReport {
  readonly event: Event
  readonly status: ReconcileStatus
  /** When it was first read. */
  readonly seenAt: number
  /** Whether the reconcile certainly started after the apply. */
  readonly startedAfterApply: boolean
}

/** Follows the events after one apply. */
export class ReconcileReports {
  private readonly apply: Apply
  private lastVersion = 0n
  private lastReadAt: number
  private latest: ReconcileReport | undefined
  /** Whether a reconcile has ended so late that the next one has loaded the applied Ingress. */
  private hasEarlierEnded = false

  constructor(apply: Apply) {
    this.apply = apply
    this.lastReadAt = apply.appliedAt
  }

  /** @returns undefined while no event can be about the applied Ingress */
  read(input: PollInput): ReconcileReport | undefined {
    for (const event of input.events) {
      if (getResourceVersion(event) <= this.lastVersion) continue
      this.lastVersion = getResourceVersion(event)
      this.add(event, input)
    }
    this.lastReadAt = input.now
    return this.latest
  }

  private add(event: Event, { address, now }: PollInput): void {
    const origin =
      this.latest?.startedAfterApply === true
        ? 'after-apply'
        : findOrigin(event, this.apply, address)
    // Reconciles of an Ingress follow each other, so the reports before this one are earlier too.
    if (origin === 'earlier') this.latest = undefined
    else {
      const startedAfterApply = origin === 'after-apply' || this.hasEarlierEnded
      this.latest = { event, status: this.classify(event, now), seenAt: now, startedAfterApply }
    }
    // FailedLoadGroupID is reported before a reconcile, not at its end.
    const isCacheFresh = this.lastReadAt >= this.apply.appliedAt + cacheDelay
    if (event.reason !== 'FailedLoadGroupID' && isCacheFresh) this.hasEarlierEnded = true
  }

  /** The time of the event decides, not that of a later poll: the next retry may be far away. */
  private classify(event: Event, seenAt: number): ReconcileStatus {
    const { appliedAt, isCertificateNew } = this.apply
    const isRecent = seenAt - appliedAt < propagationTime
    return classifyEvent(event, { apply: isRecent, certificate: isRecent && isCertificateNew })
  }
}

/** Whether an event counts without a comparison with ELB. Pure. */
export const isConclusive = (
  { startedAfterApply, seenAt }: ReconcileReport,
  now: number,
): boolean => startedAfterApply || now - seenAt >= stabilizationWindow

/**
 * Which Ingress the reconcile of an event loaded. A repeated event keeps the resourceVersion of its
 * first occurrence: if that is recent, so are the repetitions; if not, they may be of any age.
 */
function findOrigin(
  event: Event,
  apply: Apply,
  address: string | undefined,
): 'after-apply' | 'earlier' | 'unknown' {
  if (apply.isCreation) return 'after-apply'
  const version = parseResourceVersion(event.involvedObject.resourceVersion ?? '')
  if (version === 0n || apply.version === 0n) return 'unknown'
  if (version < apply.version) return isRepeated(event) ? 'unknown' : 'earlier'
  // A reconcile that writes the status reports the version after that write, whatever it loaded.
  const isStatusWritten = address !== apply.address
  return version === apply.version || !isStatusWritten ? 'after-apply' : 'unknown'
}

/** Source: Kubernetes API, core/v1 Event and EventSeries; client-go, tools/events. */
const isRepeated = ({ count = 1, series }: Event): boolean => count > 1 || series !== undefined
