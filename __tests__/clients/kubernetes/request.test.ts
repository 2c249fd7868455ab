import { afterEach, describe, expect, test } from '@jest/globals'
import { KubernetesClient } from '../../../src/clients/kubernetes/client.ts'
import { StatusError } from '../../../src/clients/kubernetes/request.ts'
import { captureError, captureActionError } from '../../capture-error.ts'
import { sendJson, sendStatus, type RequestHandler, type StubServer } from './stub-server.ts'
import {
  startClient,
  namespacePath,
  getNamespace,
  applyObject,
  stopServer,
} from './client-fixture.ts'

afterEach(stopServer)

const getAuthorizationHeaders = ({ requests }: StubServer): unknown[] =>
  requests.map(({ headers }) => headers.authorization)

describe('HTTP 401', () => {
  test('renews the token and retries once', async () => {
    const { client, api, invalidatedTokens } = await startClient((response, index) =>
      index === 0 ? sendStatus(response, 401, 'Unauthorized') : sendJson(response, { ok: true }),
    )
    expect(await getNamespace(client)).toEqual({ ok: true })
    expect([getAuthorizationHeaders(api), invalidatedTokens]).toEqual([
      ['Bearer token-1', 'Bearer token-2'],
      ['token-1'],
    ])
  })

  test('is reported when the renewed token is rejected too', async () => {
    const { client, api } = await startClient((response) =>
      sendStatus(response, 401, 'Unauthorized'),
    )
    const error = await captureActionError(() => getNamespace(client))
    expect([error.code, error.message]).toEqual([
      'cluster-unauthorized',
      expect.stringMatching(/could not read namespace milvus: Unauthorized$/),
    ])
    expect(getAuthorizationHeaders(api)).toEqual(['Bearer token-1', 'Bearer token-2'])
  })

  test('renews the token also after a retry', async () => {
    const failures = [503, 401]
    const { client, api } = await startClient((response, index) => {
      const status = failures[index]
      if (status === undefined) sendJson(response, {})
      else sendStatus(response, status, 'x')
    })
    expect(await getNamespace(client)).toEqual({})
    expect(getAuthorizationHeaders(api)).toEqual([
      'Bearer token-1',
      'Bearer token-1',
      'Bearer token-2',
    ])
  })
})

describe('a response that is not retried', () => {
  const webhookDenial =
    'admission webhook "vingress.elbv2.k8s.aws" denied the request: invalid ingress class: IngressClass.networking.k8s.io "nope" not found'
  const webhookUnavailable =
    'Internal error occurred: failed calling webhook "vingress.elbv2.k8s.aws": failed to call webhook: Post "https://x": connect: connection refused'
  const conflict = {
    reason: 'FieldManagerConflict',
    field: '.spec',
    message: 'conflict with "kubectl"',
  }
  interface ErrorResponse {
    readonly name: string
    readonly status: number
    readonly message: string
    /** Further fields of the Status. */
    readonly fields?: object
    readonly send: (client: KubernetesClient) => Promise<unknown>
    readonly expected: object
  }
  const errorResponses: readonly ErrorResponse[] = [
    {
      name: '403 of a get',
      status: 403,
      message: 'namespaces "milvus" is forbidden',
      send: getNamespace,
      expected: {
        code: 'cluster-forbidden',
        message:
          'This identity is not allowed to read namespace milvus: namespaces "milvus" is forbidden',
      },
    },
    {
      name: '403 of a webhook',
      status: 403,
      message: webhookDenial,
      fields: { reason: 'Forbidden' },
      send: applyObject,
      expected: { name: 'StatusError', status: 403, message: webhookDenial },
    },
    {
      name: '500 of an unavailable webhook',
      status: 500,
      message: webhookUnavailable,
      fields: { reason: 'InternalError' },
      send: applyObject,
      expected: { name: 'StatusError', status: 500 },
    },
    {
      name: '500 of an object with duplicate list keys',
      status: 500,
      message:
        'failed to create typed patch object (milvus/x; apps/v1, Kind=Deployment): duplicate entries for key [name="A"]',
      fields: { reason: 'InternalError' },
      send: applyObject,
      expected: { name: 'StatusError', status: 500 },
    },
    {
      name: '404 of an apply',
      status: 404,
      message: 'namespaces "milvus" not found',
      fields: { reason: 'NotFound' },
      send: applyObject,
      expected: { name: 'StatusError', status: 404, reason: 'NotFound' },
    },
    {
      name: '409 of an apply',
      status: 409,
      message: 'Apply failed with 1 conflict',
      fields: { reason: 'Conflict', details: { causes: [conflict] } },
      send: applyObject,
      expected: { name: 'StatusError', status: 409, causes: [conflict] },
    },
    {
      name: '422 of an apply',
      status: 422,
      message: 'is invalid',
      fields: { reason: 'Invalid' },
      send: applyObject,
      expected: { name: 'StatusError', status: 422, reason: 'Invalid' },
    },
    {
      name: '400 of a list',
      status: 400,
      message: 'unable to parse',
      send: (client) => client.list(namespacePath, {}, 'list things'),
      expected: { code: 'cluster-request-failed' },
    },
  ]
  test.each(errorResponses)('$name', async ({ status, message, fields = {}, send, expected }) => {
    const { client, api } = await startClient((response) =>
      sendStatus(response, status, message, fields),
    )
    expect(await captureError(() => send(client))).toMatchObject(expected)
    expect(api.requests).toHaveLength(1)
  })

  test('404 of a get returns undefined', async () => {
    const { client, api } = await startClient((response) => sendStatus(response, 404, 'not found'))
    expect(await getNamespace(client)).toBeUndefined()
    expect(api.requests).toHaveLength(1)
  })

  test('407 of a proxy, which is not a Status', async () => {
    const { client } = await startClient((response) =>
      response.writeHead(407).end('<html>Proxy Authentication Required</html>'),
    )
    expect(await captureError(() => applyObject(client))).toMatchObject({
      status: 407,
      message: expect.stringMatching(/^HTTP 407: <html>Proxy/) as unknown,
    })
  })
})

