/** Tags of AWS resources. Source: AWS, "Tag naming limits and requirements". */
import { truncateForError } from './annotation-validators.ts'

/** AWS allows 50, of which the controller sets three, and this action one on the certificate. */
const maxUserTags = 46
const maxKeyLength = 128
const maxValueLength = 256

/** What AWS would reject, each continuing `Input tags …`. */
export function validateTags(tags: Readonly<Record<string, string>>): string[] {
  const entries = Object.entries(tags)
  const problems = entries.flatMap(([key, value]) => validateTag(key, value))
  if (entries.length > maxUserTags)
    problems.unshift(
      `contains ${entries.length} tags, but AWS allows 50 including those of the controller`,
    )
  return problems
}

function validateTag(key: string, value: string): string[] {
  const problems: string[] = []
  const shownKey = truncateForError(key)
  if (/^aws:/i.test(key))
    problems.push(`contains ${shownKey}, but the prefix aws: is reserved for AWS`)
  if (key === '' || key.length > maxKeyLength)
    problems.push(`contains a key of ${key.length} characters, but AWS allows 1 to ${maxKeyLength}`)
  if (value.length > maxValueLength)
    problems.push(
      `contains a value of ${value.length} characters for ${shownKey}, ` +
        `but AWS allows ${maxValueLength}`,
    )
  if (/[^\p{L}\p{Z}\p{N}_.:/=+\-@]/u.test(key + value))
    problems.push(
      `contains ${shownKey}: ${truncateForError(value)}, ` +
        'but AWS allows only letters, digits, spaces and _ . : / = + - @',
    )
  return problems
}
