import { describe, expect, test } from '@jest/globals'
import { parseManifest, resourceForKind } from '../../../src/clients/helm/manifest-objects.ts'

describe('resourceForKind', () => {
  test.each([
    ['', 'Service', 'services'],
    ['', 'ConfigMap', 'configmaps'],
    ['', 'Endpoints', 'endpoints'],
    ['', 'PersistentVolumeClaim', 'persistentvolumeclaims'],
    ['apps', 'DaemonSet', 'daemonsets'],
    ['batch', 'CronJob', 'cronjobs'],
    ['autoscaling', 'HorizontalPodAutoscaler', 'horizontalpodautoscalers'],
    ['policy', 'PodDisruptionBudget', 'poddisruptionbudgets'],
    ['networking.k8s.io', 'Ingress', 'ingresses'],
    ['networking.k8s.io', 'NetworkPolicy', 'networkpolicies'],
    ['rbac.authorization.k8s.io', 'Role', 'roles'],
    ['rbac.authorization.k8s.io', 'RoleBinding', 'rolebindings'],
    ['storage.k8s.io', 'StorageClass', 'storageclasses'],
    ['monitoring.coreos.com', 'ServiceMonitor', 'servicemonitors'],
    ['monitoring.coreos.com', 'Prometheus', 'prometheuses'],
    ['elbv2.k8s.aws', 'IngressClassParams', undefined],
    ['cert-manager.io', 'Certificate', undefined],
    ['gateway.networking.k8s.io', 'Gateway', undefined],
  ])('%s %s', (group, kind, resource) => {
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
