/**
 * A small REST client of the Kubernetes API: raw JSON, one kept connection, watches under our own control.
 * docs/decisions/kubernetes-client.md says why not the generated one.
 */
import https from 'node:https'
import type { IncomingMessage } from 'node:http'
import { createInterface } from 'node:readline'
import { ActionError } from '../core/errors.ts'
import { retry } from '../core/retry.ts'
import type { Clock } from '../core/waiting.ts'
import type { Connection } from './connection.ts'
import type { ManagedFields } from './types.ts'
import { messageOf } from '../core/text.ts'

/** The API's own error: a Status object. Source: meta/v1 Status. */
export class StatusError extends Error {
  override readonly name = 'StatusError'
  readonly status: number
  /** `NotFound`, `Conflict`, `Invalid`, `Forbidden`, ... */
  readonly reason: string
  readonly causes: readonly StatusCause[]

  constructor(status: number, body: { message?: string; reason?: string; details?: { causes?: StatusCause[] } | undefined }) {
    super(body.message ?? `HTTP ${status}`)
    this.status = status
    this.reason = body.reason ?? ''
    this.causes = body.details?.causes ?? []
  }
}

/** One cause in a Status. */
export interface StatusCause {
  readonly reason?: string
  readonly message?: string
  readonly field?: string
}

/** What a list may be narrowed by. */
export interface Selectors {
  readonly labelSelector?: string
  readonly fieldSelector?: string
}

interface Request {
  readonly method: 'GET' | 'PATCH' | 'POST' | 'PUT' | 'DELETE'
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** What to say that could not be done: `read the Services of namespace milvus`. */
  readonly purpose: string
}

/** How long the API may stay silent before an answer, in milliseconds. */
const responseTimeout = 30_000
/** How long a connection may take: an endpoint that does not let this runner in stays silent. */
const connectTimeout = 10_000
const attempts = 3

/** The calls that steps make. Failures that mean the same everywhere (unreachable, 401, 403) are thrown as ActionError, others as StatusError. */
export class KubernetesClient {
  private readonly connection: Connection
  private readonly options: { signal: AbortSignal; clock: Clock }
  /** How far the API's clock is ahead of ours, in milliseconds. */
  private ahead = 0

  constructor(connection: Connection, options: { signal: AbortSignal; clock: Clock }) {
    this.connection = connection
    this.options = options
  }

  /** The time by the API's clock, to the second: what different machines write into one object has to be of one clock. Milliseconds since the epoch. */
  now(): number {
    return this.options.clock.now() + this.ahead
  }

  /** The same client for what has to be done though the job was cancelled. @param timeout milliseconds for all of it */
  lasting(timeout: number): KubernetesClient {
    const client = new KubernetesClient(this.connection, { ...this.options, signal: AbortSignal.timeout(timeout) })
    client.ahead = this.ahead
    return client
  }

  /** One object; undefined when there is none. */
  async get<T>(path: string, purpose: string): Promise<T | undefined> {
    try {
      return (await this.json({ method: 'GET', path, purpose })) as T
    } catch (thrown) {
      if (thrown instanceof StatusError && thrown.status === 404) return undefined
      throw thrown
    }
  }

  /** The items of a collection. */
  async list<T>(path: string, selectors: Selectors, purpose: string): Promise<T[]> {
    const answer = (await this.json({ method: 'GET', path, query: { ...selectors }, purpose })) as { items?: T[] }
    return answer.items ?? []
  }

  /** The resourceVersion of a collection as it is now: what is written to it later has a greater one. */
  async collectionVersion(path: string, purpose: string): Promise<string> {
    const answer = (await this.json({ method: 'GET', path, query: { limit: '1' }, purpose })) as { metadata?: { resourceVersion?: string } }
    return answer.metadata?.resourceVersion ?? ''
  }

