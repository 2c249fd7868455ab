/** Whether Milvus serves TLS itself, by the values of its release. */
import { loadAll } from 'js-yaml'
import { valueAt } from './milvus-chart.ts'
import { isMap } from './values.ts'

/** What `common.security.tlsMode` means: plaintext, TLS, TLS that asks clients for a certificate. Source: Milvus, "Encryption in Transit". */
export type TlsMode = 0 | 1 | 2

/** The mode, and where the values set it; nowhere is Milvus' default, 0. */
export interface TlsSetting {
  readonly mode: TlsMode
  readonly path: string | undefined
}

type Values = Readonly<Record<string, unknown>>

/** Source: Milvus, pkg/config/manager.go: keys are compared in lower case and without `/`, `_` and `.`. */
const normalized = (key: string): string => key.toLowerCase().replace(/[/_.]/g, '')
const wantedKey = normalized('common.security.tlsMode')

/**
 * Reads the mode. A variable of the container wins over user.yaml. Sources: Milvus, pkg/config/env_source.go, file_source.go;
 * milvus-helm, templates/configmap.yaml (extraConfigFiles, customConfigMap) and the components' extraEnv.
 * @param valuesPath where the values of Milvus' chart are in those of the release
 * @returns undefined when the values do not tell: the configuration is in a ConfigMap of the user's, or user.yaml is no YAML
 */
export function readTlsMode(values: Values, valuesPath: readonly string[] = []): TlsSetting | undefined {
  const own = valueAt(values, valuesPath)
  const chartValues = isMap(own) ? own : {}
  const setting = variablesIn(chartValues).at(-1) ?? inUserYaml(chartValues)
  return setting?.path === undefined ? setting : { ...setting, path: [...valuesPath, setting.path].join('.') }
}

function variablesIn(values: Values): TlsSetting[] {
  const lists = [['extraEnv', values['extraEnv']], ...['proxy', 'standalone'].map((part) => [`${part}.extraEnv`, (values[part] as Values | null | undefined)?.['extraEnv']])] as const
  return lists.flatMap(([path, list]) => (Array.isArray(list) ? list : []).flatMap((entry: unknown) => {
    const { name, value } = isMap(entry) ? entry : {}
    const isMode = typeof name === 'string' && normalized(name).replace(/^milvusconf/, '') === wantedKey
    return isMode && value !== undefined ? [{ mode: modeOf(value), path: String(path) }] : []
  }))
}

function inUserYaml(values: Values): TlsSetting | undefined {
  const custom = values['customConfigMap']
  if (typeof custom === 'string' && custom !== '') return undefined
  const text = (values['extraConfigFiles'] as Values | null | undefined)?.['user.yaml']
  if (typeof text !== 'string') return { mode: 0, path: undefined }
  try {
    // The file may hold nothing but comments.
    const value = below(loadAll(text)[0], wantedKey)
    return value === undefined ? { mode: 0, path: undefined } : { mode: modeOf(value), path: 'extraConfigFiles.user.yaml' }
  } catch {
    return undefined
  }
}

/** The value under the keys that together make `rest`: YAML may have them nested, or joined by dots. */
function below(tree: unknown, rest: string): unknown {
  if (rest === '') return tree
  if (!isMap(tree)) return undefined
  return Object.entries(tree).map(([key, value]) => {
    const part = normalized(key)
    return part !== '' && rest.startsWith(part) ? below(value, rest.slice(part.length)) : undefined
  }).find((value) => value !== undefined)
}

/** What is no number is 0 to Milvus. Source: Milvus, pkg/util/paramtable/param_item.go, GetAsInt. */
const modeOf = (value: unknown): TlsMode => ([1, 2] as const).find((mode) => String(value).trim() === String(mode)) ?? 0
