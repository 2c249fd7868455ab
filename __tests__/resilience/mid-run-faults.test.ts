/**
 * Temporary faults in the middle of a run: of the API server, tokens, watches, events, the clock
 * and helm.
 */
import net from 'node:net'
import tls from 'node:tls'
import type { AddressInfo } from 'node:net'
import type { ServerResponse } from 'node:http'
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { runAction } from '../../testing/run-action.ts'
import { createCertificateAuthority } from '../../testing/certificates.ts'
import { killProcess, listProcessTree } from '../../testing/process-tree.ts'
import type { KubernetesObject } from '../../simulator/kubernetes/api.ts'
import type { RunResult } from '../../testing/runner.ts'
import type { Fault, RecordedRequest } from '../../testing/request-log.ts'
import { getErrorAnnotation } from '../scenarios/expectations.ts'
import { recordResult, sample, isFullRun } from './result-tables.ts'
import { expectOutcome, getOutcome } from './outcome.ts'
import { waitForIdleAndExpireLease } from './interruption-points.ts'
import { captureState } from './state.ts'
import { createFixture, recordBaseline, type Fixture, type Baseline } from './workflows.ts'
import {
  listApiCalls,
  runAndExpectDocumentedOutcome,
  countRequests,
  createErrorResponder,
} from './api-faults.ts'

let fixture: Fixture
let baseline: Baseline
let callCount = 0
const cleanups: (() => void)[] = []
beforeAll(async () => {
  fixture = await createFixture()
  baseline = await recordBaseline(fixture, 'deploy')
  callCount = listApiCalls(fixture.simulator).length
})
afterEach(() => cleanups.splice(0).forEach((cleanUp) => cleanUp()))
afterAll(() => fixture.simulator.close())

const client = /milvus-alb-action/
const injectFault = (fault: Partial<Fault> & Pick<Fault, 'service' | 'operation'>): void =>
  void cleanups.push(fixture.simulator.requestLog.injectFault({ userAgent: client, ...fault }))
const isIngressApply = ({ operation, userAgent }: RecordedRequest): boolean =>
  client.test(userAgent) && /^PATCH .*\/ingresses\//.test(operation)
/** While waiting for the load balancer, with a change to wait for. */
const onceApplied = (onApplied: () => void): void =>
  void fixture.simulator.requestLog.nextRequest(isIngressApply).then(onApplied)

/** A deployment from scratch with a fault. */
async function runWithFault(
  fault: string,
  affectedCall: string,
  inputs = {},
  options = {},
): Promise<RunResult> {
  const run = await runAndExpectDocumentedOutcome(fixture.simulator, inputs, options)
  recordResult('wire-meanwhile', {
    fault,
    where: affectedCall,
    outcome: getOutcome(run),
    seconds: (run.durationMs / 1000).toFixed(1),
  })
  return run
}

/** The run reached the baseline state. */
function expectRecovered(run: RunResult): void {
  expectOutcome(run)
  expect(captureState(fixture.simulator)).toEqual(baseline.state)
}

/** The run reported the failure, and the next run, without the fault, continues. */
async function expectFailureThenRecovery(
  run: RunResult,
  code: string,
  messagePattern: RegExp,
): Promise<void> {
  expectOutcome(run, code)
  expect(getErrorAnnotation(run)).toMatch(messagePattern)
  cleanups.splice(0).forEach((cleanUp) => cleanUp())
  await waitForIdleAndExpireLease(fixture.simulator)
  expectRecovered(await runAction(fixture.simulator))
}

