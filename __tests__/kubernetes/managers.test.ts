import { expect, test } from '@jest/globals'
import { managerOf } from '../../src/kubernetes/managers.ts'
import type { ObjectMeta } from '../../src/kubernetes/types.ts'

test.each<[string, Partial<ObjectMeta>, string | undefined]>([
  ['helm alone', { labels: { 'app.kubernetes.io/managed-by': 'Helm', 'app.kubernetes.io/instance': 'milvus-demo' }, managedFields: [{ manager: 'helm' }] }, undefined],
  ['nobody', {}, undefined],
  ["Argo CD's annotation", { annotations: { 'argocd.argoproj.io/tracking-id': 'vectors:/Service:milvus/milvus-demo' } }, 'Argo CD: Application vectors'],
  ["Argo CD's label", { labels: { 'argocd.argoproj.io/instance': 'vectors' } }, 'Argo CD: Application vectors'],
  ["Argo CD's fields", { managedFields: [{ manager: 'kubectl' }, { manager: 'argocd-controller' }] }, 'Argo CD: an Application ("kubectl get applications -A")'],
  ["Flux' HelmRelease", { labels: { 'helm.toolkit.fluxcd.io/name': 'milvus' } }, 'Flux: HelmRelease milvus'],
  ["Flux' HelmRelease by its fields", { managedFields: [{ manager: 'helm-controller' }] }, 'Flux: a HelmRelease ("kubectl get helmreleases -A")'],
  ["Flux' Kustomization", { labels: { 'kustomize.toolkit.fluxcd.io/name': 'apps' } }, 'Flux: Kustomization apps'],
  ['the Milvus Operator', { labels: { 'app.kubernetes.io/managed-by': 'milvus-operator', 'app.kubernetes.io/instance': 'my-milvus' } }, 'the Milvus Operator: Milvus my-milvus'],
  ['an owner of kind Milvus', { ownerReferences: [{ kind: 'Milvus', name: 'mine' }] }, 'the Milvus Operator: Milvus mine'],
  ['an owner of another kind', { ownerReferences: [{ kind: 'Deployment', name: 'x' }] }, undefined],
])('%s', (_, metadata, expected) => {
  const manager = managerOf({ metadata: { name: 'milvus-demo', uid: 'u', resourceVersion: '1', ...metadata } })
  expect(manager && `${manager.tool}: ${manager.owner}`).toBe(expected)
})
