import { describe, expect, test } from '@jest/globals'
import {
  parseManifest,
  parseManifestObject,
  resourceForKind,
} from '../../../src/clients/helm/manifest-objects.ts'

describe('resourceForKind', () => {
  test.each([
    { group: '', kind: 'Service', resource: 'services' },
    { group: '', kind: 'ConfigMap', resource: 'configmaps' },
    { group: '', kind: 'Endpoints', resource: 'endpoints' },
    { group: '', kind: 'PersistentVolumeClaim', resource: 'persistentvolumeclaims' },
    { group: 'apps', kind: 'DaemonSet', resource: 'daemonsets' },
    { group: 'batch', kind: 'CronJob', resource: 'cronjobs' },
    { group: 'autoscaling', kind: 'HorizontalPodAutoscaler', resource: 'horizontalpodautoscalers' },
    { group: 'policy', kind: 'PodDisruptionBudget', resource: 'poddisruptionbudgets' },
    { group: 'networking.k8s.io', kind: 'Ingress', resource: 'ingresses' },
    { group: 'networking.k8s.io', kind: 'NetworkPolicy', resource: 'networkpolicies' },
    { group: 'rbac.authorization.k8s.io', kind: 'Role', resource: 'roles' },
    { group: 'rbac.authorization.k8s.io', kind: 'RoleBinding', resource: 'rolebindings' },
    { group: 'storage.k8s.io', kind: 'StorageClass', resource: 'storageclasses' },
    { group: 'monitoring.coreos.com', kind: 'ServiceMonitor', resource: 'servicemonitors' },
    { group: 'monitoring.coreos.com', kind: 'Prometheus', resource: 'prometheuses' },
    { group: 'elbv2.k8s.aws', kind: 'IngressClassParams', resource: undefined },
    { group: 'cert-manager.io', kind: 'Certificate', resource: undefined },
    { group: 'gateway.networking.k8s.io', kind: 'Gateway', resource: undefined },
  ])('$group $kind', ({ group, kind, resource }) => {
    expect(resourceForKind(group, kind)).toBe(resource)
  })
})

test('parseManifest returns the kind, the resource and the name of each object', () => {
  const manifest = [
    '---\n# Source: milvus/templates/service.yaml\napiVersion: v1\nkind: Service\nmetadata:\n  name: milvus-demo\n  namespace: milvus\nspec:\n  kind: none\n',
    '---\napiVersion: "rbac.authorization.k8s.io/v1"\nkind: "Role"\nmetadata:\n    labels:\n        name: other\n    name: "reader"\n',
    '---\n# a template that rendered nothing\n',
    '---\nkind: Deployment\napiVersion: apps/v1\nmetadata: {name: x}\n',
    '---\nkind: Deployment\napiVersion: apps/v1\nmetadata: {name: {{ no YAML }}\n',
  ].join('')
  expect(
    parseManifest(manifest).map(({ group, kind, resource, name, namespace }) => ({
      group,
      kind,
      resource,
      name,
      namespace,
    })),
  ).toEqual([
    { group: '', kind: 'Service', resource: 'services', name: 'milvus-demo', namespace: 'milvus' },
    {
      group: 'rbac.authorization.k8s.io',
      kind: 'Role',
      resource: 'roles',
      name: 'reader',
      namespace: undefined,
    },
    { group: 'apps', kind: 'Deployment', resource: 'deployments', name: 'x', namespace: undefined },
    {
      group: 'apps',
      kind: 'Deployment',
      resource: 'deployments',
      name: '(without a name)',
      namespace: undefined,
    },
  ])
})

test('parseManifestObject reads YAML as Helm does', () => {
  const text = 'kind: Pod\nmode: 0644\nenabled: yes\nat: 22:30\nlimit: 1e3'
  const objects = parseManifest(text).map(parseManifestObject)
  expect(objects).toEqual([{ kind: 'Pod', mode: 420, enabled: true, at: '22:30', limit: 1000 }])
})
