/**
 * A model of the controller for property tests: reconciles of one Ingress with simulated time. Each
 * loads the Ingress when it starts and reports when it ends. Source: the comments of
 * src/controller/reconcile-reports.ts.
 */
import type { Event } from '../../src/clients/kubernetes/types.ts'
import { EventCorrelator } from '../../simulator/alb-controller/event-correlator.ts'

/** A reconcile that something starts, or that retries after a failure. */
export interface ReconcilePlan {
  /** Milliseconds after the end of the one before it, or after the apply that it waits for. */
  readonly delay: number
  readonly duration: number
}

/** What happens. Times are milliseconds; the apply is at 0. */
export interface Timeline {
  /** When the reconcile before the apply starts; negative. */
  readonly firstStart: number
  readonly reconciles: readonly ReconcilePlan[]
  /** The result of each reconcile of the old and of the new Ingress; the last one is repeated. */
  readonly oldErrors: readonly (string | undefined)[]
  readonly newErrors: readonly (string | undefined)[]
  /** Equal events that were recorded before, so that the next one is a repetition. */
  readonly hasHistory: boolean
  /** How long the controller's cache lags behind the apply. */
  readonly cacheDelay: number
  /** Whether the old reconcile writes the status after the apply. */
  readonly writesStatus: boolean
}

/** The end of a reconcile. */
export interface ReconcileEnd {
  readonly at: number
  readonly startedAfterApply: boolean
  readonly error: string | undefined
}

/** An event, and when it was written. */
interface WrittenEvent {
  readonly at: number
  readonly event: Event
}

export const oldVersion = 100
export const appliedVersion = 200
const addressBefore = 'k8s-before'
const addressAfter = 'k8s-after'

/** Plays a timeline. */
export function playTimeline(timeline: Timeline) {
  const recorder = new Recorder()
  if (timeline.hasHistory)
    for (const error of [undefined, ...timeline.oldErrors, ...timeline.newErrors])
      recorder.record({ at: timeline.firstStart - 1, error }, oldVersion)
  recorder.startRecording()
  const ends = reconcileAll(timeline)
  let statusWrittenAt = Number.POSITIVE_INFINITY
  for (const end of ends) {
    const { at, startedAfterApply, error } = end
    const writesStatus =
      !startedAfterApply && timeline.writesStatus && error === undefined && at > 0
    if (writesStatus) statusWrittenAt = Math.min(at, statusWrittenAt)
    const loaded = startedAfterApply ? appliedVersion : oldVersion
    recorder.record(end, writesStatus ? appliedVersion + 1 : loaded)
  }
  return {
    ends,
    eventsAt: (now: number) => recorder.eventsAt(now),
    addressAt: (now: number) => (now >= statusWrittenAt ? addressAfter : addressBefore),
  }
}

/** The reconciles, until one of the applied Ingress succeeds or the plans are used up. */
function reconcileAll({ firstStart, reconciles, cacheDelay, ...results }: Timeline) {
  const ends: ReconcileEnd[] = []
  const plans = [...reconciles]
  let start = firstStart
  for (let plan = plans.shift(); plan; plan = plans.shift()) {
    const startedAfterApply = start >= cacheDelay
    const errors = startedAfterApply ? results.newErrors : results.oldErrors
    const count = ends.filter((end) => end.startedAfterApply === startedAfterApply).length
    const error = errors[Math.min(count, errors.length - 1)]
    const at = start + plan.duration
    ends.push({ at, startedAfterApply, error })
    if (startedAfterApply && error === undefined) break
    // The apply queues a reconcile, which starts when the current one has ended.
    const retryAt = at + plan.delay
    start = startedAfterApply ? retryAt : Math.min(retryAt, Math.max(at, cacheDelay))
    if (plans.length > 0 || startedAfterApply) continue
    // However busy the controller is, it reconciles the applied Ingress.
    start = Math.max(at, cacheDelay)
    plans.push(plan)
  }
  return ends
}

/** Writes events as client-go does. */
class Recorder {
  private readonly correlator = new EventCorrelator()
  private readonly versions = new Map<string, number>()
  private written: WrittenEvent[] = []
  private nextVersion = 1

  record({ at, error }: { at: number; error: string | undefined }, loaded: number): void {
    const reason = error === undefined ? 'SuccessfullyReconciled' : 'FailedDeployModel'
    const message = error ?? 'Successfully reconciled'
    const type = error === undefined ? 'Normal' : 'Warning'
    const update = this.correlator.correlate({ uid: 'u', type, reason, message }, at)
    if (!update) return
    const involved = this.versions.get(update.key) ?? loaded
    this.versions.set(update.key, involved)
    const resourceVersion = String(this.nextVersion++)
    this.written.push({
      at,
      event: {
        metadata: { name: update.key, uid: update.key, resourceVersion },
        type,
        reason,
        message: update.message,
        count: update.count,
        involvedObject: { uid: 'u', resourceVersion: String(involved) },
      },
    })
  }

  /** Forgets what was written: it is older than the apply. */
  startRecording(): void {
    this.written = []
  }

  /** The current state of each event, the two latest, as a run reads them. */
  eventsAt(now: number): Event[] {
    const current = new Map<string, Event>()
    for (const { at, event } of this.written) {
      if (at > now || at < 0) continue
      current.delete(event.metadata.name)
      current.set(event.metadata.name, event)
    }
    return [...current.values()].slice(-2)
  }
}
