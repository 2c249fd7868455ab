/** Reads a request: who asks, for what, with which body. */
import type { IncomingMessage } from 'node:http'
import { CORE_SCHEMA, load } from 'js-yaml'
import { decodeProtobuf, protobufMediaType } from './protobuf.ts'
import { resources, reviewResources, type Resource } from './resources.ts'
import { badRequest, unsupportedMediaType } from './api-errors.ts'
import {
  asObject,
  asString,
  type AuthorizationAttributes,
  type Json,
  type JsonObject,
} from './types.ts'

/** A path below /api or /apis, taken apart. */
export interface ResourcePath {
  readonly resource: Resource
  /** Empty for none, and for all. */
  readonly namespace: string
  /** Empty for the collection. */
  readonly name: string
  readonly subresource: string
}

/** A request as the handlers see it. */
export interface ApiRequest {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly accept: string
  readonly mediaType: string
  /** The first word of the User-Agent: the field manager of those who name none. */
  readonly userAgent: string
  readonly token: string
  readonly body: Buffer
}

/** Collects a request and its body. */
export async function readRequest(incoming: IncomingMessage): Promise<ApiRequest> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  const url = new URL(incoming.url ?? '/', 'https://kubernetes')
  const {
    authorization = '',
    accept = '',
    'content-type': contentType = '',
    'user-agent': requestUserAgent = '',
  } = incoming.headers
  return {
    method: incoming.method ?? 'GET',
    path: url.pathname.replace(/(.)\/$/, '$1'),
    query: url.searchParams,
    accept,
    body: Buffer.concat(chunks),
    mediaType: contentType.split(';')[0]?.trim() ?? '',
    userAgent: requestUserAgent,
    token: /^Bearer (.+)$/.exec(authorization)?.[1] ?? '',
  }
}

/** Takes a path apart; undefined when it leads to nothing that the simulator serves. */
export function parseResourcePath(path: string): ResourcePath | undefined {
  const [, group = '', version = '', rest = ''] =
    /^\/(?:api|apis\/([^/]+))\/([^/]+)\/(.+)$/.exec(path) ?? []
  const segments = rest.split('/').map(decodeURIComponent)
  const findResource = (plural: string | undefined): Resource | undefined =>
    [...resources, ...reviewResources].find(
      (each) => each.group === group && each.version === version && each.plural === plural,
    )
  const namespacedResource =
    segments[0] === 'namespaces' && segments.length > 2 ? findResource(segments[2]) : undefined
  if (namespacedResource?.isNamespaced) {
    const [, namespace = '', , name = '', ...subresourceSegments] = segments
    return {
      resource: namespacedResource,
      namespace,
      name,
      subresource: subresourceSegments.join('/'),
    }
  }
  const [plural, name = '', ...subresourceSegments] = segments
  const resource = findResource(plural)
  if (!resource || (resource.isNamespaced && name !== '')) return undefined
  return { resource, namespace: '', name, subresource: subresourceSegments.join('/') }
}

const verbsByMethod: Readonly<Record<string, string>> = {
  GET: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
}

/** What RBAC is asked about a request. */
export function toAuthorizationAttributes(
  request: ApiRequest,
  resourcePath: ResourcePath,
): AuthorizationAttributes {
  const { resource, namespace, name, subresource } = resourcePath
  const isCollection = name === ''
  // A list of one name may be allowed by that name.
  const resourceName = isCollection
    ? (/(?:^|,)metadata\.name==?([^,]+)/.exec(request.query.get('fieldSelector') ?? '')?.[1] ?? '')
    : name
  const verb = verbsByMethod[request.method] ?? request.method.toLowerCase()
  const baseAttributes = {
    group: resource.group,
    resource: resource.plural,
    subresource,
    namespace,
    name: resourceName,
  }
  if (isWatchRequest(request)) return { ...baseAttributes, verb: 'watch' }
  if (isCollection && verb === 'get') return { ...baseAttributes, verb: 'list' }
  if (isCollection && verb === 'delete') return { ...baseAttributes, verb: 'deletecollection' }
  return { ...baseAttributes, verb }
}

/** Whether a GET asks for a watch. */
export function isWatchRequest(request: ApiRequest): boolean {
  return request.method === 'GET' && ['1', 'true'].includes(request.query.get('watch') ?? '')
}

/** The body as JSON, from JSON, YAML or protobuf; null when there is none. */
export function parseBody(request: ApiRequest): Json {
  if (request.body.length === 0) return null
  if (request.mediaType === protobufMediaType) return decodeProtobuf(request.body)
  if (!/^$|json$|yaml$/.test(request.mediaType))
    throw unsupportedMediaType(['application/json', 'application/yaml', protobufMediaType])
  try {
    return (
      request.mediaType.endsWith('yaml')
        ? load(request.body.toString(), { schema: CORE_SCHEMA })
        : JSON.parse(request.body.toString())
    ) as Json
  } catch (error) {
    throw badRequest(
      `error decoding the body: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
}

/** The body for the request log: text, also when it came as protobuf. */
export function formatBodyForLog(request: ApiRequest): string {
  if (request.mediaType !== protobufMediaType || request.body.length === 0)
    return request.body.toString()
  try {
    return JSON.stringify(decodeProtobuf(request.body))
  } catch {
    return request.body.toString('latin1')
  }
}

/**
 * Whether a request only tries: in its query, or in the options that a delete sends as its body.
 */
export function isDryRun(request: ApiRequest): boolean {
  if (request.query.get('dryRun') === 'All') return true
  if (request.method !== 'DELETE' || request.body.length === 0) return false
  const { dryRun } = asObject(parseBody(request))
  return Array.isArray(dryRun) && dryRun.includes('All')
}

/** Who manages the fields that a request writes. */
export function getFieldManager(request: ApiRequest): string {
  return request.query.get('fieldManager') ?? /^[^/\s]+/.exec(request.userAgent)?.[0] ?? 'unknown'
}

/** A body that must be an object of the resource the path names. */
export function parseObject(request: ApiRequest, resourcePath: ResourcePath): JsonObject {
  const object = asObject(parseBody(request))
  const { kind } = resourcePath.resource
  if (object['kind'] !== undefined && object['kind'] !== kind)
    throw badRequest(
      `${asString(object['kind'])} in version "${asString(object['apiVersion'])}" cannot be handled as a ${kind}`,
    )
  const metadata = asObject(object['metadata'])
  if (
    resourcePath.namespace !== '' &&
    asString(metadata['namespace']) !== '' &&
    metadata['namespace'] !== resourcePath.namespace
  ) {
    throw badRequest(
      'the namespace of the provided object does not match the namespace sent on the request',
    )
  }
  if (
    resourcePath.name !== '' &&
    asString(metadata['name']) !== '' &&
    metadata['name'] !== resourcePath.name
  ) {
    throw badRequest(
      `the name of the object (${asString(metadata['name'])}) does not match the name on the URL (${resourcePath.name})`,
    )
  }
  const namespace = resourcePath.resource.isNamespaced ? { namespace: resourcePath.namespace } : {}
  const name = resourcePath.name === '' ? {} : { name: resourcePath.name }
  return { ...object, metadata: { ...metadata, ...name, ...namespace } }
}
