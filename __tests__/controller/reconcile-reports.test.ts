/** Which events count as the controller's verdict on an apply. */
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { Event } from '../../src/clients/kubernetes/types.ts'
import {
  isConclusive,
  propagationTime,
  stabilizationWindow,
  ReconcileReports,
  type Apply,
} from '../../src/controller/reconcile-reports.ts'
import { appliedVersion, playTimeline, type Timeline } from './controller-model.ts'

const apply: Apply = {
  version: 200n,
  isCreation: false,
  address: 'k8s-before',
  appliedAt: 0,
  isCertificateNew: false,
}

interface EventFields {
  readonly involved: string
  readonly count?: number
  readonly series?: Event['series']
  readonly version?: string
  readonly message?: string
  readonly reason?: string
}

function createEvent({
  involved,
  series,
  count = series ? undefined : 1,
  version = '1',
  message,
  reason = message === undefined ? 'SuccessfullyReconciled' : 'FailedDeployModel',
}: EventFields): Event {
  return {
    metadata: { name: `event-${version}`, uid: version, resourceVersion: version },
    reason,
    message: message ?? 'Successfully reconciled',
    ...(count !== undefined && { count }),
    ...(series && { series }),
    involvedObject: { uid: 'u', resourceVersion: involved },
  }
}

describe('the reconcile of an event', () => {
  test.each<{
    name: string
    event: EventFields
    changes?: Partial<Apply>
    address?: string
    expected: boolean | undefined
  }>([
    { name: 'loaded the applied version', event: { involved: '200' }, expected: true },
    { name: 'loaded a later version', event: { involved: '201' }, expected: true },
    { name: 'loaded an earlier version', event: { involved: '199' }, expected: undefined },
    {
      name: 'is a repetition of an earlier one',
      event: { involved: '199', count: 2 },
      expected: false,
    },
    {
      name: 'is a repetition of an earlier one in events.k8s.io',
      event: { involved: '199', series: { count: 2 } },
      expected: false,
    },
    {
      name: 'is the first repetition in events.k8s.io, which older versions of client-go count as 1',
      event: { involved: '199', series: { count: 1 } },
      expected: false,
    },
    {
      name: 'is a repetition of one after the apply',
      event: { involved: '200', count: 7 },
      expected: true,
    },
    {
      name: 'wrote the status, which makes any version a later one',
      event: { involved: '201' },
      address: 'k8s-after',
      expected: false,
    },
    {
      name: 'knows only the Ingress that the apply created',
      event: { involved: '', count: 2 },
      changes: { isCreation: true },
      expected: true,
    },
    { name: 'has no version', event: { involved: '' }, expected: false },
    {
      name: 'has a version that is no number',
      event: { involved: 'x', count: 1 },
      expected: false,
    },
  ])('$name', ({ event, changes, address = 'k8s-before', expected }) => {
    const reports = new ReconcileReports({ ...apply, ...changes })
    expect(
      reports.read({ events: [createEvent(event)], address, now: 500 })?.startedAfterApply,
    ).toBe(expected)
  })
})

test('a repeated event counts after a quiet period, or when a second one follows', () => {
  const address = 'k8s-before'
  const repeat = (version: string) => createEvent({ involved: '1', count: 2, version })
  const quiet = new ReconcileReports(apply)
  quiet.read({ events: [], address, now: 1_000 })
  const first = quiet.read({ events: [repeat('1')], address, now: 1_100 })
  expect(first && isConclusive(first, 1_100)).toBe(false)
  expect(first && isConclusive(first, 1_100 + stabilizationWindow)).toBe(true)
  const second = quiet.read({ events: [repeat('2')], address, now: 1_200 })
  expect(second && isConclusive(second, 1_200)).toBe(true)
})

