import { afterEach, describe, expect, test } from '@jest/globals'
import { createAuthority } from '../../sandbox/certificates.ts'
import { KubernetesClient } from '../../src/kubernetes/client.ts'
import { StatusError } from '../../src/kubernetes/request.ts'
import { tokenConnection } from '../../src/kubernetes/connection.ts'
import type { AnyObject } from '../../src/kubernetes/types.ts'
import { caught, failureOf } from '../caught.ts'
import { TurnedClock } from '../core/clock.ts'
import { json, startTinyServer, status, type Answer, type TinyServer } from './server.ts'

let server: TinyServer | undefined
afterEach(async () => {
  await server?.close()
  server = undefined
})

interface Client { client: KubernetesClient; api: TinyServer; clock: TurnedClock; tokens: string[] }

/** A client whose tokens are numbered, and the server that answers it. */
async function start(answer: Answer, options: { path?: string; ca?: string; signal?: AbortSignal } = {}): Promise<Client> {
  server = await startTinyServer(answer)
  const tokens: string[] = []
  let number = 1
  const source = { token: () => Promise.resolve(`token-${number}`), invalidate: () => { tokens.push(`token-${number++}`) } }
  const connection = tokenConnection({ server: server.url + (options.path ?? ''), certificateAuthority: options.ca ?? server.ca }, source, {})
  const clock = new TurnedClock()
  return { client: new KubernetesClient(connection, { signal: options.signal ?? new AbortController().signal, clock }), api: server, clock, tokens }
}

const namespace = '/api/v1/namespaces/milvus'
const bearers = ({ requests }: TinyServer): unknown[] => requests.map(({ headers }) => headers.authorization)
const get = (client: KubernetesClient): Promise<AnyObject | undefined> => client.get<AnyObject>(namespace, 'read namespace milvus')
const apply = (client: KubernetesClient): Promise<unknown> => client.apply(`${namespace}/x`, { kind: 'X' }, { fieldManager: 'me', force: false }, 'apply X')

