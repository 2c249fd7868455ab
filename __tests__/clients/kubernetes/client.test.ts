import { afterEach, describe, expect, test } from '@jest/globals'
import { createCertificateAuthority } from '../../../testing/certificates.ts'
import { KubernetesClient } from '../../../src/clients/kubernetes/client.ts'
import { StatusError } from '../../../src/clients/kubernetes/request.ts'
import { createTokenConnection } from '../../../src/clients/kubernetes/connection.ts'
import type { KubernetesObject } from '../../../src/clients/kubernetes/types.ts'
import { captureError, captureActionError } from '../../capture-error.ts'
import { FakeClock } from '../../util/clock.ts'
import {
  sendJson,
  startStubServer,
  sendStatus,
  type RequestHandler,
  type StubServer,
} from './stub-server.ts'

let server: StubServer | undefined
afterEach(async () => {
  await server?.close()
  server = undefined
})

interface ClientFixture {
  client: KubernetesClient
  api: StubServer
  clock: FakeClock
  invalidatedTokens: string[]
}

/** A client whose tokens are numbered, and the server that answers it. */
async function startClient(
  handler: RequestHandler,
  options: { path?: string; ca?: string; signal?: AbortSignal } = {},
): Promise<ClientFixture> {
  server = await startStubServer(handler)
  const invalidatedTokens: string[] = []
  let tokenNumber = 1
  const tokenSource = {
    token: () => Promise.resolve(`token-${tokenNumber}`),
    invalidate: () => {
      invalidatedTokens.push(`token-${tokenNumber++}`)
    },
  }
  const connection = createTokenConnection(
    { server: server.url + (options.path ?? ''), certificateAuthority: options.ca ?? server.ca },
    tokenSource,
    {},
  )
  const clock = new FakeClock()
  return {
    client: new KubernetesClient(connection, {
      signal: options.signal ?? new AbortController().signal,
      clock,
    }),
    api: server,
    clock,
    invalidatedTokens,
  }
}

const namespacePath = '/api/v1/namespaces/milvus'
const getAuthorizationHeaders = ({ requests }: StubServer): unknown[] =>
  requests.map(({ headers }) => headers.authorization)
const getNamespace = (client: KubernetesClient): Promise<KubernetesObject | undefined> =>
  client.get<KubernetesObject>(namespacePath, 'read namespace milvus')
const applyObject = (client: KubernetesClient): Promise<unknown> =>
  client.apply(`${namespacePath}/x`, { kind: 'X' }, { fieldManager: 'me', force: false }, 'apply X')

