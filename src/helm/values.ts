/** Helm values: which of them are secrets, how one set goes over another, and how helm reads them. */

/** Names that are a secret's own; not `key`, `existingSecret` or `secretName`, which name things that the log should show. */
const secretName = /(password|passwd|passphrase|secrets?|(secret|access|private|api)_?(access)?_?key|token|credentials?)$/i
const harmlessName = /^existing|(name|file|ref|type|kind)$|^key$/i

/** The texts in helm values that look like secrets by their name, also in values that are YAML themselves (extraConfigFiles). */
export function secretsInValues(values: unknown, isSecret = false): string[] {
  if (Array.isArray(values)) return values.flatMap((value) => secretsInValues(value, isSecret))
  if (typeof values === 'object' && values !== null) {
    // A variable of a container has its name beside its value.
    const { name: variable } = values as { name?: unknown }
    const own = typeof variable === 'string' && secretName.test(variable) ? 'value' : undefined
    return Object.entries(values).flatMap(([name, value]) => secretsInValues(value, !harmlessName.test(name) && (isSecret || name === own || secretName.test(name))))
  }
  if (typeof values !== 'string' && typeof values !== 'number') return []
  const text = String(values)
  const inside = [...text.matchAll(/^[ \t]*(?:- )?["']?([\w.-]+)["']?[ \t]*:(.+)$/gm)].flatMap(([, name = '', value = '']) => (secretName.test(name) && !harmlessName.test(name) ? [value.trim().replace(/^["']|["']$/g, '')] : []))
  const inUrls = [...text.matchAll(/:\/\/[^\s:@/]*:([^\s@/]+)@/g)].map(([, password = '']) => password)
  return [...(isSecret ? [text] : []), ...inside, ...inUrls]
}

/**
 * Values as a document for helm. JSON is YAML but for some control characters, which JSON may have as they are: helm's parser makes
 * a blank of U+0085, and refuses its neighbours. Source: YAML 1.1, section 5.1; measured with helm 3.17 and 4.1.
 */
export const valuesDocument = (values: Readonly<Record<string, unknown>>): string =>
  JSON.stringify(values).replace(/[\u007f-\u009f]/g, (character) => `\\u00${character.charCodeAt(0).toString(16)}`)

/** Values over values, as helm merges them: maps key by key, a null takes a key away, and all else is replaced. Source: helm, pkg/chartutil/coalesce.go. */
export function mergeValues(below: Readonly<Record<string, unknown>>, above: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...below }
  for (const [key, value] of Object.entries(above)) {
    const present = Object.hasOwn(below, key) ? below[key] : undefined
    if (value === null) Reflect.deleteProperty(merged, key)
    else merged[key] = isMap(value) && isMap(present) ? mergeValues(present, value) : value
  }
  return merged
}

/** Whether a value is a map of values. */
export const isMap = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)
