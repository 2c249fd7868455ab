/** Input allowed-account-ids. */
import { InvalidInputError, quoteForError, list } from './parsers.ts'

/** A list of account ids, also as AWS' console shows them: 1111-2222-3333. */
export function parseAccountIds(raw: string): string[] {
  const ids = list(raw).map((entry) => entry.replace(/^(\d{4})-(\d{4})-(\d{4})$/, '$1$2$3'))
  const invalid = ids.find((id) => !/^\d{12}$/.test(id))
  if (invalid === undefined) return ids
  // 012345678901 without quotes is a number to YAML.
  const isMissingZeros = /^\d{1,11}$/.test(invalid)
  throw new InvalidInputError(
    `has ${quoteForError(invalid)}, which is not the id of an AWS account: that has 12 digits.`,
    isMissingZeros
      ? `Give it in quotes, for example '${invalid.padStart(12, '0')}': without them YAML drops zeros in front.`
      : "Give ids such as '111122223333', separated by commas.",
  )
}
