/** Tools that manage an object besides this action, and would revert its changes. */
import type { KubernetesObject } from './types.ts'

/** A tool, and its own object that the managed object belongs to. */
export interface ManagingTool {
  /** `Argo CD`, `Flux`, `the Milvus Operator`, `Terraform`, `Pulumi`. */
  readonly tool: string
  /**
   * `Application milvus`, `HelmRelease milvus`; when only the field manager identifies the tool,
   * what to search for.
   */
  readonly owner: string
  /**
   * Where its configuration sets the type of the Service.
   * @param typePath path of the type in the values of the chart: `service.type`
   */
  readonly serviceTypeSetting: (typePath: string) => string
}

const helmValues = (typePath: string): string => `${typePath} in its values`
const fluxValues = (typePath: string): string => `spec.values.${typePath}`
const serviceSource = (): string => 'spec.type of the Service in its source'

/** A label or annotation that a tool sets on the objects it manages. */
interface OwnerMarker {
  readonly location: 'labels' | 'annotations'
  readonly key: string
  readonly identifyTool: (value: string) => ManagingTool
}

/** The first marker found counts. */
const ownerMarkers: readonly OwnerMarker[] = [
  {
    // Source: Argo CD, docs/user-guide/resource_tracking.md: APPLICATION:GROUP/KIND:NAMESPACE/NAME.
    location: 'annotations',
    key: 'argocd.argoproj.io/tracking-id',
    identifyTool: (value) => ({
      tool: 'Argo CD',
      owner: `Application ${value.split(':')[0] ?? ''}`,
      serviceTypeSetting: helmValues,
    }),
  },
  {
    location: 'labels',
    key: 'argocd.argoproj.io/instance',
    identifyTool: (value) => ({
      tool: 'Argo CD',
      owner: `Application ${value}`,
      serviceTypeSetting: helmValues,
    }),
  },
  {
    // Source: Flux, helm-controller, internal/postrender/origin_labels.go.
    location: 'labels',
    key: 'helm.toolkit.fluxcd.io/name',
    identifyTool: (value) => ({
      tool: 'Flux',
      owner: `HelmRelease ${value}`,
      serviceTypeSetting: fluxValues,
    }),
  },
  {
    // Source: Flux, kustomize-controller, docs/spec/v1/kustomizations.md.
    location: 'labels',
    key: 'kustomize.toolkit.fluxcd.io/name',
    identifyTool: (value) => ({
      tool: 'Flux',
      owner: `Kustomization ${value}`,
      serviceTypeSetting: serviceSource,
    }),
  },
]

/** Field managers of tools that set no marker. */
const toolByFieldManager: Readonly<Record<string, ManagingTool>> = {
  'argocd-controller': {
    tool: 'Argo CD',
    owner: 'an Application ("kubectl get applications -A")',
    serviceTypeSetting: helmValues,
  },
  'helm-controller': {
    tool: 'Flux',
    owner: 'a HelmRelease ("kubectl get helmreleases -A")',
    serviceTypeSetting: fluxValues,
  },
  'kustomize-controller': {
    tool: 'Flux',
    owner: 'a Kustomization ("kubectl get kustomizations -A")',
    serviceTypeSetting: serviceSource,
  },
}

/**
 * Programs that embed Helm's or Kubernetes' client: the API server names their field manager after
 * the binary. Sources: Helm, pkg/kube/client.go, getManagedFieldsManager; Terraform, "Provider
 * versions in the plugin cache"; pulumi-kubernetes, provider/pkg/provider.
 */
const toolsByFieldManagerPattern: readonly {
  readonly pattern: RegExp
  readonly managingTool: ManagingTool
}[] = [
  {
    pattern: /^terraform-provider-helm/,
    managingTool: {
      tool: 'Terraform',
      owner: 'a helm_release ("terraform state list")',
      serviceTypeSetting: (typePath) => `${typePath} in the values of the helm_release`,
    },
  },
  {
    pattern: /^(terraform-provider-|terraform$)/i,
    managingTool: {
      tool: 'Terraform',
      owner: 'a resource of its Kubernetes provider ("terraform state list")',
      serviceTypeSetting: () => 'spec.type of the Service in its configuration',
    },
  },
  {
    pattern: /^pulumi-/,
    managingTool: {
      tool: 'Pulumi',
      owner: 'a Release, Chart or Service of a stack ("pulumi stack")',
      serviceTypeSetting: (typePath) => `${typePath} in the values of the chart there`,
    },
  },
]

