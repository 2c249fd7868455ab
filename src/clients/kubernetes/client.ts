/**
 * A small REST client of the Kubernetes API: raw JSON, one kept connection, watches under our own
 * control. docs/decisions/kubernetes-client.md says why not the generated one.
 */
import { ActionError } from '../../failures/action-error.ts'
import { retry } from '../../util/retry.ts'
import type { Clock } from '../../util/polling.ts'
import type { Connection } from './connection.ts'
import { isObjectRejection, isWebhookError, authErrors } from './api-errors.ts'
import {
  RequestTimeoutError,
  StatusError,
  responseNotJson,
  parseJson,
  readBody,
  sendRequest,
  toStatusError,
  responseTooLarge,
  type Request,
} from './request.ts'
import type { KubernetesObject, ManagedFieldsEntry } from './types.ts'
import { getErrorMessage } from '../../util/text.ts'

/** What a list may be narrowed by. */
export interface Selectors {
  readonly labelSelector?: string
  readonly fieldSelector?: string
}

/** How often an expired or a too large list is begun. */
const maxListAttempts = 3
/**
 * How long a call may take with all its attempts, and a list with all its pages, in milliseconds:
 * an answer may drip for ever.
 */
const callTimeout = 60_000
/**
 * Items of a page, and fewer when such a page is too large. Source: Kubernetes API concepts,
 * "Retrieving large results sets in chunks".
 */
const pageSizes = [250, 25, 1]
/** A list of more pages does not end. */
const maxPages = 1_000
/** Items that a list may keep in memory. */
const maxItems = 20_000
/** Between two words of a watch, in milliseconds: one that says very much is not read faster. */
const watchEventInterval = 50

/**
 * The calls that steps make. Failures that mean the same everywhere (unreachable, 401, 403) are
 * thrown as ActionError, others as StatusError.
 */
export class KubernetesClient {
  private readonly connection: Connection
  private readonly options: { signal: AbortSignal; clock: Clock }
  /** How far the API's clock is ahead of ours, in milliseconds. */
  private clockSkew = 0

  constructor(connection: Connection, options: { signal: AbortSignal; clock: Clock }) {
    this.connection = connection
    this.options = options
  }

  /**
   * The time by the API's clock, to the second: what different machines write into one object has
   * to be of one clock. Milliseconds since the epoch.
   */
  now(): number {
    return this.options.clock.now() + this.clockSkew
  }

  /**
   * The same client for what has to be done though the job was cancelled.
   * @param timeout milliseconds for all of it
   */
  detached(timeout: number): KubernetesClient {
    const client = new KubernetesClient(this.connection, {
      ...this.options,
      signal: AbortSignal.timeout(timeout),
    })
    client.clockSkew = this.clockSkew
    return client
  }

  /** One object; undefined when there is none. */
  async get<T>(path: string, operation: string): Promise<T | undefined> {
    try {
      return (await this.requestJson({ method: 'GET', path, operation })) as T
    } catch (thrown) {
      if (thrown instanceof StatusError && thrown.status === 404) return undefined
      throw thrown
    }
  }

  /**
   * The items of a collection.
   * @param filter what is kept of the items so far, for a list that may be very long; everything
   *   when absent
   */
  async list<T extends KubernetesObject>(
    path: string,
    selectors: Selectors,
    operation: string,
    filter?: (items: T[]) => T[],
  ): Promise<T[]> {
    return this.listAllPages<T>({ method: 'GET', path, query: { ...selectors }, operation }, filter)
  }

  /**
   * The resourceVersion of a collection as it is now: what is written to it later has a greater
   * one.
   */
  async getCollectionVersion(path: string, operation: string): Promise<string> {
    const answer = (await this.requestJson({
      method: 'GET',
      path,
      query: { limit: '1' },
      operation,
    })) as { metadata?: { resourceVersion?: string } }
    return answer.metadata?.resourceVersion ?? ''
  }

