/** Answers requests after logging, fault injection and authentication. */
import type { ServerResponse } from 'node:http'
import { getDiscoveryDocument } from './discovery.ts'
import { mediaTypes } from './patches.ts'
import { formatApiVersion, reviewResources, type Resource } from './resources.ts'
import {
  toAuthorizationAttributes,
  parseBody,
  isDryRun,
  isWatchRequest,
  getFieldManager,
  parseObject,
  parseResourcePath,
  type ApiRequest,
  type ResourcePath,
} from './requests.ts'
import { answerReview } from './reviews.ts'
import { hasScale, handleScale } from './scale.ts'
import { parseSelectors } from './selectors.ts'
import { paginate } from './pagination.ts'
import { badRequest, createDeletedStatus, forbidden, notImplemented } from './api-errors.ts'
import { toMetadataList, toTable, prefersMetadata, prefersTable } from './tables.ts'
import { serveWatch } from './watch.ts'
import type { Registry } from './registry.ts'
import type { WriteOptions } from './writes.ts'
import {
  getIn,
  asObject,
  asString,
  type Authorize,
  type Identity,
  type JsonObject,
  type KubernetesObject,
} from './types.ts'

/** What the handlers need. */
export interface HandlerContext {
  readonly registry: Registry
  readonly authorize: Authorize
}

type Handler = (
  context: HandlerContext,
  request: ApiRequest,
  resourcePath: ResourcePath,
  response: ServerResponse,
) => void

/** Answers one request. */
export async function handleRequest(
  context: HandlerContext,
  request: ApiRequest,
  identity: Identity,
  response: ServerResponse,
): Promise<void> {
  const discoveryDocument =
    request.method === 'GET' ? getDiscoveryDocument(request.path, request.accept) : undefined
  if (discoveryDocument !== undefined) {
    sendResponse(response, 200, discoveryDocument.body, discoveryDocument.mediaType)
    return
  }
  const resourcePath = parseResourcePath(request.path)
  if (!resourcePath) {
    // Plain text without a Status, as the router of the real API answers.
    sendResponse(response, 404, '404 page not found\n')
    return
  }
  if (reviewResources.includes(resourcePath.resource)) {
    if (request.method !== 'POST') throw notImplemented(`${request.method} a review`)
    const review = asObject(parseBody(request))
    const answer = await answerReview(resourcePath.resource, review, identity, context.authorize)
    sendResponse(response, 201, answer)
    return
  }
  await checkAuthorization(context, request, resourcePath, identity)
  selectHandler(request, resourcePath)(context, request, resourcePath, response)
}

function selectHandler(request: ApiRequest, resourcePath: ResourcePath): Handler {
  const { resource, name, subresource } = resourcePath
  if (subresource === 'scale' && hasScale(resource)) return scaleHandler
  const hasSubresource =
    subresource === '' ||
    (subresource === 'status' && resource.hasStatus && request.method !== 'DELETE')
  if (!hasSubresource) throw notImplemented(`the subresource ${resource.plural}/${subresource}`)
  const handler = (name === '' ? collectionHandlers : objectHandlers)[request.method]
  if (!handler) throw notImplemented(`${request.method} ${request.path}`)
  return handler
}

const scaleHandler: Handler = ({ registry }, request, resourcePath, response) => {
  const { resource, namespace, name } = resourcePath
  const live = registry.get(resource, namespace, name)
  const scale = handleScale(registry, resource, live, {
    method: request.method,
    patch: { mediaType: request.mediaType, body: parseBody(request) },
    writeOptions: toWriteOptions(request, resourcePath),
  })
  sendResponse(response, 200, scale)
}

/** @throws 403 */
async function checkAuthorization(
  { registry, authorize }: HandlerContext,
  request: ApiRequest,
  resourcePath: ResourcePath,
  identity: Identity,
): Promise<void> {
  const attributes = toAuthorizationAttributes(request, resourcePath)
  if (!(await authorize(identity, attributes))) throw forbidden(identity, attributes)
  // An apply that creates an object also needs the verb create.
  const createsObject =
    request.mediaType === mediaTypes.apply &&
    resourcePath.subresource === '' &&
    !registry.store.get(resourcePath.resource, resourcePath.namespace, resourcePath.name)
  const createAttributes = { ...attributes, verb: 'create' }
  if (createsObject && !(await authorize(identity, createAttributes)))
    throw forbidden(identity, createAttributes)
}

