/** A Kubernetes API that sends endless or malformed responses. Each case is a run of dist/. */
import type { ServerResponse } from 'node:http'
import { afterAll, afterEach, beforeAll, test } from '@jest/globals'
import { sample, isFullRun } from './result-tables.ts'
import { expectHostileRun } from './hostile-run.ts'
import { writePeriodically, flood } from './hostile-server.ts'
import {
  simulator,
  injectFault,
  megabyte,
  gigabyte,
  sendJson,
  startJsonResponse,
  formatService,
  sendEndlessHeaders,
  nextPageToken,
  sendEndlessList,
  type HostileCase,
  startFixture,
  removeAllFaults,
  stopFixture,
} from './hostile-api-fixture.ts'

beforeAll(startFixture)
afterEach(removeAllFaults)
afterAll(stopFixture)

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
        `{"metadata":{"continue":"${nextPageToken()}"},"items":[${Array.from({ length: 500 }, (_, n) => formatService(`service-${n}-${'x'.repeat(1000)}`)).join(',')}]}`,
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
  {
    name: 'a rejection with 216 kB of text',
    respond: (response) =>
      response.writeHead(403, { 'content-type': 'application/json' }).end(
        JSON.stringify({
          kind: 'Status',
          reason: 'Forbidden',
          message: `services is forbidden: User "x" cannot list resource${' "'.repeat(108_000)}`,
        }),
      ),
    outcome: 'cluster-forbidden',
    messagePattern: /services is forbidden/,
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
        ({ operation, userAgent }) =>
          operation.startsWith('PATCH') && userAgent.includes('milvus-alb-action'),
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