  /** The items of a collection, metadata only: for objects whose data is large and not asked for. */
  async listMetadata<T>(path: string, selectors: Selectors, purpose: string): Promise<T[]> {
    const headers = { Accept: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json' }
    const answer = (await this.json({ method: 'GET', path, query: { ...selectors }, headers, purpose })) as { items?: T[] }
    return answer.items ?? []
  }

  /** Server-side apply. Safe to repeat. @returns the object as it is now */
  async apply<T>(path: string, object: object, options: { fieldManager: string; force: boolean }, purpose: string): Promise<T> {
    return (await this.json({
      method: 'PATCH',
      path,
      query: { fieldManager: options.fieldManager, force: String(options.force), fieldValidation: 'Strict' },
      headers: { 'Content-Type': 'application/apply-patch+yaml' },
      body: JSON.stringify(object),
      purpose,
    })) as T
  }

  /** Asks a review: an object that the API answers and keeps nowhere. @returns the object with its status */
  review<T>(path: string, object: object, purpose: string): Promise<T> {
    return this.write('POST', path, object, purpose)
  }

  /** Makes an object. A lost answer is asked for again: 409 then may mean that it was made. @param path of the collection */
  create<T>(path: string, object: object, purpose: string): Promise<T> {
    return this.write('POST', path, object, purpose)
  }

  /** Puts an object in place of the one whose resourceVersion it has: 409 when that has changed, as a lost answer makes it look. */
  replace<T>(path: string, object: object, purpose: string): Promise<T> {
    return this.write('PUT', path, object, purpose)
  }

  private async write<T>(method: 'POST' | 'PUT', path: string, object: object, purpose: string): Promise<T> {
    return (await this.json({ method, path, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(object), purpose })) as T
  }

  /** Deletes an object, as long as it is still the one of this uid. Nothing happens when there is none. */
  async remove(path: string, uid: string, purpose: string): Promise<void> {
    const body = JSON.stringify({ apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid } })
    try {
      // Node sends the length of a body by itself, but not with DELETE.
      await this.json({ method: 'DELETE', path, headers: { 'Content-Type': 'application/json', 'Content-Length': String(body.length) }, body, purpose })
    } catch (thrown) {
      if (!(thrown instanceof StatusError) || thrown.status !== 404) throw thrown
    }
  }

  /** Replaces managedFields, as long as the object is still the one that was read. @returns the object as it is now */
  async replaceManagedFields<T>(path: string, resourceVersion: string, managedFields: readonly ManagedFields[], purpose: string): Promise<T> {
    const patch = [{ op: 'replace', path: '/metadata/managedFields', value: managedFields }, { op: 'replace', path: '/metadata/resourceVersion', value: resourceVersion }]
    return (await this.json({ method: 'PATCH', path, headers: { 'Content-Type': 'application/json-patch+json' }, body: JSON.stringify(patch), purpose })) as T
  }

  /**
   * Calls `onChange` for whatever a watch says, until the signal is aborted. A watch is only a reason to look sooner: when it
   * ends it is opened again, and when it may not be opened at all the caller's own interval has to do.
   */
  async watch(path: string, selectors: Selectors, onChange: () => void, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const request = { method: 'GET', path, query: { ...selectors, watch: 'true', timeoutSeconds: '300' }, purpose: `watch ${path}` } as const
        const response = await this.send(request, signal)
        // Not permitted, or not there: the caller's interval has to do. Anything else may heal.
        if ([401, 403, 404].includes(response.statusCode ?? 0)) {
          response.destroy()
          return
        }
        for await (const line of createInterface(response)) if (line) onChange()
      } catch {
        // A watch that breaks loses nothing: it is opened again, and the caller looks anyway.
      }
      await this.options.clock.sleep(1_000, signal)
    }
  }

  private async json(request: Request): Promise<unknown> {
    let renewed = false
    const once = async (): Promise<unknown> => {
      const response = await this.send(request, this.options.signal)
      const body = await readBody(response)
      const status = response.statusCode ?? 0
      if (status === 401 && !renewed && this.connection.renew()) {
        renewed = true
        return once()
      }
      if (status >= 200 && status < 300) return parseJson(status, body)
      throw statusError(status, body)
    }
    try {
      return await retry(once, { attempts, healable, signal: this.options.signal, clock: this.options.clock })
    } catch (thrown) {
      throw this.translate(thrown, request)
    }
  }

  private async send(request: Request, signal: AbortSignal): Promise<IncomingMessage> {
    const url = new URL(this.connection.server.replace(/\/$/, '') + request.path)
    for (const [key, value] of Object.entries(request.query ?? {})) url.searchParams.set(key, value)
    const options = await this.connection.options()
    const headers = { Accept: 'application/json', 'User-Agent': 'milvus-alb-action', ...(options.headers as Record<string, string>), ...request.headers }
    return new Promise((resolve, reject) => {
      const sent = https.request(url, { ...options, method: request.method, headers, signal }, (response) => {
        clearTimeout(timer)
        const date = Date.parse(response.headers.date ?? '')
        if (!Number.isNaN(date)) this.ahead = date - this.options.clock.now()
        resolve(response)
      })
      const timer = setTimeout(() => sent.destroy(new Error(`no answer within ${responseTimeout / 1000} s`)), responseTimeout)
      const connecting = setTimeout(() => sent.destroy(new Error(`no connection within ${connectTimeout / 1000} s`)), connectTimeout)
      sent.on('socket', (socket) => {
        if (socket.connecting) socket.once('connect', () => clearTimeout(connecting))
        else clearTimeout(connecting)
      })
      sent.on('error', (error) => {
        clearTimeout(timer)
        clearTimeout(connecting)
        reject(error)
      })
      sent.end(request.body)
    })
  }

  private translate(thrown: unknown, { method, purpose }: Request): unknown {
    if (thrown instanceof ActionError) return thrown
    if (!(thrown instanceof StatusError)) {
      if (this.options.signal.aborted) return thrown
      return new ActionError({
        code: 'cluster-unreachable',
        problem: `The Kubernetes API at ${this.connection.server} cannot be reached: ${messageOf(thrown)}${this.connection.reach === undefined ? '' : `. This endpoint ${this.connection.reach}.`}`,
        remedy: "Check that this runner may reach it: a private endpoint needs a runner in the cluster's network, a public one may allow only some addresses.",
        cause: thrown,
      })
    }
    const refusal = refusals[thrown.status]
    if (refusal && !byWebhook(thrown)) return new ActionError({ ...refusal(thrown.message, purpose), cause: thrown })
    const answersCaller = thrown.status === 404 || (method !== 'GET' && (byWebhook(thrown) || (thrown.status < 500 && thrown.status !== 429)))
    if (answersCaller) return thrown
    return new ActionError({
      code: 'cluster-request-failed',
      problem: `The Kubernetes API could not ${purpose}: HTTP ${thrown.status}, ${thrown.message}`,
      remedy: `Run the job again in some minutes; if it stays, check the control plane ("kubectl get --raw '/readyz?verbose'").`,
      cause: thrown,
    })
  }
}

