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
    ({ verb, resource, name, orAllOf }) =>
      `${verb} ${resource}${name === undefined ? '' : ` ${name}`}${orAllOf ? ` or ${describePermissions(orAllOf).join(' and ')}` : ''}`,
  )

describe('helmUpgradePermissions', () => {
  const storagePermissions = ['create secrets', 'update secrets', 'patch services', 'get services']
  test.each<[string, string, string[]]>([
    ['only the Service', createService('ClusterIP'), storagePermissions],
    [
      'each kind once',
      createService('ClusterIP') + deployment + deployment + job,
      [...storagePermissions, 'get deployments', 'get jobs'],
    ],
    [
      'kinds of other API groups',
      createRole('get') +
        createRoleBinding('b') +
        createManifest('autoscaling/v2', 'HorizontalPodAutoscaler', 'h') +
        createManifest('networking.k8s.io/v1', 'Ingress', 'i') +
        createManifest('monitoring.coreos.com/v1', 'ServiceMonitor', 'm'),
      [
        ...storagePermissions,
        'get roles',
        'get rolebindings',
        'get horizontalpodautoscalers',
        'get ingresses',
        'get servicemonitors',
      ],
    ],
    [
      'custom resources with an unknown plural, and objects of other namespaces',
      customResource + otherNamespaceObject,
      storagePermissions,
    ],
  ])('%s', (_, manifest, expected) => {
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
  test.each<[string, RenderedUpgrade, string[]]>([
    ['no change', createUpgrade(serviceTypeChange[0], serviceTypeChange[0]), []],
    ['a changed Service', createUpgrade(...serviceTypeChange), ['patch services']],
    [
      'a changed Service with server-side apply of every object',
      createUpgrade(...serviceTypeChange, { serverSide: true }),
      ['patch services', 'patch deployments'],
    ],
    [
      'an added object',
      createUpgrade('', deployment),
      ['get deployments', 'create deployments', 'patch deployments'],
    ],
    ['a removed object', createUpgrade(job + deployment, deployment), ['get jobs', 'delete jobs']],
    [
      'a wait of helm 3',
      createUpgrade(...serviceTypeChange, { helmMajorVersion: 3, wait: true }),
      ['patch services', 'list replicasets'],
    ],
    [
      'a wait of helm 4',
      createUpgrade(statefulSet, statefulSet, { wait: true }),
      ['list statefulsets', 'watch statefulsets', 'list pods'],
    ],
    [
      'a wait of helm 4 for a Deployment',
      createUpgrade(deployment, deployment, { wait: true }),
      ['list deployments', 'watch deployments', 'list replicasets', 'list pods'],
    ],
    [
      'an unchanged Role with server-side apply',
      createUpgrade(
        createRole('get') + createRoleBinding('b'),
        createRole('get') + createRoleBinding('b'),
        { serverSide: true },
      ),
      ['patch roles', 'patch rolebindings'],
    ],
    [
      'a changed Role',
      createUpgrade(createRole('get'), createRole('get, list')),
      ['patch roles', 'escalate roles or get configmaps and list configmaps'],
    ],
    [
      'an added RoleBinding',
      createUpgrade(createRole('get'), createRole('get') + createRoleBinding('b')),
      [
        'get rolebindings',
        'create rolebindings',
        'patch rolebindings',
        'bind roles reader or get configmaps',
      ],
    ],
    [
      'a RoleBinding to a Role outside the release',
      createUpgrade('', createRoleBinding('b')),
      ['get rolebindings', 'create rolebindings', 'patch rolebindings'],
    ],
    [
      'custom resources with an unknown plural, and objects of other namespaces',
      createUpgrade(customResource, otherNamespaceObject),
      [],
    ],
  ])('%s', (_, upgrade, expected) => {
    expect(describePermissions(renderedUpgradePermissions(upgrade))).toEqual(expected)
  })
})