describe('what is sent', () => {
  test('a get', async () => {
    const { client, api } = await start((response) => json(response, { metadata: { name: 'milvus' } }))
    expect(await get(client)).toEqual({ metadata: { name: 'milvus' } })
    expect(api.requests).toMatchObject([{ method: 'GET', url: namespace, headers: { authorization: 'Bearer token-1', accept: 'application/json', 'user-agent': 'milvus-alb-action' } }])
  })

  test.each(['/k8s/clusters/c-1', '/k8s/clusters/c-1/'])('a path in the server\'s URL (%s) stays in front', async (path) => {
    const { client, api } = await start((response) => json(response, {}), { path })
    await get(client)
    expect(api.requests[0]?.url).toBe(`/k8s/clusters/c-1${namespace}`)
  })

  test('a list with selectors', async () => {
    const { client, api } = await start((response) => json(response, { items: [{ metadata: { name: 'a' } }, { metadata: { name: 'b' } }] }))
    expect(await client.list(`${namespace}/secrets`, { labelSelector: 'owner=helm,name=a b', fieldSelector: 'x!=y' }, 'list')).toEqual([{ metadata: { name: 'a' } }, { metadata: { name: 'b' } }])
    expect(new URL(api.requests[0]?.url ?? '', 'https://x').searchParams.toString()).toBe('labelSelector=owner%3Dhelm%2Cname%3Da+b&fieldSelector=x%21%3Dy&limit=250')
  })

  describe('a list in pages', () => {
    const item = (name: string) => ({ metadata: { name } })
    const asked = ({ requests }: TinyServer): string[] => requests.map(({ url }) => new URL(url, 'https://x').search)
    const list = (client: KubernetesClient) => client.list<AnyObject>(`${namespace}/services`, {}, 'list Services')

    test('goes on where the last one ended', async () => {
      const { client, api } = await start((response, n) => json(response, n === 0 ? { metadata: { continue: 'there' }, items: [item('a')] } : { items: [item('b')] }))
      expect([await list(client), asked(api)]).toEqual([[item('a'), item('b')], ['?limit=250', '?limit=250&continue=there']])
    })

    test('that has expired on the way begins anew', async () => {
      const { client, api } = await start((response, n) => (n === 1 ? status(response, 410, 'too old', { reason: 'Expired' }) : json(response, n === 0 ? { metadata: { continue: 'there' }, items: [item('a')] } : { items: [item('b')] })))
      expect([await list(client), asked(api)]).toEqual([[item('b')], ['?limit=250', '?limit=250&continue=there', '?limit=250']])
    })

    test('whose page is too large begins anew in smaller ones', async () => {
      const { client, api } = await start((response, n) => (n === 0 ? response.end(Buffer.alloc(3 * 1024 * 1024, ' ')) : json(response, { items: [item('a')] })))
      expect([await list(client), asked(api)]).toEqual([[item('a')], ['?limit=250', '?limit=25']])
    })

    test('keeps only what is asked to be kept', async () => {
      const { client } = await start((response, n) => json(response, { metadata: { continue: n < 3 ? `${n}` : '' }, items: [item(`${n}`)] }))
      expect(await client.list<AnyObject>(`${namespace}/events`, {}, 'list Events', (items) => items.slice(-1))).toEqual([item('3')])
    })
  })

  test('a list of nothing', async () => {
    const { client } = await start((response) => json(response, { kind: 'List', items: null }))
    expect(await client.list(`${namespace}/secrets`, {}, 'list')).toEqual([])
  })

  test('a list of metadata asks for no data', async () => {
    const { client, api } = await start((response) => json(response, { items: [] }))
    await client.listMetadata(`${namespace}/secrets`, {}, 'list')
    expect(api.requests[0]?.headers.accept).toMatch(/as=PartialObjectMetadataList/)
  })

  test.each([true, false])('a server-side apply (force: %s)', async (force) => {
    const { client, api } = await start((response) => json(response, { done: true }))
    expect(await client.apply(`${namespace}/x`, { kind: 'X' }, { fieldManager: 'me', force }, 'apply')).toEqual({ done: true })
    const [sent] = api.requests
    expect([sent?.method, sent?.headers['content-type'], sent?.body]).toEqual(['PATCH', 'application/apply-patch+yaml', '{"kind":"X"}'])
    expect(Object.fromEntries(new URL(sent?.url ?? '', 'https://x').searchParams)).toEqual({ fieldManager: 'me', force: String(force), fieldValidation: 'Strict' })
  })

  test('a dry run of a server-side apply sends YAML as it is', async () => {
    const { client, api } = await start((response) => json(response, { done: true }))
    await client.apply(`${namespace}/x`, 'kind: X # a comment', { fieldManager: 'me', force: false, dryRun: true }, 'try')
    const [sent] = api.requests
    expect(sent?.body).toBe('kind: X # a comment')
    expect(Object.fromEntries(new URL(sent?.url ?? '', 'https://x').searchParams)).toEqual({ fieldManager: 'me', force: 'false', dryRun: 'All', fieldValidation: 'Ignore' })
  })
})

describe('401', () => {
  test('makes the token anew once, and that is all', async () => {
    const { client, api, tokens } = await start((response, n) => (n === 0 ? status(response, 401, 'Unauthorized') : json(response, { ok: true })))
    expect(await get(client)).toEqual({ ok: true })
    expect([bearers(api), tokens]).toEqual([['Bearer token-1', 'Bearer token-2'], ['token-1']])
  })

  test('again is an answer', async () => {
    const { client, api } = await start((response) => status(response, 401, 'Unauthorized'))
    const error = await failureOf(() => get(client))
    expect([error.code, error.message]).toEqual(['cluster-unauthorized', expect.stringMatching(/could not read namespace milvus: Unauthorized$/)])
    expect(bearers(api)).toEqual(['Bearer token-1', 'Bearer token-2'])
  })

  test('after a retry still makes the token anew', async () => {
    const { client, api } = await start((response, n) => (n === 0 ? status(response, 503, 'x') : n === 1 ? status(response, 401, 'x') : json(response, {})))
    expect(await get(client)).toEqual({})
    expect(bearers(api)).toEqual(['Bearer token-1', 'Bearer token-1', 'Bearer token-2'])
  })
})