describe('requests', () => {
  test('sends a GET request with the token', async () => {
    const { client, api } = await startClient((response) =>
      sendJson(response, { metadata: { name: 'milvus' } }),
    )
    expect(await getNamespace(client)).toEqual({ metadata: { name: 'milvus' } })
    expect(api.requests).toMatchObject([
      {
        method: 'GET',
        url: namespacePath,
        headers: {
          authorization: 'Bearer token-1',
          accept: 'application/json',
          'user-agent': 'milvus-alb-action',
        },
      },
    ])
  })

  test.each(['/k8s/clusters/c-1', '/k8s/clusters/c-1/'])(
    "keeps a path in the server's URL (%s)",
    async (path) => {
      const { client, api } = await startClient((response) => sendJson(response, {}), { path })
      await getNamespace(client)
      expect(api.requests[0]?.url).toBe(`/k8s/clusters/c-1${namespacePath}`)
    },
  )

  test('sends the selectors of a list', async () => {
    const { client, api } = await startClient((response) =>
      sendJson(response, { items: [{ metadata: { name: 'a' } }, { metadata: { name: 'b' } }] }),
    )
    expect(
      await client.list(
        `${namespacePath}/secrets`,
        { labelSelector: 'owner=helm,name=a b', fieldSelector: 'x!=y' },
        'list',
      ),
    ).toEqual([{ metadata: { name: 'a' } }, { metadata: { name: 'b' } }])
    expect(new URL(api.requests[0]?.url ?? '', 'https://x').searchParams.toString()).toBe(
      'labelSelector=owner%3Dhelm%2Cname%3Da+b&fieldSelector=x%21%3Dy&limit=250',
    )
  })

  describe('a paged list', () => {
    const createItem = (name: string) => ({ metadata: { name } })
    const getQueries = ({ requests }: StubServer): string[] =>
      requests.map(({ url }) => new URL(url, 'https://x').search)
    const listServices = (client: KubernetesClient) =>
      client.list<KubernetesObject>(`${namespacePath}/services`, {}, 'list Services')

    test('continues where the previous page ended', async () => {
      const { client, api } = await startClient((response, index) =>
        sendJson(
          response,
          index === 0
            ? { metadata: { continue: 'there' }, items: [createItem('a')] }
            : { items: [createItem('b')] },
        ),
      )
      expect([await listServices(client), getQueries(api)]).toEqual([
        [createItem('a'), createItem('b')],
        ['?limit=250', '?limit=250&continue=there'],
      ])
    })

    test('restarts when its continue token has expired', async () => {
      const { client, api } = await startClient((response, index) =>
        index === 1
          ? sendStatus(response, 410, 'too old', { reason: 'Expired' })
          : sendJson(
              response,
              index === 0
                ? { metadata: { continue: 'there' }, items: [createItem('a')] }
                : { items: [createItem('b')] },
            ),
      )
      expect([await listServices(client), getQueries(api)]).toEqual([
        [createItem('b')],
        ['?limit=250', '?limit=250&continue=there', '?limit=250'],
      ])
    })

    test('restarts with smaller pages when a page is too large', async () => {
      const { client, api } = await startClient((response, index) =>
        index === 0
          ? response.end(Buffer.alloc(3 * 1024 * 1024, ' '))
          : sendJson(response, { items: [createItem('a')] }),
      )
      expect([await listServices(client), getQueries(api)]).toEqual([
        [createItem('a')],
        ['?limit=250', '?limit=25'],
      ])
    })

    test('keeps only the requested items', async () => {
      const { client } = await startClient((response, index) =>
        sendJson(response, {
          metadata: { continue: index < 3 ? `${index}` : '' },
          items: [createItem(`${index}`)],
        }),
      )
      expect(
        await client.list<KubernetesObject>(`${namespacePath}/events`, {}, 'list Events', (items) =>
          items.slice(-1),
        ),
      ).toEqual([createItem('3')])
    })
  })

  test('returns an empty list for null items', async () => {
    const { client } = await startClient((response) =>
      sendJson(response, { kind: 'List', items: null }),
    )
    expect(await client.list(`${namespacePath}/secrets`, {}, 'list')).toEqual([])
  })

  test('requests only the metadata of a metadata list', async () => {
    const { client, api } = await startClient((response) => sendJson(response, { items: [] }))
    await client.listMetadata(`${namespacePath}/secrets`, {}, 'list')
    expect(api.requests[0]?.headers.accept).toMatch(/as=PartialObjectMetadataList/)
  })

  test.each([true, false])('sends a server-side apply (force: %s)', async (force) => {
    const { client, api } = await startClient((response) => sendJson(response, { done: true }))
    expect(
      await client.apply(
        `${namespacePath}/x`,
        { kind: 'X' },
        { fieldManager: 'me', force },
        'apply',
      ),
    ).toEqual({ done: true })
    const [patchRequest] = api.requests
    expect([
      patchRequest?.method,
      patchRequest?.headers['content-type'],
      patchRequest?.body,
    ]).toEqual(['PATCH', 'application/apply-patch+yaml', '{"kind":"X"}'])
    expect(Object.fromEntries(new URL(patchRequest?.url ?? '', 'https://x').searchParams)).toEqual({
      fieldManager: 'me',
      force: String(force),
      fieldValidation: 'Strict',
    })
  })

  test('sends the YAML of a server-side dry run unchanged', async () => {
    const { client, api } = await startClient((response) => sendJson(response, { done: true }))
    await client.apply(
      `${namespacePath}/x`,
      'kind: X # a comment',
      { fieldManager: 'me', force: false, dryRun: true },
      'try',
    )
    const [patchRequest] = api.requests
    expect(patchRequest?.body).toBe('kind: X # a comment')
    expect(Object.fromEntries(new URL(patchRequest?.url ?? '', 'https://x').searchParams)).toEqual({
      fieldManager: 'me',
      force: 'false',
      dryRun: 'All',
      fieldValidation: 'Ignore',
    })
  })
})

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