test('an event about the group, which precedes a reconcile, does not end an earlier one', () => {
  const reports = new ReconcileReports(apply)
  const read = (version: string, fields: Partial<EventFields> = {}) =>
    reports.read({
      events: [createEvent({ involved: '1', count: 2, version, ...fields })],
      address: 'k8s-before',
      now: 2_000,
    })?.startedAfterApply
  reports.read({ events: [], address: 'k8s-before', now: 1_000 })
  expect(read('1', { reason: 'FailedLoadGroupID', message: 'x' })).toBe(false)
  expect(read('2')).toBe(false)
  expect(read('3')).toBe(true)
})

test('two events at once do not count while the cache of the controller may be old', () => {
  const reports = new ReconcileReports(apply)
  const events = ['1', '2'].map((version) => createEvent({ involved: '1', count: 2, version }))
  const report = reports.read({ events, address: 'k8s-before', now: 300 })
  expect(report?.startedAfterApply).toBe(false)
})

test('an error of eventual consistency is transient within two minutes of the apply', () => {
  const message = 'operation error Elastic Load Balancing v2: CreateRule, RuleNotFound: x'
  const event = (version: string) => createEvent({ involved: '200', version, message })
  const reports = new ReconcileReports(apply)
  const read = (version: string, now: number) =>
    reports.read({ events: [event(version)], address: 'k8s-before', now })?.status.kind
  expect(read('1', propagationTime - 1)).toBe('transient')
  // The same event, while the controller waits for its next attempt.
  expect(read('1', propagationTime + 30_000)).toBe('transient')
  expect(read('2', propagationTime + 40_000)).toBe('failed')
})

const errors = fc.array(
  fc.option(fc.constantFrom('unknown scheme: x', 'AccessDenied: RequestID: 1', 'y'), {
    nil: undefined,
  }),
  { minLength: 1, maxLength: 4 },
)

const timelines: fc.Arbitrary<Timeline> = fc.record({
  firstStart: fc.integer({ min: -20_000, max: -1 }),
  reconciles: fc.array(
    fc.record({
      delay: fc.constantFrom(5, 80, 640, 5_000, 41_000),
      duration: fc.integer({ min: 1, max: stabilizationWindow - 3_000 }),
    }),
    { minLength: 6, maxLength: 30 },
  ),
  oldErrors: errors,
  newErrors: errors,
  hasHistory: fc.boolean(),
  cacheDelay: fc.constantFrom(0, 20, 900),
  writesStatus: fc.boolean(),
})

/** Polls as a run does. @returns when and what the run concludes; undefined if it keeps waiting */
function awaitVerdict(timeline: Timeline, interval: number) {
  const world = playTimeline(timeline)
  const reports = new ReconcileReports({ ...apply, version: BigInt(appliedVersion) })
  const end = (world.ends.at(-1)?.at ?? 0) + 2 * stabilizationWindow
  for (let now = interval; now < end; now += interval) {
    const events = world.eventsAt(now)
    const report = reports.read({ events, address: world.addressAt(now), now })
    if (report && report.status.kind !== 'transient' && isConclusive(report, now))
      return { world, now, kind: report.status.kind }
  }
  return { world, now: end, kind: undefined }
}

test('the verdict never precedes and never contradicts the last reconcile of the applied Ingress', () => {
  fc.assert(
    fc.property(timelines, fc.constantFrom(100, 700, 2_000), (timeline, interval) => {
      const { world, now, kind } = awaitVerdict(timeline, interval)
      if (kind === undefined) return
      const ours = world.ends.filter(({ at, startedAfterApply }) => startedAfterApply && at <= now)
      expect(ours).not.toHaveLength(0)
      expect(kind).toBe(ours.at(-1)?.error === undefined ? 'reconciled' : 'failed')
    }),
    { numRuns: 5_000 },
  )
})

test('a verdict on a reported reconcile comes within a poll and the quiet period', () => {
  fc.assert(
    fc.property(timelines, (timeline) => {
      const { world, now } = awaitVerdict(timeline, 100)
      const last = world.ends.findLast(
        ({ at, startedAfterApply }) => startedAfterApply && at <= now,
      )
      expect(now - (last?.at ?? 0)).toBeLessThanOrEqual(stabilizationWindow + 100)
    }),
    { numRuns: 2_000 },
  )
})
