/**
 * The part of the Reflect metadata proposal that @peculiar/x509 needs: it uses tsyringe, which refuses to load without it,
 * and no polyfill is among our packages.
 */

type Metadata = Map<PropertyKey | undefined, Map<unknown, unknown>>

const store = new WeakMap<object, Metadata>()

function own(key: unknown, target: object, property?: PropertyKey): unknown {
  return store.get(target)?.get(property)?.get(key)
}

function inherited(key: unknown, target: object, property?: PropertyKey): unknown {
  for (let owner: object | null = target; owner; owner = Object.getPrototypeOf(owner) as object | null) {
    const value = own(key, owner, property)
    if (value !== undefined) return value
  }
  return undefined
}

function define(key: unknown, value: unknown, target: object, property?: PropertyKey): void {
  const properties: Metadata = store.get(target) ?? new Map<PropertyKey | undefined, Map<unknown, unknown>>()
  const values = properties.get(property) ?? new Map<unknown, unknown>()
  store.set(target, properties.set(property, values.set(key, value)))
}

// A polyfill that somebody else loaded before us stays.
if (!('getMetadata' in Reflect)) {
  Object.assign(Reflect, {
    defineMetadata: define,
    getMetadata: inherited,
    getOwnMetadata: own,
    hasMetadata: (key: unknown, target: object, property?: PropertyKey) => inherited(key, target, property) !== undefined,
    hasOwnMetadata: (key: unknown, target: object, property?: PropertyKey) => own(key, target, property) !== undefined,
    metadata: (key: unknown, value: unknown) => (target: object, property?: PropertyKey) => define(key, value, target, property),
  })
}
