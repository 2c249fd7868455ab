/** What the API says about itself. */
import { apiVersion, resources, reviews, verbs, type Resource } from './resources.ts'
import { scaleInDiscovery } from './scale.ts'
import type { Json, JsonObject } from './types.ts'

const groupVersions = [...new Set([...resources, ...reviews].map(apiVersion))]

const version = {
  major: '1', minor: '35', gitVersion: 'v1.35.4-eks-sandbox', gitCommit: '', gitTreeState: 'clean',
  buildDate: '2026-04-15T00:00:00Z', goVersion: 'go1.25.0', compiler: 'gc', platform: 'linux/amd64',
}

/** The answer to a discovery path; undefined when the path is none. */
export function discover(path: string): JsonObject | string | undefined {
  switch (path) {
    case '/version': return version
    case '/api': return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] }
    case '/apis': return { kind: 'APIGroupList', apiVersion: 'v1', groups: groupVersions.filter((each) => each !== 'v1').map(group) }
    case '/openapi/v3': return { paths: Object.fromEntries(groupVersions.map((each) => [root(each).slice(1), { serverRelativeURL: `/openapi/v3${root(each)}?hash=sandbox` }])) }
    case '/livez': case '/readyz': case '/healthz': return 'ok'
    default:
  }
  const listed = groupVersions.find((each) => path === root(each))
  if (listed) return resourceList(listed)
  const described = groupVersions.find((each) => path === `/openapi/v3${root(each)}`)
  if (described) return openapi(described)
  const named = groupVersions.find((each) => path === `/apis/${each.split('/')[0] ?? ''}`)
  return named && named !== 'v1' ? { kind: 'APIGroup', apiVersion: 'v1', ...group(named) } : undefined
}

/** The kinds of `kubectl get all`. */
const inAll = new Set(['Pod', 'Service', 'Deployment', 'ReplicaSet', 'StatefulSet', 'Job', 'HorizontalPodAutoscaler'])

const root = (version: string): string => (version === 'v1' ? '/api/v1' : `/apis/${version}`)

function group(groupVersion: string): JsonObject {
  const [name = '', version = ''] = groupVersion.split('/')
  return { name, versions: [{ groupVersion, version }], preferredVersion: { groupVersion, version } }
}

function resourceList(version: string): JsonObject {
  const stored = resources.filter((each) => apiVersion(each) === version).flatMap((each): JsonObject[] => [
    {
      name: each.plural, singularName: each.kind.toLowerCase(), namespaced: each.namespaced, kind: each.kind, verbs: [...verbs],
      ...(each.short.length > 0 ? { shortNames: [...each.short] } : {}), ...(inAll.has(each.kind) ? { categories: ['all'] } : {}),
    },
    ...(each.status ? [{ name: `${each.plural}/status`, singularName: '', namespaced: each.namespaced, kind: each.kind, verbs: ['get', 'patch', 'update'] }] : []),
    ...scaleInDiscovery(each),
  ])
  const reviewed = reviews.filter((each) => apiVersion(each) === version).map((each): JsonObject => (
    { name: each.plural, singularName: each.kind.toLowerCase(), namespaced: false, kind: each.kind, verbs: ['create'] }))
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: version, resources: [...stored, ...reviewed] }
}

/** As much of OpenAPI as kubectl and helm look for: which kinds can be patched, and that the server validates fields. */
function openapi(version: string): JsonObject {
  const paths = resources.filter((each) => apiVersion(each) === version).map((each): [string, JsonObject] => {
    const collection = each.namespaced ? `${root(version)}/namespaces/{namespace}/${each.plural}` : `${root(version)}/${each.plural}`
    return [`${collection}/{name}`, { patch: patchOperation(each) }]
  })
  return { openapi: '3.0.0', info: { title: 'Kubernetes', version: 'v1.35.4' }, paths: Object.fromEntries(paths), components: { schemas: {} } }
}

function patchOperation(resource: Resource): JsonObject {
  const parameter = (name: string): Json => ({ name, in: 'query', schema: { type: 'string', uniqueItems: true } })
  return {
    'x-kubernetes-action': 'patch',
    'x-kubernetes-group-version-kind': { group: resource.group, version: resource.version, kind: resource.kind },
    parameters: ['dryRun', 'fieldManager', 'fieldValidation', 'force'].map(parameter),
    responses: { 200: { description: 'OK' } },
  }
}