  /**
   * The names and labels of a collection's items: for objects whose data is large and not asked
   * for.
   */
  async listMetadata(
    path: string,
    selectors: Selectors,
    operation: string,
  ): Promise<KubernetesObject[]> {
    const headers = {
      Accept: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json',
    }
    return this.listAllPages<KubernetesObject>(
      { method: 'GET', path, query: { ...selectors }, headers, operation },
      (items) =>
        items.map(({ metadata: { name, uid, resourceVersion, labels = {} } }) => ({
          metadata: { name, uid, resourceVersion, labels },
        })),
    )
  }

  /**
   * Server-side apply. Safe to repeat.
   * @param object or its YAML
   * @param options with `dryRun` nothing is written, and fields that nobody knows are passed over
   * @returns the object as it is now, or as it would be
   */
  async apply<T>(
    path: string,
    object: object | string,
    {
      fieldManager,
      force,
      dryRun = false,
    }: { fieldManager: string; force: boolean; dryRun?: boolean },
    operation: string,
  ): Promise<T> {
    return (await this.requestJson({
      method: 'PATCH',
      path,
      query: {
        fieldManager,
        force: String(force),
        ...(dryRun ? { dryRun: 'All', fieldValidation: 'Ignore' } : { fieldValidation: 'Strict' }),
      },
      headers: { 'Content-Type': 'application/apply-patch+yaml' },
      body: typeof object === 'string' ? object : JSON.stringify(object),
      operation,
    })) as T
  }

  /**
   * Asks a review: an object that the API answers and keeps nowhere.
   * @returns the object with its status
   */
  createReview<T>(path: string, object: object, operation: string): Promise<T> {
    return this.write('POST', path, object, operation)
  }

  /**
   * Makes an object. A lost answer is asked for again: 409 then may mean that it was made.
   * @param path of the collection
   */
  create<T>(path: string, object: object, operation: string): Promise<T> {
    return this.write('POST', path, object, operation)
  }

  /**
   * Puts an object in place of the one whose resourceVersion it has: 409 when that has changed, as
   * a lost answer makes it look.
   */
  replace<T>(path: string, object: object, operation: string): Promise<T> {
    return this.write('PUT', path, object, operation)
  }

  private async write<T>(
    method: 'POST' | 'PUT',
    path: string,
    object: object,
    operation: string,
  ): Promise<T> {
    return (await this.requestJson({
      method,
      path,
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(object),
      operation,
    })) as T
  }

  /**
   * Deletes an object with what it owns, as long as it is still the one of this uid. Nothing
   * happens when there is none. Unasked, the API would leave the pods of a Job. Source: Kubernetes,
   * pkg/registry/batch/job/strategy.go, DefaultGarbageCollectionPolicy.
   */
  async deleteObject(path: string, uid: string, operation: string): Promise<void> {
    const body = JSON.stringify({
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      propagationPolicy: 'Background',
      preconditions: { uid },
    })
    try {
      // Node sends the length of a body by itself, but not with DELETE.
      await this.requestJson({
        method: 'DELETE',
        path,
        headers: { 'Content-Type': 'application/json', 'Content-Length': String(body.length) },
        body,
        operation,
      })
    } catch (thrown) {
      if (!(thrown instanceof StatusError) || thrown.status !== 404) throw thrown
    }
  }

  /**
   * Replaces managedFields, as long as the object is still the one that was read.
   * @returns the object as it is now
   */
  async replaceManagedFields<T>(
    path: string,
    resourceVersion: string,
    managedFields: readonly ManagedFieldsEntry[],
    operation: string,
  ): Promise<T> {
    const operations = [
      { op: 'replace', path: '/metadata/managedFields', value: managedFields },
      { op: 'replace', path: '/metadata/resourceVersion', value: resourceVersion },
    ]
    return this.jsonPatch(path, operations, operation)
  }

  /**
   * All of the operations or none: 422 when one of them cannot be done. Source: RFC 6902.
   * @returns the object as it is now
   */
  async jsonPatch<T>(path: string, operations: readonly object[], operation: string): Promise<T> {
    return (await this.requestJson({
      method: 'PATCH',
      path,
      headers: { 'Content-Type': 'application/json-patch+json' },
      body: JSON.stringify(operations),
      operation,
    })) as T
  }

