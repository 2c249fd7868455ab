import { describe, expect, test } from '@jest/globals'
import type { Permission } from '../../../src/steps/preflight/permissions.ts'
import {
  helmUpgradePermissions,
  renderedUpgradePermissions,
  type RenderedUpgrade,
} from '../../../src/steps/preflight/helm-permissions.ts'

const createManifest = (apiVersion: string, kind: string, name: string, extraYaml = ''): string =>
  `---\n# Source: milvus/templates/x.yaml\napiVersion: ${apiVersion}\nkind: ${kind}\nmetadata:\n  name: ${name}\n${extraYaml}`
const rbacGroup = 'rbac.authorization.k8s.io'
const createRules = (verbs: string): string =>
  `rules:\n  - apiGroups: [""]\n    resources: [configmaps]\n    verbs: [${verbs}]\n`
const createService = (type: string): string =>
  createManifest('v1', 'Service', 'a', `spec: {type: ${type}}\n`)
const [deployment, statefulSet, job] = [
  createManifest('apps/v1', 'Deployment', 'd'),
  createManifest('apps/v1', 'StatefulSet', 's'),
  createManifest('batch/v1', 'Job', 'init'),
]
const createRoleBinding = (name: string): string =>
  createManifest(
    `${rbacGroup}/v1`,
    'RoleBinding',
    name,
    `roleRef: {apiGroup: ${rbacGroup}, kind: Role, name: reader}\n`,
  )
const createRole = (verbs: string): string =>
  createManifest(`${rbacGroup}/v1`, 'Role', 'reader', createRules(verbs))
const otherNamespaceObject = createManifest('apps/v1', 'DaemonSet', 'e', '  namespace: other\n')
const customResource = createManifest('cert-manager.io/v1', 'Certificate', 'c')

const describePermissions = (permissions: readonly Permission[]): string[] =>
  permissions.map(
    ({ verb, resource, name, isClusterScoped = false, alternative }) =>
      `${verb} ${resource}${name === undefined ? '' : ` ${name}`}${isClusterScoped ? ' (cluster-wide)' : ''}${alternative ? ` or ${describePermissions(alternative).join(' and ')}` : ''}`,
  )

describe('helmUpgradePermissions', () => {
  const storagePermissions = ['create secrets', 'update secrets', 'patch services', 'get services']
  test.each<{ name: string; manifest: string; expected: string[] }>([
    {
      name: 'only the Service',
      manifest: createService('ClusterIP'),
      expected: storagePermissions,
    },
    {
      name: 'each kind once',
      manifest: createService('ClusterIP') + deployment + deployment + job,
      expected: [...storagePermissions, 'get deployments', 'get jobs'],
    },
    {
      name: 'kinds of other API groups',
      manifest:
        createRole('get') +
        createRoleBinding('b') +
        createManifest('autoscaling/v2', 'HorizontalPodAutoscaler', 'h') +
        createManifest('networking.k8s.io/v1', 'Ingress', 'i') +
        createManifest('monitoring.coreos.com/v1', 'ServiceMonitor', 'm'),
      expected: [
        ...storagePermissions,
        'get roles',
        'get rolebindings',
        'get horizontalpodautoscalers',
        'get ingresses',
        'get servicemonitors',
      ],
    },
    {
      name: 'custom resources with an unknown plural, and objects of other namespaces',
      manifest: customResource + otherNamespaceObject,
      expected: storagePermissions,
    },
    {
      name: 'cluster-scoped objects, even with a namespace',
      manifest:
        createManifest(`${rbacGroup}/v1`, 'ClusterRole', 'r') +
        createManifest('storage.k8s.io/v1', 'StorageClass', 's', '  namespace: other\n'),
      expected: [
        ...storagePermissions,
        'get clusterroles (cluster-wide)',
        'get storageclasses (cluster-wide)',
      ],
    },
  ])('$name', ({ manifest, expected }) => {
    expect(describePermissions(helmUpgradePermissions('Secret', 'milvus', manifest))).toEqual(
      expected,
    )
  })
})

describe('renderedUpgradePermissions', () => {
  const createUpgrade = (
    before: string,
    after: string,
    overrides: Partial<RenderedUpgrade> = {},
  ): RenderedUpgrade => ({
    namespace: 'milvus',
    currentManifest: before,
    newManifest: after,
    helmMajorVersion: 4,
    serverSide: false,
    wait: false,
    ...overrides,
  })
  const serviceTypeChange = [
    createService('LoadBalancer') + deployment,
    createService('ClusterIP') + deployment,
  ] as const
  test.each<{ name: string; upgrade: RenderedUpgrade; expected: string[] }>([
    {
      name: 'no change',
      upgrade: createUpgrade(serviceTypeChange[0], serviceTypeChange[0]),
      expected: [],
    },
    {
      name: 'a changed Service',
      upgrade: createUpgrade(...serviceTypeChange),
      expected: ['patch services'],
    },
    {
      name: 'a changed Service with server-side apply of every object',
      upgrade: createUpgrade(...serviceTypeChange, { serverSide: true }),
      expected: ['patch services', 'patch deployments'],
    },
    {
      name: 'an added object',
      upgrade: createUpgrade('', deployment),
      expected: ['get deployments', 'create deployments', 'patch deployments'],
    },
    {
      name: 'a removed object',
      upgrade: createUpgrade(job + deployment, deployment),
      expected: ['get jobs', 'delete jobs'],
    },
    {
      name: 'a wait of Helm 3',
      upgrade: createUpgrade(...serviceTypeChange, { helmMajorVersion: 3, wait: true }),
      expected: ['patch services', 'list replicasets'],
    },
    {
      name: 'a wait of Helm 4',
      upgrade: createUpgrade(statefulSet, statefulSet, { wait: true }),
      expected: ['list statefulsets', 'watch statefulsets', 'list pods'],
    },
    {
      name: 'a wait of Helm 4 for a Deployment',
      upgrade: createUpgrade(deployment, deployment, { wait: true }),
      expected: ['list deployments', 'watch deployments', 'list replicasets', 'list pods'],
    },
    {
      name: 'an unchanged Role with server-side apply',
      upgrade: createUpgrade(
        createRole('get') + createRoleBinding('b'),
        createRole('get') + createRoleBinding('b'),
        { serverSide: true },
      ),
      expected: ['patch roles', 'patch rolebindings'],
    },
    {
      name: 'a changed Role',
      upgrade: createUpgrade(createRole('get'), createRole('get, list')),
      expected: ['patch roles', 'escalate roles or get configmaps and list configmaps'],
    },
    {
      name: 'an added RoleBinding',
      upgrade: createUpgrade(createRole('get'), createRole('get') + createRoleBinding('b')),
      expected: [
        'get rolebindings',
        'create rolebindings',
        'patch rolebindings',
        'bind roles reader or get configmaps',
      ],
    },
    {
      name: 'a RoleBinding to a Role outside the release',
      upgrade: createUpgrade('', createRoleBinding('b')),
      expected: ['get rolebindings', 'create rolebindings', 'patch rolebindings'],
    },
    {
      name: 'custom resources with an unknown plural, and objects of other namespaces',
      upgrade: createUpgrade(customResource, otherNamespaceObject),
      expected: [],
    },
  ])('$name', ({ upgrade, expected }) => {
    expect(describePermissions(renderedUpgradePermissions(upgrade))).toEqual(expected)
  })
})
