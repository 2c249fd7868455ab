/** Keeps secrets out of everything that is shown: the runner masks the log, this also what it does not see (outputs, summary). */
import { setSecret } from '@actions/core'

/** Shorter pieces are too common: masking them would eat the log. */
const shortest = 6

/** Remembers secrets and takes them out of texts. */
export class Redactor {
  private readonly secrets = new Set<string>()
  private readonly guesses = new Set<string>()

  /** Protects a secret: whole, line by line (the runner masks single lines), and in the encodings in which it travels. */
  protect(secret: string): void {
    const lines = linesOf(secret)
    const isNew = (form: string): boolean => form.length >= shortest && !this.secrets.has(form)
    for (const form of new Set([secret.trim(), ...lines, ...[secret, secret.trim()].flatMap(encodingsOf)].filter(isNew))) {
      this.secrets.add(form)
      setSecret(form)
    }
    // The runner makes these for itself, of what it was told. Source: actions/runner, ValueEncoders.cs.
    for (const form of formsOf(secret, lines).filter(isNew)) this.secrets.add(form)
  }

  /**
   * Keeps out of log and summary what may be a secret, by a guess from its name: as protect does, since whoever refuses an object
   * of helm quotes it as it lies there. The runner is not told: it would drop every job output in which the word happens to be.
   */
  conceal(guess: string): void {
    const lines = linesOf(guess)
    for (const form of [guess, ...lines, ...formsOf(guess, lines)]) if (form.length >= shortest) this.guesses.add(form)
  }

  /** An output's value without what is known to be secret. */
  redactOutput(text: string): string {
    return without(text, this.secrets)
  }

  /** The text with every secret replaced by ***, longest first so that no rest of one remains. */
  redact(text: string): string {
    return without(text, new Set([...this.secrets, ...this.guesses]))
  }
}

const without = (text: string, secrets: ReadonlySet<string>): string => [...secrets].sort((a, b) => b.length - a.length).reduce((shown, secret) => shown.replaceAll(secret, '***'), text)

/** Without those that say of a PEM what it is. */
const linesOf = (secret: string): string[] => secret.split(/\r?\n/).map((line) => line.trim()).filter((line) => !/^-----(BEGIN|END) [A-Z0-9 ]+-----$/.test(line))

/** Every way of writing it but the plain one, of the whole and of each line. */
const formsOf = (secret: string, lines: readonly string[]): string[] => [secret, secret.trim(), ...lines].flatMap((text) => [...encodingsOf(text), ...embeddedIn(text)])

/** Whole, in base64, in a URL and in JSON. */
const encodingsOf = (text: string): string[] => [Buffer.from(text).toString('base64'), encodeURIComponent(text.toWellFormed()), inJson(text)]

const inJson = (text: string): string => JSON.stringify(text).slice(1, -1)

/** As encodingsOf, in the other ways of writing the same: base64 for URLs, forms, small letters in URLs, JSON as Go writes it; and inside of what is in base64 as a whole. */
function embeddedIn(text: string): string[] {
  const bytes = Buffer.from(text)
  const inside = [0, 1, 2].map((before) => {
    const signs = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64').replace(/=+$/, '')
    // Signs that hold bits of a neighbour too may be any: they are left.
    return signs.slice(Math.ceil((before * 8) / 6), (before + bytes.length) % 3 === 0 ? undefined : -1)
  })
  const inUrl = encodeURIComponent(text.toWellFormed())
  return [
    bytes.toString('base64url'), ...inside, ...inside.map((signs) => signs.replaceAll('+', '-').replaceAll('/', '_')),
    inUrl.replace(/%../g, (code) => code.toLowerCase()), new URLSearchParams({ '': text }).toString().slice(1),
    inJson(text).replace(/[<>&\u2028\u2029]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`),
  ]
}
