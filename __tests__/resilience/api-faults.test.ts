/**
 * Kubernetes and AWS fail each call: once, so that the run must retry, and permanently, so that it
 * must report the failure.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { Fault } from '../../testing/fault-injector.ts'
import type { ServiceName } from '../../testing/request-log.ts'
import { recordResult, sample, isFullRun } from './result-tables.ts'
import { createRecoveryCheck } from './recovery-check.ts'
import { getOutcome } from './outcome.ts'
import { waitForIdleAndExpireLease } from './interrupted-runs.ts'
import { addIfAbsent, captureState } from './state.ts'
import { createFixture, recordBaseline, type Fixture, type Workflow } from './workflows.ts'
import {
  listApiCalls,
  injectFaults,
  runAndExpectDocumentedOutcome,
  countRequests,
  createErrorResponder,
  type ErrorResponse,
  type ApiCall,
} from './api-faults.ts'

let fixture: Fixture
beforeAll(async () => {
  fixture = await createFixture()
})
afterAll(() => fixture.simulator.close())

type Effect = Pick<Fault, 'error' | 'reset' | 'respond'>
const respondWith =
  (status: number, kubernetes: string, aws: string, headers = {}) =>
  (service: ServiceName): Effect => ({
    respond: createErrorResponder(
      { status, kubernetesReason: kubernetes, awsCode: aws, headers } satisfies ErrorResponse,
      service,
    ),
  })
const throttlingCode = 'ThrottlingException'

/** Transient faults: every call meets each of them once, and the run reaches the baseline state. */
const transientFaults: readonly (readonly [
  fault: string,
  effect: (service: ServiceName) => Effect,
])[] = [
  ['429, or throttling', respondWith(429, 'TooManyRequests', throttlingCode)],
  [
    '429 with Retry-After: 1',
    respondWith(429, 'TooManyRequests', throttlingCode, { 'retry-after': '1' }),
  ],
  ['500', respondWith(500, 'InternalError', 'InternalFailure')],
  ['503', respondWith(503, 'ServiceUnavailable', 'ServiceUnavailable')],
  [
    '503 with Retry-After: 1',
    respondWith(503, 'ServiceUnavailable', 'ServiceUnavailable', { 'retry-after': '1' }),
  ],
  ['connection reset before processing', () => ({ reset: 'before' })],
  ['connection reset after processing: only the response is lost', () => ({ reset: 'after' })],
  [
    'a truncated response',
    () => ({
      respond: (response) => {
        response.writeHead(200, { 'content-length': '1000' })
        response.write('{"items":[')
        setImmediate(() => response.destroy())
      },
    }),
  ],
  [
    'an HTML page as the response',
    () => ({
      respond: (response) =>
        void response
          .writeHead(502, { 'content-type': 'text/html' })
          .end('<html>Bad gateway</html>'),
    }),
  ],
]

const workflowNames: readonly Workflow['name'][] = ['deploy', 'renewal', 'destroy']
/** Calls that are repeated while a run waits for something. */
const isPolled = ({ service, operation }: ApiCall): boolean =>
  service === 'elbv2' ||
  operation === 'DeleteCertificate' ||
  /^GET .*\/(events|ingresses|leases|targetgroupbindings)/.test(operation)

test.each(workflowNames.filter((name) => isFullRun || name === 'deploy'))(
  '%s: reaches the same state when every call fails once with a transient fault',
  async (name) => {
    const { simulator } = fixture
    const { workflow, state } = await recordBaseline(fixture, name)
    const calls = listApiCalls(simulator)
    const baselineCounts = calls.map((call) => countRequests(simulator, call))
    for (const [fault, effect] of sample(transientFaults, 6)) {
      await fixture.reset(workflow)
      const removeFaults = injectFaults(simulator, calls, effect, 1)
      const run = await runAndExpectDocumentedOutcome(simulator, workflow.inputs)
      removeFaults()
      expect({ fault, outcome: getOutcome(run), log: run.exitCode === 0 ? '' : run.log }).toEqual({
        fault,
        outcome: 'success',
        log: '',
      })
      expect({ fault, state: captureState(simulator) }).toEqual({ fault, state })
      const tooMany = calls
        .filter(
          (call, index) =>
            !isPolled(call) && countRequests(simulator, call) > (baselineCounts[index] ?? 0) + 2,
        )
        .map((call) => `${call.operation}: ${countRequests(simulator, call)}`)
      expect({ fault, tooMany }).toEqual({ fault, tooMany: [] })
      recordResult('single-faults', {
        'fault of each call': fault,
        workflow: name,
        calls: calls.length,
        outcome: 'same state as without faults',
        'requests without faults': baselineCounts.reduce((sum, count) => sum + count, 0),
        requests: calls.reduce((sum, call) => sum + countRequests(simulator, call), 0),
        seconds: (run.durationMs / 1000).toFixed(1),
      })
    }
  },
)

