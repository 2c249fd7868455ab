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
    const lines = secret.split(/\r?\n/).map((line) => line.trim())
    const forms = [secret.trim(), ...lines, Buffer.from(secret).toString('base64'), Buffer.from(secret.trim()).toString('base64'), encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]
    for (const form of forms) {
      if (form.length < shortest || /^-----(BEGIN|END) [A-Z0-9 ]+-----$/.test(form) || this.secrets.has(form)) continue
      this.secrets.add(form)
      setSecret(form)
    }
  }

  /**
   * Keeps out of log and summary what may be a secret, by a guess from its name. The runner is not told: it would drop every
   * job output in which the word happens to be.
   */
  conceal(guess: string): void {
    if (guess.length >= shortest) this.guesses.add(guess)
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
