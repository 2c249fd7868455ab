/** Helm values: which of them are secrets, how they are merged, and how Helm parses them. */
import { isPlainObject } from '../../util/objects.ts'

/**
 * Names of values that are secrets. `key`, `existingSecret` and `secretName` are not: their values
 * are names, which the log should show.
 */
const secretNamePattern =
  /(password|passwd|passphrase|secrets?|(secret|access|private|api)_?(access)?_?key|token|credentials?)$/i
const nonSecretNamePattern = /^existing|(name|file|ref|type|kind)$|^key$/i

/**
 * The strings in Helm values that are secrets, judging by their names. Values that are YAML
 * themselves (extraConfigFiles) and URLs with passwords are searched too.
 */
export function findSecretValues(values: unknown, isSecret = false): string[] {
  if (Array.isArray(values)) return values.flatMap((value) => findSecretValues(value, isSecret))
  if (typeof values === 'object' && values !== null) {
    // An environment variable of a container: `{name: …, value: …}`.
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
 * Values as a JSON document for Helm, which parses it as YAML. Control characters that JSON allows
 * unescaped are escaped: Helm's parser replaces U+0085 by a space, and rejects others. Source: YAML
 * 1.1, section 5.1; measured with Helm 3.17 and 4.1.
 */
export const serializeValues = (values: Readonly<Record<string, unknown>>): string =>
  JSON.stringify(values).replace(
    /[\u007f-\u009f]/g,
    (character) => `\\u00${character.charCodeAt(0).toString(16)}`,
  )

/**
 * Merges values as Helm does: maps are merged by key, null removes a key, anything else is
 * replaced. Source: Helm, pkg/chartutil/coalesce.go.
 */
export function mergeValues(
  base: Readonly<Record<string, unknown>>,
  overrides: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...base }
  for (const [key, value] of Object.entries(overrides)) {
    const baseValue = Object.hasOwn(base, key) ? base[key] : undefined
    if (value === null) Reflect.deleteProperty(merged, key)
    else if (isPlainObject(value) && isPlainObject(baseValue))
      merged[key] = mergeValues(baseValue, value)
    else merged[key] = value
  }
  return merged
}

/**
 * Merges two documents of values as Helm does: maps are merged by key, anything else is replaced.
 * null stays, so that it removes the value of the release or the chart. Source: Helm,
 * pkg/chart/loader/load.go, MergeMaps.
 */
export function overlayValues(
  base: Readonly<Record<string, unknown>>,
  overrides: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const merged = new Map(Object.entries(base))
  for (const [key, value] of Object.entries(overrides)) {
    const baseValue = merged.get(key)
    const areMaps = isPlainObject(value) && isPlainObject(baseValue)
    merged.set(key, areMaps ? overlayValues(baseValue, value) : value)
  }
  return Object.fromEntries(merged)
}

/** The Helm value at a path, key by key; undefined when it is not set. */
export function getHelmValue(values: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, key)
        ? (value as Record<string, unknown>)[key]
        : undefined,
    values,
  )
}
