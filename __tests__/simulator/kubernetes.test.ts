import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import {
  ApiError,
  getIn,
  asString,
  type JsonObject,
  type KubernetesObject,
} from '../../simulator/kubernetes/api.ts'
import {
  api,
  ca,
  requestLog,
  faults,
  sendRequest,
  buildIngress,
  startFixture,
  stopFixture,
} from './kubernetes-fixture.ts'
import { MinimalKubernetesClient, type WatchEvent } from '../../testing/kubernetes-client.ts'

beforeAll(startFixture)
afterAll(stopFixture)

describe('a REST client', () => {
  const claims = '/api/v1/namespaces/milvus/configmaps'
  const map = (name: string, data: Record<string, string>): KubernetesObject => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: 'milvus', labels: { name } },
    data,
  })

  test.each([
    {
      name: 'a missing token',
      method: 'GET',
      path: '/api/v1/namespaces',
      token: '',
      code: 401,
      message: 'Unauthorized',
    },
    {
      name: 'an unknown token',
      method: 'GET',
      path: '/api/v1/namespaces',
      token: 'token-unknown',
      code: 401,
      message: 'Unauthorized',
    },
    {
      name: 'a missing permission',
      method: 'POST',
      path: claims,
      token: 'token-reader',
      code: 403,
      message:
        'configmaps is forbidden: User "reader" cannot create resource "configmaps" in API group "" in the namespace "milvus"',
    },
    {
      name: 'a missing permission in an API group',
      method: 'DELETE',
      path: '/apis/apps/v1/namespaces/milvus/deployments/x',
      token: 'token-reader',
      code: 403,
      message:
        'deployments.apps "x" is forbidden: User "reader" cannot delete resource "deployments" in API group "apps" in the namespace "milvus"',
    },
    {
      name: 'a missing object',
      method: 'GET',
      path: '/api/v1/namespaces/milvus/services/x',
      token: 'token-admin',
      code: 404,
      message: 'services "x" not found',
    },
    {
      name: 'an unsupported subresource',
      method: 'GET',
      path: '/api/v1/namespaces/milvus/pods/x/log',
      token: 'token-admin',
      code: 501,
      message:
        "The simulator's Kubernetes API does not implement: the subresource pods/log. A real cluster does.",
    },
  ])('is rejected for $name', async ({ method, path, token, code, message }) => {
    expect(await sendRequest(method, path, undefined, { token })).toMatchObject({
      status: code,
      body: { kind: 'Status', status: 'Failure', code, message },
    })
  })

  test('can review its access and its user, and receives 404 for a missing API', async () => {
    expect(await sendRequest('GET', '/apis/storage.k8s.io/v1/storageclasses')).toEqual({
      status: 404,
      body: '404 page not found\n',
    })
    const reviewAccess = (verb: string): ReturnType<typeof sendRequest> =>
      sendRequest(
        'POST',
        '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
        {
          kind: 'SelfSubjectAccessReview',
          spec: { resourceAttributes: { verb, resource: 'secrets', namespace: 'milvus' } },
        },
        { token: 'token-reader' },
      )
    expect([
      getIn((await reviewAccess('list')).body, 'status', 'allowed'),
      getIn((await reviewAccess('patch')).body, 'status', 'allowed'),
    ]).toEqual([true, false])
    expect(
      (await sendRequest('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {})).body,
    ).toMatchObject({ status: { userInfo: { username: 'admin' } } })
    expect(requestLog.requests.at(-1)).toMatchObject({ service: 'kubernetes', isMutating: false })
  })

  test('receives a conflict after a concurrent change, and deletes an object after its finalizers', async () => {
    const created = await sendRequest('POST', claims, map('raced', { a: '1' }))
    expect((await sendRequest('POST', claims, map('raced', {}))).body).toMatchObject({
      reason: 'AlreadyExists',
      message: 'configmaps "raced" already exists',
    })
    await sendRequest(
      'PATCH',
      `${claims}/raced`,
      { metadata: { finalizers: ['example.com/wait'] }, data: { b: '2' } },
      { type: 'application/merge-patch+json' },
    )
    expect(
      (await sendRequest('PUT', `${claims}/raced`, created.body as object)).body,
    ).toMatchObject({
      code: 409,
      reason: 'Conflict',
      message:
        'Operation cannot be fulfilled on configmaps "raced": the object has been modified; please apply your changes to the latest version and try again',
    })
    expect((await sendRequest('DELETE', `${claims}/raced`)).body).toMatchObject({
      kind: 'ConfigMap',
      data: { a: '1', b: '2' },
    })
    expect(api.get('ConfigMap', 'milvus', 'raced')?.metadata.deletionTimestamp).toBeDefined()
    await sendRequest(
      'PATCH',
      `${claims}/raced`,
      [{ op: 'remove', path: '/metadata/finalizers' }],
      { type: 'application/json-patch+json' },
    )
    expect(api.get('ConfigMap', 'milvus', 'raced')).toBeUndefined()
  })

  test('watches from a resource version with a label selector', async () => {
    const version = asString(
      getIn((await sendRequest('GET', claims)).body, 'metadata', 'resourceVersion'),
    )
    api.create(map('watched', { a: '1' }))
    const events: WatchEvent[] = []
    const client = new MinimalKubernetesClient({ url: api.url, ca, token: 'token-admin' })
    const watch = new AbortController()
    await client.watch(
      `${claims}?watch=1&resourceVersion=${version}&labelSelector=name%3Dwatched`,
      watch.signal,
      (event) => {
        events.push(event)
        if (events.length === 1) api.replace(map('watched', { a: '2' }))
        if (events.length === 2)
          api.replace({
            ...map('watched', { a: '2' }),
            metadata: { name: 'watched', namespace: 'milvus', labels: { name: 'hidden' } },
          })
        if (events.length === 3) watch.abort()
      },
    )
    expect(
      events.map(({ type, object }) => [type, getIn(object as JsonObject, 'metadata', 'name')]),
    ).toEqual([
      ['ADDED', 'watched'],
      ['MODIFIED', 'watched'],
      ['DELETED', 'watched'],
    ])
  })

  test('receives 410 for a watch from an expired version', async () => {
    api.create(map('compacted', {}))
    api.compact()
    expect((await sendRequest('GET', `${claims}?watch=1&resourceVersion=1000`)).body).toMatchObject(
      { type: 'ERROR', object: { code: 410, reason: 'Expired' } },
    )
  })

  test('receives the denial of an admission webhook', async () => {
    const message =
      'admission webhook "vingress.elbv2.k8s.aws" denied the request: invalid ingress class'
    api.options.admit = ({ operation, object }) =>
      operation === 'CREATE' && object.kind === 'Ingress'
        ? new ApiError(403, 'Forbidden', message)
        : undefined
    expect(
      (
        await sendRequest(
          'POST',
          '/apis/networking.k8s.io/v1/namespaces/milvus/ingresses',
          buildIngress({}, 'denied'),
        )
      ).body,
    ).toMatchObject({ code: 403, message })
    api.options.admit = () => undefined
  })

  test('receives the faults that a scenario injects', async () => {
    faults.inject({
      service: 'kubernetes',
      operation: `GET ${claims}`,
      times: 1,
      error: { status: 500, code: 'InternalError', message: 'etcdserver: leader changed' },
    })
    faults.inject({
      service: 'kubernetes',
      operation: `DELETE ${claims}/x`,
      times: 1,
      reset: 'before',
    })
    expect((await sendRequest('GET', claims)).body).toMatchObject({
      code: 500,
      reason: 'InternalError',
      message: 'etcdserver: leader changed',
    })
    await expect(sendRequest('DELETE', `${claims}/x`)).rejects.toThrow('socket hang up')
    expect((await sendRequest('GET', claims)).status).toBe(200)
  })
})
