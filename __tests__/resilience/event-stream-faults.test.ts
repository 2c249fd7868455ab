/**
 * Watches that are closed or malformed, and events that are repeated or lost, while a run waits for
 * the controller.
 */
import type { ServerResponse } from 'node:http'
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import type { KubernetesObject } from '../../simulator/kubernetes/api.ts'
import { sample } from './result-tables.ts'
import { getOutcome } from './outcome.ts'
import { createErrorResponder } from './api-faults.ts'
import {
  fixture,
  cleanups,
  injectFault,
  runWithFault,
  expectRecovered,
  resetFixture,
  startFixture,
  cleanUpFaults,
  stopFixture,
} from './mid-run-fixture.ts'

beforeAll(startFixture)
afterEach(cleanUpFaults)
afterAll(stopFixture)

const isWatch = (response: ServerResponse): boolean =>
  (response.req.url ?? '').includes('watch=true')
const listEvents = (): KubernetesObject[] =>
  fixture.simulator.kubernetes.list('Event', fixture.simulator.namespace)
/** The resourceVersion of a list tells its age, so later events must not count as older ones. */
const sendList = (response: ServerResponse, items: readonly object[]): void => {
  const resourceVersion = String(
    Math.max(0, ...listEvents().map(({ metadata }) => Number(metadata.resourceVersion))),
  )
  response
    .writeHead(200, { 'content-type': 'application/json' })
    .end(
      JSON.stringify({ kind: 'EventList', apiVersion: 'v1', metadata: { resourceVersion }, items }),
    )
}
const sendWatchEvents = (response: ServerResponse, lines: readonly object[]): void => {
  response.writeHead(200, { 'content-type': 'application/json' })
  for (const line of lines) response.write(`${JSON.stringify(line)}\n`)
}
const toAddedEvents = (): object[] => listEvents().map((object) => ({ type: 'ADDED', object }))
const sendCurrentEvents = (response: ServerResponse): void => {
  sendList(response, listEvents())
}
/**
 * client-go's correlator aggregates repeated events into one with a count. Source: client-go,
 * tools/record/events_cache.go.
 */
const listAggregatedEvents = (): object[] =>
  listEvents().map((event) => ({ ...event, count: 7, series: { count: 7 } }))

/** Events arrive by watch and by list. */
const eventStreamCases: readonly {
  readonly fault: string
  readonly respondToWatch: (response: ServerResponse) => void
  readonly respondToList?: (response: ServerResponse) => void
}[] = [
  {
    fault: 'a watch that is closed immediately',
    respondToWatch: (response) => void response.writeHead(200).end(),
  },
  {
    fault: 'a watch without events',
    respondToWatch: (response) => {
      response.writeHead(200).flushHeaders()
    },
  },
  { fault: 'a watch without a response', respondToWatch: () => undefined },
  {
    fault: '410 Gone in response to a watch',
    respondToWatch: createErrorResponder(
      { status: 410, kubernetesReason: 'Expired', awsCode: '' },
      'kubernetes',
    ),
  },
  {
    fault: '410 Gone in a watch',
    respondToWatch: (response) => {
      sendWatchEvents(response, [
        { type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } },
      ])
      response.end()
    },
  },
  {
    fault: 'a watch that is not JSON',
    respondToWatch: (response) => {
      response.writeHead(200).write('\u0000}{\n<html>\n')
    },
  },
  {
    fault: 'duplicate events',
    respondToWatch: (response) => {
      sendWatchEvents(response, [...toAddedEvents(), ...toAddedEvents()])
    },
    respondToList: (response) => {
      sendList(response, [...listEvents(), ...listEvents()])
    },
  },
  {
    fault: 'events out of order',
    respondToWatch: (response) => {
      sendWatchEvents(response, toAddedEvents().reverse())
    },
    respondToList: (response) => {
      sendList(response, listEvents().reverse())
    },
  },
  {
    fault: 'events aggregated into one with a count',
    respondToWatch: (response) => {
      sendWatchEvents(
        response,
        listAggregatedEvents().map((object) => ({ type: 'MODIFIED', object })),
      )
    },
    respondToList: (response) => {
      sendList(response, listAggregatedEvents())
    },
  },
  {
    fault: 'all events dropped',
    respondToWatch: (response) => {
      response.writeHead(200).flushHeaders()
    },
    respondToList: (response) => {
      sendList(response, [])
    },
  },
]

test.each(sample(eventStreamCases, 9))(
  'detects success and rejection by the controller despite $fault',
  async ({ fault, respondToWatch, respondToList = sendCurrentEvents }) => {
    const { simulator } = fixture
    const injectStreamFault = (): void =>
      injectFault({
        service: 'kubernetes',
        operation: /^GET .*\/events$/,
        respond: (response) => (isWatch(response) ? respondToWatch : respondToList)(response),
      })
    await resetFixture()
    injectStreamFault()
    expectRecovered(await runWithFault(fault, 'the wait for a controller that succeeds'))
    // If the rejection event is dropped, the run can only report that the wait timed out.
    const isDropped = fault === 'all events dropped'
    simulator.controller.options.unknownIds = ['sg-00000000']
    cleanups.push(() => {
      simulator.controller.options.unknownIds = []
    })
    const rejectedRun = await runWithFault(
      fault,
      'the wait for a controller that rejects the Ingress',
      {
        'security-groups': 'sg-00000000',
        'load-balancer-timeout': isDropped ? '3s' : '20s',
      },
    )
    expect({
      outcome: getOutcome(rejectedRun),
      log: rejectedRun.outputs['failure-code'] === '' ? rejectedRun.log : '',
    }).toEqual({ outcome: isDropped ? 'load-balancer-timeout' : 'controller-refused', log: '' })
  },
)