/** A TCP proxy for the API server, which can be closed, reset and redirected. */
async function startApiServerProxy() {
  const { simulator } = fixture
  const target = new URL(simulator.kubernetes.url)
  const sockets = new Set<net.Socket>()
  const server = net.createServer((socket) => {
    const upstream = net.connect(Number(target.port), target.hostname)
    for (const each of [socket, upstream])
      sockets.add(
        each
          .on('error', () => undefined)
          .on('close', () =>
            [socket, upstream].forEach((pairedSocket) => {
              pairedSocket.destroy()
              sockets.delete(pairedSocket)
            }),
          ),
      )
    socket.pipe(upstream).pipe(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  simulator.setClusterEndpoint(`https://127.0.0.1:${port}`)
  const close = (): Promise<unknown> => {
    const closed = new Promise((resolve) => server.close(resolve))
    sockets.forEach((socket) => socket.destroy())
    return closed
  }
  cleanups.push(() => {
    simulator.setClusterEndpoint(simulator.kubernetes.url)
    if (server.listening) void close()
  })
  return {
    close,
    open: () => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve)),
  }
}

/** The seconds for which a restarting API server is unavailable. */
const downtimeSeconds = 1.5
async function restartApiServer(
  proxy: Awaited<ReturnType<typeof startApiServerProxy>>,
): Promise<void> {
  await proxy.close()
  setTimeout(() => void proxy.open(), downtimeSeconds * 1000)
}

const resetFixture = (): Promise<void> => fixture.reset(baseline.workflow)

test.each(
  sample(
    [
      [
        'before the first call',
        ({ service: part, operation }: RecordedRequest) =>
          part === 'eks' && operation === 'DescribeCluster',
      ],
      [
        'when the certificate is imported',
        ({ operation }: RecordedRequest) => operation === 'ImportCertificate',
      ],
      ['when the Ingress is applied', isIngressApply],
    ] as const,
    3,
  ),
)('waits for an API server that restarts %s', async (timing, isMoment) => {
  await resetFixture()
  const proxy = await startApiServerProxy()
  void fixture.simulator.requestLog.nextRequest(isMoment).then(() => restartApiServer(proxy))
  expectRecovered(await runWithFault(`the API server is away for ${downtimeSeconds} s`, timing))
})

test('survives or reports an API server restart during a helm upgrade, and the next run succeeds', async () => {
  await resetFixture()
  const proxy = await startApiServerProxy()
  void fixture.simulator.requestLog
    .nextRequest(({ userAgent, isMutating: mutating }) => userAgent.startsWith('Helm') && mutating)
    .then(() => restartApiServer(proxy))
  const run = await runWithFault(
    `the API server is away for ${downtimeSeconds} s`,
    'while helm works',
  )
  if (run.exitCode === 0) expectRecovered(run)
  else await expectFailureThenRecovery(run, 'helm-upgrade-failed', /helm/)
})

test('reports an API server that refuses connections, and the next run succeeds', async () => {
  await resetFixture()
  const proxy = await startApiServerProxy()
  await proxy.close()
  await expectFailureThenRecovery(
    await runWithFault('connections refused', 'the Kubernetes API, permanently'),
    'cluster-unreachable',
    /ECONNREFUSED/,
  )
})

test('sends nothing to an API server with an untrusted certificate, and does not retry', async () => {
  await resetFixture()
  const { simulator } = fixture
  const unrelatedCertificate = await (
    await createCertificateAuthority({ name: 'Stranger' })
  ).issue({ hosts: ['127.0.0.1'] })
  let handshakes = 0
  let sent = ''
  const server = tls.createServer(
    { cert: unrelatedCertificate.fullchain, key: unrelatedCertificate.privateKey },
    (socket) =>
      void socket.on('data', (chunk) => {
        sent += String(chunk)
      }),
  )
  server
    .on('connection', () => {
      handshakes += 1
    })
    .on('tlsClientError', () => undefined)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanups.push(() => {
    simulator.setClusterEndpoint(simulator.kubernetes.url)
    server.close()
  })
  simulator.setClusterEndpoint(`https://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const run = await runWithFault(
    'TLS: a certificate of another CA',
    'the Kubernetes API, permanently',
  )
  expect({ outcome: getOutcome(run), sent }).toEqual({ outcome: 'cluster-unreachable', sent: '' })
  // These are not retried.
  expect(handshakes).toBeLessThanOrEqual(callCount)
})

const respondUnauthorized = createErrorResponder(
  { status: 401, kubernetesReason: 'Unauthorized', awsCode: 'ExpiredTokenException' },
  'kubernetes',
)

test('renews the Kubernetes token after a 401 during the wait', async () => {
  await resetFixture()
  onceApplied(() =>
    injectFault({
      service: 'kubernetes',
      operation: /\/(events|ingresses)/,
      times: 2,
      respond: respondUnauthorized,
    }),
  )
  expectRecovered(
    await runWithFault('401, twice', 'the Kubernetes API, in the wait for the load balancer'),
  )
})

test('reports a permanent 401 during the wait, and the next run succeeds', async () => {
  await resetFixture()
  onceApplied(() =>
    injectFault({ service: 'kubernetes', operation: /./, respond: respondUnauthorized }),
  )
  await expectFailureThenRecovery(
    await runWithFault('401, permanently', 'the Kubernetes API, in the wait for the load balancer'),
    'cluster-unauthorized',
    /credentials have expired/,
  )
})

test('reports AWS credentials that expire during the wait, and the next run succeeds', async () => {
  await resetFixture()
  const respondExpired = createErrorResponder(
    { status: 403, kubernetesReason: '', awsCode: 'ExpiredToken' },
    'elbv2',
  )
  onceApplied(() => injectFault({ service: 'elbv2', operation: /./, respond: respondExpired }))
  await expectFailureThenRecovery(
    await runWithFault('ExpiredToken', 'ELB, in the wait for the load balancer'),
    'aws-credentials-expired',
    /credentials have expired/,
  )
})

test.each(sample([10, -10], 2))(
  "succeeds with a runner's clock that is %d minutes off",
  async (minutes) => {
    await resetFixture()
    const nodeOptions = `${fixture.simulator.runnerEnv()['NODE_OPTIONS'] ?? ''} --import=${new URL('../../testing/fake-clock.mjs', import.meta.url).href}`
    const env = { NODE_OPTIONS: nodeOptions, CLOCK_OFFSET: String(minutes * 60_000) }
    expectRecovered(
      await runWithFault(
        `the runner's clock is ${Math.abs(minutes)} minutes ${minutes > 0 ? 'ahead' : 'behind'}`,
        'the run',
        {},
        { environment: env },
      ),
    )
  },
)

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
const eventStreamCases: readonly (readonly [
  fault: string,
  watch: (response: ServerResponse) => void,
  lists?: (response: ServerResponse) => void,
])[] = [
  ['a watch that is closed immediately', (response) => void response.writeHead(200).end()],
  [
    'a watch without events',
    (response) => {
      response.writeHead(200).flushHeaders()
    },
  ],
  ['a watch without a response', () => undefined],
  [
    '410 Gone in response to a watch',
    createErrorResponder({ status: 410, kubernetesReason: 'Expired', awsCode: '' }, 'kubernetes'),
  ],
  [
    '410 Gone in a watch',
    (response) => {
      sendWatchEvents(response, [
        { type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } },
      ])
      response.end()
    },
  ],
  [
    'a watch that is not JSON',
    (response) => {
      response.writeHead(200).write('\u0000}{\n<html>\n')
    },
  ],
  [
    'duplicate events',
    (response) => {
      sendWatchEvents(response, [...toAddedEvents(), ...toAddedEvents()])
    },
    (response) => {
      sendList(response, [...listEvents(), ...listEvents()])
    },
  ],
  [
    'events out of order',
    (response) => {
      sendWatchEvents(response, toAddedEvents().reverse())
    },
    (response) => {
      sendList(response, listEvents().reverse())
    },
  ],
  [
    'events aggregated into one with a count',
    (response) => {
      sendWatchEvents(
        response,
        listAggregatedEvents().map((object) => ({ type: 'MODIFIED', object })),
      )
    },
    (response) => {
      sendList(response, listAggregatedEvents())
    },
  ],
  [
    'all events dropped',
    (response) => {
      response.writeHead(200).flushHeaders()
    },
    (response) => {
      sendList(response, [])
    },
  ],
]

