/** Caches of Kubernetes objects that follow the API. */
import type { MinimalKubernetesClient } from '../../testing/kubernetes-client.ts'
import { getObjectKey, type KubernetesObject } from './objects.ts'

/** Called for each change: `before` is undefined for a new object, `after` for a deleted one. */
export type OnChange<T> = (after: T | undefined, before: T | undefined) => void

/**
 * Caches the objects of a kind by list and watch, like the informers of client-go. `ready` resolves
 * after the first list. A watch that ends is restarted, after a new list if it failed.
 */
export class Informer<T extends KubernetesObject> {
  readonly cache = new Map<string, T>()
  private readonly client: MinimalKubernetesClient
  private readonly path: string
  private readonly onChange: OnChange<T>
  private readonly abortController = new AbortController()
  private readonly running: Promise<void>
  readonly ready: Promise<void>

  constructor(client: MinimalKubernetesClient, path: string, onChange: OnChange<T>) {
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
        ({ type, object }) => {
          if (type === 'ERROR') throw new Error('the watch is too old')
          const changed = object as T
          version = changed.metadata.resourceVersion ?? version
          if (type !== 'BOOKMARK')
            this.updateCache(getObjectKey(changed), type === 'DELETED' ? undefined : changed)
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
