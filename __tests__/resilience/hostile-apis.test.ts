/**
 * A Kubernetes API and AWS that send endless or malformed responses, and full clusters and
 * accounts. Each case is a run of dist/.
 */
import type { ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, test } from '@jest/globals'
import type { KubernetesObject } from '../../simulator/kubernetes/api.ts'
import { runAction } from '../../testing/run-action.ts'
import { startSimulator, type Simulator } from '../../simulator/simulator.ts'
import type { Fault } from '../../testing/request-log.ts'
import { sample, isFullRun } from './result-tables.ts'
import { expectHostileRun } from './hostile-run.ts'
import { writePeriodically, flood } from './hostile-server.ts'

let simulator: Simulator
const removeFaults: (() => void)[] = []
const injectFault = (fault: Fault): void =>
  void removeFaults.push(
    simulator.requestLog.injectFault({ userAgent: /milvus-alb-action/, ...fault }),
  )

beforeAll(async () => {
  simulator = await startSimulator()
  await simulator.installMilvus()
  await runAction(simulator)
})
afterEach(() => removeFaults.splice(0).forEach((removeFault) => removeFault()))
afterAll(() => simulator.close())

const megabyte = Buffer.alloc(1024 * 1024, ' ')
const gigabyte = 1024 * 1024 * 1024
const sendJson = (response: ServerResponse, largeText: string): void =>
  void response.writeHead(200, { 'content-type': 'application/json' }).end(largeText)
const startJsonResponse = (response: ServerResponse): ServerResponse =>
  response.writeHead(200, { 'content-type': 'application/json' })
const object = (name: string): string =>
  JSON.stringify({
    metadata: { name, uid: name, resourceVersion: '1' },
    spec: { ports: [{ name: 'milvus', port: 19530 }] },
  })
const sendEndlessHeaders = ({ socket }: ServerResponse): void => {
  socket?.write('HTTP/1.1 200 OK\r\n')
  if (socket) flood(socket, 'x: y\r\n'.repeat(1000))
}
let pageNumber = 0
/** A page whose token always names another page. */
const sendEndlessList = (response: ServerResponse): void =>
  sendJson(
    response,
    `{"metadata":{"continue":"page-${pageNumber++}"},"items":[${object(`service-${pageNumber}`)}]}`,
  )

interface HostileCase {
  readonly name: string
  readonly respond: (response: ServerResponse) => void
  /** `success`, or the failure code. */
  readonly outcome: string
  /** Matches the message of the run. */
  readonly messagePattern: RegExp
  readonly deadlineSeconds?: number
}

/** The seconds of backoff between the six attempts after an unusable response. */
const retrySeconds = 7
const servicesError = 'The Kubernetes API could not list Services in namespace milvus: '

const kubernetesCases: readonly HostileCase[] = [
  {
    name: 'endless headers',
    respond: sendEndlessHeaders,
    outcome: 'cluster-unreachable',
    messagePattern: /Header overflow/,
    deadlineSeconds: retrySeconds,
  },
  {
    name: 'a redirect',
    respond: (response) => response.writeHead(307, { location: 'https://example.com/' }).end(),
    outcome: 'cluster-request-failed',
    messagePattern:
      /Services in namespace milvus: HTTP 307, the server redirects to https:\/\/example\.com\//,
  },
  {
    name: 'a response of 1 GB',
    respond: (response) => flood(startJsonResponse(response), megabyte, gigabyte),
    outcome: 'cluster-request-failed',
    messagePattern: new RegExp(`${servicesError}HTTP 200, the response is larger than 2 MiB`),
  },
  {
    name: 'an error response of 1 GB',
    respond: (response) => flood(response.writeHead(500), megabyte, gigabyte),
    outcome: 'cluster-request-failed',
    messagePattern: /HTTP 500, the response is larger than 2 MiB/,
  },
  {
    name: 'an HTML page instead of JSON',
    respond: (response) => sendJson(response, '<html>Log in</html>'),
    outcome: 'cluster-request-failed',
    messagePattern: /not JSON; it starts with "<html>Log in/,
    deadlineSeconds: retrySeconds,
  },
  {
    name: 'truncated JSON',
    respond: (response) => sendJson(response, '{"items":[{"metadata":'),
    outcome: 'cluster-request-failed',
    messagePattern: /not JSON/,
    deadlineSeconds: retrySeconds,
  },
  {
    name: 'null',
    respond: (response) => sendJson(response, 'null'),
    outcome: 'cluster-request-failed',
    messagePattern: /not a list of objects/,
  },
  {
    name: 'a list whose items are not objects',
    respond: (response) => sendJson(response, '{"items":[1,null,"x"]}'),
    outcome: 'cluster-request-failed',
    messagePattern: /not a list of objects/,
  },
  {
    name: 'an endless list',
    respond: sendEndlessList,
    outcome: 'cluster-request-failed',
    messagePattern: /the list does not end after 1000 pages/,
    deadlineSeconds: 20,
  },
  {
    name: 'a list that repeats a page',
    respond: (response) => sendJson(response, '{"metadata":{"continue":"again"},"items":[]}'),
    outcome: 'cluster-request-failed',
    messagePattern: /repeats a page/,
  },
  {
    name: 'an endless list with 500 objects per page',
    respond: (response) =>
      sendJson(
        response,
        `{"metadata":{"continue":"page-${pageNumber++}"},"items":[${Array.from({ length: 500 }, (_, n) => object(`service-${n}-${'x'.repeat(1000)}`)).join(',')}]}`,
      ),
    outcome: 'cluster-request-failed',
    messagePattern: /more than 20000 items/,
  },
  {
    name: 'a list whose continue token has always expired',
    respond: (response) =>
      response
        .writeHead(410, { 'content-type': 'application/json' })
        .end(
          '{"kind":"Status","reason":"Expired","message":"The provided continue parameter is too old"}',
        ),
    outcome: 'cluster-request-failed',
    messagePattern: /HTTP 410, The provided continue/,
  },
  {
    name: 'JSON nested two million levels deep',
    respond: (response) => sendJson(response, '['.repeat(2_000_000)),
    outcome: 'cluster-request-failed',
    messagePattern: /not JSON|not a list/,
    deadlineSeconds: retrySeconds,
  },
]

