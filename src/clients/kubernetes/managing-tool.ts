/** Who else keeps an object: tools that would set back what another changes. */
import type { KubernetesObject } from './types.ts'

/** A tool, and the thing of it that an object belongs to. */
export interface ManagingTool {
  /** `Argo CD`, `Flux`, `the Milvus Operator`, `Terraform`, `Pulumi`. */
  readonly tool: string
  /**
   * `Application milvus`, `HelmRelease milvus`; of a tool that is known by its field manager only,
   * what to look for.
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

/** The marks that tools put on their objects: where, key -> the manager. The first counts. */
const ownerMarkers: readonly (readonly [
  'labels' | 'annotations',
  key: string,
  manager: (value: string) => ManagingTool,
])[] = [
  // Source: Argo CD, docs/user-guide/resource_tracking.md: APPLICATION:GROUP/KIND:NAMESPACE/NAME.
  [
    'annotations',
    'argocd.argoproj.io/tracking-id',
    (value) => ({
      tool: 'Argo CD',
      owner: `Application ${value.split(':')[0] ?? ''}`,
      serviceTypeSetting: helmValues,
    }),
  ],
  [
    'labels',
    'argocd.argoproj.io/instance',
    (value) => ({ tool: 'Argo CD', owner: `Application ${value}`, serviceTypeSetting: helmValues }),
  ],
  // Source: Flux, helm-controller, internal/postrender/origin_labels.go; kustomize-controller,
  // docs/spec/v1/kustomizations.md.
  [
    'labels',
    'helm.toolkit.fluxcd.io/name',
    (value) => ({
      tool: 'Flux',
      owner: `HelmRelease ${value}`,
      serviceTypeSetting: fluxValues,
    }),
  ],
  [
    'labels',
    'kustomize.toolkit.fluxcd.io/name',
    (value) => ({
      tool: 'Flux',
      owner: `Kustomization ${value}`,
      serviceTypeSetting: serviceSource,
    }),
  ],
]

/** The managers of fields by which tools are known that left no mark. */
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
 * Programs that carry helm's or Kubernetes' client inside: the API server then names them after
 * their binary. Sources: helm, pkg/kube/client.go, getManagedFieldsManager; Terraform, "Provider
 * versions in the plugin cache"; pulumi-kubernetes, provider/pkg/provider.
 */
const toolPatterns: readonly (readonly [pattern: RegExp, manager: ManagingTool])[] = [
  [
    /^terraform-provider-helm/,
    {
      tool: 'Terraform',
      owner: 'a helm_release ("terraform state list")',
      serviceTypeSetting: (typePath) => `${typePath} in the values of the helm_release`,
    },
  ],
  [
    /^(terraform-provider-|terraform$)/i,
    {
      tool: 'Terraform',
      owner: 'a resource of its Kubernetes provider ("terraform state list")',
      serviceTypeSetting: () => 'spec.type of the Service in its configuration',
    },
  ],
  [
    /^pulumi-/,
    {
      tool: 'Pulumi',
      owner: 'a Release, Chart or Service of a stack ("pulumi stack")',
      serviceTypeSetting: (typePath) => `${typePath} in the values of the chart there`,
    },
  ],
]

/** Who keeps this object beside us; undefined when nobody says so. */
export function findManagingTool(object: KubernetesObject): ManagingTool | undefined {
  const { metadata } = object
  const milvus = metadata.ownerReferences?.find(({ kind }) => kind === 'Milvus')?.name
  if (
    milvus !== undefined ||
    metadata.labels?.['app.kubernetes.io/managed-by'] === 'milvus-operator'
  ) {
    return {
      tool: 'the Milvus Operator',
      owner: `Milvus ${milvus ?? metadata.labels?.['app.kubernetes.io/instance'] ?? ''}`,
      serviceTypeSetting: () =>
        'spec.components.proxy.serviceType (standalone: spec.components.standalone.serviceType)',
    }
  }
  for (const [location, key, managingTool] of ownerMarkers) {
    const value = metadata[location]?.[key]
    if (value !== undefined) return managingTool(value)
  }
  return (
    metadata.managedFields
      ?.map(({ manager: managingTool = '' }) => findToolByFieldManager(managingTool))
      .find((tool) => tool !== undefined) ?? inferHelmClient(object)
  )
}

/** The program that made an object of a release, where helm itself never wrote it. */
function inferHelmClient(object: KubernetesObject): ManagingTool | undefined {
  const { labels, managedFields = [] } = object.metadata
  const [program] = unknownFieldManagers(object)
  if (
    program === undefined ||
    labels?.['app.kubernetes.io/managed-by'] !== 'Helm' ||
    managedFields.some(({ manager = '' }) => /^(helm|Go-http-client)$/.test(manager))
  )
    return undefined
  return {
    tool: program,
    owner: 'a program that is not helm, by the name of its field manager',
    serviceTypeSetting: helmValues,
  }
}

const findToolByFieldManager = (manager: string): ManagingTool | undefined =>
  toolByFieldManager[manager] ?? toolPatterns.find(([pattern]) => pattern.test(manager))?.[1]

/**
 * Managers that keep nothing: helm, this action, kubectl, and what the API server writes for a
 * client without a name or from before it kept managers. Source: apiserver,
 * endpoints/handlers/fieldmanager; client-go, rest/config.go, DefaultKubernetesUserAgent.
 */
const ignoredFieldManagers =
  /^(helm|milvus-alb-action.*|kubectl.*|Go-http-client|before-first-apply|unknown|kube-.*|.*cloud-controller-manager)$/

/**
 * Managers of the spec that are neither known tools nor plain: whether they set it back nobody here
 * knows.
 */
export function unknownFieldManagers({ metadata }: KubernetesObject): string[] {
  const fieldManagerNames = (metadata.managedFields ?? []).flatMap(
    ({ manager = '', subresource, fieldsV1 = {} }) =>
      subresource === undefined && 'f:spec' in fieldsV1 ? [manager] : [],
  )
  return [...new Set(fieldManagerNames)].filter(
    (name) => !ignoredFieldManagers.test(name) && findToolByFieldManager(name) === undefined,
  )
}
