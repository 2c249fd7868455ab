/** Whether Milvus serves TLS itself, by the values of its release. */
import { loadAll } from 'js-yaml'
import { getValueAtPath } from './milvus-chart.ts'
import { isPlainObject } from './values.ts'

/**
 * What `common.security.tlsMode` means: plaintext, TLS, TLS that asks clients for a certificate.
 * Source: Milvus, "Encryption in Transit".
 */
export type TlsMode = 0 | 1 | 2

/** The mode, and where the values set it; nowhere is Milvus' default, 0. */
export interface TlsSetting {
  readonly mode: TlsMode
  readonly path: string | undefined
}

type Values = Readonly<Record<string, unknown>>

/**
 * Source: Milvus, pkg/config/manager.go: keys are compared in lower case and without `/`, `_` and
 * `.`.
 */
const normalizeKey = (key: string): string => key.toLowerCase().replace(/[/_.]/g, '')
const tlsModeKey = normalizeKey('common.security.tlsMode')

/**
 * Reads the mode. A variable of the container wins over user.yaml. Sources: Milvus,
 * pkg/config/env_source.go, file_source.go; milvus-helm, templates/configmap.yaml
 * (extraConfigFiles, customConfigMap) and the components' extraEnv.
 * @param valuesPath where the values of Milvus' chart are in those of the release
 * @returns undefined when the values do not tell: the configuration is in a ConfigMap of the
 *   user's, or user.yaml is no YAML
 */
export function readTlsMode(
  values: Values,
  valuesPath: readonly string[] = [],
): TlsSetting | undefined {
  const valuesAtPath = getValueAtPath(values, valuesPath)
  const chartValues = isPlainObject(valuesAtPath) ? valuesAtPath : {}
  const setting = findInExtraEnv(chartValues).at(-1) ?? findInUserYaml(chartValues)
  return setting?.path === undefined
    ? setting
    : { ...setting, path: [...valuesPath, setting.path].join('.') }
}

function findInExtraEnv(values: Values): TlsSetting[] {
  const lists = [
    ['extraEnv', values['extraEnv']],
    ...['proxy', 'standalone'].map((component) => [
      `${component}.extraEnv`,
      (values[component] as Values | null | undefined)?.['extraEnv'],
    ]),
  ] as const
  return lists.flatMap(([path, list]) =>
    (Array.isArray(list) ? list : []).flatMap((entry: unknown) => {
      const { name, value } = isPlainObject(entry) ? entry : {}
      const isTlsModeVariable =
        typeof name === 'string' && normalizeKey(name).replace(/^milvusconf/, '') === tlsModeKey
      return isTlsModeVariable && value !== undefined
        ? [{ mode: parseTlsMode(value), path: String(path) }]
        : []
    }),
  )
}

function findInUserYaml(values: Values): TlsSetting | undefined {
  const customConfigMap = values['customConfigMap']
  if (typeof customConfigMap === 'string' && customConfigMap !== '') return undefined
  const userYaml = (values['extraConfigFiles'] as Values | null | undefined)?.['user.yaml']
  if (typeof userYaml !== 'string') return { mode: 0, path: undefined }
  try {
    // The file may hold nothing but comments.
    const value = findNestedValue(loadAll(userYaml)[0], tlsModeKey)
    return value === undefined
      ? { mode: 0, path: undefined }
      : { mode: parseTlsMode(value), path: 'extraConfigFiles.user.yaml' }
  } catch {
    return undefined
  }
}

/**
 * The value under the keys that together make `rest`: YAML may have them nested, or joined by dots.
 */
function findNestedValue(node: unknown, remainingKey: string): unknown {
  if (remainingKey === '') return node
  if (!isPlainObject(node)) return undefined
  return Object.entries(node)
    .map(([key, value]) => {
      const normalizedKey = normalizeKey(key)
      return normalizedKey !== '' && remainingKey.startsWith(normalizedKey)
        ? findNestedValue(value, remainingKey.slice(normalizedKey.length))
        : undefined
    })
    .find((value) => value !== undefined)
}

/**
 * What is no number is 0 to Milvus. Source: Milvus, pkg/util/paramtable/param_item.go, GetAsInt.
 */
const parseTlsMode = (value: unknown): TlsMode =>
  ([1, 2] as const).find((mode) => String(value).trim() === String(mode)) ?? 0