const refusals: Readonly<Record<number, (message: string, purpose: string) => { code: 'cluster-unauthorized' | 'cluster-forbidden'; problem: string; remedy: string }>> = {
  401: (message, purpose) => ({
    code: 'cluster-unauthorized',
    problem: `The Kubernetes API does not know this identity, so the action could not ${purpose}: ${message}`,
    remedy: "Give the role an EKS access entry (or a line in aws-auth) on this cluster; with a kubeconfig, renew its credentials. If it worked earlier in this job, the credentials have ended.",
  }),
  403: (message, purpose) => ({
    code: 'cluster-forbidden',
    problem: `This identity may not ${purpose}: ${message}`,
    remedy: 'Bind the roles of docs/permissions.md to it: for mode check those of docs/permissions/rbac-check.yaml.',
  }),
}

/** Whether an admission webhook said no, or could not be asked: nobody's permission and nobody's control plane. */
const byWebhook = ({ message }: StatusError): boolean => /admission webhook .* denied|failed calling webhook/.test(message)

function parseJson(status: number, body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    throw new StatusError(status, { message: `the answer is no JSON but begins ${JSON.stringify(body.slice(0, 80))}` })
  }
}

function statusError(status: number, body: string): StatusError {
  try {
    return new StatusError(status, JSON.parse(body) as ConstructorParameters<typeof StatusError>[1])
  } catch {
    return new StatusError(status, { message: `HTTP ${status}: ${body.slice(0, 200)}` })
  }
}

/** Too many requests, a server that is not ready, a broken connection: time heals these. A webhook's failure is no server's. */
function healable(thrown: unknown): boolean {
  if (thrown instanceof StatusError) return [429, 502, 503, 504].includes(thrown.status)
  return !(thrown instanceof ActionError) && !/CERT|ERR_TLS|SELF_SIGNED|UNABLE_TO/.test(errorCode(thrown))
}

const errorCode = (thrown: unknown): string => (thrown as { code?: string }).code ?? ''

/** A body of more than this is no answer to anything we ask. Bytes. */
const largestBody = 64 * 1024 * 1024

async function readBody(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  response.setTimeout(responseTimeout, () => response.destroy(new Error(`nothing more of the answer within ${responseTimeout / 1000} s`)))
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > largestBody) throw new Error(`an answer of more than ${largestBody} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
