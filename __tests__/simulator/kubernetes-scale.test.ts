/**
 * The scale subresource of a workload, and the ownership of its replicas, as on a real API server.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { issueLoopbackCertificate } from '../../testing/certificates.ts'
import {
  getIn,
  startKubernetes,
  type JsonObject,
  type KubernetesApi,
} from '../../simulator/kubernetes/api.ts'
import { sendRequest } from '../../testing/kubernetes-client.ts'
import { RequestLog } from '../../testing/request-log.ts'
import { waitUntil } from '../../testing/wait.ts'

const path = '/apis/apps/v1/namespaces/default/deployments/d'
const buildDeployment = (replicas: number) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'd', namespace: 'default' },
  spec: {
    replicas,
    selector: { matchLabels: { app: 'd' } },
    template: {
      metadata: { labels: { app: 'd' } },
      spec: { containers: [{ name: 'c', image: 'i' }] },
    },
  },
})

let api: KubernetesApi, ca: string

beforeAll(async () => {
  const pair = await issueLoopbackCertificate()
  ca = pair.ca
  api = await startKubernetes({
    requestLog: new RequestLog(),
    tls: { certificate: pair.cert, privateKey: pair.key },
    authenticate: () => Promise.resolve({ username: 'admin', groups: [] }),
  })
  api.apply(buildDeployment(1), 'helm')
})

afterAll(() => api.close())

async function send(
  method: string,
  requestPath: string,
  body?: unknown,
  contentType?: string,
): Promise<{ status: number; body: JsonObject }> {
  const access = { url: api.url, ca, token: 'token', userAgent: 'kubectl/v1.35.2 (linux/amd64)' }
  const request = { method, path: requestPath, body, ...(contentType && { contentType }) }
  const { status, text } = await sendRequest(access, request)
  return { status, body: JSON.parse(text) as JsonObject }
}

test('the scale subresource can be read, patched and replaced; a server-side apply of other replicas then conflicts, and its dry run keeps the replicas', async () => {
  expect(await send('GET', `${path}/scale`)).toMatchObject({
    status: 200,
    body: {
      kind: 'Scale',
      apiVersion: 'autoscaling/v1',
      spec: { replicas: 1 },
      status: { selector: 'app=d' },
    },
  })
  expect(
    await send('PATCH', `${path}/scale`, { spec: { replicas: 3 } }, 'application/merge-patch+json'),
  ).toMatchObject({ status: 200, body: { spec: { replicas: 3 } } })
  // The deployment controller also updates the object, until all replicas are ready.
  await waitUntil(
    () => getIn(api.get('Deployment', 'default', 'd'), 'status', 'readyReplicas') === 3,
    { timeout: 10_000 },
  )
  const { body: scale } = await send('GET', `${path}/scale`)
  expect(await send('PUT', `${path}/scale`, { ...scale, spec: { replicas: 5 } })).toMatchObject({
    status: 200,
    body: { spec: { replicas: 5 } },
  })
  expect(await send('PUT', `${path}/scale`, { ...scale, spec: { replicas: 7 } })).toMatchObject({
    status: 409,
  })
  expect(
    await send(
      'PATCH',
      `${path}/scale`,
      { spec: { replicas: -1 } },
      'application/merge-patch+json',
    ),
  ).toMatchObject({ status: 422 })

  const apply = (force: boolean) =>
    send(
      'PATCH',
      `${path}?fieldManager=helm&force=${String(force)}&dryRun=All`,
      buildDeployment(1),
      'application/apply-patch+yaml',
    )
  expect(await apply(false)).toMatchObject({
    status: 409,
    body: {
      message:
        'Apply failed with 1 conflict: conflict with "kubectl" with subresource "scale" using apps/v1: .spec.replicas',
      details: { causes: [{ reason: 'FieldManagerConflict', field: '.spec.replicas' }] },
    },
  })
  expect(await apply(true)).toMatchObject({ status: 200, body: { spec: { replicas: 1 } } })
  expect(getIn(api.get('Deployment', 'default', 'd'), 'spec', 'replicas')).toBe(5)
})
