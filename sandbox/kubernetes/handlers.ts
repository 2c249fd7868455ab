/** Answers requests that have passed the log, the faults and authentication. */
import type { ServerResponse } from 'node:http'
import { discover } from './discovery.ts'
import { mediaTypes } from './patches.ts'
import { apiVersion, reviews } from './resources.ts'
import { attributesOf, bodyOf, isDryRun, isWatch, managerOf, objectIn, targetOf, type ApiRequest, type Target } from './requests.ts'
import { review } from './reviews.ts'
import { hasScale, serveScale } from './scale.ts'
import { selection } from './selectors.ts'
import { page } from './pages.ts'
import { badRequest, deleted, forbidden, notInSandbox } from './status.ts'
import { metadataList, table, wantsMetadata, wantsTable } from './tables.ts'
import { serveWatch } from './watch.ts'
import type { Registry, Write } from './registry.ts'
import { at, fields, text, type Authorize, type Identity, type JsonObject, type KubernetesObject } from './types.ts'

/** What the handlers work on. */
export interface Context {
  readonly registry: Registry
  readonly authorize: Authorize
}

type Handler = (context: Context, request: ApiRequest, target: Target, response: ServerResponse) => void

/** Answers one request. */
export async function handle(context: Context, request: ApiRequest, identity: Identity, response: ServerResponse): Promise<void> {
  const said = request.method === 'GET' ? discover(request.path) : undefined
  if (said !== undefined) {
    answer(response, 200, said)
    return
  }
  const target = targetOf(request.path)
  if (!target) {
    // No Status: the real API's router answers this, too.
    answer(response, 404, '404 page not found\n')
    return
  }
  if (reviews.includes(target.resource)) {
    if (request.method !== 'POST') throw notInSandbox(`${request.method} a review`)
    answer(response, 201, await review(target.resource, fields(bodyOf(request)), identity, context.authorize))
    return
  }
  await guard(context, request, target, identity)
  if (target.subresource === 'scale' && hasScale(target.resource)) {
    const live = context.registry.get(target.resource, target.namespace, target.name)
    answer(response, 200, serveScale(context.registry, target.resource, live, { method: request.method, mediaType: request.mediaType, body: bodyOf(request), write: writeOf(request, target) }))
    return
  }
  if (target.subresource !== '' && !(target.subresource === 'status' && target.resource.status && request.method !== 'DELETE')) {
    throw notInSandbox(`the subresource ${target.resource.plural}/${target.subresource}`)
  }
  const handler = (target.name === '' ? collectionHandlers : objectHandlers)[request.method]
  if (!handler) throw notInSandbox(`${request.method} ${request.path}`)
  handler(context, request, target, response)
}

/** Asks whether the caller may. */
async function guard({ registry, authorize }: Context, request: ApiRequest, target: Target, identity: Identity): Promise<void> {
  const attributes = attributesOf(request, target)
  if (!(await authorize(identity, attributes))) throw forbidden(identity, attributes)
  // An apply that creates must be allowed to create.
  const creates = request.mediaType === mediaTypes.apply && target.subresource === '' && !registry.store.get(target.resource, target.namespace, target.name)
  const create = { ...attributes, verb: 'create' }
  if (creates && !(await authorize(identity, create))) throw forbidden(identity, create)
}

const collectionHandlers: Readonly<Record<string, Handler>> = {
  GET: ({ registry }, request, target, response) => {
    const { resource, namespace } = target
    const selects = selection(request.query)
    if (isWatch(request)) {
      const write = wantsTable(request.accept) ? (object: KubernetesObject): JsonObject => table(resource.kind, [object], {}) : (object: KubernetesObject): JsonObject => object
      serveWatch(registry.store, { resource, namespace, selects, write }, request.query, response)
      return
    }
    const { items, metadata } = page(registry.store, request.path, request.query, () => registry.store.list(resource, namespace).filter(selects))
    const list = { kind: `${resource.kind}List`, apiVersion: apiVersion(resource), metadata, items: resource.builtIn ? items.map(asItem) : items }
    const others = wantsTable(request.accept) ? table(resource.kind, items, metadata) : wantsMetadata(request.accept) ? metadataList(items, metadata) : undefined
    answer(response, 200, others ?? list)
  },
  POST: ({ registry }, request, target, response) => {
    answer(response, 201, registry.create(target.resource, objectIn(request, target) as KubernetesObject, writeOf(request, target)))
  },
}

/** Items of a list of built-in objects carry no apiVersion and kind of their own. */
function asItem(object: KubernetesObject): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([field]) => field !== 'apiVersion' && field !== 'kind'))
}

const objectHandlers: Readonly<Record<string, Handler>> = {
  GET: ({ registry }, request, { resource, namespace, name }, response) => {
    const object = registry.get(resource, namespace, name)
    answer(response, 200, wantsTable(request.accept) ? table(resource.kind, [object], { resourceVersion: object.metadata.resourceVersion }) : object)
  },
  PUT: ({ registry }, request, target, response) => {
    answer(response, 200, registry.update(target.resource, objectIn(request, target) as KubernetesObject, writeOf(request, target)))
  },
  PATCH: ({ registry }, request, target, response) => {
    const { resource, namespace, name } = target
    const write = writeOf(request, target)
    if (request.mediaType !== mediaTypes.apply) {
      answer(response, 200, registry.patch(resource, namespace, name, bodyOf(request), request.mediaType, write))
      return
    }
    const given = objectIn(request, target)
    if (text(given['kind']) === '' || text(given['apiVersion']) === '') throw badRequest('Object \'Kind\' is missing in the applied configuration')
    const force = request.query.get('force') === 'true'
    const { object, created } = registry.apply(resource, namespace, name, given as KubernetesObject, { ...write, manager: request.query.get('fieldManager') ?? '' }, force)
    answer(response, created ? 201 : 200, object)
  },
  DELETE: ({ registry }, request, { resource, namespace, name }, response) => {
    const options = fields(bodyOf(request))
    const propagation = text(options['propagationPolicy']) || request.query.get('propagationPolicy') || 'Background'
    if (propagation !== 'Background') throw notInSandbox(`delete with propagationPolicy ${propagation}`)
    const [uid, resourceVersion] = ['uid', 'resourceVersion'].map((field) => text(at(options, 'preconditions', field)))
    const { object, gone } = registry.delete(resource, namespace, name, { ...(uid ? { uid } : {}), ...(resourceVersion ? { resourceVersion } : {}) }, isDryRun(request))
    answer(response, 200, gone ? deleted(resource, name, object.metadata.uid ?? '') : object)
  },
}

function writeOf(request: ApiRequest, target: Target): Write {
  return { manager: managerOf(request), subresource: target.subresource === 'status' ? 'status' : '', dryRun: isDryRun(request) }
}

/** Sends an answer: JSON, or plain text. */
export function answer(response: ServerResponse, status: number, body: JsonObject | string): void {
  const plain = typeof body === 'string'
  response.writeHead(status, { 'content-type': plain ? 'text/plain' : 'application/json' }).end(plain ? body : JSON.stringify(body))
}
