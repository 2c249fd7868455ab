/** The dry runs of the objects of an upgrade: their paths, and what their answers mean. */
import { afterEach, expect, test } from '@jest/globals'
import { dryRunObjects, type RenderedRelease } from '../../../src/steps/release/object-dry-run.ts'
import { startClient, stopServer } from '../../clients/kubernetes/client-fixture.ts'
import { sendJson, sendStatus } from '../../clients/kubernetes/stub-server.ts'

afterEach(stopServer)

const createManifest = (apiVersion: string, kind: string, extraYaml = ''): string =>
  `---\napiVersion: ${apiVersion}\nkind: ${kind}\nmetadata:\n  name: a\n${extraYaml}data: helm\n`

const conflict = {
  details: {
    causes: [
      {
        reason: 'FieldManagerConflict',
        message: 'conflict with "kubectl-edit" using v1',
        field: '.data',
      },
    ],
  },
}

/** An object of cert-manager.io/v1, as the API lists its kind. */
const createDiscovery = (namespaced: boolean): object => ({
  resources: [
    { name: 'issuers/status', kind: 'Issuer', namespaced },
    { name: 'issuers', kind: 'Issuer', namespaced },
  ],
})

interface DryRunCase {
  readonly name: string
  readonly manifest: string
  readonly serverSide?: boolean
  /** The answers by path; 404 for others. A number is a status. */
  readonly answers: Readonly<Record<string, number | object>>
  /** `REQUEST PATH` of all requests. */
  readonly requests: readonly string[]
  /** The managers of conflicts, and the status of a rejected dry run. */
  readonly result: readonly { readonly managers: string[]; readonly status?: number }[]
}

const rbac = 'rbac.authorization.k8s.io/v1'
const clusterRolePath = `/apis/${rbac}/clusterroles/a`
const issuerApi = '/apis/cert-manager.io/v1'

test.each<DryRunCase>([
  {
    name: 'an object in the namespace of the release',
    manifest: createManifest('v1', 'ConfigMap'),
    answers: { '/api/v1/namespaces/milvus/configmaps/a': {} },
    requests: ['PATCH /api/v1/namespaces/milvus/configmaps/a'],
    result: [{ managers: [] }],
  },
  {
    name: 'an object in another namespace',
    manifest: createManifest(rbac, 'Role', '  namespace: other\n'),
    answers: { [`/apis/${rbac}/namespaces/other/roles/a`]: {} },
    requests: [`PATCH /apis/${rbac}/namespaces/other/roles/a`],
    result: [{ managers: [] }],
  },
  {
    name: 'a cluster-scoped object that somebody else changed',
    manifest: createManifest(rbac, 'ClusterRole'),
    answers: { [clusterRolePath]: 409 },
    requests: [`PATCH ${clusterRolePath}`, `GET ${clusterRolePath}`],
    result: [{ managers: ['kubectl-edit'] }],
  },
  {
    name: 'a cluster-scoped object to which the chart gives a namespace',
    manifest: createManifest('storage.k8s.io/v1', 'StorageClass', '  namespace: milvus\n'),
    answers: { '/apis/storage.k8s.io/v1/storageclasses/a': {} },
    requests: ['PATCH /apis/storage.k8s.io/v1/storageclasses/a'],
    result: [{ managers: [] }],
  },
  {
    name: 'a kind of a group without namespaces',
    manifest: createManifest('admissionregistration.k8s.io/v1', 'ValidatingWebhookConfiguration'),
    answers: {
      '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/a': {},
    },
    requests: ['PATCH /apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/a'],
    result: [{ managers: [] }],
  },
  {
    name: 'a cluster-scoped object that a role for one namespace may not patch',
    manifest: createManifest('scheduling.k8s.io/v1', 'PriorityClass'),
    answers: { '/apis/scheduling.k8s.io/v1/priorityclasses/a': 403 },
    requests: ['PATCH /apis/scheduling.k8s.io/v1/priorityclasses/a'],
    result: [{ managers: [], status: 403 }],
  },
  {
    name: 'a kind that the API does not serve',
    manifest: createManifest('batch/v2', 'FutureJob'),
    answers: {},
    requests: ['PATCH /apis/batch/v2/namespaces/milvus/futurejobs/a'],
    result: [{ managers: [], status: 404 }],
  },
  {
    name: 'a custom resource in a client-side release',
    manifest: createManifest('cert-manager.io/v1', 'Issuer'),
    answers: {},
    requests: [],
    result: [],
  },
  {
    name: 'a custom resource in a server-side release',
    manifest: createManifest('cert-manager.io/v1', 'Issuer'),
    serverSide: true,
    answers: {
      [issuerApi]: createDiscovery(true),
      [`${issuerApi}/namespaces/milvus/issuers/a`]: 409,
    },
    requests: [
      `GET ${issuerApi}`,
      `PATCH ${issuerApi}/namespaces/milvus/issuers/a`,
      `GET ${issuerApi}/namespaces/milvus/issuers/a`,
    ],
    result: [{ managers: ['kubectl-edit'] }],
  },
  {
    name: 'a cluster-scoped custom resource in a server-side release',
    manifest: createManifest('cert-manager.io/v1', 'Issuer'),
    serverSide: true,
    answers: { [issuerApi]: createDiscovery(false), [`${issuerApi}/issuers/a`]: {} },
    requests: [`GET ${issuerApi}`, `PATCH ${issuerApi}/issuers/a`],
    result: [{ managers: [] }],
  },
  {
    name: 'a custom resource whose kind was removed from the cluster',
    manifest: createManifest('cert-manager.io/v1', 'Issuer'),
    serverSide: true,
    answers: {},
    requests: [`GET ${issuerApi}`],
    result: [{ managers: [], status: 404 }],
  },
])('$name', async ({ manifest, serverSide = false, answers, requests, result }) => {
  const { client, api } = await startClient((response, _index, { method, url = '' }) => {
    const answer = answers[url.replace(/\?.*/, '')] ?? 404
    if (typeof answer === 'object') sendJson(response, answer)
    else if (method === 'GET' && answer === 409) sendJson(response, { data: 'live' })
    else sendStatus(response, answer, 'the dry run failed', answer === 409 ? conflict : {})
  })
  const release: RenderedRelease = {
    name: 'milvus-demo',
    namespace: 'milvus',
    service: 'milvus-demo',
    before: [manifest],
    after: manifest,
    serverSide,
  }
  const results = await dryRunObjects(client, release)
  expect(api.requests.map(({ method, url }) => `${method} ${url.replace(/\?.*/, '')}`)).toEqual(
    requests,
  )
  expect(
    results.map(({ conflicts, rejectedStatus }) => ({
      managers: conflicts.map(({ manager }) => manager),
      ...(rejectedStatus !== undefined && { status: rejectedStatus }),
    })),
  ).toEqual(result)
})
