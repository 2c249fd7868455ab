/** The kinds that the API serves. */
import type { ManifestObject } from '../../clients/helm/manifest-objects.ts'
import type { KubernetesClient } from '../../clients/kubernetes/client.ts'
import { apiPath } from '../../clients/kubernetes/paths.ts'

/** A kind in the API. Source: Kubernetes API concepts, "API discovery". */
interface ResourceType {
  /** The plural. */
  readonly name: string
  readonly namespaced: boolean
}

/**
 * Reads the plural and the scope of a kind from the API, which only the API knows for custom
 * resources.
 * @returns undefined for a kind that the API does not serve any more
 */
export async function findResourceType(
  kubernetes: KubernetesClient,
  { apiVersion, kind }: ManifestObject,
): Promise<ResourceType | undefined> {
  const list = await kubernetes.get<{
    readonly resources?: readonly {
      readonly name: string
      readonly kind: string
      readonly namespaced: boolean
    }[]
  }>(apiPath(apiVersion), `list the kinds of ${apiVersion}`)
  // A subresource (deployments/scale) may have the kind of its parent.
  const resource = list?.resources?.find((each) => each.kind === kind && !each.name.includes('/'))
  return resource && { name: resource.name, namespaced: resource.namespaced }
}
