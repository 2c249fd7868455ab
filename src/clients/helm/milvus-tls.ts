/** Reads from the values of a release whether Milvus itself serves TLS. */
import { loadAll } from 'js-yaml'
import { isPlainObject } from '../../util/objects.ts'
import { getHelmValue } from './values.ts'

/**
 * The values of `common.security.tlsMode`: plaintext, TLS, mutual TLS. Source: Milvus, "Encryption
 * in Transit".
 */
export type TlsMode = 0 | 1 | 2

/** The mode, and the path at which the values set it; without a path it is Milvus' default, 0. */
export interface TlsSetting {
  readonly mode: TlsMode
  readonly path: string | undefined
}

type Values = Readonly<Record<string, unknown>>

/**
 * Milvus compares keys in lower case and without `/`, `_` and `.`. Source: Milvus,
 * pkg/config/manager.go.
 */
const normalizeKey = (key: string): string => key.toLowerCase().replace(/[/_.]/g, '')
const tlsModeKey = normalizeKey('common.security.tlsMode')

/**
 * Reads the TLS mode. An environment variable of the container overrides user.yaml. Sources:
 * Milvus, pkg/config/env_source.go, file_source.go; milvus-helm, templates/configmap.yaml
 * (extraConfigFiles, customConfigMap) and the components' extraEnv.
 * @param valuesPath where the values of Milvus' chart are in those of the release
 * @returns undefined when the values do not tell: the user keeps the configuration in another
 *   ConfigMap, or user.yaml is not valid YAML
 */
export function readTlsMode(
  values: Values,
  valuesPath: readonly string[] = [],
): TlsSetting | undefined {
  const valuesAtPath = getHelmValue(values, valuesPath)
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
    // A file with only comments contains no document.
    const value = findNestedValue(loadAll(userYaml)[0], tlsModeKey)
    return value === undefined
      ? { mode: 0, path: undefined }
      : { mode: parseTlsMode(value), path: 'extraConfigFiles.user.yaml' }
  } catch {
    return undefined
  }
}

/** The value under keys that together form `remainingKey`, be they nested or joined by dots. */
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
 * Milvus reads anything but a number as 0. Source: Milvus, pkg/util/paramtable/param_item.go,
 * GetAsInt.
 */
const parseTlsMode = (value: unknown): TlsMode =>
  ([1, 2] as const).find((mode) => String(value).trim() === String(mode)) ?? 0
