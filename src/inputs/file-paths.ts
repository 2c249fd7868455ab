/**
 * Paths of files. People also set the content of the file, which contains secrets, so such a text
 * is never quoted. Pure.
 */
import { InvalidInputError } from './invalid-input.ts'

/** Characters. Source: Linux, PATH_MAX; an archive or a list of files is no longer either. */
const maxPathLength = 4_096

const decodeBase64 = (text: string): string => Buffer.from(text, 'base64').toString('utf8')

/** Kubeconfigs are often stored in base64. */
const isEncodedContent = (text: string): boolean =>
  text.length > 40 &&
  /^[\w+/=-]+$/.test(text) &&
  /apiVersion|current-context|-----BEGIN/.test(decodeBase64(text))

/** Whether the text is the content of a file, and not the path of one. */
function isFileContent(text: string): boolean {
  const trimmed = text.trim()
  return (
    /[\r\n]|-----BEGIN/.test(trimmed) ||
    /^[{[]/.test(trimmed) ||
    trimmed.length > maxPathLength ||
    isEncodedContent(trimmed)
  )
}

/** @throws InvalidInputError for the content of a file */
export function rejectFileContent(raw: string): void {
  if (!isFileContent(raw)) return
  throw new InvalidInputError(
    'contains the content of a file, where its path is expected.',
    'Write the content to a file on the runner in an earlier step, and set the path of that file.',
  )
}

/** A path, or several as in a PATH. Rejects the content of a file. */
export function parseFilePath(raw: string): string {
  rejectFileContent(raw)
  return raw
}

/** `token: x`, `"client-key-data": "x"`, and other keys whose values are secrets. */
const secretEntryPattern =
  /(?:token|password|passwd|secret|key|key-data)["']?[ \t]{0,9}:[ \t]{0,9}["']?([^\s"',{}]{6,})/gi

/** Lines of the PEM in a text. */
const pemLinePattern = /^\s{0,40}([\w+/=]{32,})\s*$/gm

const findMatches = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map(([, match = '']) => match)

/**
 * The secrets in a text that was set in place of a path; none in a path. Names and keywords are not
 * among them: masking these would make the log of the job unreadable.
 */
export function findMisplacedSecrets(raw: string): string[] {
  const text = raw.trim()
  if (!isFileContent(text)) return []
  const content = isEncodedContent(text) ? decodeBase64(text) : text
  const secrets = [
    ...findMatches(content, secretEntryPattern),
    ...findMatches(content, pemLinePattern),
  ]
  if (content !== text) secrets.push(text)
  return secrets.length > 0 ? secrets : [text]
}
