/** Direct access to the objects of the simulated cluster: what other clients do there. */
import type { Registry } from './registry.ts'
import { getResource, findResourceForObject, type Resource } from './resources.ts'
import type { StoreChange } from './store.ts'
import type { KubernetesObject } from './types.ts'

/** Reads and writes objects without HTTP, authentication or faults. */
export interface InProcessApi {
  /**
   * `kind` is a kind, a plural, or a plural with group: `Service`, `services`, `deployments.apps`.
   */
  get(kind: string, namespace: string, name: string): KubernetesObject | undefined
  /** All objects of a kind; in every namespace when none is given. */
  list(kind: string, namespace?: string): KubernetesObject[]
  /** Creates an object, including its status. */
  create(object: KubernetesObject, manager?: string): KubernetesObject
  /** Every object of the cluster. */
  all(): KubernetesObject[]
  /** Stores objects unchanged and without notifying watches, as if they had always existed. */
  load(objects: readonly KubernetesObject[]): void
  /** Replaces everything but the status. */
  replace(object: KubernetesObject, manager?: string): KubernetesObject
  /** Replaces the status only. */
  replaceStatus(object: KubernetesObject, manager?: string): KubernetesObject
  /** Applies server-side. */
  apply(object: KubernetesObject, manager: string, force?: boolean): KubernetesObject
  /** Deletes an object if it exists. It stays while it has finalizers. */
  remove(kind: string, namespace: string, name: string): void
  /** Calls back with each future change of a kind. Returns a function that ends the watch. */
  watch(kind: string, listener: (change: StoreChange) => void): () => void
  /** Saves all objects. Returns a function that restores them and notifies watches. */
  snapshot(): () => void
  /** Drops past changes, as etcd's compaction does: watches that start there fail with 410 Gone. */
  compact(): void
}

/** The field manager of writes that name none. */
const defaultManager = 'another-client'

/** Wraps a registry. Objects that are passed in or returned are copies. */
export function createInProcessApi(registry: Registry): InProcessApi {
  return { ...createReads(registry), ...createWrites(registry) }
}

type Reads = Pick<InProcessApi, 'get' | 'list' | 'all' | 'snapshot' | 'compact' | 'watch'>

function createReads({ store }: Registry): Reads {
  return {
    get: (kind, namespace, name) => {
      const object = store.get(getResource(kind), namespace, name)
      return object && clone(object)
    },
    list: (kind, namespace) => store.list(getResource(kind), namespace).map(clone),
    all: () => store.all().map(clone),
    snapshot: () => store.snapshot(),
    compact: () => {
      store.compact()
    },
    watch: (kind, listener) => {
      const resource = getResource(kind)
      return store.subscribe((change) => {
        if (change.resource === resource) listener(change)
      })
    },
  }
}

function createWrites(registry: Registry): Omit<InProcessApi, keyof Reads> {
  const replaceStatus = (object: KubernetesObject, manager = defaultManager): KubernetesObject =>
    clone(registry.update(resourceOf(object), clone(object), { manager, subresource: 'status' }))
  return {
    create: (object, manager = defaultManager) => {
      const resource = resourceOf(object)
      const created = registry.create(resource, clone(object), { manager })
      const { status } = object
      if (status === undefined || !resource.hasStatus) return clone(created)
      return replaceStatus({ ...created, status }, manager)
    },
    load: (objects) => {
      for (const object of objects) registry.store.insertSilently(resourceOf(object), object)
    },
    replace: (object, manager = defaultManager) =>
      clone(registry.update(resourceOf(object), clone(object), { manager })),
    replaceStatus,
    apply: (object, manager, force = false) => {
      const { namespace = '', name } = object.metadata
      const target = { resource: resourceOf(object), namespace, name }
      return clone(registry.apply(target, clone(object), { manager, force }).object)
    },
    remove: (kind, namespace, name) => {
      const resource = getResource(kind)
      if (registry.store.get(resource, namespace, name))
        registry.delete({ resource, namespace, name })
    },
  }
}

const clone = (object: KubernetesObject): KubernetesObject => structuredClone(object)

function resourceOf(object: KubernetesObject): Resource {
  const resource = findResourceForObject(object)
  if (!resource)
    throw new Error(`The simulator's Kubernetes API has no ${object.apiVersion} ${object.kind}`)
  return resource
}
