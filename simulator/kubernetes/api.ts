/**
 * A Kubernetes API in this process: as much of one as real helm, real kubectl and a REST client ask
 * for. What it does not do it refuses with 501; it does not check objects against schemas
 * (`fieldValidation` is ignored).
 */
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { ServerResponse } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { RequestLog } from '../../testing/request-log.ts'
import { startControllers, type ControllerDelays } from './controllers.ts'
import { sendResponse, handleRequest } from './handlers.ts'
import { Registry, type ValidateAdmission, type MutateCreate } from './registry.ts'
import {
  isDryRun,
  formatBodyForLog,
  readRequest,
  parseResourcePath,
  type ApiRequest,
} from './requests.ts'
import { getResource, findResourceForObject, reviewResources, type Resource } from './resources.ts'
import { ApiError, unauthorized } from './api-errors.ts'
import type { Change } from './store.ts'
import type { Authorize, Identity, KubernetesObject } from './types.ts'

export { getIn, asObject, asArray, asString } from './types.ts'
export { ApiError } from './api-errors.ts'
export type { Admission, ValidateAdmission, MutateCreate } from './registry.ts'
export type { Change } from './store.ts'
export type {
  AuthorizationAttributes,
  Authorize,
  Identity,
  Json,
  JsonObject,
  KubernetesObject,
} from './types.ts'

/** How to start the API. */
export interface KubernetesApiOptions {
  readonly requestLog: RequestLog
  readonly tls: { readonly certificate: string; readonly privateKey: string }
  /** Who a bearer token stands for; undefined refuses it with 401. */
  authenticate(token: string): Promise<Identity | undefined>
  /**
   * The name in `url`, when the certificate is for another than 127.0.0.1. The server listens on
   * loopback either way.
   */
  readonly host?: string
  readonly authorize?: Authorize
}

/** What a scenario may change while the API runs. */
export interface KubernetesRuntimeOptions extends ControllerDelays {
  /** Whether a request is allowed; guards every request and answers the reviews. */
  authorize: Authorize
  /** Stands for the cluster's webhooks: return an `ApiError` to refuse a write. */
  admit: ValidateAdmission
  /** Stands for the cluster's webhooks that fill in what is created. */
  mutateCreate: MutateCreate
}

/** The running API, and what somebody else does in the cluster. */
export interface KubernetesApi {
  readonly url: string
  readonly options: KubernetesRuntimeOptions
  /**
   * `kind` is a kind, a plural, or a plural with group: `Service`, `services`, `deployments.apps`.
   */
  get(kind: string, namespace: string, name: string): KubernetesObject | undefined
  /** All of a kind, in every namespace when none is named. */
  list(kind: string, namespace?: string): KubernetesObject[]
  /** Creates an object, with its status when it has one. */
  create(object: KubernetesObject, manager?: string): KubernetesObject
  /** Every object of the cluster. */
  all(): KubernetesObject[]
  /** Puts objects there as they are, as if they had always been: nobody is told of them. */
  load(objects: readonly KubernetesObject[]): void
  /** Replaces all but the status. */
  replace(object: KubernetesObject, manager?: string): KubernetesObject
  /** Replaces the status only. */
  replaceStatus(object: KubernetesObject, manager?: string): KubernetesObject
  /** Applies server-side. */
  apply(object: KubernetesObject, manager: string, force?: boolean): KubernetesObject
  /**
   * Deletes; an object with finalizers stays until they are gone. Nothing happens when it is not
   * there.
   */
  remove(kind: string, namespace: string, name: string): void
  /** Calls back with each change of a kind from now on. Returns a function that ends it. */
  watch(kind: string, listener: (change: Change) => void): () => void
  /**
   * Keeps all objects as they are now. Returns a function that brings them back; watches are told.
   */
  snapshot(): () => void
  /** Forgets past changes, as etcd's compaction does: watches that ask for them get 410 Gone. */
  compact(): void
  close(): Promise<void>
}

