/** Parsers of YAML: maps of text, and Helm values. Pure. */
import { CORE_SCHEMA, FAILSAFE_SCHEMA, load, type Schema } from 'js-yaml'
import { helmSchema } from '../clients/helm/yaml-schema.ts'
import { InvalidInputError, quoteForError } from './invalid-input.ts'

const mapRemedy = 'Write one "key: value" per line.'

/**
 * Reasons of js-yaml that people meet. Its own message quotes the text around the error, which may
 * be a secret.
 */
const knownSyntaxErrors: readonly {
  readonly reason: RegExp
  readonly problem: string
  readonly remedy: string
}[] = [
  { reason: /tab/, problem: 'tab', remedy: 'Indent with spaces.' },
  { reason: /duplicated mapping key/, problem: 'duplicate key', remedy: 'Use each key once.' },
  {
    reason: /maxDepth/,
    problem: 'more than 100 levels of lists or maps',
    remedy: 'Use fewer levels.',
  },
]

/**
 * @param schema FAILSAFE_SCHEMA keeps each scalar as it was written: 012 does not become 10, and
 *   1.10 does not become 1.1
 * @returns undefined for an empty document
 */
export function parseYaml(
  raw: string,
  schema: Schema = CORE_SCHEMA,
  remedy: string = mapRemedy,
): unknown {
  // js-yaml rejects a document that contains only comments.
  if (raw.split(/\r\n?|\n/).every((line) => /^\s*(#|$)/.test(line))) return undefined
  let document: unknown
  try {
    document = load(raw, { schema })
  } catch (thrown) {
    throw describeSyntaxError(thrown, remedy)
  }
  rejectUnbounded(document)
  return document
}

function describeSyntaxError(thrown: unknown, remedy: string): InvalidInputError {
  const { mark, reason = '' } = thrown as {
    mark?: { line?: number; column?: number }
    reason?: string
  }
  if (mark?.line === undefined) return new InvalidInputError('is not valid YAML.', remedy)
  const line = mark.line + 1
  const known = knownSyntaxErrors.find((error) => error.reason.test(reason))
  if (known)
    return new InvalidInputError(
      `is not valid YAML: ${known.problem} in line ${line}.`,
      known.remedy,
    )
  const column = (mark.column ?? 0) + 1
  return new InvalidInputError(
    `is not valid YAML: syntax error in line ${line}, column ${column}.`,
    remedy,
  )
}

/**
 * Characters and entries of a document with its aliases expanded. Helm stores a whole release in
 * 1 MiB.
 */
const maxDocumentSize = 2 ** 20

/**
 * @throws InvalidInputError for what cannot be stored as JSON: aliases that multiply or refer to
 *   themselves, infinite numbers
 */
export function rejectUnbounded(document: unknown): void {
  const stack = [document]
  for (let size = 0; stack.length > 0;) {
    const value = stack.pop()
    if (typeof value === 'number' && !Number.isFinite(value))
      throw new InvalidInputError(
        'contains a number that is not finite (.inf, .nan).',
        'Use a finite number, or quote it if a string is meant.',
      )
    const children: [string, unknown][] =
      typeof value === 'object' && value !== null ? Object.entries(value) : []
    size += typeof value === 'string' ? value.length : countKeyCharacters(children)
    if (size > maxDocumentSize)
      throw new InvalidInputError(
        'is longer than a million characters with its aliases (*NAME) expanded, ' +
          'or contains aliases that refer to themselves.',
        'Replace the aliases with their values.',
      )
    for (const [, child] of children) stack.push(child)
  }
}

const countKeyCharacters = (entries: readonly (readonly [string, unknown])[]): number =>
  entries.reduce((sum, [key]) => sum + key.length + 1, 0)

function requireMap(value: unknown): Record<string, unknown> {
  if (value === undefined || value === null) return {}
  if (Array.isArray(value))
    throw new InvalidInputError(
      'is a YAML list.',
      'Write one "key: value" per line, without the leading "- ".',
    )
  if (typeof value !== 'object') throw new InvalidInputError('is not a YAML map.', mapRemedy)
  return value as Record<string, unknown>
}

/** Helm values: as in Helm, `no` is false and 0644 is an octal number. */
export function parseHelmValues(raw: string): Record<string, unknown> {
  return requireMap(parseYaml(raw, helmSchema))
}

/** A map of texts, such as annotations and tags: YAML, or `key=value` pairs. */
export function parseTextMap(raw: string): Record<string, string> {
  const isPairList = /^[^={"'\s]+=/.test(raw.trim()) && !/^\S+:\s/m.test(raw)
  if (isPairList) return parsePairs(raw)
  const entries = Object.entries(requireMap(parseYaml(raw, FAILSAFE_SCHEMA)))
  return Object.fromEntries(entries.map(([key, value]) => [key, requireText(key, value)]))
}

function requireText(key: string, value: unknown): string {
  if (typeof value !== 'string')
    throw new InvalidInputError(
      `contains a value of ${quoteForError(key)} that is not a string.`,
      "Use a string, for example key: 'value'.",
    )
  return value
}

/** `a=b,c=d`, or a pair per line. */
function parsePairs(raw: string): Record<string, string> {
  const entries = raw
    .split(/[,\n]/)
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
  return Object.fromEntries(entries.map(parsePair))
}

function parsePair(entry: string): [key: string, value: string] {
  const separator = entry.indexOf('=')
  if (separator < 1)
    throw new InvalidInputError(
      `contains ${quoteForError(entry)}, which is not key=value.`,
      'Write one "key: value" per line, or key=value pairs separated by commas.',
    )
  return [entry.slice(0, separator).trim(), entry.slice(separator + 1).trim()]
}
