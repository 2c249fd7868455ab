/** Fields of objects as the API server names them in messages: `.spec.ports[port=19530,protocol="TCP"].targetPort`. */

/**
 * The value of a field. Names of fields may have dots in them (`.data.user.yaml`), so that an object says where one ends.
 * Source: sigs.k8s.io/structured-merge-diff, fieldpath/element.go, PathElement.String.
 *
 * @param field an empty one is the object itself
 * @returns undefined where the object does not have it
 */
export function valueAt(object: unknown, field: string): unknown {
  if (field === '') return object
  if (Array.isArray(object)) return itemValue(object, field)
  if (typeof object !== 'object' || object === null || !field.startsWith('.')) return undefined
  const path = field.slice(1)
  for (const [name, value] of Object.entries(object)) {
    const rest = path.slice(name.length)
    if (!path.startsWith(name) || !/^([.[]|$)/.test(rest)) continue
    const found = valueAt(value, rest)
    if (found !== undefined) return found
  }
  return undefined
}

/** A value below an item, which is named by its keys (`[name="proxy"]`) or, in a set, by itself (`[="finalizer"]`). */
function itemValue(list: readonly unknown[], field: string): unknown {
  const [whole, inside = ''] = /^\[((?:"(?:[^"\\]|\\.)*"|[^\]"])*)\]/.exec(field) ?? []
  if (whole === undefined) return undefined
  const keys = [...inside.matchAll(/([\w.-]*)=("(?:[^"\\]|\\.)*"|[^,]+)/g)].map(([, key = '', value = '']) => ({ key, value }))
  const isNamed = (item: unknown): boolean => keys.every(({ key, value }) => {
    const own = key === '' ? item : (item as Record<string, unknown> | null)?.[key]
    // Only keys that have a default may be absent.
    return own === undefined || JSON.stringify(own) === value
  })
  return valueAt(list.find(isNamed), field.slice(whole.length))
}