test.each(sample(kubernetesCases, 12))(
  'a malformed response of the Kubernetes API: $name',
  async ({ name, respond, outcome, messagePattern, deadlineSeconds = 1 }) => {
    injectFault({
      service: 'kubernetes',
      operation: 'GET /api/v1/namespaces/milvus/services',
      respond,
    })
    await expectHostileRun(simulator, `Kubernetes API: ${name}`, {
      outcome,
      messagePattern,
      deadlineSeconds,
    })
  },
)

const acmCases: readonly HostileCase[] = [
  {
    name: 'endless headers',
    respond: sendEndlessHeaders,
    outcome: 'aws-request-failed',
    messagePattern: /acm:ListCertificates.*Header overflow/,
    deadlineSeconds: 3,
  },
  {
    name: 'a response of 1 GB',
    respond: (response) => flood(startJsonResponse(response), megabyte, gigabyte),
    outcome: 'aws-request-failed',
    messagePattern: /The AWS request acm:ListCertificates failed: the response exceeds 8 MiB/,
  },
  {
    name: 'an error response of 1 GB',
    respond: (response) => flood(response.writeHead(400), megabyte, gigabyte),
    outcome: 'aws-request-failed',
    messagePattern: /the response exceeds 8 MiB/,
  },
  {
    name: 'malformed JSON',
    respond: (response) => sendJson(response, '{"CertificateSummaryList":[{'),
    outcome: 'aws-request-failed',
    messagePattern:
      /The AWS request acm:ListCertificates failed: the response did not come from AWS/,
  },
  {
    name: 'JSON of another structure',
    respond: (response) => sendJson(response, '{"CertificateSummaryList":5}'),
    outcome: 'aws-request-failed',
    messagePattern:
      /The AWS request acm:ListCertificates failed: the response did not come from AWS/,
  },
  {
    name: 'a list of nulls',
    respond: (response) => sendJson(response, '{"CertificateSummaryList":[null,null,1]}'),
    outcome: 'aws-request-failed',
    messagePattern:
      /The AWS request acm:ListCertificates failed: the response did not come from AWS/,
  },
  {
    name: 'a NextToken that always names another page',
    respond: (response) =>
      sendJson(response, `{"CertificateSummaryList":[],"NextToken":"page-${pageNumber++}"}`),
    outcome: 'aws-request-failed',
    messagePattern: /acm:ListCertificates failed: the list does not end after 100 pages/,
    deadlineSeconds: 4,
  },
  {
    name: 'a NextToken that is always the same',
    respond: (response) => sendJson(response, '{"CertificateSummaryList":[],"NextToken":"again"}'),
    outcome: 'aws-request-failed',
    messagePattern: /does not end/,
    deadlineSeconds: 4,
  },
]

test.each(isFullRun ? acmCases : acmCases.slice(-1))(
  'a malformed response of ACM: $name',
  async ({ name, respond, outcome, messagePattern, deadlineSeconds = 1 }) => {
    injectFault({ service: 'acm', operation: 'ListCertificates', respond })
    await expectHostileRun(simulator, `ACM: ${name}`, { outcome, messagePattern, deadlineSeconds })
  },
)

