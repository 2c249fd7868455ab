import { expect, test } from '@jest/globals'
import {
  findManagingTool,
  unknownFieldManagers,
} from '../../../src/clients/kubernetes/managing-tool.ts'
import type { ManagedFieldsEntry, ObjectMeta } from '../../../src/clients/kubernetes/types.ts'

const helmLabel = { 'app.kubernetes.io/managed-by': 'Helm' }
const createManagedFields = (
  manager: string,
  field = 'f:spec',
  overrides: Partial<ManagedFieldsEntry> = {},
): ManagedFieldsEntry => ({ manager, fieldsV1: { [field]: {} }, ...overrides })

test.each<{ name: string; metadata: Partial<ObjectMeta>; expected: string | undefined }>([
  {
    name: 'only Helm',
    metadata: {
      labels: {
        'app.kubernetes.io/managed-by': 'Helm',
        'app.kubernetes.io/instance': 'milvus-demo',
      },
      managedFields: [{ manager: 'helm' }],
    },
    expected: undefined,
  },
  { name: 'no tool', metadata: {}, expected: undefined },
  {
    name: "Argo CD's annotation",
    metadata: {
      annotations: { 'argocd.argoproj.io/tracking-id': 'vectors:/Service:milvus/milvus-demo' },
    },
    expected: 'Argo CD: Application vectors',
  },
  {
    name: "Argo CD's label",
    metadata: { labels: { 'argocd.argoproj.io/instance': 'vectors' } },
    expected: 'Argo CD: Application vectors',
  },
  {
    name: "Argo CD's fields",
    metadata: { managedFields: [{ manager: 'kubectl' }, { manager: 'argocd-controller' }] },
    expected: 'Argo CD: an Application ("kubectl get applications -A")',
  },
  {
    name: "Flux' HelmRelease",
    metadata: { labels: { 'helm.toolkit.fluxcd.io/name': 'milvus' } },
    expected: 'Flux: HelmRelease milvus',
  },
  {
    name: "Flux' HelmRelease by its fields",
    metadata: { managedFields: [{ manager: 'helm-controller' }] },
    expected: 'Flux: a HelmRelease ("kubectl get helmreleases -A")',
  },
  {
    name: "Flux' Kustomization",
    metadata: { labels: { 'kustomize.toolkit.fluxcd.io/name': 'apps' } },
    expected: 'Flux: Kustomization apps',
  },
  {
    name: 'the Milvus Operator',
    metadata: {
      labels: {
        'app.kubernetes.io/managed-by': 'milvus-operator',
        'app.kubernetes.io/instance': 'my-milvus',
      },
    },
    expected: 'the Milvus Operator: Milvus my-milvus',
  },
  {
    name: 'an owner of kind Milvus',
    metadata: { ownerReferences: [{ kind: 'Milvus', name: 'mine' }] },
    expected: 'the Milvus Operator: Milvus mine',
  },
  {
    name: "Terraform's Helm provider",
    metadata: { managedFields: [{ manager: 'terraform-provider-helm_v2.12.1_x5' }] },
    expected: 'Terraform: a helm_release ("terraform state list")',
  },
  {
    name: "Terraform's Kubernetes provider",
    metadata: { managedFields: [{ manager: 'Terraform' }] },
    expected: 'Terraform: a resource of its Kubernetes provider ("terraform state list")',
  },
  {
    name: "Pulumi's provider",
    metadata: { managedFields: [{ manager: 'pulumi-resource-kubernetes' }] },
    expected: 'Pulumi: a Release, Chart or Service of a stack ("pulumi stack")',
  },
  {
    name: "Pulumi's provider, applied server-side",
    metadata: { managedFields: [{ manager: 'pulumi-kubernetes-1a2b3c4d' }] },
    expected: 'Pulumi: a Release, Chart or Service of a stack ("pulumi stack")',
  },
  {
    name: 'a release of a program other than Helm',
    metadata: { labels: helmLabel, managedFields: [createManagedFields('fleetagent')] },
    expected: 'fleetagent: a program other than Helm, according to its field manager',
  },
  {
    name: 'another program beside Helm',
    metadata: {
      labels: helmLabel,
      managedFields: [createManagedFields('fleetagent'), createManagedFields('helm')],
    },
    expected: undefined,
  },
  {
    name: 'another program beside Helm without a field manager of its own',
    metadata: {
      labels: helmLabel,
      managedFields: [createManagedFields('fleetagent'), createManagedFields('Go-http-client')],
    },
    expected: undefined,
  },
  {
    name: 'another program without a release',
    metadata: { managedFields: [createManagedFields('fleetagent')] },
    expected: undefined,
  },
  {
    name: 'an owner of another kind',
    metadata: { ownerReferences: [{ kind: 'Deployment', name: 'x' }] },
    expected: undefined,
  },
])('findManagingTool: $name', ({ metadata, expected }) => {
  const manager = findManagingTool({
    metadata: { name: 'milvus-demo', uid: 'u', resourceVersion: '1', ...metadata },
  })
  expect(manager && `${manager.tool}: ${manager.owner}`).toBe(expected)
})

test('unknownFieldManagers returns the field managers of the spec that are not known tools', () => {
  const knownManagers = [
    'helm',
    'kubectl',
    'kubectl-patch',
    'kubectl-client-side-apply',
    'Go-http-client',
    'before-first-apply',
    'kube-controller-manager',
    'aws-cloud-controller-manager',
    'milvus-alb-action',
    'argocd-controller',
    'terraform-provider-helm_v2.12.1_x5',
  ]
  const managedFields = [
    ...knownManagers.map((manager) => createManagedFields(manager)),
    createManagedFields('fleetagent'),
    createManagedFields('k9s'),
    createManagedFields('fleetagent'),
    createManagedFields('controller', 'f:metadata'),
    createManagedFields('controller', 'f:status', { subresource: 'status' }),
  ]
  expect(
    unknownFieldManagers({
      metadata: { name: 'milvus-demo', uid: 'u', resourceVersion: '1', managedFields },
    }),
  ).toEqual(['fleetagent', 'k9s'])
})
