import { describe, expect, test } from '@jest/globals'
import type { Permission } from '../../src/steps/preflight/access.ts'
import { helmPermissions, upgradePermissions, type RenderedUpgrade } from '../../src/steps/preflight/helm-permissions.ts'

const object = (apiVersion: string, kind: string, name: string, more = ''): string => `---\n# Source: milvus/templates/x.yaml\napiVersion: ${apiVersion}\nkind: ${kind}\nmetadata:\n  name: ${name}\n${more}`
const rbac = 'rbac.authorization.k8s.io'
const rules = (verbs: string): string => `rules:\n  - apiGroups: [""]\n    resources: [configmaps]\n    verbs: [${verbs}]\n`
const service = (type: string): string => object('v1', 'Service', 'a', `spec: {type: ${type}}\n`)
const [deployment, statefulSet, job] = [object('apps/v1', 'Deployment', 'd'), object('apps/v1', 'StatefulSet', 's'), object('batch/v1', 'Job', 'init')]
const binding = (name: string): string => object(`${rbac}/v1`, 'RoleBinding', name, `roleRef: {apiGroup: ${rbac}, kind: Role, name: reader}\n`)
const role = (verbs: string): string => object(`${rbac}/v1`, 'Role', 'reader', rules(verbs))
const elsewhere = object('apps/v1', 'DaemonSet', 'e', '  namespace: other\n')
const custom = object('cert-manager.io/v1', 'Certificate', 'c')

const words = (permissions: readonly Permission[]): string[] => permissions.map(({ verb, resource, name, orAll }) => `${verb} ${resource}${name === undefined ? '' : ` ${name}`}${orAll ? ` or ${words(orAll).join(' and ')}` : ''}`)

describe('helmPermissions', () => {
  const storage = ['create secrets', 'update secrets', 'patch services', 'get services']
  test.each<[string, string, string[]]>([
    ['the Service alone', service('ClusterIP'), storage],
    ['each kind once', service('ClusterIP') + deployment + deployment + job, [...storage, 'get deployments', 'get jobs']],
    ['kinds of a cluster', role('get') + binding('b') + object('autoscaling/v2', 'HorizontalPodAutoscaler', 'h') + object('networking.k8s.io/v1', 'Ingress', 'i') + object('monitoring.coreos.com/v1', 'ServiceMonitor', 'm'),
      [...storage, 'get roles', 'get rolebindings', 'get horizontalpodautoscalers', 'get ingresses', 'get servicemonitors']],
    ['nothing of custom resources whose plural is unknown, and of other namespaces', custom + elsewhere, storage],
  ])('%s', (_, manifest, expected) => {
    expect(words(helmPermissions('Secret', 'milvus', manifest))).toEqual(expected)
  })
})

describe('upgradePermissions', () => {
  const from = (before: string, after: string, more: Partial<RenderedUpgrade> = {}): RenderedUpgrade => ({ namespace: 'milvus', before, after, helmMajor: 4, serverSide: false, wait: false, ...more })
  const changed = [service('LoadBalancer') + deployment, service('ClusterIP') + deployment] as const
  test.each<[string, RenderedUpgrade, string[]]>([
    ['nothing changes', from(changed[0], changed[0]), []],
    ['the Service changes', from(...changed), ['patch services']],
    ['the Service changes, and every object is applied server-side', from(...changed, { serverSide: true }), ['patch services', 'patch deployments']],
    ['an object is added', from('', deployment), ['get deployments', 'create deployments', 'patch deployments']],
    ['an object is removed', from(job + deployment, deployment), ['get jobs', 'delete jobs']],
    ['helm 3 waits', from(...changed, { helmMajor: 3, wait: true }), ['patch services', 'list replicasets']],
    ['helm 4 waits', from(statefulSet, statefulSet, { wait: true }), ['list statefulsets', 'watch statefulsets', 'list pods']],
    ['helm 4 waits for a Deployment', from(deployment, deployment, { wait: true }), ['list deployments', 'watch deployments', 'list replicasets', 'list pods']],
    ['a Role is applied as it is', from(role('get') + binding('b'), role('get') + binding('b'), { serverSide: true }), ['patch roles', 'patch rolebindings']],
    ['a Role changes', from(role('get'), role('get, list')), ['patch roles', 'escalate roles or get configmaps and list configmaps']],
    ['a RoleBinding is added', from(role('get'), role('get') + binding('b')), ['get rolebindings', 'create rolebindings', 'patch rolebindings', 'bind roles reader or get configmaps']],
    ['a RoleBinding to a Role that is not of the release', from('', binding('b')), ['get rolebindings', 'create rolebindings', 'patch rolebindings']],
    ['nothing of custom resources whose plural is unknown, and of other namespaces', from(custom, elsewhere), []],
  ])('%s', (_, upgrade, expected) => {
    expect(words(upgradePermissions(upgrade))).toEqual(expected)
  })
})
