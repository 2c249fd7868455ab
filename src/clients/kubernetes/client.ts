/**
 * A small REST client of the Kubernetes API: raw JSON, one kept-alive connection, watches under our
 * own control. docs/decisions/kubernetes-client.md explains why it is not the generated client.
 */
import type { Clock } from '../../util/polling.ts'
import type { Connection } from './connection.ts'
import { listAllPages, type ItemFilter } from './list.ts'
import { StatusError, sendRequest } from './request.ts'
import { Transport, type TransportOptions } from './transport.ts'
import type { KubernetesObject, ManagedFieldsEntry } from './types.ts'

/** Which items of a collection a list or watch is limited to. */
export interface Selectors {
  readonly labelSelector?: string
  readonly fieldSelector?: string
}

/** What must still be true of an object that is deleted. */
export interface DeletePreconditions {
  readonly uid: string
  /** Only if it has not changed since it was read. */
  readonly resourceVersion?: string | undefined
}

/** Milliseconds between two reads from a watch: a very talkative one is not read faster. */
const watchEventInterval = 50

/** Milliseconds before a watch that ended is opened again. */
const watchRestartDelay = 1_000

/**
 * The requests that steps make. Failures that mean the same everywhere (unreachable, 401, 403) are
 * thrown as ActionError, others as StatusError. `operation` parameters describe a request for error
 * messages, as an infinitive: `read namespace milvus`.
 */
export class KubernetesClient {
  private readonly transport: Transport
  private readonly clock: Clock

  constructor(connection: Connection, options: TransportOptions) {
    this.transport = new Transport(connection, options)
    this.clock = options.clock
  }

  /**
   * The time on the API server's clock, to the second: values that different machines write into
   * one object must come from one clock. Milliseconds since the epoch.
   */
  now(): number {
    return this.transport.now()
  }

  /**
   * The same client for work that must finish although the job was cancelled.
   * @param timeout milliseconds for all of that work
   */
  detached(timeout: number): KubernetesClient {
    const options = this.transport.optionsWithSignal(AbortSignal.timeout(timeout))
    return new KubernetesClient(this.transport.connection, options)
  }

  /**
   * The same client with a limit for all of its requests, which the cancellation of the job ends
   * too.
   * @param timeout milliseconds
   */
  withTimeout(timeout: number): KubernetesClient {
    const signal = AbortSignal.any([this.transport.signal, AbortSignal.timeout(timeout)])
    return new KubernetesClient(this.transport.connection, this.transport.optionsWithSignal(signal))
  }

  /** Reads one object; undefined when it does not exist. */
  async get<T>(path: string, operation: string): Promise<T | undefined> {
    try {
      return (await this.transport.send({ method: 'GET', path, operation })) as T
    } catch (thrown) {
      if (thrown instanceof StatusError && thrown.status === 404) return undefined
      throw thrown
    }
  }

  /** Lists the items of a collection that pass `filter`. */
  async list<T extends KubernetesObject>(
    path: string,
    selectors: Selectors,
    operation: string,
    filter?: ItemFilter<T>,
  ): Promise<T[]> {
    const request = { method: 'GET', path, query: { ...selectors }, operation } as const
    return listAllPages<T>(this.transport, request, filter)
  }

  /**
   * The current resourceVersion of a collection: every later write to it gets a greater one.
   */
  async getCollectionVersion(path: string, operation: string): Promise<string> {
    const list = (await this.transport.send({
      method: 'GET',
      path,
      query: { limit: '1' },
      operation,
    })) as { metadata?: { resourceVersion?: string } }
    return list.metadata?.resourceVersion ?? ''
  }

  /**
   * Lists names and labels only, for objects with large data.
   */
  async listMetadata(
    path: string,
    selectors: Selectors,
    operation: string,
  ): Promise<KubernetesObject[]> {
    const headers = {
      Accept: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json',
    }
    return listAllPages<KubernetesObject>(
      this.transport,
      { method: 'GET', path, query: { ...selectors }, headers, operation },
      (items) =>
        items.map(({ metadata: { name, uid, resourceVersion, labels = {} } }) => ({
          metadata: { name, uid, resourceVersion, labels },
        })),
    )
  }

  /**
   * Server-side apply. Idempotent.
   * @param object or its YAML
   * @param options with `dryRun`, nothing is written and unknown fields are ignored
   * @returns the resulting object
   */
  async apply<T>(
    path: string,
    object: object | string,
    options: { fieldManager: string; force: boolean; dryRun?: boolean },
    operation: string,
  ): Promise<T> {
    const { fieldManager, force, dryRun = false } = options
    return (await this.transport.send({
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
   * Creates a review: an object that the API fills in and does not store.
   * @returns the object with its status
   */
  createReview<T>(path: string, object: object, operation: string): Promise<T> {
    return this.write('POST', path, object, operation)
  }

  /**
   * Creates an object. The request is repeated when its response is lost: 409 can then mean that
   * the first attempt succeeded.
   * @param path of the collection
   */
  create<T>(path: string, object: object, operation: string): Promise<T> {
    return this.write('POST', path, object, operation)
  }

  /**
   * Replaces the object that has the same resourceVersion: 409 when it has changed, or when the
   * response of a first attempt was lost.
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
    return (await this.transport.send({
      method,
      path,
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(object),
      operation,
    })) as T
  }

  /**
   * Deletes an object and its dependents if it meets the preconditions; does nothing when it does
   * not exist. The propagation policy is explicit because the default leaves the pods of a
   * Job. Source: Kubernetes, pkg/registry/batch/job/strategy.go, DefaultGarbageCollectionPolicy.
   */
  async deleteObject(
    path: string,
    preconditions: DeletePreconditions,
    operation: string,
  ): Promise<void> {
    const body = JSON.stringify({
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      propagationPolicy: 'Background',
      preconditions,
    })
    try {
      // Node sets the length of a body, but not for DELETE.
      await this.transport.send({
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
   * Replaces managedFields if the object has not changed since it was read.
   * @returns the resulting object
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
   * Applies all of the operations or none: 422 when one of them fails. Source: RFC 6902.
   * @returns the resulting object
   */
  async jsonPatch<T>(path: string, operations: readonly object[], operation: string): Promise<T> {
    return (await this.transport.send({
      method: 'PATCH',
      path,
      headers: { 'Content-Type': 'application/json-patch+json' },
      body: JSON.stringify(operations),
      operation,
    })) as T
  }

  /**
   * Calls `onChange` for every event of a watch until the signal is aborted. A watch only makes the
   * caller poll sooner: it is opened again when it ends, and when it is not permitted the caller's
   * own poll interval has to suffice.
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
        const response = await sendRequest(this.transport.connection, request, signal)
        // Not permitted, or not served. Anything else may be transient.
        if ([401, 403, 404].includes(response.statusCode ?? 0)) {
          response.destroy()
          return
        }
        // Events are not parsed, because a line may be endless: the end of one means a change.
        for await (const chunk of response as AsyncIterable<Buffer>) {
          if (!chunk.includes('\n')) continue
          onChange()
          await this.clock.sleep(watchEventInterval, signal)
        }
      } catch {
        // A broken watch loses nothing: it is opened again, and the caller polls anyway.
      }
      await this.clock.sleep(watchRestartDelay, signal)
    }
  }
}