/** The run polls ELB until load-balancer-timeout. */
const elbCases: readonly Pick<HostileCase, 'name' | 'respond' | 'messagePattern'>[] = [
  {
    name: 'a response of 1 GB',
    respond: (response) =>
      flood(response.writeHead(200, { 'content-type': 'text/xml' }), megabyte, gigabyte),
    messagePattern: /DescribeLoadBalancers failed: the response exceeds 8 MiB\.\n/,
  },
  {
    name: 'malformed XML',
    respond: (response) =>
      response
        .writeHead(200, { 'content-type': 'text/xml' })
        .end('<DescribeLoadBalancersResponse><DescribeLoadBalancersResult><member></'),
    messagePattern:
      /within 2 s: The AWS request elasticloadbalancing:DescribeLoadBalancers failed: .*[^.]\.\n/,
  },
  {
    name: 'XML with exponentially growing entities',
    respond: (response) =>
      response.writeHead(200, { 'content-type': 'text/xml' }).end(entityBomb()),
    messagePattern: /within 2 s: ELB does not know a load balancer/,
  },
  {
    name: 'XML nested a million levels deep',
    respond: (response) =>
      response.writeHead(200, { 'content-type': 'text/xml' }).end('<a>'.repeat(1_000_000)),
    messagePattern:
      /within 2 s: The AWS request elasticloadbalancing:DescribeLoadBalancers failed: .*[^.]\.\n/,
  },
]

/** Ten entities, each ten times the size of the previous one. */
function entityBomb(): string {
  const entities = Array.from(
    { length: 10 },
    (_, n) => `<!ENTITY e${n + 1} "${`&e${n};`.repeat(10)}">`,
  ).join('')
  return `<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e0 "xxxxxxxxxx">${entities}]><DescribeLoadBalancersResponse><DescribeLoadBalancersResult><LoadBalancers><member><DNSName>&e10;</DNSName></member></LoadBalancers></DescribeLoadBalancersResult></DescribeLoadBalancersResponse>`
}

test.each(isFullRun ? elbCases : elbCases.slice(0, 1))(
  'a malformed response of ELB: $name',
  async ({ name, respond, messagePattern }) => {
    injectFault({ service: 'elbv2', operation: 'DescribeLoadBalancers', respond })
    await expectHostileRun(simulator, `ELB: ${name}`, {
      inputs: { 'probe-timeout': '1s', 'load-balancer-timeout': '2s' },
      outcome: 'load-balancer-timeout',
      messagePattern,
      deadlineSeconds: 3,
    })
  },
)

/**
 * The API sends malformed responses from the apply on, while the run waits for the controller. Each
 * run has its own idle-timeout, so that there is a change to apply.
 */
const waitCases: readonly {
  readonly name: string
  readonly idleTimeout: number
  readonly responses: {
    readonly list: (response: ServerResponse) => void
    readonly watch: (response: ServerResponse) => void
  }
  readonly messagePattern: RegExp
}[] = [
  {
    name: 'a list of events that arrives one byte at a time',
    idleTimeout: 61,
    responses: {
      list: (response) => writePeriodically(startJsonResponse(response), ' ', 100),
      watch: startJsonResponse,
    },
    messagePattern: /not ready within 2 s: no response/,
  },
  {
    name: 'a list and a watch of events without a response',
    idleTimeout: 62,
    responses: { list: () => undefined, watch: () => undefined },
    messagePattern: /not ready within 2 s: no response/,
  },
  {
    name: 'a watch with a flood of events',
    idleTimeout: 63,
    responses: {
      list: (response) => sendJson(response, '{"items":[]}'),
      watch: (response) =>
        flood(
          startJsonResponse(response),
          `${JSON.stringify({ type: 'ADDED', object: { metadata: {} } })}\n`.repeat(1000),
        ),
    },
    messagePattern: /not ready within 2 s: the controller/,
  },
  {
    name: 'a watch with an endless line',
    idleTimeout: 64,
    responses: {
      list: (response) => sendJson(response, '{"items":[]}'),
      watch: (response) => flood(startJsonResponse(response), megabyte),
    },
    messagePattern: /not ready within 2 s: the controller/,
  },
]

