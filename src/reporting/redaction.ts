/**
 * Keeps secrets out of everything that is shown: the runner masks the log, this also what it does
 * not see (outputs, summary).
 */
import { setSecret } from '@actions/core'

/** Shorter pieces are too common: masking them would eat the log. */
const minSecretLength = 6

/** Remembers secrets and takes them out of texts. */
export class Redactor {
  private readonly secrets = new Set<string>()
  private readonly suspectedSecrets = new Set<string>()

  /**
   * Protects a secret: whole, line by line (the runner masks single lines), and in the encodings in
   * which it travels.
   */
  maskSecret(secret: string): void {
    const lines = splitSecretLines(secret)
    const isNew = (variant: string): boolean =>
      variant.length >= minSecretLength && !this.secrets.has(variant)
    for (const variant of new Set(
      [secret.trim(), ...lines, ...[secret, secret.trim()].flatMap(listCommonEncodings)].filter(
        isNew,
      ),
    )) {
      this.secrets.add(variant)
      setSecret(variant)
    }
    // The runner makes these for itself, of what it was told. Source: actions/runner,
    // ValueEncoders.cs.
    for (const variant of listEncodedVariants(secret, lines).filter(isNew))
      this.secrets.add(variant)
  }

  /**
   * Keeps out of log and summary what may be a secret, by a guess from its name: as protect does,
   * since whoever refuses an object of helm quotes it as it lies there. The runner is not told: it
   * would drop every job output in which the word happens to be.
   */
  redactGuess(suspectedSecret: string): void {
    const lines = splitSecretLines(suspectedSecret)
    for (const variant of [
      suspectedSecret,
      ...lines,
      ...listEncodedVariants(suspectedSecret, lines),
    ])
      if (variant.length >= minSecretLength) this.suspectedSecrets.add(variant)
  }

  /** An output's value without what is known to be secret. */
  redactOutput(text: string): string {
    return redactAll(text, this.secrets)
  }

  /** The text with every secret replaced by ***, longest first so that no rest of one remains. */
  redact(text: string): string {
    return redactAll(text, new Set([...this.secrets, ...this.suspectedSecrets]))
  }
}

const redactAll = (text: string, secrets: ReadonlySet<string>): string =>
  [...secrets]
    .sort((a, b) => b.length - a.length)
    .reduce((redacted, secret) => redacted.replaceAll(secret, '***'), text)

/** Without those that say of a PEM what it is. */
const splitSecretLines = (secret: string): string[] =>
  secret
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => !/^-----(BEGIN|END) [A-Z0-9 ]+-----$/.test(line))

/** Every way of writing it but the plain one, of the whole and of each line. */
const listEncodedVariants = (secret: string, lines: readonly string[]): string[] =>
  [secret, secret.trim(), ...lines].flatMap((text) => [
    ...listCommonEncodings(text),
    ...listUncommonEncodings(text),
  ])

/** Whole, in base64, in a URL and in JSON. */
const listCommonEncodings = (text: string): string[] => [
  Buffer.from(text).toString('base64'),
  encodeURIComponent(text.toWellFormed()),
  escapeJson(text),
]

const escapeJson = (text: string): string => JSON.stringify(text).slice(1, -1)

/**
 * As encodingsOf, in the other ways of writing the same: base64 for URLs, forms, small letters in
 * URLs, JSON as Go writes it; and inside of what is in base64 as a whole.
 */
function listUncommonEncodings(text: string): string[] {
  const bytes = Buffer.from(text)
  const base64Variants = [0, 1, 2].map((offset) => {
    const characters = Buffer.concat([Buffer.alloc(offset), bytes])
      .toString('base64')
      .replace(/=+$/, '')
    // Signs that hold bits of a neighbour too may be any: they are left.
    return characters.slice(
      Math.ceil((offset * 8) / 6),
      (offset + bytes.length) % 3 === 0 ? undefined : -1,
    )
  })
  const urlEncoded = encodeURIComponent(text.toWellFormed())
  return [
    bytes.toString('base64url'),
    ...base64Variants,
    ...base64Variants.map((characters) => characters.replaceAll('+', '-').replaceAll('/', '_')),
    urlEncoded.replace(/%../g, (code) => code.toLowerCase()),
    new URLSearchParams({ '': text }).toString().slice(1),
    escapeJson(text).replace(
      /[<>&\u2028\u2029]/g,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
    ),
  ]
}
