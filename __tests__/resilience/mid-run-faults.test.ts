/** Temporary faults in the middle of a run: of the API server, tokens, the clock and Helm. */
import net from 'node:net'
import tls from 'node:tls'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { createCertificateAuthority } from '../../testing/certificates.ts'
import { closeServer } from '../../testing/close-server.ts'
import { killProcess, listProcessTree } from '../../testing/process-tree.ts'
import type { RecordedRequest } from '../../testing/request-log.ts'
import { sample, isFullRun } from './result-tables.ts'
import { getOutcome } from './outcome.ts'
import { countRequests, createErrorResponder } from './api-faults.ts'
import {
  fixture,
  callCount,
  cleanups,
  injectFault,
  isIngressApply,
  onceApplied,
  runWithFault,
  expectRecovered,
  expectFailureThenRecovery,
  resetFixture,
  startFixture,
  cleanUpFaults,
  stopFixture,
} from './mid-run-fixture.ts'

beforeAll(startFixture)
afterEach(cleanUpFaults)
afterAll(stopFixture)

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
  const close = (): Promise<void> => {
    const closed = closeServer(server)
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

test.each(
  sample(
    [
      [
        'before the first call',
        ({ service, operation }: RecordedRequest) =>
          service === 'eks' && operation === 'DescribeCluster',
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

test('survives or reports an API server restart during a Helm upgrade, and the next run succeeds', async () => {
  await resetFixture()
  const proxy = await startApiServerProxy()
  void fixture.simulator.requestLog
    .nextRequest(({ userAgent, isMutating }) => userAgent.startsWith('Helm') && isMutating)
    .then(() => restartApiServer(proxy))
  const run = await runWithFault(
    `the API server is away for ${downtimeSeconds} s`,
    'while Helm works',
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

test('reports a Helm upgrade that is killed, and the next run succeeds', async () => {
  await resetFixture()
  const { simulator } = fixture
  let pid = 0
  void simulator.requestLog
    .nextRequest(({ userAgent, isMutating }) => userAgent.startsWith('Helm') && isMutating)
    .then(() => listProcessTree(pid).slice(1).forEach(killProcess))
  const run = await runWithFault(
    'Helm is killed',
    'Helm upgrade, at its first write',
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