describe('connection failures', () => {
  test('attempts a closed port six times and suggests a remedy', async () => {
    const { client, api, clock } = await startClient(() => undefined)
    await api.close()
    server = undefined
    const error = await captureActionError(() => getNamespace(client))
    expect([error.code, error.message, clock.sleeps.length]).toEqual([
      'cluster-unreachable',
      expect.stringMatching(
        /^The Kubernetes API at https:\/\/127\.0\.0\.1:\d+ cannot be reached: .*ECONNREFUSED/,
      ),
      5,
    ])
    expect(error.remedy).toMatch(/private endpoint/)
  })

  test('does not retry a certificate of another CA', async () => {
    const { client, clock } = await startClient((response) => sendJson(response, {}), {
      ca: (await createCertificateAuthority({ keyAlgorithm: 'EC_prime256v1', name: 'Other' })).root,
    })
    const error = await captureActionError(() => getNamespace(client))
    expect([error.code, error.message, clock.sleeps]).toEqual([
      'cluster-unreachable',
      expect.stringMatching(/unable to verify|unable to get/),
      [],
    ])
  })

  test('ends the request of a cancelled job at once without reporting the API as unreachable', async () => {
    const controller = new AbortController()
    const { client, api } = await startClient(() => controller.abort(), {
      signal: controller.signal,
    })
    expect(await captureError(() => getNamespace(client))).toMatchObject({ name: 'AbortError' })
    expect(api.requests).toHaveLength(1)
  })
})

describe('watch', () => {
  const writeWatchEvent = (response: Parameters<RequestHandler>[0], type: string): void => {
    response.write(`${JSON.stringify({ type, object: {} })}\n`)
  }

  test('reports each change and reopens a watch that ends', async () => {
    const controller = new AbortController()
    const { client, api } = await startClient((response) => {
      writeWatchEvent(response, 'ADDED')
      writeWatchEvent(response, 'MODIFIED')
      response.end()
    })
    let changeCount = 0
    await client.watch(
      `${namespacePath}/events`,
      { fieldSelector: 'a=b' },
      () => {
        changeCount += 1
        if (changeCount === 5) controller.abort()
      },
      controller.signal,
    )
    expect(changeCount).toBeGreaterThanOrEqual(5)
    expect(api.requests.length).toBeGreaterThanOrEqual(3)
    expect(
      Object.fromEntries(new URL(api.requests[0]?.url ?? '', 'https://x').searchParams),
    ).toMatchObject({ watch: 'true', fieldSelector: 'a=b' })
  })

  test('returns when the watch is forbidden', async () => {
    const { client, api } = await startClient((response) => sendStatus(response, 403, 'forbidden'))
    await client.watch(`${namespacePath}/events`, {}, () => undefined, new AbortController().signal)
    expect(api.requests).toHaveLength(1)
  })

  test('reopens a broken watch', async () => {
    const controller = new AbortController()
    const { client, api } = await startClient((response, index) => {
      if (index < 2) response.socket?.destroy()
      else writeWatchEvent(response, 'ADDED')
    })
    await client.watch(`${namespacePath}/events`, {}, () => controller.abort(), controller.signal)
    expect(api.requests).toHaveLength(3)
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
