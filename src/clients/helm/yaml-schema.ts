/** YAML as Helm reads it: values, and the objects of a manifest. Pure. */
import {
  FAILSAFE_SCHEMA,
  NOT_RESOLVED,
  Schema,
  boolYaml11Tag,
  floatYaml11Tag,
  intYaml11Tag,
  mergeTag,
  nullYaml11Tag,
} from 'js-yaml'

/** 64 binary digits, with sign and prefix. A longer number is not an integer of Go. */
const maxIntegerLength = '-0b'.length + 64

/**
 * An integer of 64 bits. Source: Go, strconv, ParseInt and ParseUint with base 0, to which go-yaml
 * passes the text without underscores.
 * @returns a float64, which is also what Helm makes of every number
 */
function parseInteger(text: string): number | undefined {
  if (text.length > maxIntegerLength) return undefined
  const [, sign = '', digits] =
    /^([-+]?)(0|[1-9]\d*|0o?[0-7]+|0x[\da-f]+|0b[01]+)$/i.exec(text) ?? []
  if (digits === undefined) return undefined
  const magnitude = BigInt(digits.replace(/^0(?=\d)/, '0o'))
  const value = sign === '-' ? -magnitude : magnitude
  const isSigned = BigInt.asIntN(64, value) === value
  const isUnsigned = sign === '' && BigInt.asUintN(64, value) === value
  return isSigned || isUnsigned ? Number(value) : undefined
}

/** Source: go-yaml v2, resolve.go, yamlStyleFloat. What is too large for a float64 is a text. */
function parseDecimal(text: string): number | undefined {
  if (!/^[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?$/.test(text)) return undefined
  const value = Number(text)
  return Number.isFinite(value) ? value : undefined
}

/** go-yaml removes all underscores; after a leading point, Go allows them only between digits. */
const withoutUnderscores = (source: string): string =>
  source.startsWith('.') ? source.replace(/(?<=\d)_(?=\d)/g, '') : source.replaceAll('_', '')

const integerTag: typeof intYaml11Tag = {
  ...intYaml11Tag,
  resolve: (source) => parseInteger(withoutUnderscores(source)) ?? NOT_RESOLVED,
}

const floatTag: typeof floatYaml11Tag = {
  ...floatYaml11Tag,
  resolve: (source, ...options) => {
    if (/^[-+]?\.[a-z]/i.test(source)) return floatYaml11Tag.resolve(source, ...options)
    const text = withoutUnderscores(source)
    return parseInteger(text) ?? parseDecimal(text) ?? NOT_RESOLVED
  },
}

/**
 * YAML 1.1 without dates, and with the numbers of go-yaml: 22:30 is a text, not a number with base
 * 60, and 1e3 and 0o17 are numbers. Source: sigs.k8s.io/yaml; go-yaml v2, resolve.go.
 */
export const helmSchema = new Schema([
  ...FAILSAFE_SCHEMA.tags,
  nullYaml11Tag,
  boolYaml11Tag,
  integerTag,
  floatTag,
  mergeTag,
])