test.each(isFullRun ? waitCases : waitCases.slice(-1))(
  'a malformed response of the Kubernetes API during the wait for the controller: $name',
  async ({ name, idleTimeout, responses: { list, watch }, messagePattern }) => {
    const respond = (response: ServerResponse): void =>
      ((response.req.url ?? '').includes('watch=true') ? watch : list)(response)
    void simulator.requestLog
      .nextRequest(
        ({ operation, userAgent: client }) =>
          operation.startsWith('PATCH') && client.includes('milvus-alb-action'),
      )
      .then(() => {
        injectFault({ service: 'kubernetes', operation: /^GET .*\/events$/, respond })
      })
    await expectHostileRun(simulator, `Kubernetes API: ${name}`, {
      inputs: { 'idle-timeout': `${idleTimeout}s`, 'load-balancer-timeout': '2s' },
      outcome: 'load-balancer-timeout',
      messagePattern,
      deadlineSeconds: 3.5,
    })
  },
)

// These take as long as the action's own limits, so one run meets all three at once.
if (isFullRun) {
  test('the Kubernetes API and ACM send endless responses or headers one piece at a time', async () => {
    injectFault({
      service: 'kubernetes',
      operation: /\/services$/,
      respond: (response) => writePeriodically(startJsonResponse(response), ' ', 1000),
    })
    injectFault({
      service: 'kubernetes',
      operation: /\/ingressclasses\//,
      respond: ({ socket }) => socket && writePeriodically(socket, 'HTTP/1.1', 100_000),
    })
    injectFault({
      service: 'acm',
      operation: 'ListCertificates',
      respond: (response) => writePeriodically(startJsonResponse(response), ' ', 1000),
    })
    await expectHostileRun(
      simulator,
      'Kubernetes API and ACM: endless responses, one byte at a time',
      {
        outcome: 'aws-request-failed',
        messagePattern:
          /acm:ListCertificates failed: the response was not complete within 30 s.*Services in namespace milvus: the response was incomplete after 60 s/s,
        deadlineSeconds: 62,
      },
    )
  })
}

test('succeeds in a cluster with 100,000 events and thousands of Services, Ingresses and Helm revisions', async () => {
  const largeText = randomBytes(5_000).toString('hex')
  const metadata = (name: string) => ({
    namespace: simulator.namespace,
    name,
    uid: name,
    creationTimestamp: '2026-01-01T00:00:00Z',
    annotations: { 'example.com/notes': largeText },
  })
  const createMany = (count: number, createObject: (name: string) => object): KubernetesObject[] =>
    Array.from({ length: count }, (_, n) => createObject(`full-${n}`) as KubernetesObject)
  const [ownIngress] = simulator.kubernetes.list('Ingress', simulator.namespace)
  const createEvent =
    (involved: object) =>
    (name: string): object => ({
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { namespace: simulator.namespace, name, uid: name },
      type: 'Normal',
      reason: 'SuccessfullyReconciled',
      message: 'Successfully reconciled',
      count: 1,
      involvedObject: {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'Ingress',
        namespace: simulator.namespace,
        ...involved,
      },
    })
  const chart = { metadata: { name: 'nginx', version: '1.0.0' } }
  const release = gzipSync(
    JSON.stringify({
      name: 'full',
      version: 1,
      info: { status: 'deployed' },
      chart,
      config: {},
      manifest: randomBytes(150_000).toString('base64'),
    }),
  ).toString('base64')
  const divisor = isFullRun ? 1 : 20
  const counts = { events: 100_000 / divisor, objects: 3_000 / divisor }
  simulator.kubernetes.load([
    ...createMany(counts.events / 2, createEvent({ name: 'another', uid: 'another' })),
    ...createMany(
      counts.events / 2,
      createEvent({ name: ownIngress?.metadata.name, uid: ownIngress?.metadata.uid }),
    ).map((each, n) => ({ ...each, metadata: { ...each.metadata, name: `ours-${n}` } })),
    ...createMany(counts.objects, (name) => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: metadata(name),
      spec: { type: 'ClusterIP', ports: [{ port: 80 }] },
    })),
    ...createMany(counts.objects, (name) => ({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: metadata(name),
      spec: { ingressClassName: 'nginx', rules: [{ host: name }] },
    })),
    ...createMany(counts.objects, (name) => ({
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'helm.sh/release.v1',
      metadata: {
        ...metadata(name),
        labels: {
          owner: 'helm',
          name: `full-${Number(name.slice(5)) % 100}`,
          status: 'deployed',
          version: `${Math.floor(Number(name.slice(5)) / 100) + 1}`,
        },
      },
      data: { release: Buffer.from(release).toString('base64') },
    })),
  ])
  // The deadline is the action's own limit for one list.
  await expectHostileRun(
    simulator,
    `a cluster with ${counts.events} events, and ${counts.objects} Services, Ingresses and helm revisions each`,
    { outcome: 'success', messagePattern: /unchanged/, deadlineSeconds: 60 },
  )
})