const collectionHandlers: Readonly<Record<string, Handler>> = {
  GET: ({ registry }, request, resourcePath, response) => {
    const { resource, namespace } = resourcePath
    const isSelected = parseSelectors(request.query)
    if (isWatchRequest(request)) {
      const serialize = prefersTable(request.accept)
        ? (object: KubernetesObject): JsonObject => toTable(resource.kind, [object], {})
        : (object: KubernetesObject): JsonObject => object
      serveWatch(
        registry.store,
        { resource, namespace, isSelected, serialize },
        request.query,
        response,
      )
      return
    }
    const { items, metadata } = paginate(registry.store, request.path, request.query, () =>
      registry.store.list(resource, namespace).filter(isSelected),
    )
    sendResponse(response, 200, formatList(request.accept, resource, items, metadata))
  },
  POST: ({ registry }, request, resourcePath, response) => {
    const object = parseObject(request, resourcePath) as KubernetesObject
    const options = toWriteOptions(request, resourcePath)
    sendResponse(response, 201, registry.create(resourcePath.resource, object, options))
  },
}

/** A list in the format that the client prefers. */
function formatList(
  accept: string,
  resource: Resource,
  items: KubernetesObject[],
  metadata: JsonObject,
): JsonObject {
  if (prefersTable(accept)) return toTable(resource.kind, items, metadata)
  if (prefersMetadata(accept)) return toMetadataList(items, metadata)
  return {
    kind: `${resource.kind}List`,
    apiVersion: formatApiVersion(resource),
    metadata,
    items: resource.isBuiltIn ? items.map(toListItem) : items,
  }
}

/** The items of a list of built-in objects have no apiVersion and kind of their own. */
function toListItem(object: KubernetesObject): JsonObject {
  return Object.fromEntries(
    Object.entries(object).filter(([field]) => field !== 'apiVersion' && field !== 'kind'),
  )
}

const objectHandlers: Readonly<Record<string, Handler>> = {
  GET: ({ registry }, request, { resource, namespace, name }, response) => {
    const object = registry.get(resource, namespace, name)
    sendResponse(
      response,
      200,
      prefersTable(request.accept)
        ? toTable(resource.kind, [object], { resourceVersion: object.metadata.resourceVersion })
        : object,
    )
  },
  PUT: ({ registry }, request, resourcePath, response) => {
    const object = parseObject(request, resourcePath) as KubernetesObject
    const options = toWriteOptions(request, resourcePath)
    sendResponse(response, 200, registry.update(resourcePath.resource, object, options))
  },
  PATCH: ({ registry }, request, resourcePath, response) => {
    const writeOptions = toWriteOptions(request, resourcePath)
    if (request.mediaType !== mediaTypes.apply) {
      const patch = { body: parseBody(request), mediaType: request.mediaType }
      sendResponse(response, 200, registry.patch(resourcePath, patch, writeOptions))
      return
    }
    const configuration = parseObject(request, resourcePath)
    if (asString(configuration['kind']) === '' || asString(configuration['apiVersion']) === '')
      throw badRequest("Object 'Kind' is missing in the applied configuration")
    const { object, created } = registry.apply(resourcePath, configuration as KubernetesObject, {
      ...writeOptions,
      manager: request.query.get('fieldManager') ?? '',
      force: request.query.get('force') === 'true',
    })
    sendResponse(response, created ? 201 : 200, object)
  },
  DELETE: ({ registry }, request, resourcePath, response) => {
    const options = asObject(parseBody(request))
    const propagationPolicy =
      asString(options['propagationPolicy']) ||
      request.query.get('propagationPolicy') ||
      'Background'
    if (propagationPolicy !== 'Background')
      throw notImplemented(`delete with propagationPolicy ${propagationPolicy}`)
    const { resource, name } = resourcePath
    const { object, isDeleted } = registry.delete(resourcePath, {
      preconditions: {
        uid: asString(getIn(options, 'preconditions', 'uid')),
        resourceVersion: asString(getIn(options, 'preconditions', 'resourceVersion')),
      },
      dryRun: isDryRun(request),
    })
    const answer = isDeleted
      ? createDeletedStatus(resource, name, object.metadata.uid ?? '')
      : object
    sendResponse(response, 200, answer)
  },
}

function toWriteOptions(request: ApiRequest, resourcePath: ResourcePath): WriteOptions {
  return {
    manager: getFieldManager(request),
    subresource: resourcePath.subresource === 'status' ? 'status' : '',
    dryRun: isDryRun(request),
  }
}

/** Sends an object as JSON, or plain text. */
export function sendResponse(
  response: ServerResponse,
  status: number,
  body: JsonObject | string,
  mediaType = typeof body === 'string' ? 'text/plain' : 'application/json',
): void {
  response
    .writeHead(status, { 'content-type': mediaType })
    .end(typeof body === 'string' ? body : JSON.stringify(body))
}
