/**
 * Removes secrets from everything that the action writes. The runner masks only the log, not
 * outputs and summary.
 */
import { setSecret } from '@actions/core'

/** Characters. Shorter pieces are too common: masking them would make the log unreadable. */
export const minSecretLength = 6

/** Knows the secrets of a run, and replaces them in texts. */
export class Redactor {
  private readonly secrets = new Set<string>()
  private readonly suspectedSecrets = new Set<string>()

  /**
   * Masks a secret as a whole, line by line (the runner masks single lines), and in the encodings
   * in which it is sent.
   */
  maskSecret(secret: string): void {
    const lines = splitSecretLines(secret)
    const whole = [secret, secret.trim()]
    for (const variant of [secret.trim(), ...lines, ...whole.flatMap(listCommonEncodings)]) {
      if (variant.length < minSecretLength || this.secrets.has(variant)) continue
      this.secrets.add(variant)
      setSecret(variant)
    }
    // These need no mask: the runner derives them from the masks. Source: actions/runner,
    // ValueEncoders.cs.
    addLongEnough(this.secrets, listEncodedVariants(secret, lines))
  }

  /**
   * Removes a value that is a secret by its name only, in the same variants as `maskSecret`, from
   * log and summary: errors about an object of Helm quote its content. The runner does not get a
   * mask, because it would drop every job output that contains the value.
   */
  redactSuspectedSecret(suspectedSecret: string): void {
    const lines = splitSecretLines(suspectedSecret)
    const encodedVariants = listEncodedVariants(suspectedSecret, lines)
    addLongEnough(this.suspectedSecrets, [suspectedSecret, ...lines, ...encodedVariants])
  }

  /** The value of an output, without known secrets. */
  redactOutput(text: string): string {
    return redactAll(text, this.secrets)
  }

  /** The text, with *** for every known or suspected secret. */
  redact(text: string): string {
    return redactAll(text, new Set([...this.secrets, ...this.suspectedSecrets]))
  }
}

function addLongEnough(secrets: Set<string>, variants: readonly string[]): void {
  for (const variant of variants) if (variant.length >= minSecretLength) secrets.add(variant)
}

/** Replaces the longest secrets first, so that no part of one remains. */
const redactAll = (text: string, secrets: ReadonlySet<string>): string =>
  [...secrets]
    .sort((a, b) => b.length - a.length)
    .reduce((redacted, secret) => redacted.replaceAll(secret, '***'), text)

/** The lines of a secret, without the BEGIN and END lines of a PEM. */
const splitSecretLines = (secret: string): string[] =>
  secret
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => !/^-----(BEGIN|END) [A-Z0-9 ]+-----$/.test(line))

/** Every encoding of the whole and of each line. */
const listEncodedVariants = (secret: string, lines: readonly string[]): string[] =>
  [secret, secret.trim(), ...lines].flatMap((text) => [
    ...listCommonEncodings(text),
    ...listUncommonEncodings(text),
  ])

/** Base64, URL and JSON. */
const listCommonEncodings = (text: string): string[] => [
  Buffer.from(text).toString('base64'),
  encodeURIComponent(text.toWellFormed()),
  escapeJson(text),
]

const escapeJson = (text: string): string => JSON.stringify(text).slice(1, -1)

/**
 * base64url, base64 at any offset within a longer text, URLs in lower case, forms, and JSON as Go
 * writes it.
 */
function listUncommonEncodings(text: string): string[] {
  const bytes = Buffer.from(text)
  const base64Variants = [0, 1, 2].map((offset) => encodeBase64AtOffset(bytes, offset))
  const urlEncoded = encodeURIComponent(text.toWellFormed())
  return [
    bytes.toString('base64url'),
    ...base64Variants,
    ...base64Variants.map(toBase64Url),
    urlEncoded.replace(/%../g, (code) => code.toLowerCase()),
    new URLSearchParams({ '': text }).toString().slice(1),
    escapeJsonAsGo(text),
  ]
}

/** Go also escapes what has a meaning in HTML and JavaScript. */
const escapeJsonAsGo = (text: string): string =>
  escapeJson(text).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )

/**
 * The base64 of `bytes` within a longer text.
 * @param offset bytes of the text before it, modulo 3
 */
function encodeBase64AtOffset(bytes: Buffer, offset: number): string {
  const padded = Buffer.concat([Buffer.alloc(offset), bytes])
  const characters = padded.toString('base64').replace(/={1,2}$/, '')
  // A character that also encodes bits of the neighbouring text is unknown, so it is cut.
  const start = Math.ceil((offset * 8) / 6)
  const end = padded.length % 3 === 0 ? undefined : -1
  return characters.slice(start, end)
}

const toBase64Url = (base64: string): string => base64.replaceAll('+', '-').replaceAll('/', '_')