  /**
   * Calls `onChange` for whatever a watch says, until the signal is aborted. A watch is only a
   * reason to look sooner: when it ends it is opened again, and when it may not be opened at all
   * the caller's own interval has to do.
   */
  async watch(
    path: string,
    selectors: Selectors,
    onChange: () => void,
    signal: AbortSignal,
  ): Promise<void> {
    while (!signal.aborted) {
      try {
        const request = {
          method: 'GET',
          path,
          query: { ...selectors, watch: 'true', timeoutSeconds: '300' },
          operation: `watch ${path}`,
        } as const
        const response = await sendRequest(this.connection, request, signal)
        // Not permitted, or not there: the caller's interval has to do. Anything else may heal.
        if ([401, 403, 404].includes(response.statusCode ?? 0)) {
          response.destroy()
          return
        }
        // What it says is not looked at, and a line may be without end: where one ends, something
        // changed.
        for await (const chunk of response as AsyncIterable<Buffer>) {
          if (!chunk.includes('\n')) continue
          onChange()
          await this.options.clock.sleep(watchEventInterval, signal)
        }
      } catch {
        // A watch that breaks loses nothing: it is opened again, and the caller looks anyway.
      }
      await this.options.clock.sleep(1_000, signal)
    }
  }

  private async requestJson(request: Request): Promise<unknown> {
    return this.withDeadline(request, (signal) => this.requestWithRetries(request, signal))
  }

  /** Work that is over in time, and its failure in our words. */
  private async withDeadline<T>(
    request: Request,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const deadlineSignal = AbortSignal.timeout(callTimeout)
    try {
      return await work(AbortSignal.any([this.options.signal, deadlineSignal]))
    } catch (thrown) {
      const hasTimedOut = deadlineSignal.aborted && !this.options.signal.aborted
      throw this.translateError(
        hasTimedOut
          ? new StatusError(0, {
              message: `its answer was not whole within ${callTimeout / 1000} s`,
            })
          : thrown,
        request,
      )
    }
  }

  /**
   * One answer, as JSON.
   * @throws what `translate` takes
   */
  private async requestWithRetries(request: Request, signal: AbortSignal): Promise<unknown> {
    let hasRenewedCredentials = false
    const attemptRequest = async (): Promise<unknown> => {
      const response = await sendRequest(this.connection, request, signal)
      const serverTime = Date.parse(response.headers.date ?? '')
      if (!Number.isNaN(serverTime)) this.clockSkew = serverTime - this.options.clock.now()
      const body = await readBody(response)
      const status = response.statusCode ?? 0
      if (status === 401 && !hasRenewedCredentials && this.connection.invalidateCredentials()) {
        hasRenewedCredentials = true
        return attemptRequest()
      }
      if (status >= 200 && status < 300) return parseJson(status, body)
      if (response.headers.location !== undefined)
        throw new StatusError(status, {
          message: `it redirects to ${response.headers.location}, and the credentials are for this server alone`,
        })
      throw toStatusError(response, body)
    }
    return retry(attemptRequest, {
      maxAttempts,
      retryAfter: (thrown) => (thrown instanceof StatusError ? thrown.retryAfter : 0),
      signal,
      clock: this.options.clock,
    })
  }

  /**
   * All pages of a list. It begins anew when the API no longer knows where it was, and in smaller
   * pages when one is too large.
   */
  private async listAllPages<T extends KubernetesObject>(
    request: Request,
    filter?: (items: T[]) => T[],
  ): Promise<T[]> {
    return this.withDeadline(request, async (signal) => {
      for (let pageSizeIndex = 0, attempt = 1; ; attempt += 1) {
        try {
          return await this.fetchPages(request, pageSizes[pageSizeIndex] ?? 1, signal, filter)
        } catch (thrown) {
          const isTooLarge = thrown instanceof StatusError && thrown.reason === responseTooLarge
          const isExpired = thrown instanceof StatusError && thrown.status === 410
          if (attempt >= maxListAttempts || !(isTooLarge || isExpired)) throw thrown
          if (isTooLarge) pageSizeIndex += 1
        }
      }
    })
  }

