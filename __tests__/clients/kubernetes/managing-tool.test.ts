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

test.each<[string, Partial<ObjectMeta>, string | undefined]>([
  [
    'only helm',
    {
      labels: {
        'app.kubernetes.io/managed-by': 'Helm',
        'app.kubernetes.io/instance': 'milvus-demo',
      },
      managedFields: [{ manager: 'helm' }],
    },
    undefined,
  ],
  ['no tool', {}, undefined],
  [
    "Argo CD's annotation",
    { annotations: { 'argocd.argoproj.io/tracking-id': 'vectors:/Service:milvus/milvus-demo' } },
    'Argo CD: Application vectors',
  ],
  [
    "Argo CD's label",
    { labels: { 'argocd.argoproj.io/instance': 'vectors' } },
    'Argo CD: Application vectors',
  ],
  [
    "Argo CD's fields",
    { managedFields: [{ manager: 'kubectl' }, { manager: 'argocd-controller' }] },
    'Argo CD: an Application ("kubectl get applications -A")',
  ],
  [
    "Flux' HelmRelease",
    { labels: { 'helm.toolkit.fluxcd.io/name': 'milvus' } },
    'Flux: HelmRelease milvus',
  ],
  [
    "Flux' HelmRelease by its fields",
    { managedFields: [{ manager: 'helm-controller' }] },
    'Flux: a HelmRelease ("kubectl get helmreleases -A")',
  ],
  [
    "Flux' Kustomization",
    { labels: { 'kustomize.toolkit.fluxcd.io/name': 'apps' } },
    'Flux: Kustomization apps',
  ],
  [
    'the Milvus Operator',
    {
      labels: {
        'app.kubernetes.io/managed-by': 'milvus-operator',
        'app.kubernetes.io/instance': 'my-milvus',
      },
    },
    'the Milvus Operator: Milvus my-milvus',
  ],
  [
    'an owner of kind Milvus',
    { ownerReferences: [{ kind: 'Milvus', name: 'mine' }] },
    'the Milvus Operator: Milvus mine',
  ],
  [
    "Terraform's helm provider",
    { managedFields: [{ manager: 'terraform-provider-helm_v2.12.1_x5' }] },
    'Terraform: a helm_release ("terraform state list")',
  ],
  [
    "Terraform's Kubernetes provider",
    { managedFields: [{ manager: 'Terraform' }] },
    'Terraform: a resource of its Kubernetes provider ("terraform state list")',
  ],
  [
    "Pulumi's provider",
    { managedFields: [{ manager: 'pulumi-resource-kubernetes' }] },
    'Pulumi: a Release, Chart or Service of a stack ("pulumi stack")',
  ],
  [
    "Pulumi's provider, applied server-side",
    { managedFields: [{ manager: 'pulumi-kubernetes-1a2b3c4d' }] },
    'Pulumi: a Release, Chart or Service of a stack ("pulumi stack")',
  ],
  [
    'a release of a program other than helm',
    { labels: helmLabel, managedFields: [createManagedFields('fleetagent')] },
    'fleetagent: a program other than helm, according to its field manager',
  ],
  [
    'another program beside helm',
    {
      labels: helmLabel,
      managedFields: [createManagedFields('fleetagent'), createManagedFields('helm')],
    },
    undefined,
  ],
  [
    'another program beside helm without a field manager of its own',
    {
      labels: helmLabel,
      managedFields: [createManagedFields('fleetagent'), createManagedFields('Go-http-client')],
    },
    undefined,
  ],
  [
    'another program without a release',
    { managedFields: [createManagedFields('fleetagent')] },
    undefined,
  ],
  ['an owner of another kind', { ownerReferences: [{ kind: 'Deployment', name: 'x' }] }, undefined],
])('findManagingTool: %s', (_, metadata, expected) => {
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
