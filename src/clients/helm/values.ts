/**
 * Helm values: which of them are secrets, how one set goes over another, and how helm reads them.
 */

/**
 * Names that are a secret's own; not `key`, `existingSecret` or `secretName`, which name things
 * that the log should show.
 */
const secretNamePattern =
  /(password|passwd|passphrase|secrets?|(secret|access|private|api)_?(access)?_?key|token|credentials?)$/i
const nonSecretNamePattern = /^existing|(name|file|ref|type|kind)$|^key$/i

/**
 * The texts in helm values that look like secrets by their name, also in values that are YAML
 * themselves (extraConfigFiles).
 */
export function findSecretValues(values: unknown, isSecret = false): string[] {
  if (Array.isArray(values)) return values.flatMap((value) => findSecretValues(value, isSecret))
  if (typeof values === 'object' && values !== null) {
    // A variable of a container has its name beside its value.
    const { name: variableName } = values as { name?: unknown }
    const secretKey =
      typeof variableName === 'string' && secretNamePattern.test(variableName) ? 'value' : undefined
    return Object.entries(values).flatMap(([name, value]) =>
      findSecretValues(
        value,
        !nonSecretNamePattern.test(name) &&
          (isSecret || name === secretKey || secretNamePattern.test(name)),
      ),
    )
  }
  if (typeof values !== 'string' && typeof values !== 'number') return []
  const text = String(values)
  const embeddedSecrets = [
    ...text.matchAll(/^[ \t]*(?:- )?["']?([\w.-]+)["']?[ \t]*:(.+)$/gm),
  ].flatMap(([, name = '', value = '']) =>
    secretNamePattern.test(name) && !nonSecretNamePattern.test(name)
      ? [value.trim().replace(/^["']|["']$/g, '')]
      : [],
  )
  const urlPasswords = [...text.matchAll(/:\/\/[^\s:@/]*:([^\s@/]+)@/g)].map(
    ([, password = '']) => password,
  )
  return [...(isSecret ? [text] : []), ...embeddedSecrets, ...urlPasswords]
}

/**
 * Values as a document for helm. JSON is YAML but for some control characters, which JSON may have
 * as they are: helm's parser makes a blank of U+0085, and refuses its neighbours. Source: YAML 1.1,
 * section 5.1; measured with helm 3.17 and 4.1.
 */
export const serializeValues = (values: Readonly<Record<string, unknown>>): string =>
  JSON.stringify(values).replace(
    /[\u007f-\u009f]/g,
    (character) => `\\u00${character.charCodeAt(0).toString(16)}`,
  )

/**
 * Values over values, as helm merges them: maps key by key, a null takes a key away, and all else
 * is replaced. Source: helm, pkg/chartutil/coalesce.go.
 */
export function mergeValues(
  base: Readonly<Record<string, unknown>>,
  overrides: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...base }
  for (const [key, value] of Object.entries(overrides)) {
    const baseValue = Object.hasOwn(base, key) ? base[key] : undefined
    if (value === null) Reflect.deleteProperty(merged, key)
    else
      merged[key] =
        isPlainObject(value) && isPlainObject(baseValue) ? mergeValues(baseValue, value) : value
  }
  return merged
}

/** Whether a value is a map of values. */
export const isPlainObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
