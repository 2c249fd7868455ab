/**
 * A minimal Kubernetes client for the controller. It lists and watches Ingresses, IngressClasses,
 * Services and EndpointSlices; gets IngressClassParams; creates and patches Events; lists, creates,
 * patches and deletes TargetGroupBindings; patches Ingresses and their status. The controller needs
 * these verbs in RBAC.
 */
import { Agent, request } from 'node:https'
import type { IncomingMessage } from 'node:http'
import type { KubernetesObject } from './objects.ts'
import { getObjectKey } from './objects.ts'

/** The URL and credentials of an API. */
export interface KubernetesAccess {
  readonly url: string
  /** PEM of the CA that signed the API's certificate. */
  readonly ca: string
  readonly token: string
}

/** A response other than 2xx. */
export class ApiError extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** The media types of patches. */
const PATCH_CONTENT_TYPES = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
}

interface Request {
  readonly method: string
  readonly path: string
  readonly body?: unknown
  /** The media type of the body; `application/json` when absent. */
  readonly contentType?: string
  readonly signal?: AbortSignal
}

/** A client of the Kubernetes API. */
export class KubernetesClient {
  private readonly access: KubernetesAccess
  private readonly agent = new Agent({ keepAlive: true })

  constructor(access: KubernetesAccess) {
    this.access = access
  }

  get<T>(path: string): Promise<T> {
    return this.send({ method: 'GET', path })
  }

  create<T>(path: string, body: unknown): Promise<T> {
    return this.send({ method: 'POST', path, body })
  }

  patch<T>(
    path: string,
    body: unknown,
    kind: keyof typeof PATCH_CONTENT_TYPES = 'merge',
  ): Promise<T> {
    return this.send({ method: 'PATCH', path, body, contentType: PATCH_CONTENT_TYPES[kind] })
  }

  delete(path: string): Promise<unknown> {
    return this.send({ method: 'DELETE', path })
  }

  /** Watches until the server ends the watch or the signal aborts it. */
  async watch(
    path: string,
    signal: AbortSignal,
    onEvent: (type: string, object: KubernetesObject) => void,
  ): Promise<void> {
    const response = await this.openRequest({ method: 'GET', path, signal })
    if (response.statusCode !== 200)
      throw new ApiError(response.statusCode ?? 0, await readText(response))
    response.on('error', () => undefined)
    // Only line feeds separate events: readline also splits at U+2028, which JSON may contain.
    let buffered = ''
    for await (const chunk of response.setEncoding('utf8') as AsyncIterable<string>) {
      const lines = (buffered + chunk).split('\n')
      buffered = lines.pop() ?? ''
      for (const line of lines) {
        const { type, object } = JSON.parse(line) as { type: string; object: KubernetesObject }
        onEvent(type, object)
      }
    }
  }

  close(): void {
    this.agent.destroy()
  }

  private async send<T>(request: Request): Promise<T> {
    const response = await this.openRequest(request)
    const text = await readText(response)
    const status = response.statusCode ?? 0
    if (status >= 300) throw new ApiError(status, parseErrorMessage(text))
    return JSON.parse(text) as T
  }

  private openRequest({
    method,
    path,
    body,
    contentType = 'application/json',
    signal,
  }: Request): Promise<IncomingMessage> {
    const text = body === undefined ? undefined : JSON.stringify(body)
    const headers: Record<string, string> = {
      authorization: `Bearer ${this.access.token}`,
      accept: 'application/json',
      // The API derives the field manager from the part before the slash.
      'user-agent': 'aws-load-balancer-controller/v3.5.0 (simulator)',
    }
    if (text !== undefined) {
      headers['content-type'] = contentType
      headers['content-length'] = String(Buffer.byteLength(text))
    }
    const connection = signal ? { signal, agent: false as const } : { agent: this.agent }
    const options = { method, headers, ca: this.access.ca, ...connection }
    return new Promise((resolve, reject) => {
      request(new URL(path, this.access.url), options, resolve).on('error', reject).end(text)
    })
  }
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

function parseErrorMessage(text: string): string {
  try {
    return (JSON.parse(text) as { message?: string }).message ?? text
  } catch {
    return text
  }
}

/** Called for each change: `before` is undefined for a new object, `after` for a deleted one. */
export type OnChange<T> = (after: T | undefined, before: T | undefined) => void

/**
 * Caches the objects of a kind by list and watch, like the informers of client-go. `ready` resolves
 * after the first list. A watch that ends is restarted, after a new list if it failed.
 */
export class Informer<T extends KubernetesObject> {
  readonly cache = new Map<string, T>()
  private readonly client: KubernetesClient
  private readonly path: string
  private readonly onChange: OnChange<T>
  private readonly abortController = new AbortController()
  private readonly running: Promise<void>
  readonly ready: Promise<void>

  constructor(client: KubernetesClient, path: string, onChange: OnChange<T>) {
    this.client = client
    this.path = path
    this.onChange = onChange
    let markListed: () => void = () => undefined
    this.ready = new Promise((resolve) => (markListed = resolve))
    this.running = this.run(markListed)
  }

  async stop(): Promise<void> {
    this.abortController.abort()
    await this.running
  }

  private async run(markListed: () => void): Promise<void> {
    const { signal } = this.abortController
    while (!signal.aborted) {
      try {
        const version = await this.list()
        markListed()
        await this.watchFrom(version, signal)
      } catch {
        // List again, whatever the reason: the API is down, the version expired, access is denied.
        await delay(200, signal)
      }
    }
    markListed()
  }

  private async list(): Promise<string> {
    const list = await this.client.get<{ metadata: { resourceVersion: string }; items?: T[] }>(
      this.path,
    )
    const objects = new Map((list.items ?? []).map((object) => [getObjectKey(object), object]))
    for (const key of this.cache.keys()) if (!objects.has(key)) this.updateCache(key, undefined)
    for (const [key, object] of objects) this.updateCache(key, object)
    return list.metadata.resourceVersion
  }

  private async watchFrom(initialVersion: string, signal: AbortSignal): Promise<void> {
    let version = initialVersion
    while (!signal.aborted) {
      await this.client.watch(
        `${this.path}?watch=true&allowWatchBookmarks=true&resourceVersion=${version}`,
        signal,
        (type, object) => {
          if (type === 'ERROR') throw new Error('the watch is too old')
          version = object.metadata.resourceVersion ?? version
          if (type !== 'BOOKMARK')
            this.updateCache(getObjectKey(object), type === 'DELETED' ? undefined : (object as T))
        },
      )
    }
  }

  private updateCache(key: string, object: T | undefined): void {
    const before = this.cache.get(key)
    if (object) this.cache.set(key, object)
    else this.cache.delete(key)
    if (before?.metadata.resourceVersion !== object?.metadata.resourceVersion)
      this.onChange(object, before)
  }
}

/** Resolves after a time, or as soon as the signal aborts. */
function delay(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve()
      return
    }
    const timer = setTimeout(resolve, milliseconds)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}
