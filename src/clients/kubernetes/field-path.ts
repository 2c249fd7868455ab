/**
 * Field paths as the API server writes them in messages:
 * `.spec.ports[port=19530,protocol="TCP"].targetPort`.
 */

/**
 * The value of a field. Field names can contain dots (`.data.user.yaml`), so that only the object
 * tells where a name ends. Source: sigs.k8s.io/structured-merge-diff, fieldpath/element.go,
 * PathElement.String.
 * @param fieldPath empty for the object itself
 * @returns undefined where the object does not contain the field
 */
export function valueAtFieldPath(object: unknown, fieldPath: string): unknown {
  if (fieldPath === '') return object
  if (Array.isArray(object)) return listItemValue(object, fieldPath)
  if (typeof object !== 'object' || object === null || !fieldPath.startsWith('.')) return undefined
  const path = fieldPath.slice(1)
  for (const [name, value] of Object.entries(object)) {
    const remainder = path.slice(name.length)
    if (!path.startsWith(name) || !/^([.[]|$)/.test(remainder)) continue
    const result = valueAtFieldPath(value, remainder)
    if (result !== undefined) return result
  }
  return undefined
}

/**
 * The value of a field of a list item. The path identifies the item by its keys (`[name="proxy"]`)
 * or, in a set, by its value (`[="finalizer"]`).
 */
function listItemValue(list: readonly unknown[], fieldPath: string): unknown {
  const [selector, keyExpressions = ''] =
    /^\[((?:"(?:[^"\\]|\\.)*"|[^\]"])*)\]/.exec(fieldPath) ?? []
  if (selector === undefined) return undefined
  const itemKeys = [
    ...keyExpressions.matchAll(/(?<![\w.-])([\w.-]*)=("(?:[^"\\]|\\.)*"|[^,]+)/g),
  ].map(([, key = '', value = '']) => ({ key, value }))
  const matchesKeys = (item: unknown): boolean =>
    itemKeys.every(({ key, value }) => {
      const actual = key === '' ? item : (item as Record<string, unknown> | null)?.[key]
      // Only keys with a default value may be absent.
      return actual === undefined || JSON.stringify(actual) === value
    })
  return valueAtFieldPath(list.find(matchesKeys), fieldPath.slice(selector.length))
}
