/** Input `values` of targets: read as Helm reads it, and merged over that of the defaults. Pure. */
import { load } from 'js-yaml'
import { overlayValues, serializeValues } from '../../clients/helm/values.ts'
import { helmSchema } from '../../clients/helm/yaml-schema.ts'
import { rejectPlaceholder } from '../../inputs/misplaced-values.ts'
import { parseHelmValues, rejectUnbounded } from '../../inputs/yaml.ts'
import { isPlainObject } from '../../util/objects.ts'

/** The part of a targets file that contains Helm values. */
interface FileWithValues {
  readonly defaults?: { readonly values?: unknown }
  readonly targets: readonly { readonly values?: unknown }[]
}

/**
 * A targets file as Helm reads YAML: the rest of the file has no `no` that is false, and no octal
 * numbers.
 * @throws YAMLException
 */
export const loadHelmValues = (text: string): unknown => load(text, { schema: helmSchema })

/**
 * @param file from loadHelmValues; matches the schema of a targets file
 * @param index of the target
 * @returns the text of input `values`; empty when nothing is set
 * @throws InvalidInputError
 */
export function readTargetValues(file: unknown, index: number): string {
  const { defaults, targets } = file as FileWithValues
  const merged = [defaults?.values, targets[index]?.values].map(parseValues).reduce(overlayValues)
  return Object.keys(merged).length === 0 ? '' : serializeValues(merged)
}

function parseValues(values: unknown): Readonly<Record<string, unknown>> {
  if (typeof values === 'string') {
    rejectPlaceholder(values)
    return parseHelmValues(values)
  }
  // Not a map: the parser of the input says so.
  if (typeof values === 'number' || typeof values === 'boolean')
    return parseHelmValues(String(values))
  rejectUnbounded(values)
  return isPlainObject(values) ? values : {}
}