/**
 * The codes that may report a failed call: of the API itself, of the waiting step, or of the object
 * that was read.
 */
const kubernetesCodes = /^(cluster|ingress|release|load-balancer|namespace|milvus|helm)-/
const awsCodes = /^(aws|certificate|load-balancer)-/

/**
 * Permanent errors are not retried. Errors that may be transient are retried a bounded number of
 * times.
 */
const permanentFaults: readonly (readonly [
  fault: string,
  effect: (service: ServiceName) => Effect,
  most: number,
])[] = [
  ['403, permanently', respondWith(403, 'Forbidden', 'AccessDeniedException'), 1],
  ['400, permanently', respondWith(400, 'BadRequest', 'ValidationException'), 1],
  ['503, permanently', respondWith(503, 'ServiceUnavailable', 'ServiceUnavailable'), 6],
]

test.each(permanentFaults.filter((_row, index) => isFullRun || index === 0))(
  'tolerates or reports each failing call, and the next run recovers: %s',
  async (fault, effect, maxRequests) => {
    const { simulator } = fixture
    const shortTimeouts = {
      'load-balancer-timeout': '3s',
      'probe-timeout': '1s',
      'lock-timeout': '2s',
    }
    const coveredCalls = new Set<string>()
    for (const name of workflowNames.filter((each) => isFullRun || each === 'deploy')) {
      const baseline = await recordBaseline(fixture, name)
      const { workflow, state } = baseline
      // A call that an earlier workflow makes too was tested there.
      const calls = listApiCalls(simulator).filter(({ service, operation }) =>
        addIfAbsent(coveredCalls, `${service} ${operation}`),
      )
      const baselineCounts = new Map(calls.map((call) => [call, countRequests(simulator, call)]))
      const [codes, recovery] = [new Set<string>(), createRecoveryCheck(simulator, baseline)]
      let toleratedCount = 0
      const sampledCalls = sample(calls, 8)
      for (const call of sampledCalls) {
        await fixture.reset(workflow)
        const removeFaults = injectFaults(simulator, [call], effect)
        const run = await runAndExpectDocumentedOutcome(simulator, {
          ...workflow.inputs,
          ...shortTimeouts,
        })
        removeFaults()
        const isBounded =
          isPolled(call) ||
          countRequests(simulator, call) <= maxRequests * (baselineCounts.get(call) ?? 0)
        expect({ fault, call, isBounded, log: isBounded ? '' : run.log }).toEqual({
          fault,
          call,
          isBounded: true,
          log: '',
        })
        if (run.exitCode === 0) {
          // The run does not need this call: it reaches the baseline state without it.
          await waitForIdleAndExpireLease(simulator)
          expect({ fault, call, state: captureState(simulator) }).toEqual({ fault, call, state })
          toleratedCount += 1
          continue
        }
        expect({ fault, call, code: getOutcome(run), log: run.log }).toEqual({
          fault,
          call,
          code: expect.stringMatching(call.service === 'kubernetes' ? kubernetesCodes : awsCodes),
          log: expect.stringContaining('What to do: '),
        })
        codes.add(getOutcome(run))
        await recovery.expectRecovery({ fault, call })
      }
      recordResult('permanent-faults', {
        'permanent fault': fault,
        workflow: name,
        'calls, one run each': sampledCalls.length,
        'runs that succeeded': toleratedCount,
        'codes of the failed runs': [...codes].sort().join(', '),
        'resulting states, all recovered': recovery.stateCount(),
        'requests per call, at most': maxRequests,
      })
    }
  },
)