/** The tool that manages an object besides us; undefined when nothing on the object shows one. */
export function findManagingTool(object: KubernetesObject): ManagingTool | undefined {
  return (
    findMilvusOperator(object) ??
    findToolByMarker(object) ??
    (object.metadata.managedFields ?? [])
      .map(({ manager = '' }) => findToolByFieldManager(manager))
      .find((tool) => tool !== undefined) ??
    inferHelmClient(object)
  )
}

function findMilvusOperator({ metadata }: KubernetesObject): ManagingTool | undefined {
  const owner = metadata.ownerReferences?.find(({ kind }) => kind === 'Milvus')?.name
  const managedBy = metadata.labels?.['app.kubernetes.io/managed-by']
  if (owner === undefined && managedBy !== 'milvus-operator') return undefined
  return {
    tool: 'the Milvus Operator',
    owner: `Milvus ${owner ?? metadata.labels?.['app.kubernetes.io/instance'] ?? ''}`,
    serviceTypeSetting: () =>
      'spec.components.proxy.serviceType (standalone: spec.components.standalone.serviceType)',
  }
}

function findToolByMarker({ metadata }: KubernetesObject): ManagingTool | undefined {
  for (const { location, key, identifyTool } of ownerMarkers) {
    const value = metadata[location]?.[key]
    if (value !== undefined) return identifyTool(value)
  }
  return undefined
}

const findToolByFieldManager = (manager: string): ManagingTool | undefined =>
  toolByFieldManager[manager] ??
  toolsByFieldManagerPattern.find(({ pattern }) => pattern.test(manager))?.managingTool

/** The program that created an object of a release which Helm itself never wrote. */
function inferHelmClient(object: KubernetesObject): ManagingTool | undefined {
  const { labels, managedFields = [] } = object.metadata
  const [program] = unknownFieldManagers(object)
  const isOfRelease = labels?.['app.kubernetes.io/managed-by'] === 'Helm'
  const isWrittenByHelm = managedFields.some(({ manager = '' }) =>
    /^(helm|Go-http-client)$/.test(manager),
  )
  if (program === undefined || !isOfRelease || isWrittenByHelm) return undefined
  return {
    tool: program,
    owner: 'a program other than Helm, according to its field manager',
    serviceTypeSetting: helmValues,
  }
}

/**
 * Managers that revert nothing: Helm, this action, kubectl, and the names that the API server uses
 * for clients without one, or for writes before it recorded managers. Source: apiserver,
 * endpoints/handlers/fieldmanager; client-go, rest/config.go, DefaultKubernetesUserAgent.
 */
const ignoredFieldManagers = new RegExp(
  `^(${[
    'helm',
    'milvus-alb-action.*',
    'kubectl.*',
    'Go-http-client',
    'before-first-apply',
    'unknown',
    'kube-.*',
    '.*cloud-controller-manager',
  ].join('|')})$`,
)

/** The managers that own fields of the spec, each once. */
export function specManagers({ metadata }: KubernetesObject): string[] {
  const names = (metadata.managedFields ?? [])
    .filter(({ subresource, fieldsV1 = {} }) => subresource === undefined && 'f:spec' in fieldsV1)
    .map(({ manager = '' }) => manager)
  return [...new Set(names)]
}

/** Managers of the spec that are neither known tools nor known to revert nothing. */
export const unknownFieldManagers = (object: KubernetesObject): string[] =>
  specManagers(object).filter(
    (name) => !ignoredFieldManagers.test(name) && findToolByFieldManager(name) === undefined,
  )