describe('transient failures', () => {
  const resetConnection: RequestHandler = (response) => {
    response.socket?.destroy()
  }
  const truncateResponse: RequestHandler = (response) => {
    response.writeHead(200, { 'content-length': '1000' }).write('{"half":')
    setImmediate(() => response.socket?.destroy())
  }
  const failureCases: readonly { name: string; respond: RequestHandler; code: string }[] = [
    ...[429, 500, 502, 503, 504].map((status) => ({
      name: String(status),
      respond: (response: Parameters<RequestHandler>[0]) => sendStatus(response, status, 'later'),
      code: 'cluster-request-failed',
    })),
    { name: 'a closed connection', respond: resetConnection, code: 'cluster-unreachable' },
    { name: 'a truncated response', respond: truncateResponse, code: 'cluster-unreachable' },
    {
      name: 'a response that is not JSON',
      respond: (response) => response.end('<html>'),
      code: 'cluster-request-failed',
    },
  ]
  test.each(failureCases)(
    'retries until the sixth attempt succeeds: $name',
    async ({ respond }) => {
      const { client, api, clock } = await startClient((response, index, request) =>
        index < 5 ? respond(response, index, request) : sendJson(response, { ok: true }),
      )
      expect(await getNamespace(client)).toEqual({ ok: true })
      expect([api.requests.length, clock.sleeps.length]).toEqual([6, 5])
    },
  )

  test.each(failureCases)('fails after six attempts: $name', async ({ respond, code }) => {
    const { client, api } = await startClient(respond)
    expect((await captureActionError(() => getNamespace(client))).code).toBe(code)
    expect(api.requests).toHaveLength(6)
  })

  test('waits as long as Retry-After requires', async () => {
    const { client, clock } = await startClient((response, index) => {
      if (index === 0) sendStatus(response.setHeader('retry-after', '3'), 429, 'later')
      else sendJson(response, {})
    })
    expect(await getNamespace(client)).toEqual({})
    expect(clock.sleeps).toHaveLength(1)
    expect(clock.sleeps[0]).toBeGreaterThan(3_000)
  })

  test('reports a response larger than 2 MiB', async () => {
    const { client } = await startClient((response) =>
      response.end(Buffer.alloc(2 * 1024 * 1024 + 1, ' ')),
    )
    expect((await captureActionError(() => getNamespace(client))).message).toMatch(
      /the response is larger than 2 MiB/,
    )
  })

  test('does not report an HTML page as an unreachable API', async () => {
    const { client } = await startClient((response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Log in</html>'),
    )
    expect((await captureActionError(() => getNamespace(client))).message).not.toMatch(
      /cannot be reached/,
    )
  })
})

test.each<{
  name: string
  constructorArguments: ConstructorParameters<typeof StatusError>
  expected: object
}>([
  {
    name: 'a complete Status',
    constructorArguments: [
      409,
      { message: 'm', reason: 'Conflict', details: { causes: [{ field: 'f' }] } },
    ],
    expected: { message: 'm', reason: 'Conflict', causes: [{ field: 'f' }], status: 409 },
  },
  {
    name: 'an empty Status',
    constructorArguments: [500, {}],
    expected: { message: 'HTTP 500', reason: '', causes: [], status: 500 },
  },
])('StatusError of $name', ({ constructorArguments, expected }) => {
  expect(new StatusError(...constructorArguments)).toMatchObject(expected)
})
