/**
 * A Kubernetes API in this process: as much of one as real helm, real kubectl and a REST client ask for.
 * What it does not do it refuses with 501; it does not check objects against schemas (`fieldValidation` is ignored).
 */
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { ServerResponse } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { Traffic } from '../traffic.ts'
import { startControllers, type Pace } from './controllers.ts'
import { answer, handle } from './handlers.ts'
import { Registry, type Admit, type MutateCreate } from './registry.ts'
import { isDryRun, loggedBody, readRequest, targetOf, type ApiRequest } from './requests.ts'
import { resourceOf, resourceOfObject, reviews, type Resource } from './resources.ts'
import { ApiError, unauthorized } from './status.ts'
import type { Change } from './store.ts'
import type { Authorize, Identity, KubernetesObject } from './types.ts'

export { at, fields, items, text } from './types.ts'
export { ApiError } from './status.ts'
export type { Admission, Admit, MutateCreate } from './registry.ts'
export type { Change } from './store.ts'
export type { Attributes, Authorize, Identity, Json, JsonObject, KubernetesObject } from './types.ts'

/** How to start the API. */
export interface KubernetesSettings {
  readonly traffic: Traffic
  readonly tls: { readonly certificate: string; readonly privateKey: string }
  /** Who a bearer token stands for; undefined refuses it with 401. */
  authenticate(token: string): Promise<Identity | undefined>
  /** The name in `url`, when the certificate is for another than 127.0.0.1. The server listens on loopback either way. */
  readonly host?: string
  readonly authorize?: Authorize
}

/** What a scenario may change while the API runs. */
export interface KubernetesOptions extends Pace {
  /** Whether a request is allowed; guards every request and answers the reviews. */
  authorize: Authorize
  /** Stands for the cluster's webhooks: return an `ApiError` to refuse a write. */
  admit: Admit
  /** Stands for the cluster's webhooks that fill in what is created. */
  mutateCreate: MutateCreate
}

/** The running API, and what somebody else does in the cluster. */
export interface KubernetesApi {
  readonly url: string
  readonly options: KubernetesOptions
  /** `kind` is a kind, a plural, or a plural with group: `Service`, `services`, `deployments.apps`. */
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
  /** Deletes; an object with finalizers stays until they are gone. Nothing happens when it is not there. */
  remove(kind: string, namespace: string, name: string): void
  /** Calls back with each change of a kind from now on. Returns a function that ends it. */
  watch(kind: string, listener: (change: Change) => void): () => void
  /** Keeps all objects as they are now. Returns a function that brings them back; watches are told. */
  snapshot(): () => void
  /** Forgets past changes, as etcd's compaction does: watches that ask for them get 410 Gone. */
  compact(): void
  close(): Promise<void>
}

/** Starts the API on a free loopback port. The namespaces `default` and `kube-system` exist. */
export async function startKubernetes(settings: KubernetesSettings): Promise<KubernetesApi> {
  const registry = new Registry()
  const pace = startControllers(registry)
  const options: KubernetesOptions = Object.assign(pace.options, { authorize: settings.authorize ?? (() => true), admit: () => undefined, mutateCreate: (object: KubernetesObject) => object })
  registry.admit = (admission) => options.admit(admission)
  registry.mutateCreate = (object) => options.mutateCreate(object)
  const serve = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const request = await readRequest(incoming)
    const fault = await settings.traffic.take({ ...logged(request), headers: incoming.headers }, response)
    if (fault?.reset === true) return void incoming.socket.destroy()
    if (fault?.lie) {
      fault.lie(response)
      return
    }
    if (fault?.error) throw new ApiError(fault.error.status, fault.error.code, fault.error.message)
    const identity = request.token === '' ? undefined : await settings.authenticate(request.token)
    if (!identity) throw unauthorized()
    // An answer that is to be lost goes to a response that has no connection.
    const lost = fault?.reset === 'after'
    await handle({ registry, authorize: options.authorize }, request, identity, lost ? new ServerResponse(incoming) : response)
    if (lost) incoming.socket.destroy()
  }
  const server = createServer({ cert: settings.tls.certificate, key: settings.tls.privateKey }, (incoming, response) => {
    const work = serve(incoming, response).catch((error: unknown) => { refuse(response, error) })
    // A watch is no work: it lasts.
    if (incoming.method !== 'GET') settings.traffic.work(work)
  })
  // Node ends idle connections after 5 s, at the moment at which a client may use one again; an API server does not.
  server.keepAliveTimeout = 120_000
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const api = inProcess(registry)
  for (const name of ['default', 'kube-system']) api.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, 'kube-apiserver')
  return {
    ...api, options, url: `https://${settings.host ?? '127.0.0.1'}:${port}`,
    close: async () => {
      pace.stop()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function logged(request: ApiRequest): Parameters<Traffic['take']>[0] {
  const asks = targetOf(request.path)
  const reads = request.method === 'GET' || isDryRunSafely(request) || (asks !== undefined && reviews.includes(asks.resource))
  const query = request.query.toString()
  return {
    part: 'kubernetes', operation: `${request.method} ${request.path}`, mutating: !reads, client: request.client,
    query: query === '' ? '' : `?${query}`, body: loggedBody(request),
  }
}

/** The log comes before everything else: a body that cannot be read is somebody else's error. */
function isDryRunSafely(request: ApiRequest): boolean {
  try {
    return isDryRun(request)
  } catch {
    return false
  }
}

function refuse(response: ServerResponse, error: unknown): void {
  const known = error instanceof ApiError ? error : new ApiError(500, 'InternalError', `Internal error occurred: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
  if (response.headersSent) response.destroy()
  else answer(response, known.code, known.status())
}

type InProcess = Omit<KubernetesApi, 'url' | 'options' | 'close'>

function inProcess(registry: Registry): InProcess {
  const copy = (object: KubernetesObject): KubernetesObject => structuredClone(object)
  const of = (object: KubernetesObject): Resource => {
    const resource = resourceOfObject(object)
    if (!resource) throw new Error(`The sandbox's Kubernetes has no ${object.apiVersion} ${object.kind}`)
    return resource
  }
  return {
    get: (kind, namespace, name) => {
      const object = registry.store.get(resourceOf(kind), namespace, name)
      return object && copy(object)
    },
    list: (kind, namespace) => registry.store.list(resourceOf(kind), namespace).map(copy),
    create: (object, manager = 'somebody-else') => {
      const created = registry.create(of(object), copy(object), { manager })
      if (object['status'] === undefined || !of(object).status) return copy(created)
      return copy(registry.update(of(object), { ...created, status: object['status'] }, { manager, subresource: 'status' }))
    },
    all: () => registry.store.all().map(copy),
    load: (objects) => { for (const object of objects) registry.store.keep(of(object), object) },
    replace: (object, manager = 'somebody-else') => copy(registry.update(of(object), copy(object), { manager })),
    replaceStatus: (object, manager = 'somebody-else') => copy(registry.update(of(object), copy(object), { manager, subresource: 'status' })),
    apply: (object, manager, force = false) => copy(registry.apply(of(object), object.metadata.namespace ?? '', object.metadata.name, copy(object), { manager }, force).object),
    remove: (kind, namespace, name) => {
      if (registry.store.get(resourceOf(kind), namespace, name)) registry.delete(resourceOf(kind), namespace, name)
    },
    snapshot: () => registry.store.snapshot(),
    compact: () => { registry.store.compact() },
    watch: (kind, listener) => {
      const resource = resourceOf(kind)
      return registry.store.subscribe((change) => { if (change.resource === resource) listener(change) })
    },
  }
}
