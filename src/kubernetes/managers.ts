/** Who else keeps an object: tools that would set back what another changes. */
import type { AnyObject } from './types.ts'

/** A tool, and the thing of it that an object belongs to. */
export interface Manager {
  /** `Argo CD`, `Flux`, `the Milvus Operator`. */
  readonly tool: string
  /** `Application milvus`, `HelmRelease milvus`; of a tool that is known by its field manager only, what to look for. */
  readonly owner: string
  /** Where it takes the type of the Service from. */
  readonly setting: string
}

const helmValues = 'service.type in its values'

/** The marks that tools put on their objects: where, key -> the manager. The first counts. */
const marks: readonly (readonly ['labels' | 'annotations', key: string, manager: (value: string) => Manager])[] = [
  // Source: Argo CD, docs/user-guide/resource_tracking.md: APPLICATION:GROUP/KIND:NAMESPACE/NAME.
  ['annotations', 'argocd.argoproj.io/tracking-id', (value) => ({ tool: 'Argo CD', owner: `Application ${value.split(':')[0] ?? ''}`, setting: helmValues })],
  ['labels', 'argocd.argoproj.io/instance', (value) => ({ tool: 'Argo CD', owner: `Application ${value}`, setting: helmValues })],
  // Source: Flux, helm-controller, internal/postrender/origin_labels.go; kustomize-controller, docs/spec/v1/kustomizations.md.
  ['labels', 'helm.toolkit.fluxcd.io/name', (value) => ({ tool: 'Flux', owner: `HelmRelease ${value}`, setting: 'spec.values.service.type' })],
  ['labels', 'kustomize.toolkit.fluxcd.io/name', (value) => ({ tool: 'Flux', owner: `Kustomization ${value}`, setting: 'spec.type of the Service in its source' })],
]

/** The managers of fields by which tools are known that left no mark. */
const fieldManagers: Readonly<Record<string, Manager>> = {
  'argocd-controller': { tool: 'Argo CD', owner: 'an Application ("kubectl get applications -A")', setting: helmValues },
  'helm-controller': { tool: 'Flux', owner: 'a HelmRelease ("kubectl get helmreleases -A")', setting: 'spec.values.service.type' },
  'kustomize-controller': { tool: 'Flux', owner: 'a Kustomization ("kubectl get kustomizations -A")', setting: 'spec.type of the Service in its source' },
}

/** Who keeps this object beside us; undefined when nobody says so. */
export function managerOf({ metadata }: AnyObject): Manager | undefined {
  const milvus = metadata.ownerReferences?.find(({ kind }) => kind === 'Milvus')?.name
  if (milvus !== undefined || metadata.labels?.['app.kubernetes.io/managed-by'] === 'milvus-operator') {
    return { tool: 'the Milvus Operator', owner: `Milvus ${milvus ?? metadata.labels?.['app.kubernetes.io/instance'] ?? ''}`, setting: 'spec.components.proxy.serviceType (standalone: spec.components.standalone.serviceType)' }
  }
  for (const [where, key, manager] of marks) {
    const value = metadata[where]?.[key]
    if (value !== undefined) return manager(value)
  }
  return metadata.managedFields?.map(({ manager }) => fieldManagers[manager ?? '']).find((known) => known !== undefined)
}
