/**
 * Aggregated discovery: all groups, versions and resources in two documents. kubectl and Helm
 * request it from every API server since Kubernetes 1.26, and would otherwise send a request per
 * group. Source: Kubernetes API reference, apidiscovery.k8s.io/v2.
 */
import { asArray, asObject, asString, type JsonObject } from './types.ts'

/** The media type of the documents. */
export const aggregatedDiscoveryType =
  'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'

/** Whether a client accepts the documents. */
export const acceptsAggregatedDiscovery = (accept: string): boolean =>
  accept.split(',').includes(aggregatedDiscoveryType)

/** @param lists one APIResourceList per group and version, of groups with one version each */
export const aggregateDiscovery = (lists: readonly JsonObject[]): JsonObject => ({
  kind: 'APIGroupDiscoveryList',
  apiVersion: 'apidiscovery.k8s.io/v2',
  metadata: {},
  items: lists.map(toGroupDiscovery),
})

function toGroupDiscovery(list: JsonObject): JsonObject {
  const [version = '', group = ''] = asString(list['groupVersion']).split('/').reverse()
  const entries = asArray(list['resources']).map(asObject)
  const resources = entries
    .filter((entry) => !asString(entry['name']).includes('/'))
    .map((entry) => toResourceDiscovery(entry, entries, { group, version }))
  return {
    metadata: group === '' ? {} : { name: group },
    versions: [{ version, resources, freshness: 'Current' }],
  }
}

function toResourceDiscovery(
  resource: JsonObject,
  entries: readonly JsonObject[],
  groupVersion: JsonObject,
): JsonObject {
  const { name, singularName, namespaced, kind, verbs, shortNames, categories } = resource
  const prefix = `${asString(name)}/`
  return {
    resource: name,
    responseKind: { ...groupVersion, kind },
    scope: namespaced === true ? 'Namespaced' : 'Cluster',
    singularResource: singularName,
    verbs,
    ...(shortNames && { shortNames }),
    ...(categories && { categories }),
    subresources: entries
      .filter((entry) => asString(entry['name']).startsWith(prefix))
      .map((entry) => ({
        subresource: asString(entry['name']).slice(prefix.length),
        responseKind: {
          ...groupVersion,
          ...(entry['group'] && { group: entry['group'], version: entry['version'] }),
          kind: entry['kind'],
        },
        verbs: entry['verbs'],
      })),
  }
}