describe('an answer that is none to wait for', () => {
  const webhook = 'admission webhook "vingress.elbv2.k8s.aws" denied the request: invalid ingress class: IngressClass.networking.k8s.io "nope" not found'
  const unavailable = 'Internal error occurred: failed calling webhook "vingress.elbv2.k8s.aws": failed to call webhook: Post "https://x": connect: connection refused'
  test.each<[string, number, string, object, (client: KubernetesClient) => Promise<unknown>, expected: object]>([
    ['403', 403, 'namespaces "milvus" is forbidden', {}, get, { code: 'cluster-forbidden', message: 'This identity may not read namespace milvus: namespaces "milvus" is forbidden' }],
    ['403 of a webhook', 403, webhook, { reason: 'Forbidden' }, apply, { name: 'StatusError', status: 403, message: webhook }],
    ['500 of a webhook that is away', 500, unavailable, { reason: 'InternalError' }, apply, { name: 'StatusError', status: 500 }],
    ['500 of an object whose items cannot be told apart', 500, 'failed to create typed patch object (milvus/x; apps/v1, Kind=Deployment): duplicate entries for key [name="A"]', { reason: 'InternalError' }, apply, { name: 'StatusError', status: 500 }],
    ['404 of an apply', 404, 'namespaces "milvus" not found', { reason: 'NotFound' }, apply, { name: 'StatusError', status: 404, reason: 'NotFound' }],
    ['409', 409, 'Apply failed with 1 conflict', { reason: 'Conflict', details: { causes: [{ reason: 'FieldManagerConflict', field: '.spec', message: 'conflict with "kubectl"' }] } }, apply, { name: 'StatusError', status: 409, causes: [{ reason: 'FieldManagerConflict', field: '.spec', message: 'conflict with "kubectl"' }] }],
    ['422', 422, 'is invalid', { reason: 'Invalid' }, apply, { name: 'StatusError', status: 422, reason: 'Invalid' }],
    ['400 of a list', 400, 'unable to parse', {}, (client) => client.list(namespace, {}, 'list things'), { code: 'cluster-request-failed' }],
  ])('%s', async (_, code, message, more, call, expected) => {
    const { client, api } = await start((response) => status(response, code, message, more))
    expect(await caught(() => call(client))).toMatchObject(expected)
    expect(api.requests).toHaveLength(1)
  })

  test('404 of a get: there is none', async () => {
    const { client, api } = await start((response) => status(response, 404, 'not found'))
    expect(await get(client)).toBeUndefined()
    expect(api.requests).toHaveLength(1)
  })

  test('an error that is no Status: a proxy in between', async () => {
    const { client } = await start((response) => response.writeHead(407).end('<html>Proxy Authentication Required</html>'))
    expect(await caught(() => apply(client))).toMatchObject({ status: 407, message: expect.stringMatching(/^HTTP 407: <html>Proxy/) as unknown })
  })
})