test.each(sample(eventStreamCases, 9))(
  'detects success and rejection by the controller despite %s',
  async (fault, respondToWatch, respondToList = sendCurrentEvents) => {
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
    simulator.controller.options.unknownIds = ['sg-unknown']
    cleanups.push(() => {
      simulator.controller.options.unknownIds = []
    })
    const rejectedRun = await runWithFault(
      fault,
      'the wait for a controller that rejects the Ingress',
      {
        'security-groups': 'sg-unknown',
        'load-balancer-timeout': isDropped ? '3s' : '20s',
      },
    )
    expect({
      outcome: getOutcome(rejectedRun),
      log: rejectedRun.outputs['failure-code'] === undefined ? rejectedRun.log : '',
    }).toEqual({ outcome: isDropped ? 'load-balancer-timeout' : 'controller-refused', log: '' })
  },
)

test('reports a helm upgrade that is killed, and the next run succeeds', async () => {
  await resetFixture()
  const { simulator } = fixture
  let pid = 0
  void simulator.requestLog
    .nextRequest(({ userAgent, isMutating: mutating }) => userAgent.startsWith('Helm') && mutating)
    .then(() => listProcessTree(pid).slice(1).forEach(killProcess))
  const run = await runWithFault(
    'helm is killed',
    'helm upgrade, at its first write',
    {},
    {
      onStart: (child: { pid?: number }) => {
        pid = child.pid ?? 0
      },
    },
  )
  await expectFailureThenRecovery(run, 'helm-upgrade-failed', /helm/)
})

// This takes 30 to 60 seconds of mostly waiting: the action's own limits apply unchanged.
if (isFullRun) {
  test('retries every read that gets no response for 30 s', async () => {
    await resetFixture()
    for (const operation of [
      'GET /api/v1/namespaces/milvus/services',
      'GET /apis/networking.k8s.io/v1/namespaces/milvus/ingresses',
      'GET /api/v1/namespaces/milvus/secrets',
      'GET /api/v1/namespaces/milvus',
    ])
      injectFault({ service: 'kubernetes', operation, times: 1, respond: () => undefined })
    injectFault({
      service: 'acm',
      operation: 'ListCertificates',
      times: 1,
      respond: () => undefined,
    })
    expectRecovered(await runWithFault('no response for 30 s', 'reads while observing, once'))
    expect(
      countRequests(fixture.simulator, { service: 'acm', operation: 'ListCertificates' }),
    ).toBe(2)
  })

  test('does not import a certificate twice when the import gets no response for 30 s', async () => {
    await resetFixture()
    injectFault({
      service: 'acm',
      operation: 'ImportCertificate',
      times: 1,
      respond: () => undefined,
    })
    expectRecovered(await runWithFault('no response for 30 s', 'acm ImportCertificate, once'))
  })
}
