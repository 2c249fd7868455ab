/**
 * The controller's events about an Ingress: which reconcile they report, and whether a failure is
 * final. Source: AWS Load Balancer Controller v3.5.0, pkg/k8s/events.go.
 */
import type { Event } from '../clients/kubernetes/types.ts'
import { groupMemberRemedy } from '../failures/controller.ts'
import { truncate } from '../util/text.ts'
import { findRemedy, isTransientError, type RecentWrites } from './error-messages.ts'

/** What the controller reports of a reconcile. Waiting helps only while it is `transient`. */
export type ReconcileStatus =
  | { readonly kind: 'reconciled' }
  | { readonly kind: 'transient'; readonly message: string }
  | { readonly kind: 'failed'; readonly message: string; readonly remedy: string }

const failureReasons: ReadonlySet<string> = new Set([
  'FailedLoadGroupID',
  'FailedAddFinalizer',
  'FailedBuildModel',
  'FailedDeployModel',
  'FailedUpdateStatus',
  'FailedRemoveFinalizer',
])

/** Whether an event reports the outcome of a reconcile. */
export const isStatusEvent = ({ reason }: Event): boolean =>
  reason === 'SuccessfullyReconciled' || failureReasons.has(reason ?? '')

/**
 * FailedRemoveFinalizer is about Ingresses that leave the group, and reported on all of its members
 * after their own load balancer is deployed. Source: the controller's group_controller.go.
 */
const successReasons: ReadonlySet<string> = new Set([
  'SuccessfullyReconciled',
  'FailedRemoveFinalizer',
])

/** @param recent what was written so recently that AWS may not know all of it */
export function classifyEvent(event: Event, recent: RecentWrites): ReconcileStatus {
  if (successReasons.has(event.reason ?? '')) return { kind: 'reconciled' }
  const message = normalizeMessage(event.message ?? event.reason ?? '')
  if (isTransientError(message, recent)) return { kind: 'transient', message }
  return { kind: 'failed', message, remedy: findEventRemedy(message, event) }
}

/** Every Ingress of a group gets an event about the failure of one of them. */
function findEventRemedy(message: string, { involvedObject, metadata }: Event): string {
  const namespace = involvedObject.namespace ?? metadata.namespace ?? ''
  const ingress = `${namespace}/${involvedObject.name ?? ''}`
  const [, failedIngress] = /ingress: ([^\s/:]+\/[^\s/:]+): /.exec(message) ?? []
  const isOfOtherIngress = failedIngress !== undefined && failedIngress !== ingress
  return isOfOtherIngress ? groupMemberRemedy(failedIngress) : findRemedy(message)
}

/** Characters. The API server accepts 1,024. */
const maxMessageLength = 4_096

/**
 * Removes what differs between two attempts with the same error: the event recorder's prefix and
 * the request ids of AWS.
 */
export function normalizeMessage(message: string): string {
  return truncate(message, maxMessageLength)
    .replace(/^\(combined from similar events\): /, '')
    .replace(/https response error StatusCode: (\d+), RequestID: [^,]*, (api error )?/, 'HTTP $1, ')
    .replace(/\s{0,9}status code: \d+, request id: \S+/, '')
}

/** The latest by resourceVersion, which increases with every write. */
export function latestStatusEvent(events: readonly Event[]): Event | undefined {
  let latest: Event | undefined
  for (const event of events.filter(isStatusEvent))
    if (!latest || getResourceVersion(event) > getResourceVersion(latest)) latest = event
  return latest
}

/** The two latest by resourceVersion, the older first. */
export const latestStatusEvents = (events: readonly Event[]): Event[] =>
  events
    .filter(isStatusEvent)
    .sort((a, b) => (getResourceVersion(a) < getResourceVersion(b) ? -1 : 1))
    .slice(-2)

/** Reduces pages of events to the latest relevant ones, so that the others need no memory. */
export const keepLatestStatusEvents =
  (isRelevant: (event: Event) => boolean) =>
  (events: readonly Event[]): Event[] =>
    latestStatusEvents(events.filter(isRelevant))

/** As keepLatestStatusEvents, for the latest one. */
export const keepLatestStatusEvent =
  (isRelevant: (event: Event) => boolean) =>
  (events: readonly Event[]): Event[] => {
    const latest = latestStatusEvent(events.filter(isRelevant))
    return latest ? [latest] : []
  }

/** Limits a list of events to those of an Ingress. */
export const buildEventSelector = (ingress: string) => ({
  fieldSelector: `involvedObject.kind=Ingress,involvedObject.name=${ingress}`,
})

/**
 * A resourceVersion as a number, comparable with others of the same resource type. Source:
 * Kubernetes API concepts, Resource versions.
 */
export const parseResourceVersion = (resourceVersion: string): bigint =>
  /^\d+$/.test(resourceVersion) ? BigInt(resourceVersion) : 0n

export const getResourceVersion = (object: { metadata: { resourceVersion: string } }): bigint =>
  parseResourceVersion(object.metadata.resourceVersion)