describe('what time can heal is tried six times', () => {
  const reset: Answer = (response) => { response.socket?.destroy() }
  const cutOff: Answer = (response) => {
    response.writeHead(200, { 'content-length': '1000' }).write('{"half":')
    setImmediate(() => response.socket?.destroy())
  }
  const failures: [string, Answer, string][] = [
    ...[429, 500, 502, 503, 504].map((code): [string, Answer, string] => [String(code), (response) => { status(response, code, 'later') }, 'cluster-request-failed']),
    ['a connection that is cut', reset, 'cluster-unreachable'],
    ['an answer that is cut', cutOff, 'cluster-unreachable'],
    ['an answer that is no JSON', (response) => response.end('<html>'), 'cluster-request-failed'],
  ]
  test.each(failures)('%s, then an answer', async (_, fail) => {
    const { client, api, clock } = await start((response, n, request) => (n < 5 ? fail(response, n, request) : json(response, { ok: true })))
    expect(await get(client)).toEqual({ ok: true })
    expect([api.requests.length, clock.sleeps.length]).toEqual([6, 5])
  })

  test.each(failures)('%s for ever', async (_, fail, code) => {
    const { client, api } = await start(fail)
    expect((await failureOf(() => get(client))).code).toBe(code)
    expect(api.requests).toHaveLength(6)
  })

  test('Retry-After is heeded', async () => {
    const { client, clock } = await start((response, n) => {
      if (n === 0) status(response.setHeader('retry-after', '3'), 429, 'later')
      else json(response, {})
    })
    expect(await get(client)).toEqual({})
    expect(clock.sleeps).toHaveLength(1)
    expect(clock.sleeps[0]).toBeGreaterThan(3_000)
  })

  test('an answer of more than 2 MiB', async () => {
    const { client } = await start((response) => response.end(Buffer.alloc(2 * 1024 * 1024 + 1, ' ')))
    expect((await failureOf(() => get(client))).message).toMatch(/its answer is of more than 2 MiB/)
  })

  test('a page in place of JSON is not said to be a network that is away', async () => {
    const { client } = await start((response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Log in</html>'))
    expect((await failureOf(() => get(client))).message).not.toMatch(/cannot be reached/)
  })
})

describe('unreachable', () => {
  test('a port that nobody listens on: tried six times, with what to check', async () => {
    const { client, api, clock } = await start(() => undefined)
    await api.close()
    server = undefined
    const error = await failureOf(() => get(client))
    expect([error.code, error.message, clock.sleeps.length]).toEqual(['cluster-unreachable', expect.stringMatching(/^The Kubernetes API at https:\/\/127\.0\.0\.1:\d+ cannot be reached: .*ECONNREFUSED/), 5])
    expect(error.remedy).toMatch(/private endpoint/)
  })

  test('a certificate of somebody else is not tried again', async () => {
    const { client, clock } = await start((response) => json(response, {}), { ca: (await createAuthority({ key: 'EC_prime256v1', name: 'Other' })).root })
    const error = await failureOf(() => get(client))
    expect([error.code, error.message, clock.sleeps]).toEqual(['cluster-unreachable', expect.stringMatching(/unable to verify|unable to get/), []])
  })

  test('a cancelled job ends its request at once, and is not said to be unreachable', async () => {
    const controller = new AbortController()
    const { client, api } = await start(() => controller.abort(), { signal: controller.signal })
    expect(await caught(() => get(client))).toMatchObject({ name: 'AbortError' })
    expect(api.requests).toHaveLength(1)
  })
})

describe('watch', () => {
  const line = (response: Parameters<Answer>[0], type: string): void => { response.write(`${JSON.stringify({ type, object: {} })}\n`) }

  test('tells of each change, and is opened again when it ends', async () => {
    const controller = new AbortController()
    const { client, api } = await start((response) => {
      line(response, 'ADDED')
      line(response, 'MODIFIED')
      response.end()
    })
    let changes = 0
    await client.watch(`${namespace}/events`, { fieldSelector: 'a=b' }, () => {
      changes += 1
      if (changes === 5) controller.abort()
    }, controller.signal)
    expect(changes).toBeGreaterThanOrEqual(5)
    expect(api.requests.length).toBeGreaterThanOrEqual(3)
    expect(Object.fromEntries(new URL(api.requests[0]?.url ?? '', 'https://x').searchParams)).toMatchObject({ watch: 'true', fieldSelector: 'a=b' })
  })

  test('that may not be opened leaves it to the caller to look', async () => {
    const { client, api } = await start((response) => status(response, 403, 'forbidden'))
    await client.watch(`${namespace}/events`, {}, () => undefined, new AbortController().signal)
    expect(api.requests).toHaveLength(1)
  })

  test('that breaks is opened again', async () => {
    const controller = new AbortController()
    const { client, api } = await start((response, n) => {
      if (n < 2) response.socket?.destroy()
      else line(response, 'ADDED')
    })
    await client.watch(`${namespace}/events`, {}, () => controller.abort(), controller.signal)
    expect(api.requests).toHaveLength(3)
  })
})

test.each<[string, ConstructorParameters<typeof StatusError>, object]>([
  ['a whole Status', [409, { message: 'm', reason: 'Conflict', details: { causes: [{ field: 'f' }] } }], { message: 'm', reason: 'Conflict', causes: [{ field: 'f' }], status: 409 }],
  ['an empty one', [500, {}], { message: 'HTTP 500', reason: '', causes: [], status: 500 }],
])('StatusError of %s', (_, given, expected) => {
  expect(new StatusError(...given)).toMatchObject(expected)
})
