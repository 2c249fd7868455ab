/** The storage of the API, like etcd: a version counter, a history of changes, and listeners. */
import type { Resource } from './resources.ts'
import type { KubernetesObject } from './types.ts'

/** One change of an object. */
export interface StoreChange {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly resource: Resource
  readonly object: KubernetesObject
  /** The object before the change, for watches whose selector it no longer matches. */
  readonly previous: KubernetesObject | undefined
  readonly version: number
}

/** The number of changes that are kept. A real cluster compacts after five minutes. */
const historyLimit = 5000

/** The storage. Objects in it are never changed, only replaced. */
export class Store {
  /** The newest resourceVersion. */
  version = 1000
  private readonly objects = new Map<Resource, Map<string, KubernetesObject>>()
  private history: StoreChange[] = []
  /** The newest version that is compacted. */
  private compactedVersion = 0
  private readonly pendingChanges: StoreChange[] = []
  private readonly listeners = new Set<(change: StoreChange) => void>()

  get(resource: Resource, namespace: string, name: string): KubernetesObject | undefined {
    return this.objects.get(resource)?.get(storageKey(resource, namespace, name))
  }

  /** The objects of a resource in the order of etcd; in all namespaces when none is given. */
  list(resource: Resource, namespace = ''): KubernetesObject[] {
    const all = [...(this.objects.get(resource) ?? new Map<string, KubernetesObject>())]
    return all
      .filter(([, object]) => namespace === '' || object.metadata.namespace === namespace)
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([, object]) => object)
  }

  /** Stores an object under a new resourceVersion, and notifies the listeners. */
  put(resource: Resource, object: KubernetesObject): KubernetesObject {
    const { namespace = '', name } = object.metadata
    const previous = this.get(resource, namespace, name)
    const stored = this.insertSilently(resource, object)
    this.notifyListeners({
      type: previous ? 'MODIFIED' : 'ADDED',
      resource,
      object: stored,
      previous,
      version: this.version,
    })
    return stored
  }

  /** Stores an object under a new resourceVersion, without notifying listeners. */
  insertSilently(resource: Resource, object: KubernetesObject): KubernetesObject {
    const stored = this.withNextVersion(object)
    let objectsByKey = this.objects.get(resource)
    if (!objectsByKey)
      this.objects.set(resource, (objectsByKey = new Map<string, KubernetesObject>()))
    objectsByKey.set(
      storageKey(resource, object.metadata.namespace ?? '', object.metadata.name),
      stored,
    )
    return stored
  }

  /** Deletes an object. The change has a new resourceVersion. */
  delete(resource: Resource, object: KubernetesObject): KubernetesObject {
    const { namespace = '', name } = object.metadata
    this.objects.get(resource)?.delete(storageKey(resource, namespace, name))
    const deletedObject = this.withNextVersion(object)
    this.notifyListeners({
      type: 'DELETED',
      resource,
      object: deletedObject,
      previous: object,
      version: this.version,
    })
    return deletedObject
  }

  /** Every object. */
  all(): KubernetesObject[] {
    return [...this.objects.values()].flatMap((all) => [...all.values()])
  }

  /**
   * Saves all objects. Returns a function that restores them under new resourceVersions and
   * notifies the listeners.
   */
  snapshot(): () => void {
    const savedObjects = new Map(
      [...this.objects].map(([resource, all]) => [resource, new Map(all)]),
    )
    return () => {
      for (const [resource, all] of this.objects) {
        const savedByKey = savedObjects.get(resource) ?? new Map<string, KubernetesObject>()
        for (const [name, object] of all) if (!savedByKey.has(name)) this.delete(resource, object)
        for (const [name, object] of savedByKey)
          if (all.get(name) !== object) savedByKey.set(name, this.put(resource, object))
      }
    }
  }

  /** Calls back with each future change. Returns a function that ends the subscription. */
  subscribe(listener: (change: StoreChange) => void): () => void {
    this.listeners.add(listener)
    return () => void this.listeners.delete(listener)
  }

  /** The version of the oldest change in the history. */
  get oldestVersion(): number {
    return this.history[0]?.version ?? this.version
  }

  /** Drops the history: watches that start at an earlier version fail. */
  compact(): void {
    this.history = []
    this.compactedVersion = this.version
  }

  /** Whether a version can no longer be read. */
  isCompacted(version: number): boolean {
    return version < this.compactedVersion
  }

  /** The changes after a version; undefined when some of them are compacted. */
  changesSince(version: number): StoreChange[] | undefined {
    if (version < this.compactedVersion) return undefined
    return this.history.filter((change) => change.version > version)
  }

  private withNextVersion(object: KubernetesObject): KubernetesObject {
    this.version += 1
    return { ...object, metadata: { ...object.metadata, resourceVersion: String(this.version) } }
  }

  private notifyListeners(change: StoreChange): void {
    this.history.push(change)
    if (this.history.length > historyLimit)
      this.compactedVersion = this.history.shift()?.version ?? this.compactedVersion
    this.pendingChanges.push(change)
    if (this.pendingChanges.length > 1) return
    // A listener may write. Its changes are queued, so that all listeners see the same order.
    for (let next = this.pendingChanges[0]; next; next = this.pendingChanges[0]) {
      for (const listener of [...this.listeners]) listener(next)
      this.pendingChanges.shift()
    }
  }
}

function storageKey(resource: Resource, namespace: string, name: string): string {
  return resource.isNamespaced ? `${namespace}/${name}` : name
}
