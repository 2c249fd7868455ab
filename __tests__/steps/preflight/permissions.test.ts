/** Reviews of access: which requests they make. */
import { afterEach, expect, test } from '@jest/globals'
import { PermissionChecker, type Permission } from '../../../src/steps/preflight/permissions.ts'
import { startClient, stopServer } from '../../clients/kubernetes/client-fixture.ts'
import { sendJson } from '../../clients/kubernetes/stub-server.ts'

afterEach(stopServer)

const getClusterRoles: Permission = {
  verb: 'get',
  group: 'rbac.authorization.k8s.io',
  resource: 'clusterroles',
  isClusterScoped: true,
}

test('rules of the namespace do not grant a cluster-scoped permission', async () => {
  const everything = { verbs: ['*'], apiGroups: ['*'], resources: ['*'] }
  const { client, api } = await startClient((response, _index, { url = '' }) => {
    const isRulesReview = url.includes('selfsubjectrulesreviews')
    sendJson(response, {
      status: isRulesReview ? { resourceRules: [everything] } : { allowed: false },
    })
  })
  const permissions = new PermissionChecker(client, 'milvus')
  const getServices = { verb: 'get', group: '', resource: 'services' }
  await expect(permissions.requireAll([getServices, getClusterRoles])).rejects.toMatchObject({
    code: 'cluster-forbidden',
    message: expect.stringMatching(/: get clusterroles \(cluster-wide\)\.$/) as unknown,
  })
  const reviews = api.requests.map(({ body }) => JSON.parse(body) as { spec: unknown })
  expect(reviews.map(({ spec }) => spec)).toEqual([
    { namespace: 'milvus' },
    {
      resourceAttributes: {
        verb: 'get',
        group: 'rbac.authorization.k8s.io',
        resource: 'clusterroles',
      },
    },
  ])
})