  private async fetchPages<T extends KubernetesObject>(
    request: Request,
    limit: number,
    signal: AbortSignal,
    filter?: (items: T[]) => T[],
  ): Promise<T[]> {
    let collectedItems: T[] = []
    let continueToken = ''
    for (let page = 1; page <= maxPages; page += 1) {
      const query = {
        ...request.query,
        limit: String(limit),
        ...(continueToken !== '' && { continue: continueToken }),
      }
      const { items, metadata } = parseList(
        await this.requestWithRetries({ ...request, query }, signal),
      )
      collectedItems = collectedItems.concat(items as T[])
      if (filter) collectedItems = filter(collectedItems)
      if (collectedItems.length > maxItems)
        throw new StatusError(200, {
          message: `its list has more than ${maxItems} items, which this action does not read`,
        })
      const previousToken = continueToken
      continueToken = metadata?.continue ?? ''
      if (continueToken === '') return collectedItems
      if (continueToken === previousToken) break
    }
    throw new StatusError(200, {
      message: `its list does not end after ${maxPages} pages, or names the same page twice`,
    })
  }

  private translateError(thrown: unknown, { method, operation }: Request): unknown {
    if (thrown instanceof ActionError) return thrown
    if (!(thrown instanceof StatusError)) {
      if (this.options.signal.aborted) return thrown
      return new ActionError({
        code: 'cluster-unreachable',
        problem: `The Kubernetes API at ${this.connection.server} cannot be reached: ${getErrorMessage(thrown)}${this.connection.accessRestriction === undefined ? '' : `. This endpoint ${this.connection.accessRestriction}.`}`,
        remedy:
          "Check that this runner may reach it: a private endpoint needs a runner in the cluster's network, a public one may allow only some addresses.",
        cause: thrown,
      })
    }
    const describeAuthError = authErrors[thrown.status]
    if (describeAuthError && !isWebhookError(thrown))
      return new ActionError({ ...describeAuthError(thrown.message, operation), cause: thrown })
    const isHandledByCaller =
      thrown.status === 404 ||
      (method !== 'GET' &&
        (isObjectRejection(thrown) ||
          (thrown.status >= 400 && thrown.status < 500 && thrown.status !== 429)))
    if (isHandledByCaller) return thrown
    return new ActionError({
      code: 'cluster-request-failed',
      problem: `The Kubernetes API could not ${operation}: ${thrown.status === 0 || thrown.message.startsWith('HTTP ') ? '' : `HTTP ${thrown.status}, `}${thrown.message}`,
      remedy: `Run the job again in some minutes; if it stays, check the control plane ("kubectl get --raw '/readyz?verbose'").`,
      cause: thrown,
    })
  }
}

/**
 * A page of a list.
 * @throws StatusError for what is none
 */
function parseList(answer: unknown): {
  readonly items: readonly KubernetesObject[]
  readonly metadata?: { readonly continue?: string }
} {
  const list = answer as {
    readonly items?: unknown
    readonly metadata?: { readonly continue?: string }
  } | null
  const items = list?.items ?? []
  const isObject = (item: unknown): boolean =>
    typeof (item as KubernetesObject | null)?.metadata === 'object'
  if (list === null || !Array.isArray(items) || !items.every(isObject))
    throw new StatusError(200, { message: 'the answer is no list of objects' })
  return { ...list, items: items as KubernetesObject[] }
}

/**
 * How often to try in all what failed so. Too many requests, a server that fails or is not ready, a
 * broken connection: time heals these, and an API server that is restarted is back within some
 * seconds. A webhook's failure is no server's; a silence has cost much time already.
 */
function maxAttempts(thrown: unknown): number {
  if (thrown instanceof ActionError || /CERT|ERR_TLS|SELF_SIGNED|UNABLE_TO/.test(errorCode(thrown)))
    return 1
  if (thrown instanceof RequestTimeoutError) return 2
  if (!(thrown instanceof StatusError)) return 6
  if (thrown.reason === responseTooLarge) return 1
  return (thrown.reason === responseNotJson || [429, 500, 502, 503, 504].includes(thrown.status)) &&
    !isObjectRejection(thrown)
    ? 6
    : 1
}

const errorCode = (thrown: unknown): string => (thrown as { code?: string }).code ?? ''
