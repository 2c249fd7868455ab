/** Parsers of lists. Pure. */
import { FAILSAFE_SCHEMA } from 'js-yaml'
import { isMistakenForId, type IdPrefix } from '../controller/annotation-validators.ts'
import { InvalidInputError, invalidValue, quoteForError } from './invalid-input.ts'
import { parseYaml } from './yaml.ts'

const listRemedy = 'Separate the entries by commas or new lines.'

const isEntry = (entry: unknown): entry is string =>
  typeof entry === 'string' && entry.trim() !== ''

const isYamlList = (raw: string): boolean => /^\s*(\[|- )/.test(raw)

/**
 * A list in any of the usual forms: separated by commas, semicolons, new lines or spaces, with
 * quotes or without, or a YAML or JSON list.
 */
export function parseList(raw: string): string[] {
  const entries = isYamlList(raw)
    ? parseYaml(raw, FAILSAFE_SCHEMA, listRemedy)
    : splitPlainList(raw)
  if (!Array.isArray(entries) || !entries.every(isEntry))
    throw invalidValue(raw, 'is not a list of plain entries', listRemedy)
  return entries.map((entry) => entry.trim())
}

const unquote = (entry: string): string => entry.replace(/^(["'])(.*)\1$/, '$2')

const splitPlainList = (raw: string): string[] =>
  raw
    .split(/[\s,;]+/)
    .map(unquote)
    .filter((entry) => entry !== '')

/** Source: EC2, SubnetId and GroupId. */
const isResourceId = (text: string): boolean => /^["']?(subnet|sg)-[0-9a-z]+["']?$/.test(text)

/** IDs or Name tags, in the forms of `list`. */
export const createIdsOrNamesParser =
  (prefix: IdPrefix) =>
  (raw: string): string[] => {
    const names = isYamlList(raw) ? parseList(raw) : splitIdsOrNames(raw)
    for (const name of names) rejectMisreadName(name, prefix)
    return names
  }

/** A Name tag may contain spaces: they separate only IDs. */
const splitIdsOrNames = (raw: string): string[] =>
  raw
    .split(/[\r\n,;]+/)
    .map((entry) => entry.trim())
    .flatMap((entry) => {
      const words = entry.split(/\s+/)
      return words.every(isResourceId) ? words : [entry]
    })
    .map((entry) => unquote(entry).trim())
    .filter((entry) => entry !== '')

/**
 * Rejects a Name tag that the controller would read as something else. Source: its
 * pkg/annotations/parser.go, which splits every list at commas, and `isMistakenForId`.
 */
function rejectMisreadName(name: string, prefix: IdPrefix): void {
  const quoted = quoteForError(name)
  if (name.includes(','))
    throw new InvalidInputError(
      `contains ${quoted}, and the controller splits names at commas.`,
      'Use its ID.',
    )
  if (isMistakenForId(name, prefix))
    throw new InvalidInputError(
      `contains ${quoted}, and the controller reads names that begin with ${prefix} as IDs.`,
      'Use its ID.',
    )
}

/** AWS account IDs, also in the form of the AWS console: 1111-2222-3333. */
export function parseAccountIds(raw: string): string[] {
  const ids = parseList(raw).map((entry) => entry.replace(/^(\d{4})-(\d{4})-(\d{4})$/, '$1$2$3'))
  const invalid = ids.find((id) => !/^\d{12}$/.test(id))
  if (invalid === undefined) return ids
  // Without quotes, YAML reads 012345678901 as a number.
  const isMissingZeros = /^\d{1,11}$/.test(invalid)
  throw new InvalidInputError(
    `contains ${quoteForError(invalid)}, which is not an AWS account ID: those have 12 digits.`,
    isMissingZeros
      ? `Quote the ID: '${invalid.padStart(12, '0')}'. Without quotes, YAML drops leading zeros.`
      : "Use IDs such as '111122223333', separated by commas.",
  )
}
