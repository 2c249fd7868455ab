/** The API's discovery documents. */
import {
  acceptsAggregatedDiscovery,
  aggregatedDiscoveryType,
  aggregateDiscovery,
} from './aggregated-discovery.ts'
import {
  formatApiVersion,
  resources,
  reviewResources,
  supportedVerbs,
  type Resource,
} from './resources.ts'
import { simulatedVersions } from '../versions.ts'
import { scaleDiscoveryEntries } from './scale.ts'
import type { Json, JsonObject } from './types.ts'

const groupVersions = [...new Set([...resources, ...reviewResources].map(formatApiVersion))]

const version = {
  major: '1',
  minor: '35',
  gitVersion: `${simulatedVersions.kubernetes}-eks-simulator`,
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '2026-04-15T00:00:00Z',
  goVersion: 'go1.25.0',
  compiler: 'gc',
  platform: 'linux/amd64',
}

/** A discovery document with its media type. */
export interface DiscoveryDocument {
  readonly mediaType: string
  readonly body: JsonObject | string
}

/**
 * The answer to a discovery path; undefined for any other path.
 * @param accept the media types that the client accepts
 */
export function getDiscoveryDocument(path: string, accept: string): DiscoveryDocument | undefined {
  if (acceptsAggregatedDiscovery(accept) && (path === '/api' || path === '/apis')) {
    const lists = groupVersions
      .filter((each) => (path === '/api') === (each === 'v1'))
      .map(buildResourceList)
    return { mediaType: aggregatedDiscoveryType, body: aggregateDiscovery(lists) }
  }
  const body = buildDiscoveryDocument(path)
  if (body === undefined) return undefined
  return { mediaType: typeof body === 'string' ? 'text/plain' : 'application/json', body }
}

function buildDiscoveryDocument(path: string): JsonObject | string | undefined {
  switch (path) {
    case '/version':
      return version
    case '/api':
      return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] }
    case '/apis':
      return {
        kind: 'APIGroupList',
        apiVersion: 'v1',
        groups: groupVersions.filter((each) => each !== 'v1').map(describeGroup),
      }
    case '/openapi/v3':
      return {
        paths: Object.fromEntries(
          groupVersions.map((each) => [
            groupVersionPath(each).slice(1),
            { serverRelativeURL: `/openapi/v3${groupVersionPath(each)}?hash=simulator` },
          ]),
        ),
      }
    case '/livez':
    case '/readyz':
    case '/healthz':
      return 'ok'
    default:
  }
  const groupVersionToList = groupVersions.find((each) => path === groupVersionPath(each))
  if (groupVersionToList) return buildResourceList(groupVersionToList)
  const groupVersionToDescribe = groupVersions.find(
    (each) => path === `/openapi/v3${groupVersionPath(each)}`,
  )
  if (groupVersionToDescribe) return buildOpenApi(groupVersionToDescribe)
  const groupVersionToName = groupVersions.find(
    (each) => path === `/apis/${each.split('/')[0] ?? ''}`,
  )
  return groupVersionToName && groupVersionToName !== 'v1'
    ? { kind: 'APIGroup', apiVersion: 'v1', ...describeGroup(groupVersionToName) }
    : undefined
}

/** The kinds of `kubectl get all`. */
const kindsInCategoryAll = new Set([
  'Pod',
  'Service',
  'Deployment',
  'ReplicaSet',
  'StatefulSet',
  'Job',
  'HorizontalPodAutoscaler',
])

const groupVersionPath = (version: string): string =>
  version === 'v1' ? '/api/v1' : `/apis/${version}`

function describeGroup(groupVersion: string): JsonObject {
  const [name = '', version = ''] = groupVersion.split('/')
  return {
    name,
    versions: [{ groupVersion, version }],
    preferredVersion: { groupVersion, version },
  }
}

function buildResourceList(version: string): JsonObject {
  const storedEntries = resources
    .filter((each) => formatApiVersion(each) === version)
    .flatMap(describeStoredResource)
  const reviewEntries = reviewResources
    .filter((each) => formatApiVersion(each) === version)
    .map((each): JsonObject => ({
      name: each.plural,
      singularName: each.kind.toLowerCase(),
      namespaced: false,
      kind: each.kind,
      verbs: ['create'],
    }))
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: version,
    resources: [...storedEntries, ...reviewEntries],
  }
}

/** A resource with its subresources, as APIResourceList lists them. */
function describeStoredResource(resource: Resource): JsonObject[] {
  const { kind, plural, isNamespaced, shortNames } = resource
  const entry: JsonObject = {
    name: plural,
    singularName: kind.toLowerCase(),
    namespaced: isNamespaced,
    kind,
    verbs: [...supportedVerbs],
  }
  if (shortNames.length > 0) entry['shortNames'] = [...shortNames]
  if (kindsInCategoryAll.has(kind)) entry['categories'] = ['all']
  const entries = [entry]
  if (resource.hasStatus)
    entries.push({
      name: `${plural}/status`,
      singularName: '',
      namespaced: isNamespaced,
      kind,
      verbs: ['get', 'patch', 'update'],
    })
  return [...entries, ...scaleDiscoveryEntries(resource)]
}

/**
 * The part of OpenAPI that kubectl and Helm use: which kinds can be patched, and that the server
 * validates fields.
 */
function buildOpenApi(version: string): JsonObject {
  const paths = resources
    .filter((each) => formatApiVersion(each) === version)
    .map((each): [string, JsonObject] => {
      const collection = each.isNamespaced
        ? `${groupVersionPath(version)}/namespaces/{namespace}/${each.plural}`
        : `${groupVersionPath(version)}/${each.plural}`
      return [`${collection}/{name}`, { patch: buildPatchOperation(each) }]
    })
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: simulatedVersions.kubernetes },
    paths: Object.fromEntries(paths),
    components: { schemas: {} },
  }
}

function buildPatchOperation(resource: Resource): JsonObject {
  const parameter = (name: string): Json => ({
    name,
    in: 'query',
    schema: { type: 'string', uniqueItems: true },
  })
  return {
    'x-kubernetes-action': 'patch',
    'x-kubernetes-group-version-kind': {
      group: resource.group,
      version: resource.version,
      kind: resource.kind,
    },
    parameters: ['dryRun', 'fieldManager', 'fieldValidation', 'force'].map(parameter),
    responses: { 200: { description: 'OK' } },
  }
}
