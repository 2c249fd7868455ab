import { afterEach, describe, expect, test } from '@jest/globals'
import { KubernetesClient } from '../../../src/clients/kubernetes/client.ts'
import type { KubernetesObject } from '../../../src/clients/kubernetes/types.ts'
import { sendJson, sendStatus, type RequestHandler, type StubServer } from './stub-server.ts'
import { startClient, namespacePath, getNamespace, stopServer } from './client-fixture.ts'

afterEach(stopServer)

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
