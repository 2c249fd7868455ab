/** Parses requests: their path, caller, options and body. */
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

/** A parsed path below /api or /apis. */
export interface ResourcePath {
  readonly resource: Resource
  /** Empty for resources without a namespace, and for all namespaces. */
  readonly namespace: string
  /** Empty for the collection. */
  readonly name: string
  readonly subresource: string
}

/** A request with its complete body. */
export interface ApiRequest {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly accept: string
  readonly mediaType: string
  /** Its first word is the default field manager. */
  readonly userAgent: string
  readonly token: string
  readonly body: Buffer
}

/** Reads a request and its body. */
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

/** Parses a path; undefined when the simulator does not serve it. */
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

/** The attributes of a request that RBAC decides on. */
export function toAuthorizationAttributes(
  request: ApiRequest,
  resourcePath: ResourcePath,
): AuthorizationAttributes {
  const { resource, namespace, name, subresource } = resourcePath
  const isCollection = name === ''
  // A rule with resourceNames also allows a list that selects one of these names.
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

/** Whether a request starts a watch. */
export function isWatchRequest(request: ApiRequest): boolean {
  return request.method === 'GET' && ['1', 'true'].includes(request.query.get('watch') ?? '')
}

/** The body, parsed as JSON, YAML or protobuf; null when it is empty. */
export function parseBody(request: ApiRequest): Json {
  if (request.body.length === 0) return null
  if (request.mediaType === protobufMediaType) return decodeProtobuf(request.body)
  if (!/^$|json$|yaml$/.test(request.mediaType))
    throw unsupportedMediaType(['application/json', 'application/yaml', protobufMediaType])
  const text = request.body.toString()
  try {
    if (request.mediaType.endsWith('yaml')) return load(text, { schema: CORE_SCHEMA }) as Json
    return JSON.parse(text) as Json
  } catch (error) {
    throw badRequest(
      `error decoding the body: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
}

/** The body for the request log, with protobuf decoded to JSON. */
export function formatBodyForLog(request: ApiRequest): string {
  if (request.mediaType !== protobufMediaType || request.body.length === 0)
    return request.body.toString()
  try {
    return JSON.stringify(decodeProtobuf(request.body))
  } catch {
    return request.body.toString('latin1')
  }
}

/** Whether a request is a dry run, by its query or by the delete options in its body. */
export function isDryRun(request: ApiRequest): boolean {
  if (request.query.get('dryRun') === 'All') return true
  if (request.method !== 'DELETE' || request.body.length === 0) return false
  const { dryRun } = asObject(parseBody(request))
  return Array.isArray(dryRun) && dryRun.includes('All')
}

/** The field manager of a request. */
export function getFieldManager(request: ApiRequest): string {
  return request.query.get('fieldManager') ?? /^[^/\s]+/.exec(request.userAgent)?.[0] ?? 'unknown'
}

/**
 * The object in the body, with the name and namespace of the path.
 * @throws 400 when the body is an object of another kind, name or namespace
 */
export function parseObject(request: ApiRequest, resourcePath: ResourcePath): JsonObject {
  const object = asObject(parseBody(request))
  const { kind, isNamespaced } = resourcePath.resource
  if (object['kind'] !== undefined && object['kind'] !== kind)
    throw badRequest(
      `${asString(object['kind'])} in version "${asString(object['apiVersion'])}" ` +
        `cannot be handled as a ${kind}`,
    )
  const metadata = asObject(object['metadata'])
  const namespace = asString(metadata['namespace'])
  if (differs(namespace, resourcePath.namespace))
    throw badRequest(
      'the namespace of the provided object does not match the namespace sent on the request',
    )
  const name = asString(metadata['name'])
  if (differs(name, resourcePath.name))
    throw badRequest(
      `the name of the object (${name}) does not match the name on the URL (${resourcePath.name})`,
    )
  const completed = { ...metadata }
  if (resourcePath.name !== '') completed['name'] = resourcePath.name
  if (isNamespaced) completed['namespace'] = resourcePath.namespace
  return { ...object, metadata: completed }
}

const differs = (submitted: string, onPath: string): boolean =>
  submitted !== '' && onPath !== '' && submitted !== onPath
