/** Reads a request: who asks, for what, with which body. */
import type { IncomingMessage } from 'node:http'
import { CORE_SCHEMA, load } from 'js-yaml'
import { decodeProtobuf, protobuf } from './protobuf.ts'
import { resources, reviews, type Resource } from './resources.ts'
import { badRequest, unsupportedMediaType } from './status.ts'
import { fields, text, type Attributes, type Json, type JsonObject } from './types.ts'

/** A path below /api or /apis, taken apart. */
export interface Target {
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
  readonly client: string
  readonly token: string
  readonly body: Buffer
}

/** Collects a request and its body. */
export async function readRequest(incoming: IncomingMessage): Promise<ApiRequest> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  const url = new URL(incoming.url ?? '/', 'https://kubernetes')
  const { authorization = '', accept = '', 'content-type': contentType = '', 'user-agent': agent = '' } = incoming.headers
  return {
    method: incoming.method ?? 'GET', path: url.pathname.replace(/(.)\/$/, '$1'), query: url.searchParams, accept, body: Buffer.concat(chunks),
    mediaType: contentType.split(';')[0]?.trim() ?? '', client: agent, token: /^Bearer (.+)$/.exec(authorization)?.[1] ?? '',
  }
}

/** Takes a path apart; undefined when it leads to nothing that the sandbox serves. */
export function targetOf(path: string): Target | undefined {
  const [, group = '', version = '', rest = ''] = /^\/(?:api|apis\/([^/]+))\/([^/]+)\/(.+)$/.exec(path) ?? []
  const steps = rest.split('/').map(decodeURIComponent)
  const find = (plural: string | undefined): Resource | undefined => [...resources, ...reviews].find((each) => each.group === group && each.version === version && each.plural === plural)
  const inNamespace = steps[0] === 'namespaces' && steps.length > 2 ? find(steps[2]) : undefined
  if (inNamespace?.namespaced) {
    const [, namespace = '', , name = '', ...sub] = steps
    return { resource: inNamespace, namespace, name, subresource: sub.join('/') }
  }
  const [plural, name = '', ...sub] = steps
  const resource = find(plural)
  if (!resource || (resource.namespaced && name !== '')) return undefined
  return { resource, namespace: '', name, subresource: sub.join('/') }
}

const verbOf: Readonly<Record<string, string>> = { GET: 'get', POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' }

/** What RBAC is asked about a request. */
export function attributesOf(request: ApiRequest, target: Target): Attributes {
  const { resource, namespace, name, subresource } = target
  const collection = name === ''
  // A list of one name may be allowed by that name.
  const single = collection ? (/(?:^|,)metadata\.name==?([^,]+)/.exec(request.query.get('fieldSelector') ?? '')?.[1] ?? '') : name
  const verb = verbOf[request.method] ?? request.method.toLowerCase()
  const plain = { group: resource.group, resource: resource.plural, subresource, namespace, name: single }
  if (isWatch(request)) return { ...plain, verb: 'watch' }
  if (collection && verb === 'get') return { ...plain, verb: 'list' }
  if (collection && verb === 'delete') return { ...plain, verb: 'deletecollection' }
  return { ...plain, verb }
}

/** Whether a GET asks for a watch. */
export function isWatch(request: ApiRequest): boolean {
  return request.method === 'GET' && ['1', 'true'].includes(request.query.get('watch') ?? '')
}

/** The body as JSON, from JSON, YAML or protobuf; null when there is none. */
export function bodyOf(request: ApiRequest): Json {
  if (request.body.length === 0) return null
  if (request.mediaType === protobuf) return decodeProtobuf(request.body)
  if (!/^$|json$|yaml$/.test(request.mediaType)) throw unsupportedMediaType(['application/json', 'application/yaml', protobuf])
  try {
    return (request.mediaType.endsWith('yaml') ? load(request.body.toString(), { schema: CORE_SCHEMA }) : JSON.parse(request.body.toString())) as Json
  } catch (error) {
    throw badRequest(`error decoding the body: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** The body for the request log: text, also when it came as protobuf. */
export function loggedBody(request: ApiRequest): string {
  if (request.mediaType !== protobuf || request.body.length === 0) return request.body.toString()
  try {
    return JSON.stringify(decodeProtobuf(request.body))
  } catch {
    return request.body.toString('latin1')
  }
}

/** Whether a request only tries: in its query, or in the options that a delete sends as its body. */
export function isDryRun(request: ApiRequest): boolean {
  if (request.query.get('dryRun') === 'All') return true
  if (request.method !== 'DELETE' || request.body.length === 0) return false
  const { dryRun } = fields(bodyOf(request))
  return Array.isArray(dryRun) && dryRun.includes('All')
}

/** Who manages the fields that a request writes. */
export function managerOf(request: ApiRequest): string {
  return request.query.get('fieldManager') ?? (/^[^/\s]+/.exec(request.client)?.[0] ?? 'unknown')
}

/** A body that must be an object of the resource the path names. */
export function objectIn(request: ApiRequest, target: Target): JsonObject {
  const object = fields(bodyOf(request))
  const { kind } = target.resource
  if (object['kind'] !== undefined && object['kind'] !== kind) throw badRequest(`${text(object['kind'])} in version "${text(object['apiVersion'])}" cannot be handled as a ${kind}`)
  const metadata = fields(object['metadata'])
  if (target.namespace !== '' && text(metadata['namespace']) !== '' && metadata['namespace'] !== target.namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
  }
  if (target.name !== '' && text(metadata['name']) !== '' && metadata['name'] !== target.name) {
    throw badRequest(`the name of the object (${text(metadata['name'])}) does not match the name on the URL (${target.name})`)
  }
  const namespace = target.resource.namespaced ? { namespace: target.namespace } : {}
  const name = target.name === '' ? {} : { name: target.name }
  return { ...object, metadata: { ...metadata, ...name, ...namespace } }
}