/** Starts the API on a free loopback port. The namespaces `default` and `kube-system` exist. */
export async function startKubernetes(settings: KubernetesApiOptions): Promise<KubernetesApi> {
  const registry = new Registry()
  const controllers = startControllers(registry)
  const options: KubernetesRuntimeOptions = Object.assign(controllers.delays, {
    authorize: settings.authorize ?? (() => true),
    admit: () => undefined,
    mutateCreate: (object: KubernetesObject) => object,
  })
  registry.validateAdmission = (admission) => options.admit(admission)
  registry.mutateCreate = (object) => options.mutateCreate(object)
  const handleIncoming = async (
    incoming: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> => {
    const request = await readRequest(incoming)
    const fault = await settings.requestLog.recordRequest(
      { ...toLogEntry(request), headers: incoming.headers },
      response,
    )
    if (fault?.reset === true) return void incoming.socket.destroy()
    if (fault?.respond) {
      fault.respond(response)
      return
    }
    if (fault?.error) throw new ApiError(fault.error.status, fault.error.code, fault.error.message)
    const identity = request.token === '' ? undefined : await settings.authenticate(request.token)
    if (!identity) throw unauthorized()
    // An answer that is to be lost goes to a response that has no connection.
    const isResponseLost = fault?.reset === 'after'
    await handleRequest(
      { registry, authorize: options.authorize },
      request,
      identity,
      isResponseLost ? new ServerResponse(incoming) : response,
    )
    if (isResponseLost) incoming.socket.destroy()
  }
  const server = createServer(
    { cert: settings.tls.certificate, key: settings.tls.privateKey },
    (incoming, response) => {
      const work = handleIncoming(incoming, response).catch((error: unknown) => {
        sendError(response, error)
      })
      // A watch is no work: it lasts.
      if (incoming.method !== 'GET') settings.requestLog.trackWork(work)
    },
  )
  // Node ends idle connections after 5 s, at the moment at which a client may use one again; an API
  // server does not.
  server.keepAliveTimeout = 120_000
  await new Promise<void>((resolve, reject) =>
    server.once('error', reject).listen(0, '127.0.0.1', resolve),
  )
  const { port } = server.address() as AddressInfo
  const api = createInProcessApi(registry)
  for (const name of ['default', 'kube-system'])
    api.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, 'kube-apiserver')
  return {
    ...api,
    options,
    url: `https://${settings.host ?? '127.0.0.1'}:${port}`,
    close: async () => {
      controllers.stop()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function toLogEntry(request: ApiRequest): Parameters<RequestLog['recordRequest']>[0] {
  const target = parseResourcePath(request.path)
  const isReadOnly =
    request.method === 'GET' ||
    isValidDryRun(request) ||
    (target !== undefined && reviewResources.includes(target.resource))
  const query = request.query.toString()
  return {
    service: 'kubernetes',
    operation: `${request.method} ${request.path}`,
    isMutating: !isReadOnly,
    userAgent: request.userAgent,
    query: query === '' ? '' : `?${query}`,
    body: formatBodyForLog(request),
  }
}

/** The log comes before everything else: a body that cannot be read is somebody else's error. */
function isValidDryRun(request: ApiRequest): boolean {
  try {
    return isDryRun(request)
  } catch {
    return false
  }
}

function sendError(response: ServerResponse, error: unknown): void {
  const apiError =
    error instanceof ApiError
      ? error
      : new ApiError(
          500,
          'InternalError',
          `Internal error occurred: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
        )
  if (response.headersSent) response.destroy()
  else sendResponse(response, apiError.code, apiError.status())
}

type InProcessApi = Omit<KubernetesApi, 'url' | 'options' | 'close'>

function createInProcessApi(registry: Registry): InProcessApi {
  const clone = (object: KubernetesObject): KubernetesObject => structuredClone(object)
  const resourceFor = (object: KubernetesObject): Resource => {
    const resource = findResourceForObject(object)
    if (!resource)
      throw new Error(`The simulator's Kubernetes has no ${object.apiVersion} ${object.kind}`)
    return resource
  }
  return {
    get: (kind, namespace, name) => {
      const object = registry.store.get(getResource(kind), namespace, name)
      return object && clone(object)
    },
    list: (kind, namespace) => registry.store.list(getResource(kind), namespace).map(clone),
    create: (object, manager = 'somebody-else') => {
      const created = registry.create(resourceFor(object), clone(object), { manager })
      if (object['status'] === undefined || !resourceFor(object).hasStatus) return clone(created)
      return clone(
        registry.update(
          resourceFor(object),
          { ...created, status: object['status'] },
          { manager, subresource: 'status' },
        ),
      )
    },
    all: () => registry.store.all().map(clone),
    load: (objects) => {
      for (const object of objects) registry.store.insertSilently(resourceFor(object), object)
    },
    replace: (object, manager = 'somebody-else') =>
      clone(registry.update(resourceFor(object), clone(object), { manager })),
    replaceStatus: (object, manager = 'somebody-else') =>
      clone(
        registry.update(resourceFor(object), clone(object), { manager, subresource: 'status' }),
      ),
    apply: (object, manager, force = false) =>
      clone(
        registry.apply(
          resourceFor(object),
          object.metadata.namespace ?? '',
          object.metadata.name,
          clone(object),
          { manager },
          force,
        ).object,
      ),
    remove: (kind, namespace, name) => {
      if (registry.store.get(getResource(kind), namespace, name))
        registry.delete(getResource(kind), namespace, name)
    },
    snapshot: () => registry.store.snapshot(),
    compact: () => {
      registry.store.compact()
    },
    watch: (kind, listener) => {
      const resource = getResource(kind)
      return registry.store.subscribe((change) => {
        if (change.resource === resource) listener(change)
      })
    },
  }
}
