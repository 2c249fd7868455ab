/** Answers requests that have passed the log, the faults and authentication. */
import type { ServerResponse } from 'node:http'
import { getDiscoveryDocument } from './discovery.ts'
import { mediaTypes } from './patches.ts'
import { formatApiVersion, reviewResources } from './resources.ts'
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
import type { Registry, WriteOptions } from './registry.ts'
import {
  getIn,
  asObject,
  asString,
  type Authorize,
  type Identity,
  type JsonObject,
  type KubernetesObject,
} from './types.ts'

/** What the handlers work on. */
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
    request.method === 'GET' ? getDiscoveryDocument(request.path) : undefined
  if (discoveryDocument !== undefined) {
    sendResponse(response, 200, discoveryDocument)
    return
  }
  const resourcePath = parseResourcePath(request.path)
  if (!resourcePath) {
    // No Status: the real API's router answers this, too.
    sendResponse(response, 404, '404 page not found\n')
    return
  }
  if (reviewResources.includes(resourcePath.resource)) {
    if (request.method !== 'POST') throw notImplemented(`${request.method} a review`)
    sendResponse(
      response,
      201,
      await answerReview(
        resourcePath.resource,
        asObject(parseBody(request)),
        identity,
        context.authorize,
      ),
    )
    return
  }
  await checkAuthorization(context, request, resourcePath, identity)
  if (resourcePath.subresource === 'scale' && hasScale(resourcePath.resource)) {
    const live = context.registry.get(
      resourcePath.resource,
      resourcePath.namespace,
      resourcePath.name,
    )
    sendResponse(
      response,
      200,
      handleScale(context.registry, resourcePath.resource, live, {
        method: request.method,
        mediaType: request.mediaType,
        body: parseBody(request),
        writeOptions: toWriteOptions(request, resourcePath),
      }),
    )
    return
  }
  if (
    resourcePath.subresource !== '' &&
    !(
      resourcePath.subresource === 'status' &&
      resourcePath.resource.hasStatus &&
      request.method !== 'DELETE'
    )
  ) {
    throw notImplemented(
      `the subresource ${resourcePath.resource.plural}/${resourcePath.subresource}`,
    )
  }
  const handler = (resourcePath.name === '' ? collectionHandlers : objectHandlers)[request.method]
  if (!handler) throw notImplemented(`${request.method} ${request.path}`)
  handler(context, request, resourcePath, response)
}

/** Asks whether the caller may. */
async function checkAuthorization(
  { registry, authorize }: HandlerContext,
  request: ApiRequest,
  resourcePath: ResourcePath,
  identity: Identity,
): Promise<void> {
  const attributes = toAuthorizationAttributes(request, resourcePath)
  if (!(await authorize(identity, attributes))) throw forbidden(identity, attributes)
  // An apply that creates must be allowed to create.
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
    const list = {
      kind: `${resource.kind}List`,
      apiVersion: formatApiVersion(resource),
      metadata,
      items: resource.isBuiltIn ? items.map(toListItem) : items,
    }
    const alternativeFormat = prefersTable(request.accept)
      ? toTable(resource.kind, items, metadata)
      : prefersMetadata(request.accept)
        ? toMetadataList(items, metadata)
        : undefined
    sendResponse(response, 200, alternativeFormat ?? list)
  },
  POST: ({ registry }, request, resourcePath, response) => {
    sendResponse(
      response,
      201,
      registry.create(
        resourcePath.resource,
        parseObject(request, resourcePath) as KubernetesObject,
        toWriteOptions(request, resourcePath),
      ),
    )
  },
}

/** Items of a list of built-in objects carry no apiVersion and kind of their own. */
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
    sendResponse(
      response,
      200,
      registry.update(
        resourcePath.resource,
        parseObject(request, resourcePath) as KubernetesObject,
        toWriteOptions(request, resourcePath),
      ),
    )
  },
  PATCH: ({ registry }, request, resourcePath, response) => {
    const { resource, namespace, name } = resourcePath
    const writeOptions = toWriteOptions(request, resourcePath)
    if (request.mediaType !== mediaTypes.apply) {
      sendResponse(
        response,
        200,
        registry.patch(
          resource,
          namespace,
          name,
          parseBody(request),
          request.mediaType,
          writeOptions,
        ),
      )
      return
    }
    const configuration = parseObject(request, resourcePath)
    if (asString(configuration['kind']) === '' || asString(configuration['apiVersion']) === '')
      throw badRequest("Object 'Kind' is missing in the applied configuration")
    const force = request.query.get('force') === 'true'
    const { object, created } = registry.apply(
      resource,
      namespace,
      name,
      configuration as KubernetesObject,
      { ...writeOptions, manager: request.query.get('fieldManager') ?? '' },
      force,
    )
    sendResponse(response, created ? 201 : 200, object)
  },
  DELETE: ({ registry }, request, { resource, namespace, name }, response) => {
    const options = asObject(parseBody(request))
    const propagationPolicy =
      asString(options['propagationPolicy']) ||
      request.query.get('propagationPolicy') ||
      'Background'
    if (propagationPolicy !== 'Background')
      throw notImplemented(`delete with propagationPolicy ${propagationPolicy}`)
    const [uid, resourceVersion] = ['uid', 'resourceVersion'].map((field) =>
      asString(getIn(options, 'preconditions', field)),
    )
    const { object, isDeleted: gone } = registry.delete(
      resource,
      namespace,
      name,
      { ...(uid ? { uid } : {}), ...(resourceVersion ? { resourceVersion } : {}) },
      isDryRun(request),
    )
    sendResponse(
      response,
      200,
      gone ? createDeletedStatus(resource, name, object.metadata.uid ?? '') : object,
    )
  },
}

function toWriteOptions(request: ApiRequest, resourcePath: ResourcePath): WriteOptions {
  return {
    manager: getFieldManager(request),
    subresource: resourcePath.subresource === 'status' ? 'status' : '',
    dryRun: isDryRun(request),
  }
}

/** Sends an answer: JSON, or plain text. */
export function sendResponse(
  response: ServerResponse,
  status: number,
  body: JsonObject | string,
): void {
  const isPlainText = typeof body === 'string'
  response
    .writeHead(status, { 'content-type': isPlainText ? 'text/plain' : 'application/json' })
    .end(isPlainText ? body : JSON.stringify(body))
}
