/**
 * A Kubernetes API in this process: the subset that real Helm, real kubectl and a REST client use.
 * Everything else is answered with 501. Objects are not checked against schemas (`fieldValidation`
 * is ignored).
 */
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { ServerResponse, type IncomingMessage } from 'node:http'
import { recordRequest, type RequestRecording } from '../../testing/fault-injector.ts'
import type { ReceivedRequest } from '../../testing/request-log.ts'
import type { ControllerDelays } from './controller-context.ts'
import { startControllers } from './controllers.ts'
import { sendResponse, handleRequest, type HandlerContext } from './handlers.ts'
import { createInProcessApi, type InProcessApi } from './in-process-api.ts'
import { Registry } from './registry.ts'
import {
  isDryRun,
  formatBodyForLog,
  readRequest,
  parseResourcePath,
  type ApiRequest,
} from './requests.ts'
import { reviewResources } from './resources.ts'
import { ApiError, unauthorized } from './api-errors.ts'
import type { Authorize, Identity, KubernetesObject } from './types.ts'
import type { MutateCreate, ValidateAdmission } from './writes.ts'

export { getIn, asObject, asArray, asString } from './types.ts'
export { ApiError } from './api-errors.ts'
export type { Admission, ValidateAdmission, MutateCreate } from './writes.ts'
export type { StoreChange } from './store.ts'
export type {
  AuthorizationAttributes,
  Authorize,
  Identity,
  Json,
  JsonObject,
  KubernetesObject,
} from './types.ts'

/** Options of startKubernetes. */
export interface KubernetesApiOptions extends RequestRecording {
  readonly tls: { readonly certificate: string; readonly privateKey: string }
  /** The identity behind a bearer token; undefined rejects it with 401. */
  authenticate(token: string): Promise<Identity | undefined>
  /** The host in `url`; 127.0.0.1 when absent. The server listens on loopback in either case. */
  readonly host?: string
  readonly authorize?: Authorize
}

/** What a scenario may change while the API runs. */
export interface KubernetesRuntimeOptions extends ControllerDelays {
  /** Whether a request is allowed. It guards every request and answers the access reviews. */
  authorize: Authorize
  /** The cluster's validating webhooks: returns an `ApiError` to reject a write. */
  admit: ValidateAdmission
  /** The cluster's mutating webhooks, called for creates only. */
  mutateCreate: MutateCreate
}

/** The running API, with methods for what other clients do in the cluster. */
export interface KubernetesApi extends InProcessApi {
  readonly url: string
  readonly options: KubernetesRuntimeOptions
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
  const server = createServer(
    { cert: settings.tls.certificate, key: settings.tls.privateKey },
    (incoming, response) => {
      const context = { registry, authorize: options.authorize }
      const work = serveRequest(settings, context, incoming, response).catch((error: unknown) => {
        sendError(response, error)
      })
      // A watch is not pending work: it runs until the client ends it.
      if (incoming.method !== 'GET') settings.requestLog.trackWork(work)
    },
  )
  // Node closes idle connections after 5 s, just when a client may reuse one. An API server does
  // not.
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

/** Answers one request, unless a fault is injected into it. */
async function serveRequest(
  settings: KubernetesApiOptions,
  context: HandlerContext,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const request = await readRequest(incoming)
  const fault = await recordRequest(
    settings,
    { ...toLogEntry(request), headers: incoming.headers },
    response,
  )
  if (fault?.reset === 'before') return void incoming.socket.destroy()
  if (fault?.respond) {
    fault.respond(response)
    return
  }
  if (fault?.error) throw new ApiError(fault.error.status, fault.error.code, fault.error.message)
  const identity = request.token === '' ? undefined : await settings.authenticate(request.token)
  if (!identity) throw unauthorized()
  // A lost answer is written to a response without a connection.
  const isResponseLost = fault?.reset === 'after'
  const recipient = isResponseLost ? new ServerResponse(incoming) : response
  await handleRequest(context, request, identity, recipient)
  if (isResponseLost) incoming.socket.destroy()
}

function toLogEntry(request: ApiRequest): ReceivedRequest {
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

/** Logging comes first and must not fail: the handler reports a body that cannot be parsed. */
function isValidDryRun(request: ApiRequest): boolean {
  try {
    return isDryRun(request)
  } catch {
    return false
  }
}

function sendError(response: ServerResponse, error: unknown): void {
  const apiError = error instanceof ApiError ? error : internalError(error)
  if (response.headersSent) response.destroy()
  else sendResponse(response, apiError.code, apiError.status())
}

function internalError(error: unknown): ApiError {
  const description = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return new ApiError(500, 'InternalError', `Internal error occurred: ${description}`)
}
