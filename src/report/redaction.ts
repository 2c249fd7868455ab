/** Keeps secrets out of everything that is shown: the runner masks the log, this also what it does not see (outputs, summary). */
import { setSecret } from '@actions/core'

/** Shorter pieces are too common: masking them would eat the log. */
const shortest = 6

/** Remembers secrets and takes them out of texts. */
export class Redactor {
  private readonly secrets = new Set<string>()

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

  /** The text with every secret replaced by ***, longest first so that no rest of one remains. */
  redact(text: string): string {
    return [...this.secrets].sort((a, b) => b.length - a.length).reduce((shown, secret) => shown.replaceAll(secret, '***'), text)
  }
}

/** Keys of helm values under which a secret is likely: their values are masked; others, like ClusterIP, would eat the log. */
const secretKey = /pass|secret|token|credential|key/i

/** The texts in helm values that look like secrets by their key, also in values that are YAML themselves (extraConfigFiles). */
export function secretsInValues(values: unknown, key = ''): string[] {
  if (Array.isArray(values)) return values.flatMap((value) => secretsInValues(value, key))
  if (typeof values === 'object' && values !== null) return Object.entries(values).flatMap(([name, value]) => secretsInValues(value, secretKey.test(key) ? key : name))
  if (typeof values !== 'string' && typeof values !== 'number') return []
  const text = String(values)
  const inside = [...text.matchAll(/^[ \t]*(?:- )?["']?([\w.-]+)["']?[ \t]*:[ \t]*["']?(.+?)["']?[ \t]*$/gm)].flatMap(([, name = '', value = '']) => (secretKey.test(name) ? [value] : []))
  return secretKey.test(key) ? [text, ...inside] : inside
}
